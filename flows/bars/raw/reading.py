"""An export is read into bars here, with everything that is wrong with them, block of lines by block of lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.checks import numbers
from flows.bars.clock import FileClock
from flows.bars.contents import NoText, read_text
from flows.bars.faults import BarFault, count_of, first_faults, quoted
from flows.bars.raw.layouts import PRICES, Layout
from flows.bars.raw.lines import Body, body_of, fields, without_unfinished
from flows.bars.raw.prices import Signs, prices_of, signs_of
from flows.bars.raw.rules import RawRule
from flows.bars.raw.times import read_times
from flows.bars.raw.weeks import market_is_shut, weeks_of

LENGTHS = (1, 5, 15)
"""Minutes that a bar of an export may have."""

SHOWS_ITS_LENGTH = 10
"""Bars from which an export shows how long they are: fewer minutes may all open at full quarters by chance."""

MOST_FAULTS = 100_000
"""Faults after which an export is read no further."""

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


@dataclass(eq=False)
class _Bars:
    """Bars as they are read. Lists hold an array a block; ``zoned`` and ``unzoned`` are the lines of the first time
    with an offset and without (0: there is none)."""

    time: list[npt.NDArray[np.datetime64]] = field(default_factory=list)
    prices: list[Floats] = field(default_factory=list)
    number: list[npt.NDArray[np.int64]] = field(default_factory=list)
    faults: list[BarFault] = field(default_factory=list)
    zoned: int = 0
    unzoned: int = 0
    flat: int = 0


@dataclass(frozen=True)
class _Block:
    """Lines as fields: time as one text, prices as four, volume as one."""

    number: npt.NDArray[np.int64]
    time: list[str]
    prices: list[tuple[str, ...]]
    volume: list[str]


def read_export(
    file: str, content: bytes, *, clock: FileClock, layout: Layout | None = None, minutes: int | None = None
) -> Export:
    """The bars in ``content``; nothing is raised, ``faults`` of the result hold what is wrong.

    ``clock`` says what times without a zone mean. ``layout``: default is the one the first line shows. ``minutes``: the
    length of a bar, one of :data:`LENGTHS`; default is the smallest step in the file, one minute where there are fewer
    than :data:`SHOWS_ITS_LENGTH` bars.
    """
    read = read_text(content)
    if isinstance(read, NoText):
        return _unusable(BarFault(RawRule.NOT_TEXT, file, 0, read.reason))
    text, unfinished = without_unfinished(read.text)
    body = body_of(file, text, layout)
    if isinstance(body, BarFault):
        return _unusable(body)
    by = FileClock.parse(body.layout.clock) if body.layout.clock else clock
    bars, signs = _read(file, body, by)
    notes = [*read.notes, *(f"{_lines(count, what)} skipped" for what, count in body.skipped.items())]
    notes += [f"numbers with {signs}"] if str(signs) else []
    repairs = [unfinished] if unfinished else []
    repairs += [f"{bars.flat:,} flat bars without trades left out"] if bars.flat else []
    return _ordered(file, body.layout, bars, by, minutes, (notes, repairs))


def _read(file: str, body: Body, clock: FileClock) -> tuple[_Bars, Signs]:
    bars, signs = _Bars(), None
    for lines in body.blocks():
        block, faults = _split(file, lines, body)
        bars.faults += faults
        if signs is None:
            signs = signs_of([text for prices in block.prices for text in prices])
        _read_block(file, block, body.layout, (signs, clock), bars)
        if count_of(bars.faults) >= MOST_FAULTS:
            last = lines[-1][0]
            bars.faults.append(BarFault(RawRule.STOPPED, file, last, "the last line that was read"))
            break
    if bars.zoned and bars.unzoned:
        late, early = max(bars.zoned, bars.unzoned), min(bars.zoned, bars.unzoned)
        which = "an offset" if late == bars.zoned else "no offset"
        bars.faults.append(BarFault(RawRule.ZONE, file, late, f"a time with {which}, unlike row {early}"))
    return bars, signs or Signs()


def _split(file: str, lines: list[tuple[int, str]], body: Body) -> tuple[_Block, list[BarFault]]:
    columns, delimiter = body.columns, body.layout.delimiter or ","
    number, time, prices, volume, short = [], [], [], [], []
    for at, (row, line) in enumerate(lines):
        cells = fields(line, delimiter)
        if len(cells) != columns.width:
            short.append(at)
            continue
        number.append(row)
        time.append(" ".join([cells[place].strip() for place in columns.time]))
        prices.append(tuple([cells[place] for place in columns.prices]))
        if columns.volume is not None:
            volume.append(cells[columns.volume])

    def found(at: int) -> str:
        return f"{len(fields(lines[at][1], delimiter))} of {columns.width} fields: {quoted(lines[at][1])}"

    rows = np.array([row for row, _ in lines], np.int64)
    faults = first_faults(RawRule.FIELDS, file, rows, np.array(short, np.intp), found)
    return _Block(np.array(number, np.int64), time, prices, volume), faults


def _read_block(file: str, block: _Block, layout: Layout, by: tuple[Signs, FileClock], bars: _Bars) -> None:
    """Append the sound bars of ``block`` to ``bars``, and the faults of the others."""
    signs, clock = by
    times = read_times(block.time, layout.time_format, clock)
    columns = list(zip(*block.prices, strict=True)) or [()] * len(PRICES)
    prices = np.column_stack([prices_of(column, signs) for column in columns])
    sound = times.read & ~times.unclear

    def time_at(at: int) -> str:
        return f"time = {quoted(block.time[at])}"

    for rule, broken in ((RawRule.TIMESTAMP, ~times.read), (RawRule.SUMMER_TIME, times.unclear)):
        bars.faults += first_faults(rule, file, block.number, np.flatnonzero(broken), time_at)
    for rule, broken, found in _breaches_of_prices(block, prices):
        bars.faults += first_faults(rule, file, block.number, np.flatnonzero(broken), found)
        sound &= ~broken
    if layout.volume:
        flat = sound & _are_flat(block, times.utc, prices)
        bars.flat += int(flat.sum())
        sound &= ~flat
    bars.zoned = bars.zoned or _first(block.number, times.read & times.zoned)
    bars.unzoned = bars.unzoned or _first(block.number, times.read & ~times.zoned)
    bars.time.append(times.utc[sound])
    bars.prices.append(prices[sound])
    bars.number.append(block.number[sound])


def _first(number: npt.NDArray[np.int64], mask: Mask) -> int:
    return int(number[mask.argmax()]) if mask.any() else 0


def _breaches_of_prices(block: _Block, prices: Floats) -> list[tuple[RawRule, Mask, Callable[[int], str]]]:
    breaches: list[tuple[RawRule, Mask, Callable[[int], str]]] = []
    for column, name in enumerate(PRICES):

        def found(at: int, column: int = column, name: str = name) -> str:
            return f"{name} = {quoted(block.prices[at][column])}"

        infinite = ~np.isfinite(prices[:, column])
        comma = infinite.copy()
        comma[infinite] = ["," in block.prices[at][column] for at in np.flatnonzero(infinite).tolist()]
        breaches += [
            (RawRule.DECIMAL_COMMA, comma, found),
            (RawRule.NUMBER, infinite & ~comma, found),
            (RawRule.PRICE, prices[:, column] <= 0, found),
        ]
    open_, high, low, close = prices.T
    crossed = (low > np.minimum(open_, close)) | (high < np.maximum(open_, close))

    def all_at(at: int) -> str:
        return ", ".join(f"{name} {text.strip()}" for name, text in zip(PRICES, block.prices[at], strict=True))

    return [*breaches, (RawRule.RANGE, crossed & (np.isfinite(prices) & (prices > 0)).all(axis=1), all_at)]


def _are_flat(block: _Block, utc: npt.NDArray[np.datetime64], prices: Floats) -> Mask:
    """Which bars only fill the time: four equal prices, and no volume or a market that is shut. Shape (n,)."""
    untraded = numbers(block.volume) == 0 if block.volume else np.zeros(utc.size, np.bool_)
    return np.asarray((prices == prices[:, :1]).all(axis=1) & (untraded | market_is_shut(utc)))


def _ordered(
    file: str, layout: Layout, bars: _Bars, by: FileClock, minutes: int | None, said: tuple[list[str], list[str]]
) -> Export:
    notes, repairs = said
    time, prices, number = np.concatenate(bars.time), np.concatenate(bars.prices), np.concatenate(bars.number)
    steps = np.diff(time).astype(np.int64)
    if (steps < 0).any() and (steps <= 0).all():
        time, prices, number = time[::-1], prices[::-1], number[::-1]
        repairs = [*repairs, "newest first, turned round"]
    backward = _faults_of_order(file, time, number)
    length, of_grid = _length(file, time, number, minutes)
    again, doubles = _duplicates(file, time, prices, number)
    if again.any():
        repairs = [*repairs, f"{int(again.sum())} bars that stand there twice left out"]
    first = ~again
    zoned = bool(bars.zoned or layout.clock)
    clock = "times with their own offset" if bars.zoned else f"times by {by.name}"
    return Export(
        file,
        layout.name,
        length,
        time[first],
        prices[first],
        number[first],
        (*bars.faults, *backward, *of_grid, *doubles),
        f"{clock}, {weeks_of(time[first], None if zoned else by)}",
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
    file: str, time: npt.NDArray[np.datetime64], number: npt.NDArray[np.int64], minutes: int | None
) -> tuple[int, list[BarFault]]:
    """Minutes of a bar, and what does not fit them."""
    seconds = time != time.astype("datetime64[m]")
    if seconds.any():
        at = int(np.flatnonzero(seconds)[0])
        return 1, [BarFault(RawRule.OFF_GRID, file, int(number[at]), f"a bar opens at {_time(time[at])} (UTC)")]
    steps = np.unique(np.diff(np.unique(time)) // _MINUTE)
    minute = (time.astype("datetime64[m]").astype(np.int64)) % 15
    enough = time.size >= SHOWS_ITS_LENGTH and steps.size > 0
    guessed = next((length for length in (15, 5) if enough and steps[0] >= length and not (minute % length).any()), 1)
    length = minutes or guessed
    if minutes is None and length == 15 and steps[0] > 15:
        return length, [BarFault(RawRule.LENGTH, file, 0, f"the shortest step between bars is {steps[0]} minutes")]
    off = np.flatnonzero(minute % length)
    if off.size:
        at = int(off[0])
        return length, [
            BarFault(RawRule.LENGTH, file, int(number[at]), f"{_time(time[at])} (UTC) opens no M{length} bar")
        ]
    return length, []


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
