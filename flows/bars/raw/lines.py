"""The lines of an export that hold bars, and where time and prices stand in them.

What stands before the bars (a line that names the delimiter, the address of a vendor, a header of several lines) and
lines of comment are skipped and counted. Lines are split here rather than by a CSV engine, so that every fault has its
line, and read in blocks, so that a file of millions of lines takes little memory.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from flows.bars.faults import BarFault, quoted
from flows.bars.raw.layouts import Layout, layout_of, spelled
from flows.bars.raw.rules import RawRule

BLOCK = 50_000
"""Lines that are read at a time."""

_SEPARATOR = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Where the parts of a bar stand among ``width`` fields."""

    width: int
    time: tuple[int, ...]
    prices: tuple[int, ...]
    volume: int | None


@dataclass(frozen=True)
class Body:
    """The lines of bars: each with its number, counted from 1. ``skipped`` counts other lines as they are passed."""

    layout: Layout
    columns: Columns
    lines: Iterator[tuple[int, str]]
    skipped: Counter[str]

    def blocks(self) -> Iterator[list[tuple[int, str]]]:
        """The lines, :data:`BLOCK` at a time."""
        while block := list(islice(self.lines, BLOCK)):
            yield block


def body_of(file: str, text: str, layout: Layout | None) -> Body | BarFault:
    """The bars in ``text``, whose lines all have their end; ``layout``: default is the one that its first line shows.

    A fault if there is none, or if the header does not name the columns of the layout, each once.
    """
    skipped: Counter[str] = Counter()
    lines = _lines(text, skipped)
    number, first = next(lines, (0, ""))
    delimiter = None
    while (separator := _SEPARATOR.fullmatch(first.strip('"'))) or _ADDRESS.fullmatch(first.rstrip(",; ")):
        if separator:
            delimiter = separator[1]
        skipped["line that names the delimiter" if separator else "line with an address"] += 1
        number, first = next(lines, (0, ""))
    if not first:
        return BarFault(RawRule.EMPTY, file, 0, "nothing is in it")
    layout = layout or layout_of(first, delimiter)
    columns = _columns(file, number, first, layout)
    if isinstance(columns, BarFault):
        return columns
    if layout.header > 1:
        skipped["more line of the header"] += len(list(islice(lines, layout.header - 1)))
    start = next(lines, None) if layout.header else (number, first)
    if start is None:
        return BarFault(RawRule.EMPTY, file, 0, "a header and no bar")
    return Body(layout, columns, chain([start], lines), skipped)


def fields(line: str, delimiter: str) -> list[str]:
    """The fields of ``line``, of which some may stand in quotes; none if the quotes make no sense."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def without_unfinished(text: str) -> tuple[str, str]:
    """``text`` without a last line that has no line end and may be half written, and a sentence about that."""
    if text.endswith("\n") or not text:
        return text, ""
    whole, _, last = text.rpartition("\n")
    if not last.strip():
        return f"{whole}\n", ""
    number = whole.count("\n") + 2 if whole else 1
    return f"{whole}\n", f"line {number} left out: the last line has no line end, so it may be half written"


def _lines(text: str, skipped: Counter[str]) -> Iterator[tuple[int, str]]:
    begin, number = 0, 0
    while (end := text.find("\n", begin)) >= 0:
        number += 1
        line = text[begin:end].rstrip("\r")
        begin = end + 1
        if line.startswith("#"):
            skipped["line of comment"] += 1
        elif line and not line.isspace():
            yield number, line


def _columns(file: str, number: int, first: str, layout: Layout) -> Columns | BarFault:
    header = fields(first, layout.delimiter or ",")
    wanted = (*layout.time, *layout.prices)
    if not layout.header:
        places = [int(name) for name in wanted]
        if max(places) >= len(header):
            return BarFault(RawRule.LAYOUT, file, number, f"{len(header)} fields are too few: {quoted(first)}")
        return Columns(len(header), tuple(places[: len(layout.time)]), tuple(places[len(layout.time) :]), None)
    there, names = spelled(header), spelled(wanted)
    missing = sorted(set(names) - set(there))
    if missing:
        return BarFault(RawRule.LAYOUT, file, number, f"no column {', '.join(missing)} in {quoted(first)}")
    twice = sorted(name for name in set(names) if there.count(name) > 1)
    if twice:
        return BarFault(RawRule.LAYOUT, file, number, f"column {', '.join(twice)} stands there twice")
    volume = layout.volume.casefold()
    places = [there.index(name) for name in names]
    return Columns(
        len(header),
        tuple(places[: len(layout.time)]),
        tuple(places[len(layout.time) :]),
        there.index(volume) if volume in there else None,
    )
