"""What a training job may do: add versions, and nothing that a gate or production would use by itself.

Every writing method adds exactly one entry to the versions log or raises having added none
(:class:`~registry.errors.OutcomeUnknown` apart), and repeating it with the same ``key`` adds nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime

from registry.clock import say_time
from registry.errors import InvalidRequest, RegisteredOtherwise
from registry.format import keys
from registry.format.entries import Entry, canonical, digest
from registry.format.records import VersionRecord
from registry.log.log import same_act
from registry.model import large_records, transitions
from registry.model.preparation import Preparation
from registry.model.reader import ModelReader
from registry.model.version import Version, version_of


class ModelTrainer(ModelReader):
    """One model with the rights of a training job: to create under ``versions/`` and ``artifacts/``."""

    def register(
        self,
        archive: bytes | None,
        record: VersionRecord,
        *,
        author: str,
        key: str | None = None,
        as_of: datetime | None = None,
    ) -> Version:
        """Upload the archive and add the next version; with the same ``key`` again, give the one there is.

        Without an archive it is a record without artifact, also where ``record`` comes from a version that has one: two
        versions never share an artifact, or giving one of them up would take the other's.

        Raises :class:`RegisteredOtherwise` where ``key`` registered another archive or another record: whoever may
        write to the log could have registered it first, and it would be promoted for what was asked for here.
        """
        keys.check_author(author)
        sha256 = None if archive is None else digest(archive)
        record = dataclasses.replace(
            record, artifact=None, sha256=sha256, size=None if archive is None else len(archive)
        )
        kept, rest = large_records.split(record)
        done = None if key is None else self.versions.done(key)
        if done is not None:
            return self._registered_by(done, record, rest)
        preparation = Preparation(self.access, self.name)
        if archive is not None and sha256 is not None:
            place = keys.artifact_key(self.name, sha256, self.access.new_id())
            preparation.upload(place, archive)
            kept = dataclasses.replace(kept, artifact=place)
        if rest is not None and kept.moved is not None:
            place = keys.artifact_key(self.name, kept.moved["sha256"], self.access.new_id())
            preparation.upload(place, rest)
            kept = dataclasses.replace(kept, moved={**kept.moved, "key": place})
        build = preparation.in_time(transitions.registered(kept))
        entry = self.versions.append(build, author=author, key=key, as_of=as_of, head_known=key is not None)
        return self._registered_by(entry, record, rest)

    def _registered_by(self, entry: Entry, asked: VersionRecord, rest: bytes | None) -> Version:
        """The version that ``entry`` registered, if it is the one ``asked`` for; ``rest``: what its entry has no room
        for."""
        version = version_of(same_act(entry, entry.kind == "registered"))
        moved = version.record.moved
        if moved is not None and rest is not None and moved["sha256"] == digest(rest):  # known without a request
            version = dataclasses.replace(version, record=large_records.whole(version.record, rest, where=moved["key"]))
        return _same_version(self.complete(version), entry.model, asked)

    def tag(self, tag: str, version: str | int | None, *, author: str, key: str | None = None) -> Entry:
        """Give a version a second name (or with None take it away)."""
        keys.check_author(author)
        if keys.check_name(tag, "tag") in ("latest", "champion") or keys.is_version(tag):
            raise InvalidRequest(f"'{tag}' cannot be a tag: it means a version already")
        name = None if version is None else keys.version_name(keys.version_number(version))
        return self.versions.append(transitions.tagged(tag, name), author=author, key=key, kinds=("tagged",))

    def retire(self, versions: Sequence[str | int], *, author: str, reason: str, key: str | None = None) -> Entry:
        """Give up the artifacts of versions: ``gc`` removes them after the grace period, their records stay.

        Refused for the champion and the last ten champions.
        """
        keys.check_author(author)
        keys.check_text(reason, "reason")
        if key is not None and (done := self.versions.done(key, ("retired",))) is not None:
            return done
        names = [keys.version_name(keys.version_number(version)) for version in versions]
        if not names:
            raise InvalidRequest("name at least one version to retire")
        protected = self.protected_versions()
        wrong = [name for name in names if name in protected]
        if wrong:
            raise InvalidRequest(f"{', '.join(wrong)} cannot be retired: the champion or one of the last ten champions")
        return self.versions.append(transitions.retired(names, reason), author=author, key=key, kinds=("retired",))


_GIVEN_OR_CHANGING = ("version", "artifact", "seconds", "environment", "source_revision")
"""Fields in which the same work may differ when it is done again: the registry's, and of the run that did it."""


def _same_version(version: Version, model: str, asked: VersionRecord) -> Version:
    """``version``, if it is the one ``asked`` for; a key that did other work cannot be used again for this."""
    found, wanted = version.record.to_dict(), json.loads(canonical(asked.to_dict()))
    differing = [
        name for name in sorted({*found, *wanted} - {*_GIVEN_OR_CHANGING}) if found.get(name) != wanted.get(name)
    ]
    if differing:
        raise RegisteredOtherwise(
            f"{version} of {model} was registered for this work by {version.author} at "
            f"{say_time(version.registered_at)} with another {', '.join(differing)}: it is not used, and nothing was "
            f"written. If the libraries or the code were changed between two runs of a night, train with another seed; "
            f"if not, somebody registered it in this run's place: see `registry show {version}`"
        )
    return version
