"""When weeks open says which clock an export has: the market opens on Sunday at 17:00 New York.

Vendors' clocks differ between products of one vendor (HistData's are London's time less five hours, New York's, and
five hours behind UTC all year), so each file is looked at by itself.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Mask
from flows.bars.clock import FileClock
from flows.bars.trading_days import NEW_YORK

CANDIDATES = ("london-5h", "America/New_York", "UTC-5", "America/New_York+7h", "UTC", "Europe/London", "Europe/Berlin")
"""Clocks that exports are known to have, the usual ones first."""

_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_OPENS, _OPENED = 17 * 60, 17 * 60 + 30  # minutes of the day; a quiet feed begins a little later
_WEEKEND = np.timedelta64(40, "h"), np.timedelta64(90, "h")  # without bars: one of two days, with a holiday beside it
_BETTER = 0.05
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weeks_of(utc: npt.NDArray[np.datetime64], clock: FileClock | None) -> str:
    """When the weeks of bars that open at ``utc`` (shape (n,), in order) open, in words.

    ``clock`` is the one they were read by, None where they carry an offset: if another one fits better, it is named.
    """
    opens = _openings(utc)
    if not opens.size:
        return "no weekend in it that would show the clock"
    fit = int(_fits(opens).sum())
    weekday, minute = _new_york(opens)
    (day, time), _ = Counter(zip(weekday.tolist(), minute.tolist(), strict=True)).most_common(1)[0]
    usual = f"{_NAMES[day]} {time // 60:02d}:{time % 60:02d} New York"
    if clock is not None:
        shown = clock.from_utc(pd.DatetimeIndex(opens, tz="UTC"))
        by_other = {each: int(_fits(FileClock.parse(each).to_utc(shown)[0]).sum()) for each in CANDIDATES}
        name = max(by_other, key=lambda each: by_other[each])
        if by_other[name] > fit + _BETTER * opens.size:
            there = f"{fit} of {opens.size} at Sunday 17:00"
            return f"weeks open mostly {usual}, {there}; by --clock {name} it would be {by_other[name]}"
    if fit < opens.size / 2:
        return f"weeks open mostly {usual}, {fit} of {opens.size} at Sunday 17:00: the clock is doubtful"
    return f"weeks open {usual}"


def market_is_shut(utc: npt.NDArray[np.datetime64]) -> Mask:
    """Which of ``utc`` lie between Friday and Sunday 17:00 New York: shape (n,)."""
    weekday, minute = _new_york(utc)
    friday_evening = (weekday == _FRIDAY) & (minute >= _OPENS)
    sunday_before = (weekday == _SUNDAY) & (minute < _OPENS)
    return np.asarray(friday_evening | (weekday == _SATURDAY) | sunday_before, np.bool_)


def _openings(utc: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    steps = np.diff(utc)
    return utc[1:][(steps >= _WEEKEND[0]) & (steps <= _WEEKEND[1])]


def _fits(utc: npt.NDArray[np.datetime64]) -> Mask:
    weekday, minute = _new_york(utc)
    return np.asarray((weekday == _SUNDAY) & (minute >= _OPENS) & (minute <= _OPENED), np.bool_)


def _new_york(utc: npt.NDArray[np.datetime64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Weekday (Monday is 0) and minute of the day on New York's wall clock, each of shape (n,)."""
    wall = pd.DatetimeIndex(utc, tz="UTC").tz_convert(NEW_YORK)
    return np.asarray(wall.day_of_week, np.int64), np.asarray(wall.hour * 60 + wall.minute, np.int64)
