"""What a training job may: add versions, and nothing that production would use by itself.

Every writing method adds exactly one entry to the versions log or raises having added none
(:class:`~registry.errors.OutcomeUnknown` apart), and repeating it with the same ``key`` adds nothing.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

from registry.errors import Exists, InvalidRequest, OutcomeUnknown, StoreUnavailable, UploadTooOld
from registry.format import keys
from registry.format.entries import Entry, digest
from registry.format.records import VersionRecord
from registry.log.log import Build, Draft, done_as
from registry.log.parallel import Progress, quiet
from registry.log.segments import Folded, fold
from registry.model import transitions
from registry.model.reader import ModelReader, Version, version_of

_UPLOAD_TRIES = 5


class ModelTrainer(ModelReader):
    """One model with the rights of a training job."""

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
        """
        keys.check_author(author)
        done = None if key is None else self.versions.done(key)
        if done is not None:
            return _registered_by(done)
        uploaded = self._clock.monotonic()
        record = dataclasses.replace(record, artifact=None, sha256=None, size=None)
        if archive is not None:
            sha256 = digest(archive)
            place = keys.artifact_key(self.name, sha256, self._new_id())
            self._upload(place, archive)
            record = dataclasses.replace(record, artifact=place, sha256=sha256, size=len(archive))
        build = self._fresh(transitions.registered(record), uploaded)
        entry = self.versions.append(build, author=author, key=key, as_of=as_of, looked=key is not None)
        return _registered_by(entry)

    def tag(self, tag: str, version: str | int | None, *, author: str, key: str | None = None) -> Entry:
        """Give a version a second name (or with None take it away)."""
        keys.check_author(author)
        if keys.check_name(tag, "tag") in ("latest", "champion") or keys.is_version(tag):
            raise InvalidRequest(f"'{tag}' cannot be a tag: it means a version already")
        name = None if version is None else keys.version_name(keys.version_number(version))
        return self.versions.append(transitions.tagged(tag, name), author=author, key=key, kinds=("tagged",))

    def fold(self, *, progress: Progress = quiet) -> Folded:
        """Fold runs of old entries of both logs, so that history is few requests (see :mod:`registry.log.segments`)."""
        versions, decisions = (fold(log, progress=progress) for log in (self.versions, self.decisions))
        return Folded((*versions.segments, *decisions.segments), versions.bytes + decisions.bytes)

    def _upload(self, key: str, data: bytes) -> None:
        """Store an object under a key that no other operation uses; asked again until it is known to be there.

        While that is not known nothing names the object, so the operation as a whole did not happen.
        """
        for attempt in range(_UPLOAD_TRIES):
            if attempt:
                self._clock.sleep(0.2 * 2**attempt)
            try:
                return self.store.create(key, data)
            except Exists:
                return None  # ours: the answer to an earlier try was lost
            except OutcomeUnknown as error:
                unknown = error
        raise StoreUnavailable(
            f"{self.store.url} did not answer the upload of {key}: nothing was added to the log; repeat the operation"
        ) from unknown

    def _fresh(self, build: Build, uploaded: float) -> Build:
        """Refuse a commit so long after the upload that ``gc`` might take what it names for garbage."""

        def checked(head: Entry | None, n: int, time: datetime) -> Draft:
            if self._clock.monotonic() - uploaded > self._grace.total_seconds() / 2:
                raise UploadTooOld(
                    f"{self.name}: what was uploaded waited over {self._grace / 2} for its log entry; nothing was "
                    "written; repeat the operation"
                )
            return build(head, n, time)

        return checked


def _registered_by(entry: Entry) -> Version:
    """The version that ``entry`` registered; a key that did other work cannot be used again for this."""
    return version_of(done_as(entry, entry.kind == "registered"))
