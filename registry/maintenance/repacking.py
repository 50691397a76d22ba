"""Repacking: a copy to go on with, whose archives of older formats are smaller and say the same.

::

    done = repack(Registry("models").model(name), Registry("repacked").model(name), author="ann")
    print(done)                 # how many archives became smaller; done.kept: which did not, and why

The logs are copied byte for byte, with every signature that is in them. Of the archives, those that hold an estimator
beside its arrays are made arrays alone (:mod:`registry.archive.repacking`, which proves the scores the same), and
``repacked`` entries at the end of the copy's decisions log name the digest of each old archive and the new one: who
wrote them, with their key where decisions are signed, vouches for that (:mod:`registry.model.replacements`).

The archives of the champion and of the last ten champions stay as they are. Production loads what a promoter signed and
nothing else, at no further request. An archive for which the proof fails stays too.

The history of the copy has entries that the source has not: it takes the place of the source. Cut off, it goes on when
it is called again, as long as nothing was decided at the source meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.archive.archive import Archive, unpack
from registry.archive.repacking import is_old, repacked
from registry.errors import ArtifactMissing, InvalidRequest, KeyRefused, NotFound, NotPortable, UnsafeArtifact
from registry.format import keys
from registry.format.entries import digest, key_digest
from registry.format.records import VersionRecord
from registry.log.parallel import Progress, quiet
from registry.maintenance.copying import UNTRUSTED, Copied, must_be_clean
from registry.maintenance.copying import copy as copied_without
from registry.maintenance.verify import verify
from registry.model import transitions
from registry.model.preparation import Preparation
from registry.model.reader import ModelReader
from registry.model.replacements import KIND, replacements

_AT_ONCE = 16
"""Archives that one entry names: 3.7 KB beside the fullest state, as much as a decision may say."""

_OF_CHAMPIONS = "it is the champion's, or of one of the last ten champions: production loads what was signed for it"


@dataclass(frozen=True)
class Repacked:
    """What was copied, how many archives are now smaller, their bytes before and after, and by version why others of an
    older format stay as they were."""

    copied: Copied
    archives: int
    bytes_before: int
    bytes_after: int
    kept: Mapping[str, str]

    def __str__(self) -> str:
        return (
            f"{self.copied}; {self.archives} archives repacked from {self.bytes_before / 1e6:,.1f} to "
            f"{self.bytes_after / 1e6:,.1f} MB, {len(self.kept)} kept as they were"
        )


def repack(source: ModelReader, target: ModelReader, *, author: str, progress: Progress = quiet) -> Repacked:
    """Make ``target`` a copy of ``source`` with smaller archives. Nobody should write to either.

    Raises what :func:`registry.maintenance.copying.copy` raises; :class:`InvalidRequest` also where something was
    decided at the source since its copy was repacked, or where the source has no id; :class:`KeyRefused` where
    decisions are signed, or keys are trusted, and ``target`` has no key that readers would believe.
    """
    keys.check_author(author)
    _check_has_id(source)
    _check_signer(source, target)
    done = replacements(target.decisions)
    records = [version.record for version in source.history(progress=progress)]
    old = [
        record
        for count, record in enumerate(records)
        if record.version not in done and _is_old(source, record, count, len(records), progress)
    ]
    protected = source.protected_versions()
    wanted = [record for record in old if record.version not in protected]
    without = {str(record.artifact) for record in (*wanted, *(each for each in records if each.version in done))}
    copied = copied_without(source, target, without=without, progress=progress)
    work = _Repacking(source, target, author)
    for start in range(0, len(wanted), _AT_ONCE):
        progress("repacking archives", start, len(wanted))
        work.add(wanted[start : start + _AT_ONCE])
    must_be_clean(verify(target, progress=progress), target, but=UNTRUSTED)
    champions = {record.version: _OF_CHAMPIONS for record in old if record.version in protected}
    return Repacked(copied, work.archives, work.before, work.after, {**champions, **work.kept})


def _check_has_id(source: ModelReader) -> None:
    """Entries name the registry that they were written in: the copy's could not be those of a source without id."""
    found = source.access.root.look()
    if found is not None and found.id is None:
        raise InvalidRequest(
            f"{source.store.url} is of format 1 and has no id yet, which entries of its copy would name: give it "
            f"one by `registry init --registry {source.store.url}`, then repack"
        )


