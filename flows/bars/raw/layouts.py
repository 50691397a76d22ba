"""A layout says how an export is written: where time and prices stand, and the form of time.

:data:`KNOWN` holds one record for each layout that is known by sight: by its first line, or by the columns that its
header names. A new layout is a new record. Any other export needs a header, and a map from ``time``, ``open``,
``high``, ``low``, ``close`` to its columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flows.errors import RequestRefused

PRICES = ("open", "high", "low", "close")
PARTS = ("time", *PRICES)

_COLUMN = re.compile(r"[^,;\t|]+")
_DELIMITERS = ",;\t|"
_DIRECTIVES = frozenset("aAbBdHIjmMpSfyYz%")


@dataclass(frozen=True)
class Layout:
    """One way to write bars.

    ``time``: the columns that together say when, joined by a space. ``time_format``: as for ``strptime``; None is a
    date of which the year stands first, with or without an offset, or unix time in seconds down to nanoseconds.
    ``delimiter``: None is the one that splits the header into the columns. ``header``: its lines; without one, columns
    are numbered from 0 and the layout is known by ``first_line``, a regular expression. ``clock``: of its times, where
    the layout itself says it. ``volume``: a column of a vendor that fills the time in which nothing was traded with
    flat bars, which are no bars.
    """

    name: str
    time: tuple[str, ...]
    prices: tuple[str, str, str, str] = ("open", "high", "low", "close")
    time_format: str | None = None
    delimiter: str | None = None
    header: int = 1
    first_line: str = ""
    clock: str = ""
    volume: str = ""


_ANGLED = ("<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>")

KNOWN = (
    Layout("HistData", ("0",), ("1", "2", "3", "4"), "%Y%m%d %H%M%S", ";", 0, r"\d{8} \d{6};.*"),
    Layout("MetaTrader 4", ("0", "1"), ("2", "3", "4", "5"), None, ",", 0, r"\d{4}\.\d\d\.\d\d,\d\d:\d\d.*"),
    Layout("exchange klines", ("0",), ("1", "2", "3", "4"), None, ",", 0, r"\d{10,19},[\d.]+,[\d.]+,[\d.]+,[\d.]+.*"),
    Layout("MetaTrader 5", ("<DATE>", "<TIME>"), _ANGLED),
    Layout("MetaStock", ("<DTYYYYMMDD>", "<TIME>"), _ANGLED, "%Y%m%d %H%M%S"),
    Layout("Dukascopy", ("Gmt time",), time_format="%d.%m.%Y %H:%M:%S.%f", clock="UTC", volume="Volume"),
    Layout("Dukascopy", ("Local time",), time_format="%d.%m.%Y %H:%M:%S.%f GMT%z", volume="Volume"),
    Layout("Dukascopy", ("Time (UTC)",), clock="UTC", volume="Volume"),
    Layout("yfinance", ("Price",), header=3),
    Layout("CryptoDataDownload", ("unix",)),
    Layout("CryptoDataDownload", ("unix timestamp",)),
    Layout("CSV", ("timestamp",)),
    Layout("CSV", ("datetime",)),
    Layout("CSV", ("open_time",)),
    Layout("CSV", ("date", "time")),
    Layout("TradingView", ("time",)),
    Layout("CSV", ("date",)),
)
PLAIN = Layout("CSV", ("timestamp",), delimiter=",")


def layout_of(first_line: str, delimiter: str | None = None) -> Layout:
    """The layout that ``first_line`` shows, with its delimiter; :data:`PLAIN` if it is none of those known by sight.

    ``delimiter``: the one that the file itself names.
    """
    for layout in KNOWN:
        if layout.first_line:
            if re.fullmatch(layout.first_line, first_line) is not None:
                return layout
            continue
        for sign in delimiter or _DELIMITERS:
            if set(spelled((*layout.time, *layout.prices))) <= set(spelled(first_line.split(sign))):
                return replace(layout, delimiter=sign)
    return replace(PLAIN, delimiter=delimiter or ",")


def spelled(columns: tuple[str, ...] | list[str]) -> list[str]:
    """Names of columns as they are compared: without quotes, blanks around them and capitals."""
    return [name.strip().strip('"').strip().casefold() for name in columns]


def described(columns: Mapping[str, str], delimiter: str | None, time_format: str | None) -> Layout | None:
    """The layout a person describes, None where nothing is given.

    ``columns``: part (:data:`PARTS`) to column; ``time`` may join two by ``+``. What is not given is as in
    :data:`PLAIN`. Raises :class:`RequestRefused` for a part, a delimiter or a form of time that is not allowed.
    """
    if not columns and delimiter is None and time_format is None:
        return None
    unknown = sorted(set(columns) - set(PARTS))
    if unknown:
        raise RequestRefused(f"--columns: there is no part {', '.join(unknown)}: name {', '.join(PARTS)}")
    sign = {"tab": "\t", None: ","}.get(delimiter, delimiter)
    if sign is None or len(sign) != 1 or sign.isalnum() or sign in ".+-:\"' \n\r":
        raise RequestRefused(f"--delimiter {delimiter!r}: write one sign such as ';', or the word tab")
    if time_format is not None:
        _check_time_format(time_format)
    first, second, third, fourth = (columns.get(part, part) for part in PRICES)
    time = tuple(columns.get("time", "timestamp").split("+"))
    return replace(PLAIN, delimiter=sign, time=time, prices=(first, second, third, fourth), time_format=time_format)


def _check_time_format(time_format: str) -> None:
    directives = re.findall(r"%(.?)", time_format, re.DOTALL)
    unknown = [f"%{each}" for each in directives if each not in _DIRECTIVES or not each]
    twice = sorted({f"%{each}" for each in directives if each != "%" and directives.count(each) > 1})
    if unknown or twice or not set(directives) - {"%"}:
        wrong = (unknown or twice or ["it"])[0]
        reason = (
            "stands there twice"
            if twice and not unknown
            else "is no directive of it"
            if unknown
            else "names no part of a time"
        )
        raise RequestRefused(
            f"--time-format {time_format!r}: {wrong} {reason}: write for instance '%d/%m/%Y %H:%M', or "
            "'%d/%m/%Y %H:%M %z' for times with an offset"
        )


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
