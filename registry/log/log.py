"""One append-only log: its newest entry, any entry, and the conditional write that adds the next.

Entry ``n + 1`` is added by creating its key, which fails where it exists: of any number of writers one wins, the others
read what won and try the number after it. Nothing is locked, rewritten or deleted.

Each entry also names what a writer saw of the other log (:mod:`registry.log.sightings`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from registry.clock import say_time, spread, write_time
from registry.errors import (
    ClockSkew,
    Corrupt,
    Exists,
    InvalidRequest,
    MalformedEntry,
    NightDecided,
    NotFound,
    OtherRegistry,
    OutcomeUnknown,
    StoreError,
    StoreUnavailable,
)
from registry.format import keys
from registry.format.entries import KEYS_KEPT, Entry, idempotency_key, parse, recall, remember
from registry.log import segments, sightings
from registry.log.access import Access
from registry.log.cache import Cache
from registry.log.sightings import READ_BEFORE
from registry.store import Store
from registry.trust.signing import signed

_UNKNOWN_TRIES = 5
_CONTENTION_TRIES = 2000
_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class Draft:
    """What a writer wants to add, judged against the state before it: body and the changes to the state."""

    kind: str
    body: dict[str, Any]
    changes: dict[str, Any]
    seen: Mapping[str, Any] | None = None
    """Of a repair alone: what there is of the other log, in place of what was seen of it."""


Build = Callable[[Entry | None, int, datetime], Draft]
"""Makes the draft from the newest entry (None in an empty log), the number it will have and its time; raises to refuse.

It is called again, against the newer entry, when another writer was faster."""


@dataclass(frozen=True)
class Repair:
    """Makes the draft of a repair: its entry bears this machine's time, also where the newest bears a later one."""

    build: Build

    def __call__(self, head: Entry | None, n: int, time: datetime) -> Draft:
        return self.build(head, n, time)


