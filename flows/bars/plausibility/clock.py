"""Weeks must open and close when the market does, at 17:00 New York; if not, a clock that fits is looked for.

A clock that is wrong moves one edge of the week into the closed weekend: weeks that close late, or open early. Only the
bars at the edges are looked at, so that some forty clocks are tried in a moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Mask
from flows.bars.clock import FileClock, Stamped
from flows.bars.plausibility.finding import BarFinding, Check, Weight
from flows.bars.plausibility.seen import LONGEST_WEEKEND, QUARTER_HOUR, SeenBars
from flows.instruments import Instrument

ENOUGH = 3
"""Weekends with an edge in the closed market from which a clock is refused; fewer are a question."""

NAMED = (
    *("london-5h", "America/New_York+7h", "UTC", "America/New_York", "Europe/London"),
    *("Europe/Berlin", "Europe/Athens", "Europe/Moscow", "Asia/Tokyo"),
)
FIXED = tuple(f"UTC{hours:+d}" for hours in range(-11, 15) if hours)

_MONDAY, _WEEK = np.datetime64("1970-01-05T00:00", "ns"), np.timedelta64(7 * 24 * 60, "m").astype("timedelta64[ns]")

_STAMPS: tuple[Stamped, ...] = ("open", "close")
_SHORTEST = np.timedelta64(36, "h")  # a holiday in mid-week takes less
_ZERO = np.timedelta64(0, "ns")


@dataclass(frozen=True, eq=False)
class _Edges:
    """Last and first bars around weekends: positions, shape (weekends,), and their times in the file, (2, weekends)."""

    last: npt.NDArray[np.intp]
    first: npt.NDArray[np.intp]
    file_time: npt.NDArray[np.datetime64]

    def only(self, mask: Mask) -> _Edges:
        return _Edges(self.last[mask], self.first[mask], self.file_time[:, mask])


@dataclass(frozen=True, eq=False)
class _Fit:
    """How the edges stand by one clock: ``wrong``: an edge in the closed market; ``exact``: edges at 17:00 sharp."""

    name: str
    stamped: str
    wrong: Mask
    exact: int


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Weeks that open early or close late. Speaks from one weekend on; of a market that is never shut, not at all."""
    edges = _edges(bars)
    if not edges.last.size or bars.instrument.hours.week is None:
        return
    of = bars.instrument
    here = _fit(edges, bars.clock, of)
    weekends = int(here.wrong.sum())
    if not weekends:
        return
    fitting = _fitting(edges, bars.clock, here, of)
    where = "whole file"
    if fitting is None and weekends >= ENOUGH:
        span = np.zeros(here.wrong.size, np.bool_)
        span[np.argmax(here.wrong) : here.wrong.size - np.argmax(here.wrong[::-1])] = True
        part = edges.only(span)
        fitting = _fitting(part, bars.clock, _fit(part, bars.clock, of), of, spare=1)  # clocks change around it
        where = f"bars from {_day(bars, int(part.last[0]))} to {_day(bars, int(part.first[-1]))}"
    late = np.zeros(bars.opens.size, np.bool_)
    late[np.where(here.wrong, edges.last, 0)[here.wrong]] = True
    count = f"{weekends} of {edges.last.size} weekends have bars in the closed market by the clock {bars.clock.name}"
    if fitting is None:
        if weekends >= ENOUGH:  # fewer are stray bars, which the check of the closed market names
            yield bars.finding(Check.CLOCK, "question", late, f"{count}, and no clock fits")
        return
    weight: Weight = "refuse" if weekends >= ENOUGH else "question"
    yield bars.finding(Check.CLOCK, weight, late, f"{count}; the {where} would fit {_described(fitting, bars.clock)}")


