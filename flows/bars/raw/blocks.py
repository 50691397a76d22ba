"""Lines of an export become sound bars here, and faults of the lines that are none, a block of lines at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.checks import numbers
from flows.bars.clock import FileClock
from flows.bars.faults import BarFault, count_of, first_faults, quoted
from flows.bars.raw.layouts import PRICES, Layout
from flows.bars.raw.lines import Body, fields
from flows.bars.raw.prices import Signs, prices_of, signs_of
from flows.bars.raw.rules import RawRule
from flows.bars.raw.times import read_times
from flows.instruments import GBPUSD_M15, TradingHours

MOST_FAULTS = 100_000
"""Faults after which an export is read no further."""


@dataclass(eq=False)
class LineBars:
    """Bars in the order of their lines; each list holds an array a block of lines.

    ``zoned``, ``unzoned``: the line of the first time with an offset and without, 0 if there is none. ``flat``: how
    many bars that only fill the time were left out.
    """

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


def read_bars(
    file: str, body: Body, clock: FileClock, hours: TradingHours = GBPUSD_M15.hours
) -> tuple[LineBars, Signs]:
    """The bars of ``body`` with their faults, and the signs of its numbers; ``clock`` is of times without offset,
    ``hours`` are those of the market."""
    bars, signs = LineBars(), None
    for lines in body.blocks():
        block, faults = _split(file, lines, body)
        bars.faults += faults
        if signs is None:
            signs = signs_of([text for prices in block.prices for text in prices])
        _read_block(file, block, body.layout, (signs, clock, hours), bars)
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


def _read_block(
    file: str, block: _Block, layout: Layout, by: tuple[Signs, FileClock, TradingHours], bars: LineBars
) -> None:
    """Append the sound bars of ``block`` to ``bars``, and the faults of the others."""
    signs, clock, hours = by
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
        flat = sound & _are_flat(block, times.utc, prices, hours)
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


def _are_flat(block: _Block, utc: npt.NDArray[np.datetime64], prices: Floats, hours: TradingHours) -> Mask:
    """Which bars only fill the time: four equal prices, and no volume or a market that is shut. Shape (n,)."""
    untraded = numbers(block.volume) == 0 if block.volume else np.zeros(utc.size, np.bool_)
    shut = hours.shut(pd.DatetimeIndex(utc, tz="UTC"))
    return np.asarray((prices == prices[:, :1]).all(axis=1) & (untraded | shut))
