"""Many nights against a store that answers only so many requests a second, on a clock of its own: the same every time.

A night is a list of requests, each made when the one before was answered. A refused one (503) is asked again as
:class:`registry.store.S3Settings` says, and given up after its attempts.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registry.store.settings import DEFAULT_ATTEMPTS, S3Settings

READS_A_SECOND, WRITES_A_SECOND = 5_500, 3_500
"""What Amazon documents of one partitioned prefix, at least: GET and HEAD, and PUT, COPY, POST and DELETE."""


@dataclass(frozen=True)
class Request:
    """``verb``: get, list or put (all that a night asks); ``key``: of the object or prefix; ``size`` in bytes."""

    verb: str
    key: str
    size: int

    @property
    def writes(self) -> bool:
        return self.verb == "put"


@dataclass(frozen=True)
class Limits:
    """What a partition of the store answers a second, and how long an answer takes in seconds."""

    reads: int = READS_A_SECOND
    writes: int = WRITES_A_SECOND
    read_seconds: float = 0.02
    write_seconds: float = 0.04


@dataclass(frozen=True)
class Rush:
    """What came of many nights: requests answered and refused, nights given up because a request was refused at every
    attempt, the busiest second's requests (reads, writes), and seconds until the last night was done."""

    answered: int
    refused: int
    given_up: int
    peak_reads: int
    peak_writes: int
    seconds: float


def rush(
    night: Sequence[Request],
    *,
    nights: int,
    at_once: int,
    thinking: float,
    spread: float = 0.0,
    limits: Limits = Limits(),  # frozen
    partition: Callable[[int], int] = lambda instrument: 0,
    seed: int = 1,
) -> Rush:
    """``nights`` of as many instruments, ``at_once`` of them at a time, each ``thinking`` (fitting) for so many seconds
    before its requests; the first ones begin within ``spread`` seconds.

    ``partition``: of the store, by instrument; one for all is the worst case.
    """
    patience, chance = S3Settings(), random.Random(seed)
    offered: Counter[tuple[int, bool, int]] = Counter()  # by partition, kind and second
    asked: Counter[tuple[bool, int]] = Counter()
    waiting = [
        (spread * chance.random() + thinking * (1 + chance.random() / 10), instrument, 0, 0)
        for instrument in range(min(at_once, nights))
    ]
    heapq.heapify(waiting)
    begun, answered, refused, given_up, last = len(waiting), 0, 0, 0, 0.0
    while waiting:
        now, instrument, place, attempt = heapq.heappop(waiting)
        last = max(last, now)
        if place == len(night):
            if begun < nights:
                heapq.heappush(waiting, (now + thinking * (1 + chance.random() / 10), begun, 0, 0))
                begun += 1
            continue
        writes = night[place].writes
        taken = limits.write_seconds if writes else limits.read_seconds
        slot = partition(instrument), writes, int(now)
        offered[slot] += 1
        asked[writes, int(now)] += 1
        if offered[slot] <= (limits.writes if writes else limits.reads):
            answered += 1
            heapq.heappush(waiting, (now + taken, instrument, place + 1, 0))
            continue
        refused += 1
        if attempt + 1 < DEFAULT_ATTEMPTS:
            again = now + taken + patience.wait(attempt + 1, chance.random())
            heapq.heappush(waiting, (again, instrument, place, attempt + 1))
        else:
            given_up += 1
    peaks = [
        max((count for (kind, _), count in asked.items() if kind is writes), default=0) for writes in (False, True)
    ]
    return Rush(answered, refused, given_up, *peaks, last)