class Log:
    """One log of one model on a store."""

    def __init__(self, access: Access, model: str, name: str) -> None:
        self.access = access
        self.model = keys.check_name(model)
        self.name = name
        self.prefix = keys.log_prefix(model, name)
        self._newest: Entry | None = None
        self._looked = False
        self._other: Log | None = None

    @classmethod
    def pair(cls, access: Access, model: str) -> tuple[Log, Log]:
        """The versions and the decisions of a model, each of which tells what it saw of the other."""
        versions, decisions = (cls(access, model, name) for name in keys.LOGS)
        versions._other, decisions._other = decisions, versions
        return versions, decisions

    @property
    def store(self) -> Store:
        return self.access.store

    @property
    def cache(self) -> Cache | None:
        return self.access.cache

    def head(self) -> Entry | None:
        """The newest entry: one LIST and one GET, or one LIST where nothing is new since this object last looked.

        :class:`HistoryCut` where an entry that was seen is gone, or is another.
        """
        n = self._newest_number()
        known = self._newest
        if known is not None and n == known.n:
            return known
        if known is not None and (n is None or n < known.n):
            sightings.still_there(self, sightings.of(known), READ_BEFORE)
            return known  # a stale LIST shows less than was seen
        if n is None:
            self.access.root.look_where_empty()
        else:
            newest = self.read(n)
            sightings.follows(self, known, newest)
            self._newest = newest
        self._looked = True
        self._compare()
        return self._newest

    def newest(self) -> Entry | None:
        """The newest entry, whatever a stale listing says: the keys after it are asked for until one is not there."""
        newest = self.head()
        while True:
            n = 1 if newest is None else newest.n + 1
            try:
                self.store.get(keys.entry_key(self.model, self.name, n))
            except NotFound:
                return newest
            self._newest = newest = self.read(n)

    def read(self, n: int) -> Entry:
        """Entry ``n``; :class:`Corrupt` where it is not what its key says, or missing."""
        key = keys.entry_key(self.model, self.name, n)
        try:
            data = self.store.get(key)
        except NotFound as error:
            raise Corrupt(
                f"{self.store.url}/{key} is missing from the log; run `registry verify {self.model}`"
            ) from error
        return self.entry_in(data, n)

    def entry_in(self, data: bytes, n: int) -> Entry:
        """Entry ``n`` of these bytes, which its key holds."""
        where = f"{self.store.url}/{keys.entry_key(self.model, self.name, n)}"
        entry = parse(data, where=where)
        if (entry.model, entry.log, entry.n) != (self.model, self.name, n):
            raise Corrupt(f"{where} holds entry {entry.n} of {entry.model}/{entry.log}: it was copied or renamed")
        expected = self.access.root.known_id
        if entry.registry is not None and expected is not None and entry.registry != expected:
            raise OtherRegistry(
                f"{where} was written in registry {entry.registry}, and this is {expected}: it is not used"
            )
        return entry

    def walk(self, *, newest: int | None = None) -> Iterator[Entry]:
        """Entries from the newest (or from entry ``newest``) to the first, each checked against the one after it."""
        entry = self.head() if newest is None else self.read(newest)
        if entry is not None:
            yield entry
            yield from segments.older(self, entry)

    def last(self, holds: Callable[[Entry], bool]) -> Entry | None:
        """The last entry for which ``holds``, which must be true up to some entry and false after it (by bisection).

        Times and nights are in order from one repair to the next: where it does not hold at a repair, what is asked for
        lies before it, and of the entries there those that are later than the repair count as written at it.
        """
        head = self.head()
        while head is not None:
            start = head.state.get("repaired", 0)
            repair = None if start == 0 else head if start == head.n else self.read(start)
            if start > head.n:
                raise Corrupt(f"entry {head.n} of {self.prefix} names the later entry {start} as its last repair")
            if repair is None or holds(repair):
                return self._last_from(repair, head, holds)
            head = self.read(start - 1) if start > 1 else None
        return None

    def _last_from(self, first: Entry | None, head: Entry, holds: Callable[[Entry], bool]) -> Entry | None:
        """:meth:`last` of the entries up to ``head``, known to hold at ``first``."""
        low, high = 0 if first is None else first.n, head.n  # holds at `low` (0: before the first), not after `high`
        last = first
        while low < high:
            middle = (low + high + 1) // 2
            entry = head if middle == head.n else self.read(middle)
            if holds(entry):
                low, last = middle, entry
            else:
                high = middle - 1
        return last

    def append(
        self,
        build: Build,
        *,
        author: str,
        key: str | None = None,
        as_of: datetime | None = None,
        head_known: bool = False,
        kinds: Collection[str] = (),
    ) -> Entry:
        """Add one entry, or give the one that already did the work named by the idempotency key ``key``.

        ``head_known``: begin at the newest entry that this object saw a moment ago, which saves a LIST; if another
        writer was faster, it is found out like any other time. ``kinds``: of entries that may have done this work; a
        key under which other work was done is refused (:class:`InvalidRequest`). Raises whatever ``build`` raises (then
        nothing was written), :class:`NightDecided` where ``as_of`` is so old that it cannot be known whether this was
        done before, :class:`OutcomeUnknown` where the store did not answer: repeat with the same ``key``.
        """
        if as_of is not None and as_of.tzinfo is None:
            raise InvalidRequest(f"as-of {as_of} has no time zone: write 2024-05-01T22:00Z")
        operation = self.access.new_id()
        key = idempotency_key(key or operation)
        head = self._newest if head_known else self.head()
        for attempt in range(_CONTENTION_TRIES):
            done = self._done(head, key, kinds)
            if done is not None:
                return done
            self._refuse_forgotten(head, as_of)
            entry = self._entry(head, build, author=author, operation=operation, key=key, as_of=as_of)
            try:
                self._commit(entry)
            except Exists:
                # another writer was faster: its entry is at least the head, whatever a stale LIST says
                self._newest = winner = self._winner(entry)
                if winner.operation == operation:
                    return winner
                self.access.clock.sleep(spread() * 0.002 * min(attempt, 25))
                head = self.head()
            else:
                self._newest = entry
                return entry
        raise StoreUnavailable(
            f"{self.prefix} on {self.store.url}: other writers were faster {_CONTENTION_TRIES} times; nothing was "
            "written; try again when fewer write"
        )

    def done(self, key: str, kinds: Collection[str] = ()) -> Entry | None:
        """The entry that did the work named by the idempotency key; None where it is not among the recent ones.

        Raises :class:`InvalidRequest` where that is an entry of none of ``kinds``: a person would be told that it is
        done, and something else was.
        """
        return self._done(self.head(), idempotency_key(key), kinds)

    def _done(self, head: Entry | None, key: str, kinds: Collection[str]) -> Entry | None:
        for n in () if head is None else recall(head.state, key):
            entry = self.read(n)
            if entry.key == key:
                return same_act(entry, entry.kind in kinds or not kinds)
        return None

    def _refuse_forgotten(self, head: Entry | None, as_of: datetime | None) -> None:
        """Refuse work as old as the work whose idempotency keys the state has dropped: it may have been done."""
        if head is None or as_of is None or len(head.state.get("keys", ())) < KEYS_KEPT:
            return
        moment = write_time(as_of)
        if moment >= head.state.get("as_of", moment):
            return
        oldest = self.read(int(head.state["keys"][0].partition(":")[2]))
        forgotten = oldest.state.get("as_of", "")
        repaired = head.state.get("repaired", 0)
        if oldest.n < repaired:
            forgotten = min(forgotten, self.read(repaired).state.get("as_of", ""))
        if moment <= forgotten:
            raise NightDecided(
                f"{self.prefix} remembers the keys of its last {KEYS_KEPT} entries alone, and the work before them "
                f"looked up to {say_time(forgotten)}: whether the work as of {say_time(moment)} was done cannot be "
                f"known any more, so it is not done again{self._if_ahead(forgotten)}"
            )

    def _if_ahead(self, moment: str) -> str:
        """How to go on where what was recorded has not come yet."""
        if moment <= write_time(self.access.clock.now() + _SKEW):
            return ""
        return f". That moment has not come: see `registry repair {self.model}`"

    def _newest_number(self) -> int | None:
        for limit in (1, 100, None):  # stray names are ignored, however many sort before the entries
            listed = self.store.list(self.prefix, limit=limit)
            for key in listed:
                n = keys.entry_number(self.model, self.name, key)
                if n is not None:
                    return n
            if limit is not None and len(listed) < limit:
                return None
        return None

    def _entry(
        self, head: Entry | None, build: Build, *, author: str, operation: str, key: str, as_of: datetime | None
    ) -> Entry:
        now = self.access.clock.now().astimezone(UTC)
        repairs = isinstance(build, Repair)
        if head is not None and head.time - now > _SKEW and not repairs:
            raise ClockSkew(
                f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the newest entry of {self.prefix} was "
                f"written at {head.time:%Y-%m-%d %H:%M}: set the clock; if it is right, set the other writer's and see "
                f"`registry repair {self.model}`; nothing was written"
            )
        if as_of is not None and as_of - now > _SKEW:
            raise InvalidRequest(
                f"as-of {say_time(as_of)} is later than now ({say_time(now)}), and no earlier night could be decided "
                "after it: name a moment that has come, or set this machine's clock; nothing was written"
            )
        n = 1 if head is None else head.n + 1
        time = now if head is None or repairs else max(now, head.time)
        draft = build(head, n, time)
        before = {} if head is None else head.state
        newest = {} if as_of is None else {"as_of": max(write_time(as_of), before.get("as_of", ""))}
        entry = Entry(
            model=self.model,
            log=self.name,
            n=n,
            kind=draft.kind,
            time=time,
            author=author,
            operation=operation,
            body=draft.body,
            state={**before, **newest, **draft.changes, "keys": remember(before, key, n)},
            previous=None if head is None else head.digest,
            registry=self.access.root.id(),
            seen=draft.seen if repairs else self._sighting(head),
            as_of=as_of,
            key=key,
        )
        signer = self.access.signer
        return _as_read(entry if signer is None else signed(entry, signer))

    def _sighting(self, head: Entry | None) -> Mapping[str, Any] | None:
        """The newest entry of the other log that a writer of this one saw: the last who wrote, or this process."""
        before = None if head is None else head.seen
        other = None if self._other is None else self._other._newest
        return before if other is None or (before is not None and other.n <= before["n"]) else sightings.of(other)

    def _compare(self) -> None:
        """Whether each log has what the newest entry of the other says that it has, as far as both were looked at."""
        other = self._other
        for teller, told in () if other is None else ((self, other), (other, self)):
            seen = None if teller._newest is None else teller._newest.seen
            newest = told._newest
            if seen is None or not told._looked or (newest is not None and newest.n > seen["n"]):
                continue
            if newest is None or newest.n < seen["n"] or newest.digest != seen["sha256"]:
                told._newest = sightings.still_there(told, seen, f"the newest entry of {teller.prefix} saw it")

    def _winner(self, entry: Entry) -> Entry:
        """The entry that stands where ``entry`` was to be written: perhaps ``entry`` itself, after a lost answer."""
        try:
            return self.read(entry.n)
        except StoreError as error:
            raise _unknown(self.store, keys.entry_key(self.model, self.name, entry.n), entry) from error

    def _commit(self, entry: Entry) -> None:
        """Create the entry's key; after a lost answer the same bytes again, until it is known what happened."""
        key = keys.entry_key(self.model, self.name, entry.n)
        data = entry.to_bytes()
        unknown: StoreError | None = None
        for attempt in range(_UNKNOWN_TRIES):
            if attempt:
                self.access.clock.sleep(0.2 * 2**attempt)
            try:
                self.store.create(key, data)
            except Exists:
                raise
            except StoreError as error:
                # once an answer is lost, no later error says that nothing was stored
                if unknown is None and not isinstance(error, OutcomeUnknown):
                    raise
                unknown = error
            else:
                return
        raise _unknown(self.store, key, entry) from unknown


def same_act(entry: Entry, same: bool) -> Entry:
    """``entry``, found by its idempotency key, if it did the ``same`` work; :class:`InvalidRequest` if not."""
    if not same:
        raise InvalidRequest(f"idempotency key {entry.key} was used for another operation ({entry}): take a new one")
    return entry


def _as_read(entry: Entry) -> Entry:
    """The entry as every reader will see it; one that could not be read again would block its log for good."""
    try:
        return parse(entry.to_bytes(), where=f"the new '{entry.kind}' entry")
    except MalformedEntry as error:
        raise InvalidRequest(f"the new '{entry.kind}' entry of {entry.model} was not written: {error.wrong}") from error
    except Corrupt as error:
        raise InvalidRequest(f"{error}: names in it must be text, and every name once") from error


def _unknown(store: Store, key: str, entry: Entry) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{store.url}/{key}: the store gave no answer; the '{entry.kind}' entry may or may not be there. "
        f"Repeat the same call with idempotency key {entry.key}: it never writes twice",
        key=key,
        idempotency_key=entry.key,
    )
