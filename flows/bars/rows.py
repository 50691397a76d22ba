"""The lines of one yearly file are read here with their timestamps; the values are not read yet.

The lines are split here rather than by a CSV engine: line numbers stay exact, every number becomes the nearest float64,
and no version of an engine can change what a file means. 25,000 rows take about 0.1 s, checked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from flows.arrays import Mask
from flows.bars.contents import NoText, read_plain, read_text
from flows.bars.faults import BarFault, Rule, first_faults, quoted
from registry.format.phrases import listed

TIMESTAMP = "timestamp"

LINES_READ = 100_000
"""Lines of a file that are read; a year has 35,136 quarters of an hour at most, so more are of another kind of file.
Of shorter bars as many times more."""

_FORM = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s?(Z|UTC|[+-]\d\d:?\d\d)?")
_PLAIN = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}\n)*+")
_YEAR_1 = np.datetime64("0001-01-01", "us")  # the first of Python's calendar
_FIRST, _LAST = np.datetime64("1900-01-01", "us"), np.datetime64("2200-01-01", "us")  # well inside datetime64[ns]
_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'"}


@dataclass(frozen=True)
class UnfinishedRow:
    """A last line without a line end: a writer is still at work, or was cut off, and any of its digits may be missing.

    ``time``: what the file's clock shows in it, NaT where that cannot be read.
    """

    number: int
    time: np.datetime64

    def __str__(self) -> str:
        return f"row {self.number} left out: the last line has no line end, so it may be half written"


@dataclass(frozen=True)
class Rows:
    """The lines whose timestamps can be read, in the order of the file, and what reading them found.

    ``text``: each line. ``number`` (of the line, the header's is 1), ``time`` (datetime64[ns], the file's clock),
    ``zoned`` (a zone was written) and ``crlf``: shape (n,). ``unfinished`` is in none of them.
    """

    file: str
    year: int
    columns: tuple[str, ...]
    text: list[str]
    number: npt.NDArray[np.int64]
    time: npt.NDArray[np.datetime64]
    zoned: Mask
    crlf: Mask
    faults: tuple[BarFault, ...]
    repairs: tuple[str, ...]
    unfinished: UnfinishedRow | None = None

    @property
    def fields(self) -> npt.NDArray[np.int64]:
        """How many fields each line has: shape (n,)."""
        return _fields(self.text)

    def cell(self, at: int, name: str) -> str:
        """The field of column ``name`` in the line at that place."""
        return self.text[at].split(",")[self.columns.index(name)]

    def by_column(self) -> dict[str, list[str]]:
        """The fields of each column, where every line has one field a column."""
        # In one list: a list for each line would be looked through by Python's collector of cycles, again and again.
        cells = ",".join(self.text).split(",") if self.text else []
        return {name: cells[place :: len(self.columns)] for place, name in enumerate(self.columns)}

    def only(self, mask: Mask) -> Rows:
        """The rows where ``mask``, shape (n,)."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def take(self, positions: npt.NDArray[np.intp]) -> Rows:
        """The rows at ``positions``, in that order."""
        text = [self.text[at] for at in positions.tolist()]
        arrays = {name: getattr(self, name)[positions] for name in ("number", "time", "zoned", "crlf")}
        return replace(self, text=text, **arrays)

    def faults_where(self, rule: Rule, broken: Mask, found: Callable[[int], str]) -> list[BarFault]:
        """A breach in the first of the rows where ``broken``, shape (n,); see :func:`first_faults`."""
        return first_faults(rule, self.file, self.number, np.flatnonzero(broken), found)


