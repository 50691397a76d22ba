"""An export is read into bars here, with everything that is wrong with them.

As in the yearly files, lines are split here rather than by a CSV engine, so that every fault has its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.checks import numbers
from flows.bars.clock import FileClock
from flows.bars.faults import BarFault, quoted
from flows.bars.raw.layouts import METATRADER, PRICES, Layout, layout_of
from flows.bars.raw.rules import RawRule

LENGTHS = (1, 5, 15)
"""Minutes that a bar of an export may have."""

SHOWS_ITS_LENGTH = 10
"""Bars from which an export shows how long they are: fewer minutes may all open at full quarters by chance."""

_FIRST, _LAST = pd.Timestamp("1970-01-01"), pd.Timestamp("2200-01-01")
_ZONE = re.compile(r"(Z|UTC|[+-]\d\d:?\d\d)$")
_MINUTE = np.timedelta64(60, "s")


@dataclass(frozen=True, eq=False)
class Export:
    """The sound bars of one file, in its order.

    ``time``: shape (n,), datetime64[ns], the open in UTC. ``prices``: shape (n, 4), open, high, low, close.
    ``number``: shape (n,), the line of each, counted from 1. ``minutes``: length of a bar. ``repairs``: sentences.
    ``zoned``: its times carry an offset, so no clock was asked.
    """

    file: str
    layout: str
    minutes: int
    time: npt.NDArray[np.datetime64]
    prices: Floats
    number: npt.NDArray[np.int64]
    faults: tuple[BarFault, ...]
    repairs: tuple[str, ...] = ()
    zoned: bool = False


@dataclass(frozen=True)
class _Table:
    """Lines as fields: time as one text, prices as four."""

    number: list[int]
    time: list[str]
    prices: list[tuple[str, ...]]


def read_export(
    file: str, content: bytes, *, clock: FileClock, layout: Layout | None = None, minutes: int | None = None
) -> Export:
    """The bars in ``content``; nothing is raised, ``faults`` of the result hold what is wrong.

    ``clock`` says what times without a zone mean. ``layout``: default is the one the first line shows. ``minutes``: the
    length of a bar, one of :data:`LENGTHS`; default is the smallest step in the file, one minute where there are fewer
    than :data:`SHOWS_ITS_LENGTH` bars.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unusable(BarFault(RawRule.NOT_TEXT, file, 0, f"byte {error.start} is not UTF-8"))
    lines = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        return _unusable(BarFault(RawRule.EMPTY, file, 0, "nothing is in it"))
    layout = layout or layout_of(lines[0][1])
    read = _table(file, lines, layout)
    if isinstance(read, BarFault):
        return _unusable(read)
    table, faults = read
    return _checked(file, layout, table, faults, clock, minutes)


def _table(file: str, lines: list[tuple[int, str]], layout: Layout) -> tuple[_Table, list[BarFault]] | BarFault:
    header = [cell.strip() for cell in lines[0][1].split(layout.delimiter)]
    if layout.header:
        spelled = [cell.casefold() for cell in header]
        wanted = [name.casefold() for name in (*layout.time, *layout.prices)]
        missing = sorted(set(wanted) - set(spelled))
        if missing:
            return BarFault(
                RawRule.LAYOUT, file, lines[0][0], f"no column {', '.join(missing)} in {quoted(lines[0][1])}"
            )
        twice = sorted(name for name in set(wanted) if spelled.count(name) > 1)
        if twice:
            return BarFault(RawRule.LAYOUT, file, lines[0][0], f"column {', '.join(twice)} stands there twice")
        places = [spelled.index(name) for name in wanted]
    else:
        places = [int(name) for name in (*layout.time, *layout.prices)]
    body = lines[1:] if layout.header else lines
    if not body:
        return BarFault(RawRule.EMPTY, file, 0, "a header and no bar")
    table, faults = _Table([], [], []), []
    for number, line in body:
        cells = line.split(layout.delimiter)
        if len(cells) == len(header):
            table.number.append(number)
            table.time.append(" ".join(cells[place].strip() for place in places[: len(layout.time)]))
            table.prices.append(tuple(cells[place] for place in places[len(layout.time) :]))
        else:
            faults.append(
                BarFault(RawRule.FIELDS, file, number, f"{len(cells)} of {len(header)} fields: {quoted(line)}")
            )
    return table, faults


def _checked(
    file: str, layout: Layout, table: _Table, faults: list[BarFault], clock: FileClock, minutes: int | None
) -> Export:
    number = np.array(table.number, np.int64)
    time, in_time = _times(file, layout, table, clock)
    columns = list(zip(*table.prices, strict=True)) or [()] * len(PRICES)
    prices = np.column_stack([numbers(column) for column in columns])
    faulty = [*in_time, *_faults_of_prices(file, table, prices)]
    sound = ~np.isin(number, [fault.row for fault in faulty])
    time, prices, number = time[sound], prices[sound], number[sound]
    faulty += _faults_of_order(file, time, number)
    length, of_grid = _length(file, time, number, minutes)
    again, doubles = _duplicates(file, time, prices, number)
    repairs = (f"{file}: {int(again.sum())} bars that stand there twice left out",) if again.any() else ()
    first = ~again
    return Export(
        file,
        layout.name,
        length,
        time[first],
        prices[first],
        number[first],
        (*faults, *faulty, *of_grid, *doubles),
        repairs,
        zoned=_is_zoned(layout, table),
    )


