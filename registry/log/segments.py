"""Folded runs of old log entries, and the reading of a log's past by way of them.

::

    models/<name>/segments/<log>/<first>-<last>-<sha256>.jsonl

A segment is the entries ``first`` to ``last`` as they are stored, one after the other (each is a line). There are two
sizes, 100 and 2,500 entries, each run beginning where a multiple of its size ends, so that ten thousand entries are
read in some thirty requests. Whoever folds a run writes the same bytes under the same key.

A segment is a cache and is never believed. The entry after a run holds the SHA-256 of the run's last entry, which holds
that of the one before it, and so on: what is read backwards from the newest entry, which is read by itself, proves
itself, whether it comes from entries, from segments or from a local cache. A segment that is missing, damaged or of
another history costs requests, and nothing else. Logs are never deleted, only read less.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from registry.errors import Corrupt, Exists, NotFound
from registry.format import keys
from registry.format.entries import Entry, digest, parse
from registry.log.cache import Cache
from registry.log.parallel import Progress, in_order, quiet
from registry.store import Store

SIZES = (100, 2500)
"""Entries in a segment: small ones first, of which large ones are made."""

_RUNS_AT_ONCE = 4  # a large one has some 20 MB

_SEGMENT = re.compile(r"([0-9]{10})-([0-9]{10})-([0-9a-f]{64})\.jsonl")
_CACHED = re.compile(r"([0-9]{10})-([0-9]{10})-[0-9a-f]{64}")


@dataclass(frozen=True)
class Segment:
    """Entries ``first`` to ``last`` of a log in one object, ``sha256`` that of its bytes."""

    model: str
    log: str
    first: int
    last: int
    sha256: str

    @property
    def key(self) -> str:
        return f"{prefix(self.model, self.log)}{self.first:010d}-{self.last:010d}-{self.sha256}.jsonl"

    @property
    def size(self) -> int:
        """How many entries it holds."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Folded:
    """What :func:`fold` added: the segments, and their bytes."""

    segments: tuple[Segment, ...] = ()
    bytes: int = 0


def prefix(model: str, log: str) -> str:
    return f"{keys.model_prefix(model)}segments/{log}/"


def segment_of(model: str, log: str, key: str) -> Segment | None:
    """The segment under ``key``; None for a key that no folding makes."""
    start = prefix(model, log)
    match = _SEGMENT.fullmatch(key[len(start) :]) if key.startswith(start) else None
    if match is None:
        return None
    segment = Segment(model, log, int(match[1]), int(match[2]), match[3])
    return segment if segment.size in SIZES and segment.last % segment.size == 0 else None


def stored(log: EntrySource) -> list[Segment]:
    """The segments of a log, by their first entry, small before large: one request for every thousand."""
    segments = (segment_of(log.model, log.name, key) for key in log.store.list(prefix(log.model, log.name)))
    return [segment for segment in segments if segment is not None]


def is_sound(data: bytes, segment: Segment, digests: Mapping[int, str]) -> bool:
    """Whether ``data`` is what its key says, and the very entries of the log where their digests are known."""
    lines = [digest(line) for line in data.splitlines(keepends=True)]
    return (
        digest(data) == segment.sha256
        and len(lines) == segment.size
        and all(digests.get(n, line) == line for n, line in enumerate(lines, segment.first))
    )


def covered(segment: Segment, others: Iterable[Segment]) -> bool:
    """Whether a larger one among ``others`` holds all of ``segment``."""
    return any(
        other.size > segment.size and other.first <= segment.first and segment.last <= other.last for other in others
    )