def _check_signer(source: ModelReader, target: ModelReader) -> None:
    """Refuse before anything is written where readers would not believe who vouches for the new archives."""
    head, signer, trusted = source.decisions.head(), target.access.signer, target.access.trusted
    signed = head is not None and (head.signature is not None or "signature" in (head.state.get("champion") or {}))
    if trusted is not None and not trusted.may_promote(signer):
        raise KeyRefused(
            f"only a promoter's key that is trusted may vouch for repacked archives of {source.name}: readers would "
            "refuse them (RETRAIN_TRUSTED_PROMOTERS says whose; RETRAIN_SIGNING_KEY names the file with the key)"
        )
    if signed and (signer is None or signer.role != "promoter"):
        raise KeyRefused(
            f"the decisions of {source.name} are signed, so that repacked archives need a promoter's signature too: "
            "name its file with --signing-key or RETRAIN_SIGNING_KEY"
        )


def _is_old(source: ModelReader, record: VersionRecord, count: int, of: int, progress: Progress) -> bool:
    progress("looking at archives", count, of)
    archive = _opened(source, record)
    return archive is not None and is_old(archive)


def _opened(source: ModelReader, record: VersionRecord) -> Archive | None:
    """None where it is not there (retired and collected) or is none that this package reads: it is copied as it is."""
    if record.artifact is None:
        return None
    key, sha256 = str(record.artifact), str(record.sha256)
    try:
        return unpack(source.store.get(key), sha256=sha256, where=f"{source.store.url}/{key}")
    except (NotFound, UnsafeArtifact):
        return None


class _Repacking:
    """One repacking: what became smaller, and what did not."""

    def __init__(self, source: ModelReader, target: ModelReader, author: str) -> None:
        self.source, self.target, self.author = source, target, author
        self.archives = self.before = self.after = 0
        self.kept: dict[str, str] = {}

    def add(self, records: Sequence[VersionRecord]) -> None:
        """Upload smaller archives of some versions, and the entry that names them."""
        access, name = self.target.access, self.target.name
        preparation = Preparation(access, name)
        replaced: dict[str, dict[str, str | int]] = {}
        for record in records:
            data = self._repacked(record)
            if data is None:
                continue
            key = keys.artifact_key(name, digest(data), access.new_id())
            preparation.upload(key, data)
            place = key.removeprefix(keys.model_prefix(name))
            replaced[record.version] = {"sha256": str(record.sha256), "artifact": place, "size": len(data)}
        if replaced:
            build = preparation.in_time(transitions.repacked(replaced, "arrays alone, the same scores"))
            work = key_digest([KIND, name, {version: said["sha256"] for version, said in replaced.items()}])
            self.target.decisions.append(build, author=self.author, key=work, kinds=(KIND,))

    def _repacked(self, record: VersionRecord) -> bytes | None:
        """The smaller archive; None where there is none, and the target has it as it was."""
        key = str(record.artifact)
        archive = _opened(self.source, record)
        if archive is None:
            raise ArtifactMissing(
                f"{self.source.store.url}/{key} was removed while {self.source.name} was repacked: repack again"
            )
        try:
            data = repacked(archive)
        except (NotPortable, UnsafeArtifact) as error:
            self.kept[record.version] = str(error)
            Preparation(self.target.access, self.target.name).upload(key, self.source.store.get(key))
            return None
        self.archives += 1
        self.before += int(record.size or 0)
        self.after += len(data)
        return data
