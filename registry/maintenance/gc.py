"""Collecting garbage: what no entry names, what was retired, segments that are damaged or folded into larger ones.

::

    print(collect(model))                      # what would go: nothing is touched
    collect(model, dry_run=False)

Why no writer is harmed, without a lock. All ages are by the store's own clock; ``grace`` is at least that of every
writer; a request that a client gave up waiting for lands within half of it, a listing is not staler than that.

**Orphans.** An artifact or evidence file is uploaded, then named by an entry that is committed less than half a grace
after the upload began (:class:`~registry.errors.UploadTooOld` otherwise). Objects are listed with their ages first and
the logs are read after that, so one that was older than a grace when it was listed is named in what is read, or never.

**Retired artifacts.** A promotion looks whether its version is retired at some moment and commits less than half a
grace later. Looked after the retiring entry, it is refused. Looked before it, it is committed less than a grace after
that entry. The collector takes the age of the retiring entry first and reads the newest decision after: where that age
is over a grace, every promotion that could still have happened is in what it reads, and where the champion or one of
the last ten champions is the version, it stays. A promotion does not look at all while its version is younger than half
a grace, and then commits before it is a whole grace old: so nothing goes whose artifact is not older than two. What
another version or entry names too stays as long as that needs it, whoever wrote the name.

**Later versions** of this package may add kinds of entries and fields that name objects. A name counts wherever it
stands in an entry; so what it names is no orphan, and an artifact named in a kind or field that is not known here stays
though its version is retired.

**Newest entries** are asked for by their keys until one is not there: a stale listing is not believed. Where a log is
damaged nothing is removed, since what it would have named is not known.

**Retention.** Artifacts of versions that never were champion are retired after 90 nights by entries of the author
``gc``, and removed by a later run. Their records stay. Who was champion once is retired by a person only.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from registry.errors import InvalidRequest, NotFound
from registry.format import keys
from registry.format.entries import Entry, key_digest
from registry.format.records import VersionRecord
from registry.log import segments
from registry.log.log import Log
from registry.log.parallel import Progress, quiet
from registry.model import transitions
from registry.model.evidence import named_by
from registry.model.replacements import Replacement, in_entry, replacements
from registry.model.retention import is_retired, mentioned_objects, object_digest, unknown_objects
from registry.model.roles import Model
from registry.model.transitions import protected_versions
from registry.store import Stored

NIGHTS_KEPT = 90
"""Artifacts of versions that never were champion go when this many later nights are registered."""

AUTHOR = "gc"
_AT_ONCE = 400  # versions retired by one entry: their names stay below 4 KiB


@dataclass(frozen=True)
class Garbage:
    """One object that goes: its key, its bytes, and why (``orphan``, ``retired``, ``damaged`` or ``folded``)."""

    key: str
    size: int
    why: str


@dataclass(frozen=True)
class Collected:
    """What was removed (or would be, in a dry run), and the versions that were (would be) retired.

    ``waiting``: bytes of artifacts that are retired and not yet removable, those retired by this run included.
    """

    model: str
    dry_run: bool
    garbage: tuple[Garbage, ...]
    retired: tuple[str, ...]
    waiting: int

    @property
    def bytes(self) -> int:
        return sum(garbage.size for garbage in self.garbage)

    def __str__(self) -> str:
        done = "would be" if self.dry_run else "were"
        return (
            f"{self.model}: {len(self.garbage)} objects ({self.bytes / 1e6:,.1f} MB) {done} removed, "
            f"{len(self.retired)} versions {done} retired; {self.waiting / 1e6:,.1f} MB wait for the grace period"
        )


def collect(
    model: Model,
    *,
    dry_run: bool = True,
    nights_kept: int = NIGHTS_KEPT,
    progress: Progress = quiet,
) -> Collected:
    """Remove the garbage of one model and retire what retention gives up; by default only say what would go.

    May run beside writers and other collectors, and be cut off and repeated at any time. The model's ``grace`` must not
    be shorter than any writer's. Raises :class:`Corrupt` where a log is damaged (nothing was removed).
    """
    if nights_kept < 1:
        raise InvalidRequest(f"the artifacts of at least 1 night must be kept, not of {nights_kept}")
    grace = model.grace
    listed = list(_objects(model))
    folded = list(model.store.stat(f"{keys.model_prefix(model.name)}segments/"))
    versions = _ReadLog.of(model.versions)
    ages = _retired_for(model, versions, {stored.key for stored in listed})
    decisions = _ReadLog.of(model.decisions)
    protected = protected_versions(decisions.newest)

    named = {key for past in (versions, decisions) for key in past.named}
    orphans = [
        Garbage(stored.key, stored.size, "orphan")
        for stored in listed
        if stored.key not in named and stored.age > grace
    ]
    users = _users(versions, decisions)
    otherwise = {key for past in (versions, decisions) for key in past.otherwise}
    given_up = [
        stored
        for stored in listed
        if stored.key in users and stored.key not in otherwise and users[stored.key] <= ages.keys() - protected
    ]
    retired = [
        stored
        for stored in given_up
        if min(ages[user] for user in users[stored.key]) > grace and stored.age > 2 * grace
    ]
    garbage = [*orphans, *(Garbage(stored.key, stored.size, "retired") for stored in retired)]
    garbage += _segments(model, folded, {log.name: past.digests for log, past in _logs(model, versions, decisions)})
    outlived = _outlived(versions, decisions, protected, nights_kept)

    if not dry_run:
        for done, stored in enumerate(garbage):
            progress("removing", done, len(garbage))
            model.store.delete(stored.key)
        _retire(model, outlived, nights_kept)
    waiting = {stored.key: stored.size for stored in given_up if stored not in retired}
    waiting |= {stored.key: stored.size for stored in listed if users.get(stored.key, set()) & {*outlived}}
    return Collected(model.name, dry_run, tuple(garbage), tuple(outlived), sum(waiting.values()))


@dataclass
class _ReadLog:
    """A whole log as it was read, newest entry first: what it names, registers and retires."""

    newest: Entry | None = None
    named: set[str] = field(default_factory=set)
    otherwise: set[str] = field(default_factory=set)
    """What is named, but not as a version's artifact."""
    digests: dict[int, str] = field(default_factory=dict)
    registered: dict[int, VersionRecord] = field(default_factory=dict)
    nights: dict[str, str] = field(default_factory=dict)
    """The night of each version: its own, or the day it was registered."""
    retiring: list[Entry] = field(default_factory=list)
    crowned: set[str] = field(default_factory=set)
    replaced: list[Replacement] = field(default_factory=list)

    @classmethod
    def of(cls, log: Log) -> _ReadLog:
        past = cls(log.newest())
        if past.newest is None:
            return past
        past.digests[past.newest.n] = past.newest.digest
        for entry in itertools.chain([past.newest], segments.older(log, past.newest)):
            past._add(entry)
        return past

    def _add(self, entry: Entry) -> None:
        self.named.update(mentioned_objects(entry))
        self.otherwise.update(named_by(entry), unknown_objects(entry))
        if entry.previous is not None:
            self.digests[entry.n - 1] = entry.previous
        if entry.kind == "registered":
            record = self.registered[entry.n] = VersionRecord.from_dict(entry.body["version"])
            self.nights[record.version] = record.night or f"{entry.time:%Y-%m-%d}"
        elif entry.kind == "retired":
            self.retiring.append(entry)
        elif entry.kind in transitions.CHAMPION_KINDS:
            self.crowned.add(entry.body["version"])
        self.replaced.extend(in_entry(entry))