@dataclass(frozen=True)
class DetectedClock:
    """The clock by which most weekends begin and end at the market's own moment. ``fit``: how many of ``weekends`` have
    no bar in the closed market by it."""

    name: str
    stamped: str
    fit: int
    weekends: int

    @property
    def sure(self) -> bool:
        """Whether there are enough weekends, and at most one of fifty does not fit."""
        return self.weekends >= ENOUGH and self.weekends - self.fit <= self.weekends // 50


def detect(bars: SeenBars) -> DetectedClock | None:
    """The clock that fits the weekends of ``bars`` best, of equals the one they were read by; None where no weekend is
    seen, or the market is never shut."""
    edges = _edges(bars)
    if not edges.last.size or bars.instrument.hours.week is None:
        return None
    here = _fit(edges, bars.clock, bars.instrument)
    best = _fitting(edges, bars.clock, here, bars.instrument) or here
    weekends = int(edges.last.size)
    return DetectedClock(best.name, best.stamped, weekends - int(best.wrong.sum()), weekends)


def _described(fit: _Fit, clock: FileClock) -> str:
    stamped = "" if fit.stamped == clock.stamped else f", stamped at the {fit.stamped} (RETRAIN_STAMPED={fit.stamped})"
    return f"{fit.name}{stamped}"


def _day(bars: SeenBars, at: int) -> str:
    return str(bars.file_time[at].astype("datetime64[D]"))


def _edges(bars: SeenBars) -> _Edges:
    """Around every break of a weekend's length; flat bars do not count, or there would be no break."""
    live = np.flatnonzero(~bars.flat)
    steps = np.diff(bars.opens[live]) - (bars.instrument.length - QUARTER_HOUR)
    at = np.flatnonzero((steps >= _SHORTEST) & (steps <= LONGEST_WEEKEND))
    last, first = live[at], live[at + 1]
    return _Edges(last, first, np.stack([bars.file_time[last], bars.file_time[first]]))


def _fit(edges: _Edges, clock: FileClock, of: Instrument) -> _Fit:
    last, first = (of.hours.wall(pd.DatetimeIndex(clock.to_utc(times)[0], tz="UTC")) for times in edges.file_time)
    assert of.hours.week is not None, "asked of a market that is shut on weekends"
    opens, closes = of.hours.week
    opens -= (opens - of.hours.close_minute) % of.minutes  # where the bar that the market opens in begins
    opened, closed = (
        _from_edge(first - _MONDAY - _minutes(opens)),
        _from_edge(last + of.length - _MONDAY - _minutes(closes)),
    )
    exact = int((opened == _ZERO).sum() + (closed == _ZERO).sum())
    return _Fit(clock.unstamped, clock.stamped, (opened < _ZERO) | (closed > _ZERO), exact)


def _minutes(count: int) -> np.timedelta64:
    return np.timedelta64(count * 60 * 10**9, "ns")


def _from_edge(since: npt.NDArray[np.timedelta64]) -> npt.NDArray[np.timedelta64]:
    """How long after the nearest such moment of a week: shape (n,), from minus to plus half a week."""
    return np.asarray((since + _WEEK // 2) % _WEEK - _WEEK // 2)


def _fitting(edges: _Edges, clock: FileClock, here: _Fit, of: Instrument, *, spare: int | None = None) -> _Fit | None:
    """The clock by which at most ``spare`` weekends (default: one of fifty) are wrong and most edges exact; of equals
    the first, which is the declared one where it can be."""
    best: _Fit | None = None
    spare = edges.last.size // 50 if spare is None else spare
    for candidate in _candidates(clock):
        fit = _fit(edges, candidate, of)
        good = int(fit.wrong.sum()) <= spare and fit.exact >= max(1, edges.last.size // 2)
        if good and fit.exact > here.exact and (best is None or fit.exact > best.exact):
            best = fit
    return best


def _candidates(clock: FileClock) -> Sequence[FileClock]:
    names = [clock.unstamped, *(name for name in (*NAMED, *FIXED) if name != clock.unstamped)]
    return [FileClock.parse(name).of_bars(clock.bar).stamped_at(stamped) for stamped in _STAMPS for name in names]
