"""Rows of a bar file are checked against the rules here, repaired where that needs no guess, and become bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats, Mask
from flows.bars.faults import BarFault, Rule, quoted
from flows.bars.rows import TIMESTAMP, Rows
from flows.instruments import PriceColumns


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


@dataclass(frozen=True, eq=False)
class WrongTimes:
    """Rows whose time cannot be, of shape (n,): ``unclear``, the file's clock does not settle it; ``off_grid``, no bar
    opens then."""

    unclear: Mask
    off_grid: Mask

    def only(self, mask: Mask) -> WrongTimes:
        return WrongTimes(self.unclear[mask], self.off_grid[mask])


def check_rows(rows: Rows, needed: Mapping[str, str], wrong_times: WrongTimes, prices: PriceColumns) -> Checked:
    """The bars in ``rows``.

    ``needed``: the columns that must be there, each with the reason. ``prices``: the names of the columns of prices.
    """
    faults = list(rows.faults)
    repairs = list(rows.repairs)
    if rows.crlf.any():
        repairs.append(f"{rows.file}: {_count(int(rows.crlf.sum()), 'row')} ended in CRLF")
    if rows.unfinished is not None:
        repairs.append(f"{rows.file}: {rows.unfinished}")
    if rows.columns:
        missing = [name for name in needed if name not in rows.columns]
        faults += [BarFault(Rule.COLUMN_MISSING, rows.file, 1, f"no column {name}, {needed[name]}") for name in missing]
    misshapen, broken = _faults_of_shape(rows, wrong_times)
    rows = rows.only(~broken)
    names = tuple(name for name in rows.columns if name != TIMESTAMP)
    values = _numbers(rows, names)
    wrong, broken = _faults_of_values(rows, names, values, prices)
    order = _order(rows, ~broken, repairs)
    rows, values = rows.take(order), values[order]
    again, doubles = _duplicates(rows, values, repairs)
    faults += [*misshapen, *wrong, *doubles]
    return Checked(names, rows.time[~again], values[~again], rows.number[~again], tuple(faults), tuple(repairs))


def _faults_of_shape(rows: Rows, wrong: WrongTimes) -> tuple[list[BarFault], Mask]:
    """Wrong timestamps, and lines that do not have one field a column; and which rows have one of these, shape (n,)."""
    expected = len(rows.columns)
    fields = rows.fields
    # A decimal comma cuts every number in two and leaves the timestamp whole.
    commas = (fields != expected) & (fields == 2 * expected - 1)
    breaches: tuple[tuple[Rule, Mask, Callable[[int], str]], ...] = (
        *(
            (rule, broken, lambda at: f"timestamp = {quoted(rows.cell(at, TIMESTAMP))}")
            for rule, broken in (
                (Rule.ZONE, rows.zoned),
                (Rule.OTHER_YEAR, rows.time.astype("datetime64[Y]") != np.datetime64(rows.year - 1970, "Y")),
                (Rule.OFF_GRID, wrong.off_grid),
                (Rule.SUMMER_TIME, wrong.unclear & ~rows.zoned),
            )
        ),
        *(
            (rule, broken, lambda at: f"{fields[at]} of {expected} fields: {quoted(rows.text[at])}")
            for rule, broken in ((Rule.DECIMAL_COMMA, commas), (Rule.FIELDS, (fields != expected) & ~commas))
        ),
    )
    return _faults_of(rows, breaches)


def _faults_of_values(
    rows: Rows, names: tuple[str, ...], values: Floats, prices: PriceColumns
) -> tuple[list[BarFault], Mask]:
    """Values that are none and prices that contradict each other; and which rows have one of these, shape (n,)."""

    def shown(name: str) -> Callable[[int], str]:
        return lambda at: f"{name} = {quoted(rows.cell(at, name))}"

    def crossed(low: str, high: str) -> Callable[[int], str]:
        return lambda at: f"{low} = {rows.cell(at, low).strip()} is above {high} = {rows.cell(at, high).strip()}"

    breaches: list[tuple[Rule, Mask, Callable[[int], str]]] = []
    for column, name in enumerate(names):
        breaches.append((Rule.NUMBER, ~np.isfinite(values[:, column]), shown(name)))
        if name in prices:
            breaches.append((Rule.PRICE, values[:, column] <= 0, shown(name)))
    lowest, highest = prices.low, prices.high
    pairs = [(lowest, highest), (lowest, prices.open), (lowest, prices.close)]
    for low, high in (*pairs, (prices.open, highest), (prices.close, highest)):
        if low in names and high in names:
            above = values[:, names.index(low)] > values[:, names.index(high)]  # False beside NaN
            breaches.append((Rule.RANGE, above, crossed(low, high)))
    return _faults_of(rows, breaches)


def _faults_of(rows: Rows, breaches: Sequence[tuple[Rule, Mask, Callable[[int], str]]]) -> tuple[list[BarFault], Mask]:
    """The faults of each rule, where it is broken, and which rows break one, shape (n,)."""
    faults, any_ = [], np.zeros(len(rows.number), np.bool_)
    for rule, broken, found in breaches:
        faults += rows.faults_where(rule, broken, found)
        any_ |= broken
    return faults, any_


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
    faults = rows.faults_where(
        Rule.DUPLICATE,
        again & ~same,
        lambda at: f"{quoted(rows.cell(at, TIMESTAMP))} is also in row {rows.number[first[at]]}",
    )
    return again, faults


def _numbers(rows: Rows, names: tuple[str, ...]) -> Floats:
    """The values of columns ``names``: shape (n, columns), NaN for what is no number."""
    by_name = rows.by_column()
    values = np.empty((len(rows.text), len(names)))
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
