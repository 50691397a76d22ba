"""Rows of a bar file are checked against the rules here, repaired where that needs no guess, and become bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats, Mask
from flows.bars.faults import BarFault, Rule, quoted
from flows.bars.rows import TIMESTAMP, Rows

CLOSE = "close_15m"
OPEN, HIGH, LOW = "open_15m", "high_15m", "low_15m"
QUARTER_HOUR = np.timedelta64(15, "m").astype("timedelta64[ns]")

_EPOCH = np.datetime64("1970-01-01", "ns")


@dataclass(frozen=True)
class Checked:
    """What one file gives: bars in order of time, ``time`` shape (n,) by the file's clock, ``values`` shape
    (n, columns) and ``line`` shape (n,), without the rows that have a fault; every fault; every repair."""

    columns: tuple[str, ...]
    time: npt.NDArray[np.datetime64]
    values: Floats
    line: npt.NDArray[np.int64]
    faults: tuple[BarFault, ...]
    repairs: tuple[str, ...]


def check_rows(rows: Rows, needed: Mapping[str, str], unclear: Mask) -> Checked:
    """The bars in ``rows``.

    ``needed``: the columns that must be there, each with the reason. ``unclear``: shape (n,), rows whose time the
    file's clock does not settle.
    """
    faults = list(rows.faults)
    repairs = list(rows.repairs)
    if rows.crlf.any():
        repairs.append(f"{rows.file}: {_count(int(rows.crlf.sum()), 'row')} ended in CRLF")
    if rows.columns:
        missing = [name for name in needed if name not in rows.columns]
        faults += [BarFault(Rule.COLUMN_MISSING, rows.file, 1, f"no column {name}, {needed[name]}") for name in missing]
    misshapen = _faults_of_shape(rows, unclear)
    rows = rows.only(_are_sound(rows, misshapen))
    names = tuple(name for name in rows.columns if name != TIMESTAMP)
    values = _numbers(rows, names)
    wrong = _faults_of_values(rows, names, values)
    order = _order(rows, _are_sound(rows, wrong), repairs)
    rows, values = rows.take(order), values[order]
    again, doubles = _duplicates(rows, values, repairs)
    faults += [*misshapen, *wrong, *doubles]
    return Checked(names, rows.time[~again], values[~again], rows.number[~again], tuple(faults), tuple(repairs))


def _faults_of_shape(rows: Rows, unclear: Mask) -> list[BarFault]:
    """Wrong timestamps, and lines that do not have one field a column."""
    breaches = (
        (Rule.ZONE, rows.zoned),
        (Rule.OTHER_YEAR, rows.time.astype("datetime64[Y]") != np.datetime64(rows.year - 1970, "Y")),
        (Rule.OFF_GRID, (rows.time - _EPOCH) % QUARTER_HOUR != np.timedelta64(0)),
        (Rule.SUMMER_TIME, unclear & ~rows.zoned),
    )
    faults = [
        rows.fault(rule, at, f"timestamp = {quoted(_cell(rows, at, TIMESTAMP))}")
        for rule, broken in breaches
        for at in np.flatnonzero(broken).tolist()
    ]
    expected = len(rows.columns)
    for at, cells in enumerate(rows.cells):
        if len(cells) != expected:
            # A decimal comma cuts every number in two and leaves the timestamp whole.
            rule = Rule.DECIMAL_COMMA if len(cells) == 2 * expected - 1 else Rule.FIELDS
            faults.append(rows.fault(rule, at, f"{len(cells)} of {expected} fields: {quoted(','.join(cells))}"))
    return faults


def _faults_of_values(rows: Rows, names: tuple[str, ...], values: Floats) -> list[BarFault]:
    faults = []
    for column, name in enumerate(names):
        broken = [(Rule.NUMBER, ~np.isfinite(values[:, column]))]
        if name in (OPEN, HIGH, LOW, CLOSE):
            broken.append((Rule.PRICE, values[:, column] <= 0))
        for rule, rows_broken in broken:
            for at in np.flatnonzero(rows_broken).tolist():
                faults.append(rows.fault(rule, at, f"{name} = {quoted(_cell(rows, at, name))}"))
    for low, high in ((LOW, HIGH), (LOW, OPEN), (LOW, CLOSE), (OPEN, HIGH), (CLOSE, HIGH)):
        if low in names and high in names:
            crossed = values[:, names.index(low)] > values[:, names.index(high)]  # False beside NaN
            for at in np.flatnonzero(crossed).tolist():
                values_there = (
                    f"{low} = {_cell(rows, at, low).strip()} is above {high} = {_cell(rows, at, high).strip()}"
                )
                faults.append(rows.fault(Rule.RANGE, at, values_there))
    return faults


def _order(rows: Rows, sound: Mask, repairs: list[str]) -> npt.NDArray[np.intp]:
    """Positions of the sound rows in order of time."""
    positions = np.flatnonzero(sound)
    time = rows.time[positions]
    backward = np.flatnonzero(time[1:] < time[:-1]) + 1
    if backward.size:
        first = rows.number[positions[backward[0]]]
        steps = _count(backward.size, "step")
        repairs.append(f"{rows.file}: {steps} back in time (first at row {first}), put in order")
    return positions[np.argsort(time, kind="stable")]


def _duplicates(rows: Rows, values: Floats, repairs: list[str]) -> tuple[Mask, list[BarFault]]:
    """Which rows repeat the time of the row before, shape (n,), and a fault where they differ from the first."""
    again = np.zeros(len(rows.time), np.bool_)
    again[1:] = rows.time[1:] == rows.time[:-1]
    first = np.maximum.accumulate(np.where(again, 0, np.arange(again.size)))
    same = again & (values == values[first]).all(axis=1)
    if same.any():
        row = rows.number[np.flatnonzero(same)[0]]
        repairs.append(f"{rows.file}: {_count(int(same.sum()), 'exact duplicate')} dropped (first at row {row})")
    faults = []
    for at in np.flatnonzero(again & ~same).tolist():
        when = quoted(_cell(rows, at, TIMESTAMP))
        faults.append(rows.fault(Rule.DUPLICATE, at, f"{when} is also in row {rows.number[first[at]]}"))
    return again, faults


def _are_sound(rows: Rows, faults: list[BarFault]) -> Mask:
    """Which rows have none of ``faults``: shape (n,)."""
    return ~np.isin(rows.number, [fault.row for fault in faults])


def _cell(rows: Rows, at: int, name: str) -> str:
    return rows.cells[at][rows.columns.index(name)]


def _numbers(rows: Rows, names: tuple[str, ...]) -> Floats:
    """The values of columns ``names``: shape (n, columns), NaN for what is no number."""
    if not rows.cells:
        return np.empty((0, len(names)))
    by_name = dict(zip(rows.columns, zip(*rows.cells, strict=True), strict=True))
    values = np.empty((len(rows.cells), len(names)))
    for column, name in enumerate(names):
        values[:, column] = numbers(by_name[name])
    return values


def numbers(texts: Sequence[str]) -> Floats:
    """The nearest float64 of each of ``texts``: shape (n,), NaN for what is no number."""
    if "_" not in "".join(texts):
        try:
            return np.fromiter(map(float, texts), np.float64, len(texts))
        except ValueError:  # found one by one below, at several times the price
            pass
    return np.fromiter(map(_number, texts), np.float64, len(texts))


def _number(text: str) -> float:
    try:
        return math.nan if "_" in text else float(text)  # 1_000 is a number to Python alone
    except ValueError:
        return math.nan


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
