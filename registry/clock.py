"""Where time and ids come from: passed in, so that a night can be replayed byte for byte."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

_LENGTH = len("2024-12-31T22:00:00.000000Z")

NewId = Callable[[], str]
"""Gives a fresh id: 32 lower-case hexadecimal digits."""


class Clock(Protocol):
    """The wall clock (UTC), a monotonic one that also counts while the machine sleeps, and waiting."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


# time.monotonic stands still while a laptop sleeps, and an upload that waits for its entry grows old meanwhile. The
# CLOCK_MONOTONIC of macOS goes on.
_AWAKE_OR_NOT = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic() if _AWAKE_OR_NOT is None else time.clock_gettime(_AWAKE_OR_NOT)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


stopwatch = time.perf_counter
"""Seconds from no moment in particular, for how long something took."""

cpu_stopwatch = time.process_time
"""The same in seconds of CPU of this process, all its threads together."""


def spread() -> float:
    """A number in [0, 1) that keeps writers who wait from trying again together; no result rests on it."""
    return random.random()


def random_id() -> str:
    """An id that no other process gives."""
    return uuid.uuid4().hex


def write_time(moment: datetime) -> str:
    """``2024-12-31T22:00:00.000000Z``: sorts as text, microseconds always there."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a time zone: {moment!r}")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def say_time(moment: datetime | str) -> str:
    """A moment as a person reads it, ``2024-12-31 22:00 UTC``; text that is no moment with a zone, as it stands."""
    if isinstance(moment, str):
        try:
            read = datetime.fromisoformat(moment)
        except ValueError:
            return moment
        if read.tzinfo is None:
            return moment
        moment = read
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def read_moment(text: str) -> datetime:
    """The moment of some text in ISO 8601, in UTC where it names no zone; :class:`ValueError` for other text."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def read_time(text: str) -> datetime:
    """The moment that :func:`write_time` wrote; :class:`ValueError` for other text."""
    if len(text) != _LENGTH or text[-1] != "Z":
        raise ValueError(f"{text!r} is not a moment like 2024-12-31T22:00:00.000000Z")
    return datetime.fromisoformat(text)  # a third of the time of strptime, which a long history is made of
