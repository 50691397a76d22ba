"""Faults are what can be wrong with a bar file; all of them are reported in one error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

import numpy as np
import numpy.typing as npt

from flows.errors import BarsRejected
from flows.instruments import GBPUSD_M15, Instrument

FAULTS_LISTED = 20  # of one rule; the rest is counted


class Rule(Enum):
    """A rule of bar files and how to fix what breaks it, in the order they are reported; ``{0}`` stands for the
    instrument."""

    UNKNOWN_YEAR = "the name must hold a year from 1970 to 2199: rename the file to {0.name}_YYYY_features.csv"
    FORM = "a year must lie there as a plain CSV of exactly its name: unpack or rename it, or put the file there again"
    NOT_TEXT = "the file must be CSV in UTF-8: export it again as plain CSV"
    EMPTY = "the file must hold a header and at least one bar: export it again, or remove it"
    TOO_LONG = (
        "a file holds a year of bars of {0.spoken}, {0.most_bars_a_year:,} at most: build it with `retrain features`"
    )
    DELIMITER = "columns must be separated by commas: export with ',' between columns and '.' in numbers"
    COLUMN_MISSING = "a column is missing: export it too, or leave out the recipe or year that needs it"
    COLUMN_TWICE = "a column stands twice in the header: keep one of them"
    DECIMAL_COMMA = "numbers must be written with a point: export with '.' in numbers"
    FIELDS = "a line must have one field a column (a short last line is a truncated file): export the file again"
    TIMESTAMP = "a timestamp must be YYYY-MM-DD HH:MM:SS: correct it"
    ZONE = (
        "timestamps must carry no zone, the clock of the files is a setting: write them all by one clock, without zone"
    )
    OTHER_YEAR = "a bar must be of the year in the file's name: move it to the file of its year"
    OFF_GRID = "bars must open at a full {0.full}: correct the timestamp, or aggregate again"
    SUMMER_TIME = "the clock of the files shows this time twice or never: check the clock setting, or remove the bar"
    NUMBER = "every value must be a finite number: fill it or remove the bar (of indicators: drop their warm-up)"
    PRICE = "prices must be above zero: correct or remove the bar"
    RANGE = "high, low, open and close contradict each other (low <= open, close <= high): correct or remove the bar"
    DUPLICATE = "two bars of one timestamp have different values: keep the right one"


@dataclass(frozen=True)
class BarFault:
    """One breach: ``row`` is the line in the file, counted from 1 (the header is 1), 0 the file as a whole.

    ``rule`` is a member of :class:`Rule`, or of another enumeration whose values say how to fix what breaks it.
    ``more``: how many further breaches of the same rule are counted here and not kept.
    """

    rule: Enum
    file: str
    row: int
    found: str
    more: int = 0

    def __str__(self) -> str:
        return f"{self.file}{f' row {self.row}' if self.row else ''}: {self.found}"


def first_faults(
    rule: Enum, file: str, rows: npt.NDArray[np.int64], at: npt.NDArray[np.intp], found: Callable[[int], str]
) -> list[BarFault]:
    """A fault for the first :data:`FAULTS_LISTED` of the positions ``at``, the last of which counts the others.

    ``rows``: shape (n,), the line of each position. ``found`` says what stands at a position; it is called for the
    faults that are kept alone, so a file that is wrong in every line costs no more than one that is wrong in a few.
    """
    return [BarFault(rule, file, int(rows[each]), found(each), more) for each, more in first_places(at)]


def first_places(at: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
    """The first :data:`FAULTS_LISTED` of the positions ``at``, each with 0, the last with how many follow."""
    kept = at[:FAULTS_LISTED].tolist()
    return [(each, 0) for each in kept[:-1]] + [(each, at.size - len(kept)) for each in kept[-1:]]


def refuse(faults: Iterable[BarFault], instrument: Instrument = GBPUSD_M15) -> None:
    """Nothing if there are no faults, else :class:`BarsRejected` that lists them by rule, file and row."""
    ordered = sorted(faults, key=lambda fault: (_place(fault.rule), fault.file, fault.row, fault.found))
    if not ordered:
        return
    count = count_of(ordered)
    lines = [f"the bars cannot be used, {count} fault{'s' if count > 1 else ''}:"]
    for rule, group in groupby(ordered, key=lambda fault: fault.rule):
        of_rule = list(group)
        listed = of_rule[:FAULTS_LISTED]
        lines.append(f"- {rule.value.format(instrument)}")
        lines += [f"    {fault}" for fault in listed]
        if count_of(of_rule) > len(listed):
            lines.append(f"    and {count_of(of_rule) - len(listed)} more")
    raise BarsRejected("\n".join(lines))


def count_of(faults: Iterable[BarFault]) -> int:
    """How many breaches ``faults`` stand for, those that are not kept among them."""
    return sum(1 + fault.more for fault in faults)


def _place(rule: Enum) -> int:
    return list(type(rule)).index(rule)


def quoted(text: str) -> str:
    """``text`` as it stands in the file, quoted and short enough for a message."""
    return repr(text if len(text) <= 60 else text[:60] + "…")
