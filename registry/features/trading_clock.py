"""What the clock says of bars: the hour, the trading day and its end, longer bars, and where windows begin anew.

Moments are whole minutes since 1970 in UTC, int64 of shape (n,): the open of each bar. A trading day ends at ``close``
on the wall clock of ``zone``; longer bars are counted from there, so the last of a day in which the clocks change may
be shorter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from registry.errors import InputMismatch, InvalidRequest

Minutes = npt.NDArray[np.int64]

DAY = 1440
MOST_CLOSED = 4 * DAY
"""Minutes without a bar after which windows begin anew: longer than any weekend with the holidays beside it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = 1900, 2200
_MONDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True)
class TradingClock:
    """``bar_minutes``: of one bar; ``close``: minutes after midnight at which a trading day ends in ``zone``.

    Raises :class:`InvalidRequest` for a length that does not divide a day, or a zone that is not known here.
    """

    bar_minutes: int = 15
    zone: str = "America/New_York"
    close: int = 17 * 60

    def __post_init__(self) -> None:
        if not _is_whole(self.bar_minutes, 1, DAY) or DAY % self.bar_minutes:
            raise InvalidRequest(f"bars of {self.bar_minutes!r} minutes: write a whole number that divides a day")
        if not _is_whole(self.close, 0, DAY - 1):
            raise InvalidRequest(f"a trading day cannot end {self.close!r} minutes after midnight: write 0 to 1439")
        if not isinstance(self.zone, str):
            raise InvalidRequest(f"the zone {self.zone!r} is no name: write one like America/New_York")
        _zone(self.zone)

    def to_dict(self) -> dict[str, Any]:
        """JSON form; :meth:`from_dict` reads it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The clock that :meth:`to_dict` wrote; :class:`InvalidRequest` for anything else."""
        if not isinstance(values, Mapping) or set(values) != {"bar_minutes", "zone", "close"}:
            raise InvalidRequest(f"a clock holds bar_minutes, zone and close, not {str(values)[:80]}")
        return cls(**values)

    def hour(self, opens: Minutes) -> Minutes:
        """0 … 23 on the wall clock of the zone, when a bar opens."""
        return np.asarray((self._wall(opens) // 60) % 24)

    def weekday(self, opens: Minutes) -> Minutes:
        """0 Monday … 6 Sunday, of the trading day: what opens after Sunday's close is of Monday's. A day is named by
        the date that it ends on, one that ends at midnight by the date that it is."""
        return np.asarray((self._day(opens) + (self.close > 0) + _MONDAY) % 7)

    def minutes_to_close(self, opens: Minutes, length: int) -> Minutes:
        """From the close of a bar of ``length`` minutes to the end of its trading day; 0 for its last bar."""
        return np.asarray(np.maximum(self._begins(self._day(opens) + 1) - opens - length, 0))

    def longer(self, opens: Minutes, length: int) -> tuple[Minutes, Minutes]:
        """When the longer bar of ``length`` minutes that each bar is in opens, and when it closes."""
        day = self._day(opens)
        begins = self._begins(day)
        start = begins + (opens - begins) // length * length
        return start, np.minimum(start + length, self._begins(day + 1))

    def since_gap(self, opens: Minutes) -> Minutes:
        """How many bars there are since the last gap in which windows begin anew, each bar itself among them.

        A gap is more than :data:`MOST_CLOSED` between the close of one bar and the open of the next.
        """
        places = np.arange(opens.size)
        gap = opens[1:] - opens[:-1] > MOST_CLOSED + self.bar_minutes
        if not gap.any():
            return places + 1
        begin = np.zeros(opens.size, np.int64)
        begin[1:] = np.where(gap, places[1:], 0)
        return places - np.maximum.accumulate(begin) + 1

    def check(self, opens: Minutes) -> None:
        """Refuse with :class:`InputMismatch` opens that are no bars of this length in their order."""
        if not opens.size:
            return
        first, last = int(opens.min()), int(opens.max())
        if first < _minutes(_FIRST) or last >= _minutes(_LAST):
            raise InputMismatch(f"a bar is not of the years {_FIRST} to {_LAST - 1}: hand in the times of the bars")
        steps = opens[1:] - opens[:-1]
        near = steps < self.bar_minutes
        if near.any():
            row = int(np.flatnonzero(near)[0]) + 1
            raise InputMismatch(
                f"row {row} opens {int(steps[row - 1])} minutes after the row before it, and the version reads bars of "
                f"{self.bar_minutes}: hand in each bar once, in their order"
            )

    def _wall(self, moments: Minutes) -> Minutes:
        return moments + self._offset(moments)

    def _offset(self, moments: Minutes, margin: int = 0) -> Minutes | int:
        """From UTC, at ascending moments: one number where it does not change between ``margin`` before the first and
        after the last, as for a few bars it hardly ever does."""
        if not moments.size:
            return 0
        first, last = int(moments[0]) - margin, int(moments[-1]) + margin
        changes, offsets = _offsets(self.zone, *_years(first, last))
        before = bisect_right(changes, first)
        if bisect_right(changes, last) == before:
            return offsets[before - 1]
        return np.array(offsets)[np.searchsorted(np.array(changes), moments, side="right") - 1]

    def _day(self, opens: Minutes) -> Minutes:
        """Which trading day, in days since 1970: the calendar day on which it begins."""
        return (self._wall(opens) - self.close) // DAY

    def _begins(self, day: Minutes) -> Minutes:
        """When trading days begin, in UTC."""
        wall = day * DAY + self.close
        offset = self._offset(wall, margin=2 * DAY)
        return wall - (offset if isinstance(offset, int) else self._offset(wall - offset))


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _zone(name: str) -> Any:
    import zoneinfo  # it reads files: only where something asks for the clock

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as missing:
        raise InvalidRequest(
            f"the time zone {name[:60]} is not known here: correct it, or install the zones (pip install tzdata)"
        ) from missing


def _minutes(year: int) -> int:
    return int(np.datetime64(f"{year}-01-01", "m").astype(np.int64))


def _years(first: int, last: int) -> tuple[int, int]:
    """Years that these minutes since 1970 are surely in; more than are needed is no harm."""
    begin, end = (1970 + minute // (365 * DAY) for minute in (first, last))
    return max(begin - 1, _FIRST - 1), min(end + 1, _LAST)


@lru_cache(maxsize=64)
def _offsets(zone: str, first: int, last: int) -> tuple[list[int], list[int]]:
    """From when on (minutes since 1970 in UTC) which offset from UTC holds, in minutes, over these years."""
    where = _zone(zone)

    def offset(minute: int) -> int:
        told = (_EPOCH + timedelta(minutes=minute)).astimezone(where).utcoffset()
        assert told is not None, "a zone has an offset"
        return int(told.total_seconds()) // 60

    begin, end = _minutes(first) - 2 * DAY, _minutes(last + 1) + 2 * DAY
    changes, offsets = [begin], [offset(begin)]
    for day in range(begin, end, DAY):
        if offset(day + DAY) == offsets[-1]:
            continue
        low, high = day, day + DAY  # the offset is old at low and new at high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        changes.append(high)
        offsets.append(offset(high))
    return changes, offsets
