"""Copying a model's logs, artifacts and evidence from one store to another: backup and restore.

::

    copy(Registry("models").model(name), Registry("s3://backup/models").model(name))

Everything is copied byte for byte under the same keys, so a copy is a registry like any other, and an object that is
lost in one can be put back from the other. Segments are left out: ``registry fold`` makes them. The source is verified
before and the target after. What an entry names is copied before it and entries in their order, so that a copy that was
cut off is whole up to some entry; copied again, it adds what is missing, and nothing where nothing is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from registry.errors import ArtifactMissing, Corrupt, Exists, InvalidRequest, NotFound
from registry.format import keys
from registry.format.entries import parse
from registry.log.log import Log
from registry.log.parallel import Progress, in_order, quiet
from registry.maintenance.findings import Verified
from registry.maintenance.verify import verify
from registry.model.reader import ModelReader
from registry.model.retention import mentioned_objects

_BATCH = 100  # entries whose objects are copied together; what is copied and not yet named stays minutes, not hours
UNTRUSTED = ("untrusted champion", "untrusted entry")  # nothing is lost: a backup holds what there is
_LOOKS = 2
"""How often the source is looked at: once more where something was removed from it meanwhile, since an entry that was
added meanwhile may have given it up."""
_COUNTED = ("entries", "objects", "bytes")
_FIXED = ("missing artifact", "missing evidence", "cut log")  # what copying puts back


@dataclass(frozen=True)
class Copied:
    """What was added to the target: entries, objects that they name, and the bytes of both."""

    model: str
    entries: int
    objects: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.model}: {self.entries} entries and {self.objects} objects copied ({self.bytes / 1e6:,.1f} MB)"


def copy(
    source: ModelReader, target: ModelReader, *, without: Collection[str] = (), progress: Progress = quiet
) -> Copied:
    """Make ``target`` hold what ``source`` holds. Writers and ``gc`` may go on at the source; nobody should
    write to the target. ``without``: keys of artifacts that are left out, for who puts others in their place.

    Raises :class:`InvalidRequest` where the target is another registry or has another history, or the models differ in
    name, :class:`Corrupt` where the source, or the target before or after, is not clean, :class:`ArtifactMissing` where
    an object that an entry needs was removed from the source meanwhile.
    """
    if source.name != target.name:
        raise InvalidRequest(f"{source.name} cannot be copied to {target.name}: entries hold the name of their model")
    must_be_clean(_verified(source, progress), source, but=UNTRUSTED)
    must_be_clean(verify(target, progress=progress), target, but=(*_FIXED, *UNTRUSTED))
    target.access.root.adopt(source.access.root)
    done, gone = Copied(source.name, 0, 0, 0), set[str]()
    for _ in range(_LOOKS):
        work = _copied(source, target, without, progress)
        gone |= work.removed
        done = Copied(source.name, *(getattr(done, name) + getattr(work, name) for name in _COUNTED))
        report = verify(target, progress=progress)
        removed = [each for each in report.findings if each.kind in _FIXED and each.key in gone]
        if not removed:
            break
    else:
        needed = removed[0].words.rpartition(", ")[2]
        raise ArtifactMissing(
            f"{removed[0].key} was removed from {source.store.url} while {source.name} was copied, and is {needed}: "
            "everything else was copied; put it back from another copy, or retire its version, and copy again"
        )
    must_be_clean(report, target, but=UNTRUSTED, without=without)
    return done


def _copied(source: ModelReader, target: ModelReader, without: Collection[str], progress: Progress) -> _Copying:
    # decisions name versions; each log by itself, since in a copy that was cut off one may lack what the other saw
    pairs = [
        (Log(source.access, source.name, name), Log(target.access, target.name, name)) for name in reversed(keys.LOGS)
    ]
    counts = [_common_history(origin, copied) for origin, copied in pairs]
    counts = _with_what_was_seen([origin for origin, _ in pairs], counts)
    work = _Copying(source, target, without, progress)
    for (origin, _), (last, present) in reversed([*zip(pairs, counts, strict=True)]):
        work.copy_log(origin, last, present)
    return work


def _verified(source: ModelReader, progress: Progress) -> Verified:
    """Once more where something is missing: ``gc`` may have taken it after the logs were read."""
    report = verify(source, progress=progress)
    return verify(source, progress=progress) if any(each.kind in _FIXED for each in report.findings) else report


def must_be_clean(
    report: Verified, model: ModelReader, *, but: tuple[str, ...] = (), without: Collection[str] = ()
) -> None:
    wrong = [
        finding
        for finding in report.findings
        if finding.severity != "note"
        and finding.kind not in but
        and not (finding.kind == "missing artifact" and finding.key in without)
    ]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise Corrupt(f"{model.name} in {model.store.url} is not clean: {wrong[0]}{more}; see `registry verify`")


def _common_history(source: Log, target: Log) -> tuple[int, int]:
    """The newest entries of both, if one history begins with the other."""
    origin, copied = source.head(), target.head()
    last, present = (0 if head is None else head.n for head in (origin, copied))
    shared = min(last, present)
    if shared and source.read(shared).digest != target.read(shared).digest:
        raise InvalidRequest(
            f"{target.prefix} in {target.store.url} has another history than in {source.store.url} (entry {shared} "
            "differs): nothing was copied; copy to an empty place"
        )
    return last, present


def _with_what_was_seen(logs: list[Log], counts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """``counts`` with the later end of a log where what is copied of the other saw more of it: the copy would tell of
    entries that it lacks. Both ends are read one after the other, and writers go on."""
    ends = [last for last, _ in counts]
    while True:
        seen = [log.read(last).seen if last else None for log, last in zip(logs, ends, strict=True)]
        wanted = [max(end, int((told or {}).get("n", 0))) for end, told in zip(ends, reversed(seen), strict=True)]
        if wanted == ends:
            return [(end, present) for end, (_, present) in zip(ends, counts, strict=True)]
        ends = wanted


class _Copying:
    """One copying: what is there already, and what was added."""

    def __init__(self, source: ModelReader, target: ModelReader, without: Collection[str], progress: Progress) -> None:
        self.model = source.name
        self.source, self.target = source.store, target.store
        self.progress = progress
        prefix = keys.model_prefix(self.model)
        self.at_source, self.at_target = (set(store.list(prefix)) for store in (self.source, self.target))
        self.at_source.difference_update(without)
        self.removed: set[str] = set()
        """What was listed at the source and gone when it was read: ``gc`` runs beside this."""
        self.entries = self.objects = self.bytes = 0

    def copy_log(self, log: Log, last: int, present: int) -> None:
        """Entries 1 to ``last`` of the source's log and what they name; the target has the first ``present``."""
        for start in range(1, last + 1, _BATCH):
            self.progress(f"copying {log.name}", start, last)
            numbers = range(start, min(start + _BATCH, last + 1))
            names = [keys.entry_key(self.model, log.name, n) for n in numbers]
            batch = [*zip(numbers, names, in_order(self.source.get, names), strict=True)]
            self._copy_objects([data for _, _, data in batch])
            for n, key, data in batch:
                if n > present:
                    self.bytes += self._put(key, data)
                    self.entries += 1

    def _copy_objects(self, entries: list[bytes]) -> None:
        """What the entries name anywhere and the target lacks; what gc took from the source cannot be copied."""
        named = [
            key
            for data in entries
            for key in sorted(mentioned_objects(parse(data, where=f"an entry of {self.source.url}")))
        ]
        lacking = [key for key in dict.fromkeys(named) if key in self.at_source and key not in self.at_target]
        for key, size in in_order(self._copy_object, lacking):
            if size is None:
                self.removed.add(key)
                continue
            self.objects += 1
            self.bytes += size
            self.at_target.add(key)

    def _copy_object(self, key: str) -> tuple[str, int | None]:
        try:
            return key, self._put(key, self.source.get(key))
        except NotFound:
            return key, None

    def _put(self, key: str, data: bytes) -> int:
        try:
            self.target.create(key, data)
        except Exists as error:
            if self.target.get(key) != data:
                raise InvalidRequest(
                    f"{self.target.url}/{key} holds something else: somebody writes to the target; what was copied is "
                    "whole, copy to an empty place"
                ) from error
        return len(data)
