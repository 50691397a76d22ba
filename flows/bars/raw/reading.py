"""An export is read here: what it is, its bars in order of time, and everything that is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.clock import FileClock
from flows.bars.contents import NoText, read_text
from flows.bars.faults import BarFault, first_faults
from flows.bars.raw.blocks import LineBars, read_bars
from flows.bars.raw.layouts import Layout
from flows.bars.raw.lines import body_of, without_unfinished
from flows.bars.raw.resampling import on_grid
from flows.bars.raw.rules import RawRule
from flows.bars.raw.weeks import weeks_of
from flows.instruments import GBPUSD_M15, RAW_NAMES, Instrument

SHOWS_ITS_LENGTH = 10
"""Bars from which an export shows how long they are: fewer minutes may all open at full quarters by chance."""

_MINUTE = np.timedelta64(60, "s")


@dataclass(frozen=True, eq=False)
class Export:
    """The sound bars of one file, in order of time.

    ``time``: shape (n,), datetime64[ns], the open in UTC. ``prices``: shape (n, 4), open, high, low, close.
    ``number``: shape (n,), the line of each, counted from 1. ``minutes``: length of a bar. ``clock``: what its times
    are by, in words; ``zoned``: the export itself says it. ``notes``: how it was read; ``repairs``: what that changed.
    """

    file: str
    layout: str
    minutes: int
    time: npt.NDArray[np.datetime64]
    prices: Floats
    number: npt.NDArray[np.int64]
    faults: tuple[BarFault, ...]
    clock: str = ""
    zoned: bool = False
    notes: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    def __str__(self) -> str:
        read = f"{self.file}: {self.layout}, {self.time.size:,} bars of {self.minutes} min, {self.clock}"
        done = [*self.notes, *(repair.removeprefix(f"{self.file}: ") for repair in self.repairs)]
        return "; ".join([read, *done])


@dataclass(frozen=True)
class _By:
    """How an export is read. ``minutes``: of its bars, None where it shows them itself."""

    clock: FileClock
    minutes: int | None
    instrument: Instrument


def read_export(
    file: str,
    content: bytes,
    *,
    clock: FileClock,
    layout: Layout | None = None,
    minutes: int | None = None,
    instrument: Instrument = GBPUSD_M15,
) -> Export:
    """The bars in ``content``; nothing is raised, ``faults`` of the result hold what is wrong.

    ``clock`` says what times without a zone mean. ``layout``: default is the one the first line shows. ``minutes``: the
    length of a bar, one of those that the instrument's are made of; default is the smallest step in the file, one
    minute where there are fewer than :data:`SHOWS_ITS_LENGTH` bars. ``instrument``: whose prices they are.
    """
    read = read_text(content)
    if isinstance(read, NoText):
        return _unusable(BarFault(RawRule.NOT_TEXT, file, 0, read.reason))
    text, unfinished = without_unfinished(read.text)
    body = body_of(file, text, layout)
    if isinstance(body, BarFault):
        return _unusable(body)
    by = FileClock.parse(body.layout.clock) if body.layout.clock else clock
    bars, signs = read_bars(file, body, by, instrument.hours)
    notes = [*read.notes, *(f"{_lines(count, what)} skipped" for what, count in body.skipped.items())]
    notes += [f"numbers with {signs}"] if str(signs) else []
    repairs = [unfinished] if unfinished else []
    repairs += [f"{bars.flat:,} flat bars without trades left out"] if bars.flat else []
    return _ordered(file, body.layout, bars, _By(by, minutes, instrument), (notes, repairs))


def _ordered(file: str, layout: Layout, bars: LineBars, by: _By, said: tuple[list[str], list[str]]) -> Export:
    notes, repairs = said
    time, prices, number = np.concatenate(bars.time), np.concatenate(bars.prices), np.concatenate(bars.number)
    steps = np.diff(time).astype(np.int64)
    if (steps < 0).any() and (steps <= 0).all():
        time, prices, number = time[::-1], prices[::-1], number[::-1]
        repairs = [*repairs, "newest first, turned round"]
    backward = _faults_of_order(file, time, number)
    length, of_grid = _length(file, time, number, by)
    again, doubles = _duplicates(file, time, prices, number)
    if again.any():
        repairs = [*repairs, f"{int(again.sum())} bars that stand there twice left out"]
    first = ~again
    zoned = bool(bars.zoned or layout.clock)
    clock = "times with their own offset" if bars.zoned else f"times by {by.clock.name}"
    return Export(
        file,
        layout.name,
        length,
        time[first],
        prices[first],
        number[first],
        (*bars.faults, *backward, *of_grid, *doubles),
        f"{clock}, {weeks_of(time[first], None if zoned else by.clock, by.instrument.hours, length)}",
        zoned,
        tuple(notes),
        tuple(f"{file}: {repair}" for repair in repairs),
    )


def stamped_at_close(export: Export) -> Export:
    """The export of bars that are stamped at their close: each opens its own length earlier."""
    return replace(export, time=export.time - np.timedelta64(export.minutes, "m"))


def _lines(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what.replace('line', 'lines', 1)}"


def _faults_of_order(file: str, time: npt.NDArray[np.datetime64], number: npt.NDArray[np.int64]) -> list[BarFault]:
    back = np.flatnonzero(time[1:] < time[:-1]) + 1
    return first_faults(
        RawRule.ORDER, file, number, back, lambda at: f"{_time(time[at])} after {_time(time[at - 1])} (UTC)"
    )


def _length(
    file: str, time: npt.NDArray[np.datetime64], number: npt.NDArray[np.int64], by: _By
) -> tuple[int, list[BarFault]]:
    """Minutes of a bar, and what does not fit them."""
    seconds = time != time.astype("datetime64[m]")
    if seconds.any():
        at = int(np.flatnonzero(seconds)[0])
        return 1, [BarFault(RawRule.OFF_GRID, file, int(number[at]), f"a bar opens at {_time(time[at])} (UTC)")]
    of, steps = by.instrument, np.unique(np.diff(np.unique(time)) // _MINUTE)
    enough = time.size >= SHOWS_ITS_LENGTH and steps.size > 0
    length = by.minutes or (_shown(time, int(steps[0]), of) if enough else 1)
    if by.minutes is None and length == of.minutes and steps[0] > of.minutes:
        return length, [BarFault(RawRule.LENGTH, file, 0, f"the shortest step between bars is {steps[0]} minutes")]
    off = np.flatnonzero(~on_grid(time, length, of))
    if off.size:
        at = int(off[0])
        opens_none = f"{_time(time[at])} (UTC) opens no {RAW_NAMES[length]} bar"
        begin = f"; the first of a trading day opens at {of.hours.day_closes} {of.hours.place}: is --clock right?"
        return length, [BarFault(RawRule.LENGTH, file, int(number[at]), opens_none + (begin if length > 60 else ""))]
    return length, []


def _shown(time: npt.NDArray[np.datetime64], step: int, of: Instrument) -> int:
    """Minutes of a bar where bars open at ``time`` and no sooner than ``step`` minutes after one another.

    Whether bars of hours lie on their grid depends on the clock, so those off it are theirs all the same: taken for
    shorter ones, a few hours of each day would stand for the day.
    """
    longest = max(minutes for minutes in of.made_of if minutes <= step)
    if longest > 60:
        return longest
    fitting = (minutes for minutes in reversed(of.made_of) if minutes <= longest and on_grid(time, minutes, of).all())
    return next(fitting, 1)


def _duplicates(
    file: str, time: npt.NDArray[np.datetime64], prices: Floats, number: npt.NDArray[np.int64]
) -> tuple[Mask, list[BarFault]]:
    """Which bars repeat the time of the line before, shape (n,), and a fault for each whose prices differ."""
    again = np.zeros(time.size, np.bool_)
    again[1:] = time[1:] == time[:-1]
    differ = np.zeros(time.size, np.bool_)
    differ[1:] = again[1:] & (prices[1:] != prices[:-1]).any(axis=1)
    return again, first_faults(
        RawRule.DUPLICATE,
        file,
        number,
        np.flatnonzero(differ),
        lambda at: f"{_time(time[at])} (UTC) is also in row {number[at - 1]}",
    )


def _time(time: np.datetime64) -> str:
    return f"{pd.Timestamp(time):%Y-%m-%d %H:%M:%S}"


def _unusable(fault: BarFault) -> Export:
    none = np.empty(0, "datetime64[ns]")
    return Export(fault.file, "none", 1, none, np.empty((0, 4)), np.empty(0, np.int64), (fault,))
