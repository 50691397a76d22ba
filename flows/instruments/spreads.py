"""Spreads say what crossing from bid to ask costs, by session of the day: a setting, never zero by default.

    RETRAIN_SPREADS="Asia 18:00-03:00 1.2; London 03:00-12:00 0.8; New York 12:00-16:45 1.0; rollover 16:45-18:00 4.0"

Each session has a name, its hours on New York's clock (whole quarters; it may pass midnight) and a spread in pips.
Together they cover every quarter of the day once. A bar pays the spread of the session that it opens in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats
from flows.errors import RequestRefused
from flows.instruments.finding import GBPUSD_M15

QUARTERS = 96
_NEW_YORK = "America/New_York"

SPREAD_PIPS = GBPUSD_M15.costs.spread
"""A usual spread of GBPUSD in London and New York hours; never zero by default."""

DEFAULT = GBPUSD_M15.costs.spreads
"""What a retail account at a cheap broker pays for GBPUSD in calm weeks: an assumption, to be replaced by your own."""

_SESSION = re.compile(r"(\S.{0,39}?)\s+(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)\s+(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Session:
    """A part of the day: ``first`` and ``last`` quarter (0 is midnight to 0:15 in New York), its spread in pips."""

    name: str
    first: int
    last: int
    pips: float

    @property
    def hours(self) -> str:
        end = (self.last + 1) % QUARTERS
        return f"{self.first // 4:02}:{self.first % 4 * 15:02}–{end // 4:02}:{end % 4 * 15:02}"

    @property
    def quarters(self) -> list[int]:
        """The quarters of the day it covers, in its own order."""
        length = (self.last - self.first) % QUARTERS + 1
        return [(self.first + step) % QUARTERS for step in range(length)]


@dataclass(frozen=True)
class Spreads:
    """The sessions of a day, in the order they were given; :class:`RequestRefused` unless they cover it once."""

    sessions: tuple[Session, ...]

    def __post_init__(self) -> None:
        seen: dict[int, str] = {}
        for session in self.sessions:
            for quarter in session.quarters:
                if quarter in seen:
                    raise RequestRefused(
                        f"spreads: {seen[quarter]} and {session.name} both cover {_clock(quarter)} in New York: "
                        "give every quarter of an hour to one session"
                    )
                seen[quarter] = session.name
        missing = [quarter for quarter in range(QUARTERS) if quarter not in seen]
        if missing:
            raise RequestRefused(
                f"spreads: no session covers {_clock(missing[0])} in New York: give every quarter of an hour to one"
            )

    @classmethod
    def parse(cls, text: str) -> Spreads:
        """The sessions in a text; :class:`RequestRefused` says which part is wrong."""
        return cls(tuple(_session(part.strip()) for part in text.split(";") if part.strip()))

    @classmethod
    def default(cls) -> Spreads:
        """The default."""
        return cls.parse(DEFAULT)

    def session_of(self, opens: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
        """Which session each bar opens in, as its place in ``sessions``: shape (n_bars,)."""
        place = np.zeros(QUARTERS, np.int64)
        for number, session in enumerate(self.sessions):
            place[session.quarters] = number
        clock = opens.tz_convert(_NEW_YORK)
        of_bars: npt.NDArray[np.int64] = place[np.asarray(clock.hour * 4 + clock.minute // 15)]
        return of_bars

    def pips(self, opens: pd.DatetimeIndex) -> Floats:
        """The spread of each bar in pips: shape (n_bars,)."""
        return np.array([session.pips for session in self.sessions])[self.session_of(opens)]

    def __str__(self) -> str:
        parts = (f"{session.name} {session.hours.replace('–', '-')} {session.pips:g}" for session in self.sessions)
        return "; ".join(parts)


def spread_by_hour(opens: pd.DatetimeIndex, spread_pips: Sequence[float]) -> Floats:
    """The spread in pips at each bar, shape (n_bars,): the same at every hour, or by the hour of New York of 24."""
    spreads = np.asarray(spread_pips, dtype=np.float64)
    if spreads.size == 1:
        return np.full(len(opens), spreads[0])
    return np.asarray(spreads[opens.tz_convert(_NEW_YORK).hour])


def _session(text: str) -> Session:
    parts = _SESSION.fullmatch(text)
    if parts is None:
        raise RequestRefused(
            f"spreads: {text!r} is no session: write a name, hours in New York and pips, 'London 03:00-08:00 0.8'"
        )
    name, pips = parts[1], float(parts[6])
    first, end = (_quarter(parts[at], parts[at + 1], text) for at in (2, 4))
    return Session(name, first % QUARTERS, (end - 1) % QUARTERS, pips)


def _quarter(hour: str, minute: str, text: str) -> int:
    if int(hour) > 24 or int(minute) % 15 or int(minute) > 45 or (hour == "24" and minute != "00"):
        raise RequestRefused(f"spreads: {text!r} has a time that is no quarter of an hour from 00:00 to 24:00")
    return int(hour) * 4 + int(minute) // 15


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"