def read_rows(file: str, year: int, content: bytes, *, most: int = LINES_READ) -> Rows:
    """The rows of ``content``, ``most`` of them; none, and the fault, if the file as a whole cannot be read.

    A Parquet file has the rows of the CSV that holds the same: the line of its first bar is 2.
    """
    plain = read_text(content) if file.endswith(".parquet") else read_plain(content)
    if isinstance(plain, NoText):
        return _unusable(BarFault(Rule.NOT_TEXT, file, 0, plain.reason), year)
    header, *lines = plain.text.split("\n", most + 1)
    last = lines.pop() if lines else ""  # empty where every line has its end
    too_long = "\n" in last
    columns = tuple(name.strip() for name in header.split(","))
    number, bars = np.arange(2, len(lines) + 2), [line for line in lines if line.strip()]
    if len(bars) < len(lines):
        number = number[[bool(line.strip()) for line in lines]]
    fault = _fault_of_file(file, header, columns, bars=len(bars))
    if fault is not None:
        return _unusable(fault, year)
    repairs = (f"{file}: byte order mark removed",) if content.startswith(b"\xef\xbb\xbf") else ()
    rows = _timed(_Lines(file, number, bars), year, columns)
    if too_long:
        count = plain.text.count("\n")
        found = f"{count:,} lines, of which the first {most:,} were read"
        rows = replace(rows, faults=(BarFault(Rule.TOO_LONG, file, 0, found), *rows.faults))
    elif last.strip():
        rows = replace(rows, unfinished=_unfinished(len(lines) + 2, last, columns))
    return replace(rows, repairs=repairs)


@dataclass(frozen=True)
class _Lines:
    """Lines of a file that hold bars: ``number`` of each, shape (n,), and its ``text`` (n)."""

    file: str
    number: npt.NDArray[np.int64]
    text: list[str]


def _timed(lines: _Lines, year: int, columns: tuple[str, ...]) -> Rows:
    place = columns.index(TIMESTAMP)
    time, zoned = _read_timestamps(_cells(lines.text, place))
    unread = np.isnat(time)
    fields = _fields(lines.text)
    whole = fields == len(columns)

    def found(at: int) -> str:
        if whole[at]:
            return f"timestamp = {quoted(lines.text[at].split(',')[place])}"
        return f"{fields[at]} of {len(columns)} fields: {quoted(lines.text[at])}"

    broken = {Rule.FIELDS: unread & ~whole, Rule.TIMESTAMP: unread & whole}
    faults = [
        fault
        for rule, where in broken.items()
        for fault in first_faults(rule, lines.file, lines.number, np.flatnonzero(where), found)
    ]
    crlf = np.array([line.endswith("\r") for line in lines.text], np.bool_)
    rows = Rows(lines.file, year, columns, lines.text, lines.number, time, zoned, crlf, tuple(faults), ())
    return rows.only(~unread)


def _fields(text: list[str]) -> npt.NDArray[np.int64]:
    return np.array([line.count(",") + 1 for line in text], np.int64)


def _cells(text: list[str], place: int) -> list[str]:
    """The field at ``place`` of each line, empty where it has fewer."""
    if place == 0:
        return [line.partition(",")[0] for line in text]
    cells = [line.split(",", place + 1)[place : place + 1] for line in text]
    return [cell[0] if cell else "" for cell in cells]


def _read_timestamps(texts: list[str]) -> tuple[npt.NDArray[np.datetime64], Mask]:
    """What each text shows on the clock (NaT if it cannot be read) and whether it carries a zone: shapes (n,).

    Texts that are all in the usual form are read in one pass, at a fifth of the time that one by one takes.
    """
    if _PLAIN.fullmatch("\n".join([*texts, ""])) is not None:
        try:
            times = np.array(texts, "datetime64[us]")
        except ValueError:  # one is no such date or hour
            pass
        else:
            if not (times < _YEAR_1).any():
                return _within(times), np.zeros(times.size, np.bool_)
    read = [_read_timestamp(text) for text in texts]
    times = np.array([time for time, _ in read], "datetime64[us]")
    return _within(times), np.array([zoned for _, zoned in read], np.bool_)


def _within(times: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """The same in nanoseconds; years that these cannot show become ones that no file is of."""
    return np.asarray(np.clip(times, _FIRST, _LAST).astype("datetime64[ns]"))


def _unfinished(number: int, line: str, columns: tuple[str, ...]) -> UnfinishedRow:
    cells = line.split(",")
    place = columns.index(TIMESTAMP)
    # Its last cell may lack digits and read as another time: only one that is followed by a comma is whole.
    time = _read_timestamps([cells[place] if place < len(cells) - 1 else ""])[0]
    return UnfinishedRow(number, time[0])


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
    return None if bars else BarFault(Rule.EMPTY, file, 1, "a header and no bar (a last line without line end is none)")


def _unusable(fault: BarFault, year: int) -> Rows:
    none = np.empty(0, np.bool_)
    times = np.empty(0, "datetime64[ns]")
    return Rows(fault.file, year, (), [], np.empty(0, np.int64), times, none, none, (fault,), ())