def _objects(model: Model) -> Iterator[Stored]:
    """Artifacts and evidence files with their ages; keys that no writer of this package makes are left alone."""
    for folder in ("artifacts", "evidence"):
        for stored in model.store.stat(f"{keys.model_prefix(model.name)}{folder}/"):
            if object_digest(model.name, stored.key) is not None:
                yield stored


def _users(versions: _ReadLog, decisions: _ReadLog) -> dict[str, set[str]]:
    """By key of an artifact, the versions that name it, or whose archive it took the place of: one, unless a trainer
    wrote another's into its own record."""
    users: dict[str, set[str]] = {}
    for record in versions.registered.values():
        if record.artifact is not None:
            users.setdefault(record.artifact, set()).add(record.version)
    for replacement in decisions.replaced:
        users.setdefault(replacement.key, set()).add(replacement.version)
    return users


def _retired_for(model: Model, versions: _ReadLog, present: set[str]) -> dict[str, timedelta]:
    """How long each retired version whose artifact is ``present`` is retired: the age of the first entry saying so."""
    left = {record.version for record in versions.registered.values() if record.artifact in present}
    left |= {each.version for each in replacements(model.decisions).values() if each.key in present}
    ages: dict[str, timedelta] = {}
    for entry in versions.retiring:  # newest first: an older entry's age takes the place of a newer one's
        names = left.intersection(entry.body["versions"])
        if names:
            key = keys.entry_key(model.name, model.versions.name, entry.n)
            age = next((stored.age for stored in model.store.stat(key) if stored.key == key), timedelta(0))
            ages.update(dict.fromkeys(names, age))
    return ages


def _logs(model: Model, versions: _ReadLog, decisions: _ReadLog) -> Iterator[tuple[Log, _ReadLog]]:
    return zip((model.versions, model.decisions), (versions, decisions), strict=True)


def _segments(model: Model, listed: Iterable[Stored], digests: dict[str, dict[int, str]]) -> Iterator[Garbage]:
    """Segments that are not what they should be, and small ones that a sound large one holds."""
    sound: list[tuple[Stored, segments.Segment]] = []
    for stored in listed:
        candidates = (segments.segment_of(model.name, log, stored.key) for log in keys.LOGS)
        segment = next((segment for segment in candidates if segment is not None), None)
        if segment is None:
            continue
        try:
            data = model.store.get(stored.key)
        except NotFound:
            continue  # another collector was faster
        if segments.is_sound(data, segment, digests[segment.log]):
            sound.append((stored, segment))
        else:
            yield Garbage(stored.key, stored.size, "damaged")
    for stored, segment in sound:
        if segments.covered(segment, (other for _, other in sound if other.log == segment.log)):
            yield Garbage(stored.key, stored.size, "folded")


def _outlived(versions: _ReadLog, decisions: _ReadLog, protected: set[str], nights_kept: int) -> list[str]:
    """The versions to retire now, oldest first: never champion, and so many later nights registered."""
    nights = sorted(set(versions.nights.values()))
    if len(nights) <= nights_kept or versions.newest is None:
        return []
    last = nights[-nights_kept - 1]
    state = versions.newest.state
    return [
        record.version
        for _, record in sorted(versions.registered.items())
        if record.artifact is not None
        and versions.nights[record.version] <= last
        and record.version not in decisions.crowned | protected
        and not is_retired(state, record.number)
    ]


def _retire(model: Model, names: list[str], nights_kept: int) -> None:
    """Retire versions, some hundred an entry; two collectors that retire the same add it once."""
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        reason = f"never champion, and older than {nights_kept} nights"
        model.retire(some, author=AUTHOR, reason=reason, key=key_digest(["gc", model.name, some]))