class EntrySource(Protocol):
    """What reading and folding ask of a log; :class:`registry.log.log.Log` is one."""

    @property
    def model(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def prefix(self) -> str: ...

    @property
    def store(self) -> Store: ...

    @property
    def cache(self) -> Cache | None: ...

    def head(self) -> Entry | None: ...

    def read(self, n: int) -> Entry: ...


# --- folding --------------------------------------------------------------------------------------------------------


def fold(log: EntrySource, *, progress: Progress = quiet) -> Folded:
    """Add the segments that are missing: of every full run that has an entry after it. Nothing to do is two requests.

    Anybody who may create under ``segments/`` may call this, at any time and at once with others. Entries are proven
    before they are folded: raises :class:`Corrupt` where the log is damaged; what is folded by then stays.
    """
    head = log.head()
    if head is None or head.n <= min(SIZES):
        return Folded()
    present, added, size_added = stored(log), [], 0
    for size in SIZES:
        wanted = _missing(log, size, head.n, present)
        for done, run in enumerate(wanted):
            progress(f"folding {log.name}", done, len(wanted))
            after = head if run.last + 1 == head.n else log.read(run.last + 1)
            lines = [entry.to_bytes() for entry in older(log, after, first=run.first)]
            data = b"".join(reversed(lines))
            segment = Segment(log.model, log.name, run.first, run.last, digest(data))
            try:
                log.store.create(segment.key, data)
            except Exists:
                continue  # another folds at the same time, and writes the same
            added.append(segment)
            present.append(segment)
            size_added += len(data)
    return Folded(tuple(added), size_added)


def _missing(log: EntrySource, size: int, newest: int, present: list[Segment]) -> list[Segment]:
    """The full runs of a size that end before the newest entry and are in no segment of that size or a larger one."""
    runs = (Segment(log.model, log.name, last - size + 1, last, "") for last in range(size, newest, size))
    have = {(segment.first, segment.last) for segment in present}
    return [run for run in runs if (run.first, run.last) not in have and not covered(run, present)]


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """Entries to be read in one request: a segment, a run in the local cache (by name), or one entry."""

    first: int
    last: int
    segment: str | None = None
    cached: str | None = None

    @property
    def many(self) -> bool:
        return self.first < self.last


def older(log: EntrySource, newest: Entry, *, first: int = 1) -> Iterator[Entry]:
    """The entries before ``newest``, from the one before it to entry ``first``, each proven by the one after it.

    Asked for ahead and at once, from the local cache, segments and entries, and read no further than is asked for.
    Raises :class:`Corrupt` where an entry is missing or damaged, or is not the one that the next was written after.
    """
    reader = _Reader(log)
    after = newest
    for many, pieces in itertools.groupby(reader.pieces(newest.n - 1, first), key=lambda piece: piece.many):
        for piece, data in in_order(reader.read, pieces, at_once=_RUNS_AT_ONCE if many else None):
            for entry in reader.proven(piece, data, after):
                yield entry
                after = entry


class _Reader:
    """Reads pieces of one log; what is proven is kept in the local cache where there is one."""

    def __init__(self, log: EntrySource) -> None:
        self.log = log
        self.cache = log.cache
        self.place = f"runs/{digest(f'{log.store.url} {log.prefix}'.encode())[:32]}"

    def pieces(self, newest: int, first: int) -> Iterator[_Piece]:
        """What to read for the entries ``newest`` to ``first``, in this order; segments are listed when needed."""
        cached = self._cached()
        segments: dict[int, _Piece] | None = None
        n = newest
        while n >= first:
            piece = cached.get(n)
            if piece is None and n % min(SIZES) == 0:
                if segments is None:  # sorted: where two end with the same entry, the larger one is kept
                    by_size = sorted(stored(self.log), key=lambda segment: segment.size)
                    segments = {found.last: _Piece(found.first, found.last, found.key) for found in by_size}
                piece = segments.get(n)
            if piece is None or piece.first < first:
                piece = _Piece(n, n)
            yield piece
            n = piece.first - 1

    def read(self, piece: _Piece) -> tuple[_Piece, bytes | None]:
        """The piece and the bytes that are there, not yet looked at; asked by threads."""
        if piece.cached is not None and self.cache is not None:
            return piece, self.cache.get(self.place, piece.cached)
        try:
            key = piece.segment or keys.entry_key(self.log.model, self.log.name, piece.first)
            return piece, self.log.store.get(key)
        except NotFound:
            return piece, None

    def proven(self, piece: _Piece, data: bytes | None, after: Entry) -> Iterator[Entry]:
        """The entries of a piece, newest first; from the log itself where the bytes are not what ``after`` names."""
        n, lines = piece.last, [] if data is None else data.splitlines(keepends=True)
        while lines and n >= piece.first and digest(lines[-1]) == after.previous:
            entry = parse(lines.pop(), where=f"entry {n} of {self.log.prefix} on {self.log.store.url}", proven=True)
            if (entry.model, entry.log, entry.n) != (self.log.model, self.log.name, n):
                break
            yield entry
            after = entry
            n -= 1
        if n >= piece.first:
            yield from self._one_by_one(piece.first, n, after)
        elif data is not None and self.cache is not None and piece.cached is None:
            self.cache.put(self.place, f"{piece.first:010d}-{piece.last:010d}-", data)

    def _one_by_one(self, first: int, last: int, after: Entry) -> Iterator[Entry]:
        for entry in in_order(self.log.read, range(last, first - 1, -1)):
            if entry.digest != after.previous:
                raise Corrupt(
                    f"entry {entry.n} of {self.log.prefix} is not the one that entry {after.n} was written after; "
                    f"run `registry verify {self.log.model}`"
                )
            yield entry
            after = entry

    def _cached(self) -> dict[int, _Piece]:
        """The widest cached run that ends at each number."""
        widest: dict[int, _Piece] = {}
        for name in [] if self.cache is None else self.cache.names(self.place):  # ascending: the widest comes first
            match = _CACHED.fullmatch(name)
            if match is not None:
                widest.setdefault(int(match[2]), _Piece(int(match[1]), int(match[2]), cached=name))
        return widest