def _is_zoned(layout: Layout, table: _Table) -> bool:
    """Whether its times carry an offset."""
    return layout.time_format is None and bool(table.time) and _ZONE.search(table.time[0]) is not None


def stamped_at_close(export: Export) -> Export:
    """The export of bars that are stamped at their close: each opens its own length earlier."""
    return replace(export, time=export.time - np.timedelta64(export.minutes, "m"))


def _times(
    file: str, layout: Layout, table: _Table, clock: FileClock
) -> tuple[npt.NDArray[np.datetime64], list[BarFault]]:
    """UTC of each line, shape (n,), and a fault for each that has none."""
    texts = pd.Series(table.time, dtype=object)
    zone = (
        texts.str.extract(r"(Z|UTC|[+-]\d\d:?\d\d)$", expand=False).fillna("") if layout.time_format is None else None
    )
    bare = texts if zone is None else texts.str.replace(r"\s?(Z|UTC|[+-]\d\d:?\d\d)$", "", regex=True)
    if layout == METATRADER:  # the seconds are left out by some of its builds
        bare = bare.where(bare.str.len() != 16, bare + ":00")
    wall = pd.to_datetime(bare, format=layout.time_format or "ISO8601", errors="coerce")
    wall = wall.where((wall >= _FIRST) & (wall < _LAST))
    unread = np.flatnonzero(wall.isna())
    faults = [BarFault(RawRule.TIMESTAMP, file, table.number[at], f"time = {quoted(table.time[at])}") for at in unread]
    if zone is not None and zone.nunique() > 1:
        usual = zone.iloc[0]
        other = int(np.flatnonzero(zone != usual)[0])
        differing = f"time = {quoted(table.time[other])}, the first line has {quoted(table.time[0])}"
        faults.append(BarFault(RawRule.ZONE, file, table.number[other], differing))
    zoned = zone is not None and bool(zone.iloc[0]) if len(texts) else False
    values = wall.fillna(_FIRST).to_numpy("datetime64[ns]")
    here = FileClock.parse(_offset(str(zone.iloc[0]))) if zoned and zone is not None else clock
    utc, unclear = here.to_utc(values)
    faults += [
        BarFault(RawRule.SUMMER_TIME, file, table.number[at], f"time = {quoted(table.time[at])}")
        for at in np.flatnonzero(unclear)
    ]
    return utc, faults


def _offset(zone: str) -> str:
    return "UTC" if zone in ("Z", "UTC") else f"UTC{zone[:3]}:{zone[-2:]}"


def _faults_of_prices(file: str, table: _Table, prices: Floats) -> list[BarFault]:
    faults = []
    for column, name in enumerate(PRICES):
        for at in np.flatnonzero(~np.isfinite(prices[:, column])).tolist():
            text = table.prices[at][column]
            rule = RawRule.DECIMAL_COMMA if "," in text else RawRule.NUMBER
            faults.append(BarFault(rule, file, table.number[at], f"{name} = {quoted(text)}"))
        for at in np.flatnonzero(prices[:, column] <= 0).tolist():
            faults.append(
                BarFault(RawRule.PRICE, file, table.number[at], f"{name} = {quoted(table.prices[at][column])}")
            )
    open_, high, low, close = prices.T
    crossed = (low > np.minimum(open_, close)) | (high < np.maximum(open_, close))
    for at in np.flatnonzero(crossed & (np.isfinite(prices) & (prices > 0)).all(axis=1)).tolist():
        prices_there = ", ".join(f"{name} {text.strip()}" for name, text in zip(PRICES, table.prices[at], strict=True))
        faults.append(BarFault(RawRule.RANGE, file, table.number[at], prices_there))
    return faults


def _faults_of_order(file: str, time: npt.NDArray[np.datetime64], number: npt.NDArray[np.int64]) -> list[BarFault]:
    back = np.flatnonzero(time[1:] < time[:-1]) + 1
    return [
        BarFault(RawRule.ORDER, file, int(number[at]), f"{_time(time[at])} after {_time(time[at - 1])} (UTC)")
        for at in back.tolist()
    ]


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
    return again, [
        BarFault(RawRule.DUPLICATE, file, int(number[at]), f"{_time(time[at])} (UTC) is also in row {number[at - 1]}")
        for at in np.flatnonzero(differ).tolist()
    ]


def _time(time: np.datetime64) -> str:
    return f"{pd.Timestamp(time):%Y-%m-%d %H:%M:%S}"


def _unusable(fault: BarFault) -> Export:
    none = np.empty(0, "datetime64[ns]")
    return Export(fault.file, "none", 1, none, np.empty((0, 4)), np.empty(0, np.int64), (fault,))
