"""A layout says how an export is written: the sign between columns, where time and prices stand, the form of time.

Three layouts are known by their first line; every other one needs a header, and a map from ``time``, ``open``,
``high``, ``low``, ``close`` to its columns where these have other names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flows.errors import RequestRefused

PRICES = ("open", "high", "low", "close")
PARTS = ("time", *PRICES)

_COLUMN = re.compile(r"[^,;\t|]+")


@dataclass(frozen=True)
class Layout:
    """One way to write bars.

    ``time``: the columns that together say when, joined by a space. ``time_format``: as for ``strptime``, None is ISO
    8601 with or without a zone. ``header``: the first line names the columns; without one they are numbered from 0.
    """

    name: str
    delimiter: str
    time: tuple[str, ...]
    prices: tuple[str, str, str, str]
    time_format: str | None
    header: bool = True


HISTDATA = Layout("HistData", ";", ("0",), ("1", "2", "3", "4"), "%Y%m%d %H%M%S", header=False)
METATRADER = Layout(
    "MetaTrader 5", "\t", ("<DATE>", "<TIME>"), ("<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>"), "%Y.%m.%d %H:%M:%S"
)
HISTDATA_FOR_METATRADER = Layout(
    "HistData for MetaTrader", ",", ("0", "1"), ("2", "3", "4", "5"), "%Y.%m.%d %H:%M", header=False
)
PLAIN = Layout("CSV", ",", ("timestamp",), PRICES, None)

_KNOWN = (
    (re.compile(r"\d{8} \d{6};.*"), HISTDATA),
    (re.compile(r"\d{4}\.\d\d\.\d\d,\d\d:\d\d,.*"), HISTDATA_FOR_METATRADER),
    (re.compile(r"<DATE>\t<TIME>\t.*"), METATRADER),
)


def layout_of(first_line: str) -> Layout:
    """The layout that ``first_line`` shows; :data:`PLAIN` if it is none of those known by sight."""
    return next((layout for form, layout in _KNOWN if form.fullmatch(first_line.rstrip("\r"))), PLAIN)


def described(columns: Mapping[str, str], delimiter: str | None, time_format: str | None) -> Layout | None:
    """The layout a person describes, None where nothing is given.

    ``columns``: part (:data:`PARTS`) to column; ``time`` may join two by ``+``. What is not given is as in
    :data:`PLAIN`. Raises :class:`RequestRefused` for a part or a delimiter that is not allowed.
    """
    if not columns and delimiter is None and time_format is None:
        return None
    unknown = sorted(set(columns) - set(PARTS))
    if unknown:
        raise RequestRefused(f"--columns: there is no part {', '.join(unknown)}: name {', '.join(PARTS)}")
    sign = {"tab": "\t", None: ","}.get(delimiter, delimiter)
    if sign is None or len(sign) != 1 or sign.isalnum() or sign in ".+-:\"' \n\r":
        raise RequestRefused(f"--delimiter {delimiter!r}: write one sign such as ';', or the word tab")
    first, second, third, fourth = (columns.get(part, part) for part in PRICES)
    time = tuple(columns.get("time", "timestamp").split("+"))
    return replace(PLAIN, delimiter=sign, time=time, prices=(first, second, third, fourth), time_format=time_format)


def column_map(text: str) -> dict[str, str]:
    """``"time=Date+Time,open=O"`` as a mapping; :class:`RequestRefused` if it is not written so."""
    columns: dict[str, str] = {}
    for pair in filter(None, text.split(",")):
        part, sign, column = (piece.strip() for piece in pair.partition("="))
        if not sign or not column or part in columns or not _COLUMN.fullmatch(column):
            raise RequestRefused(
                f"--columns: {pair!r} is not understood: write time=Date+Time,open=O,high=H,low=L,close=C"
            )
        columns[part] = column
    return columns
