"""Times of an export as text become UTC.

Without a form of its own a time is a date of which the year stands first, with or without an offset (each line's own is
taken, so that one export may change at summer time), or unix time; its unit is told by its size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Mask
from flows.bars.clock import FileClock

_FIRST, _LAST = pd.Timestamp("1970-01-01"), pd.Timestamp("2200-01-01")  # well inside datetime64[ns]
_DAY = pd.Timedelta(days=1)
_MINUTE_WRITTEN, _UNTIL_MINUTE = "%Y-%m-%d %H:%M", 16
_DATE_SIGNS = str.maketrans("./T", "-- ")
_AFTER_MINUTE = re.compile(
    r"(?::([0-5]\d(?:\.\d{1,9})?))?\s?(?:(Z|UTC|GMT)|(?:UTC|GMT)?([+-])(0\d|1[0-4])(?::?([0-5]\d))?)?"
)
_UNIX = r"^(\d{9,19})(?:\.0+)?$"
_NANOSECONDS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))  # below which a unix time is in s, ms, µs


@dataclass(frozen=True, eq=False)
class Times:
    """All of shape (n,). ``utc``: datetime64[ns]. ``read``: the text is a time. ``zoned``: it says of which offset.
    ``unclear``: the clock shows this time twice or never."""

    utc: npt.NDArray[np.datetime64]
    read: Mask
    zoned: Mask
    unclear: Mask


def read_times(texts: Sequence[str], time_format: str | None, clock: FileClock) -> Times:
    """The times that ``texts`` show, by ``time_format`` (as for ``strptime``); ``clock`` is of those without offset."""
    column = pd.Series(texts, dtype=object)
    if time_format is None:
        wall, zoned = _written(column)
    else:
        zoned = np.full(column.size, "%z" in time_format)
        wall = pd.to_datetime(column, format=time_format, errors="coerce", utc="%z" in time_format)
        wall = wall.dt.tz_localize(None)
    read = np.asarray((wall >= _FIRST) & (wall < _LAST), np.bool_)
    utc = wall.where(read, _FIRST).to_numpy("datetime64[ns]").copy()
    unclear = np.zeros(column.size, np.bool_)
    by_clock = read & ~zoned
    utc[by_clock], unclear[by_clock] = clock.to_utc(utc[by_clock])
    return Times(utc, read, zoned, unclear)


def _written(column: pd.Series[str]) -> tuple[pd.Series[pd.Timestamp], Mask]:
    """The times in ``column`` (UTC where an offset is written, else by the clock) and which carry an offset."""
    texts = [text if len(text) != len("2024-01-02") else f"{text} 00:00" for text in column]
    begin = pd.Series([text[:_UNTIL_MINUTE].translate(_DATE_SIGNS) for text in texts], dtype=object)
    wall = pd.to_datetime(begin, format=_MINUTE_WRITTEN, errors="coerce")
    wall = wall.where((wall >= _FIRST - _DAY) & (wall < _LAST + _DAY)).astype("datetime64[ns]")
    ends = [text[_UNTIL_MINUTE:] for text in texts]
    known = {end: _after_minute(end) for end in set(ends)}
    after = np.array([known[end][0] for end in ends], "timedelta64[ns]")
    zoned = np.array([known[end][1] for end in ends], np.bool_)
    wall = wall + after
    unix = column.str.extract(_UNIX, expand=False).dropna()
    if not unix.empty:
        wall[unix.index] = np.array([_nanoseconds(int(text)) for text in unix], "datetime64[ns]")
        zoned[unix.index] = True
    return wall, zoned


def _nanoseconds(unix: int) -> int:
    scale = next((scale for below, scale in _NANOSECONDS if unix < below), 1)
    return min(unix * scale, int(_LAST.value))


def _after_minute(text: str) -> tuple[np.timedelta64, bool]:
    """What to add to the minute before ``text`` (seconds, less the offset; NaT if it cannot be read), and whether
    there is an offset."""
    form = _AFTER_MINUTE.fullmatch(text)
    if form is None:
        return np.timedelta64("NaT", "ns"), False
    seconds, utc, sign, hours, minutes = form.groups()
    ahead = (int(hours or 0) * 60 + int(minutes or 0)) * (-1 if sign == "-" else 1)
    return np.timedelta64(round(float(seconds or 0) * 1e9) - ahead * 60 * 10**9, "ns"), bool(utc or sign)
