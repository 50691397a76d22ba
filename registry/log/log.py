"""One append-only log: its newest entry, any entry, and the conditional write that adds the next.

Entry ``n + 1`` is added by creating its key, which fails where it exists: of any number of writers one wins, the others
read what won and try the number after it. Nothing is locked, rewritten or deleted.

**What was seen stays.** Each entry names the newest entry of the other log that a writer up to it had seen, number and
digest. So the end of a log cannot be cut off, nor a log be rewritten or removed, without the other telling of it
(:class:`~registry.errors.HistoryCut`): to whoever reads both, a night or ``registry verify``, at no further request as
long as nothing is missing. Who reads one log alone, a serving process, sees it in what this object saw before.
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
    HistoryCut,
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
from registry.format.entries import KEYS_KEPT, Entry, digest, idempotency_key, parse, recall, remember
from registry.log import segments
from registry.log.access import Access
from registry.log.cache import Cache
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


Build = Callable[[Entry | None, int, datetime], Draft]
"""Makes the draft from the newest entry (None in an empty log), the number it will have and its time; raises to refuse.

It is called again, against the newer entry, when another writer was faster."""


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
            self._still_there(known.n, known.digest, "this process read it before")
            return known  # a stale LIST shows less than was seen
        if n is None:
            self.access.root.look_where_empty()
        else:
            newest = self.read(n)
            self._follows(known, newest)
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
        return self._entry_in(data, n)

    def _entry_in(self, data: bytes, n: int) -> Entry:
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
        """The last entry for which ``holds``, which must be true up to some entry and false after it (by bisection)."""
        head = self.head()
        if head is None:
            return None
        low, high = 0, head.n  # holds at `low` (0: before the first), not after `high`
        last: Entry | None = None
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
        if moment <= forgotten:
            raise NightDecided(
                f"{self.prefix} remembers what its last {KEYS_KEPT} entries did, all later than {forgotten}: whether "
                f"the work as of {moment} was done cannot be known any more, so it is not done again"
            )

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
        if head is not None and head.time - now > _SKEW:
            raise ClockSkew(
                f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the newest entry of {self.prefix} was "
                f"written at {head.time:%Y-%m-%d %H:%M}: set the clock (or the other writer's); nothing was written"
            )
        if as_of is not None and as_of - now > _SKEW:
            raise InvalidRequest(
                f"as-of {say_time(as_of)} is later than now ({say_time(now)}), and no earlier night could be decided "
                "after it: name a moment that has come, or set this machine's clock; nothing was written"
            )
        n = 1 if head is None else head.n + 1
        time = now if head is None else max(now, head.time)
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
            seen=self._sighting(head),
            as_of=as_of,
            key=key,
        )
        signer = self.access.signer
        return _as_read(entry if signer is None else signed(entry, signer))

    def _sighting(self, head: Entry | None) -> Mapping[str, Any] | None:
        """The newest entry of the other log that a writer of this one saw: the last who wrote, or this process."""
        before = None if head is None else head.seen
        other = None if self._other is None else self._other._newest
        if other is None or (before is not None and other.n <= before["n"]):
            return before
        return {"n": other.n, "sha256": other.digest}

    def _compare(self) -> None:
        """Whether each log has what the newest entry of the other says that it has, as far as both were looked at."""
        other = self._other
        for teller, told in () if other is None else ((self, other), (other, self)):
            seen = None if teller._newest is None else teller._newest.seen
            newest = told._newest
            if seen is None or not told._looked or (newest is not None and newest.n > seen["n"]):
                continue
            if newest is None or newest.n < seen["n"] or newest.digest != seen["sha256"]:
                told._newest = told._still_there(
                    seen["n"], seen["sha256"], f"the newest entry of {teller.prefix} saw it"
                )

    def _still_there(self, n: int, sha256: str, why: str) -> Entry:
        """Entry ``n``, asked for by its key, if it has this digest; :class:`HistoryCut`."""
        where = f"entry {n} of {self.prefix} in {self.store.url}"
        mend = (
            f"run `registry verify {self.model}` and put back from a copy what is lost; if nothing can be had back, a "
            f"person says so: `registry repair {self.model}`"
        )
        try:
            data = self.store.get(keys.entry_key(self.model, self.name, n))
        except NotFound as error:
            raise HistoryCut(f"{where} is gone, and {why}: the end of the log was removed; {mend}") from error
        if digest(data) != sha256:
            raise HistoryCut(f"{where} is another than it was, and {why}: the log was rewritten; {mend}")
        return self._entry_in(data, n)

    def _follows(self, known: Entry | None, newest: Entry) -> None:
        """:class:`HistoryCut` where the log that ends with ``newest`` was not written after ``known``."""
        if known is None:
            return
        after = newest if newest.n == known.n + 1 else self.read(known.n + 1)
        if after.previous != known.digest:
            self._still_there(known.n, known.digest, "this process read it before")
            raise HistoryCut(
                f"entry {after.n} of {self.prefix} in {self.store.url} was not written after the entry {known.n} "
                f"there: the log was rewritten; run `registry verify {self.model}`"
            )

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
