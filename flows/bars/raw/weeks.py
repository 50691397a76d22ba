"""When weeks open says which clock an export has: currencies open on Sunday at 17:00 New York.

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
from flows.instruments import GBPUSD_M15, TradingHours

CANDIDATES = ("london-5h", "America/New_York", "UTC-5", "America/New_York+7h", "UTC", "Europe/London", "Europe/Berlin")
"""Clocks that exports are known to have, the usual ones first."""

_QUIET = 30  # minutes after the opening in which a quiet feed begins
_DAY = 24 * 60
_WEEKEND = np.timedelta64(40, "h"), np.timedelta64(90, "h")  # without bars: one of two days, with a holiday beside it
_BETTER = 0.05
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weeks_of(
    utc: npt.NDArray[np.datetime64],
    clock: FileClock | None,
    hours: TradingHours = GBPUSD_M15.hours,
    minutes: int = GBPUSD_M15.minutes,
) -> str:
    """When the weeks of bars that open at ``utc`` (shape (n,), in order) open, in words; each bar is ``minutes`` long.

    ``clock`` is the one they were read by, None where they carry an offset: if another one fits better, it is named.
    """
    opens = _openings(utc, minutes)
    if not opens.size or hours.week is None:
        return "no weekend in it that would show the clock"
    week = hours.week[0] - (hours.week[0] - hours.close_minute) % minutes, hours.week[0] + _QUIET
    fit = int(_fits(opens, hours, week).sum())
    (of_week, _), *_ = Counter(_minute_of_week(opens, hours).tolist()).most_common(1)
    usual = f"{_moment(of_week)} {hours.place}"
    expected = _moment(week[0])
    if clock is not None:
        shown = clock.from_utc(pd.DatetimeIndex(opens, tz="UTC"))
        by_other = {each: int(_fits(FileClock.parse(each).to_utc(shown)[0], hours, week).sum()) for each in CANDIDATES}
        name = max(by_other, key=lambda each: by_other[each])
        if by_other[name] > fit + _BETTER * opens.size:
            there = f"{fit} of {opens.size} at {expected}"
            return f"weeks open mostly {usual}, {there}; by --clock {name} it would be {by_other[name]}"
    if fit < opens.size / 2:
        return f"weeks open mostly {usual}, {fit} of {opens.size} at {expected}: the clock is doubtful"
    return f"weeks open {usual}"


def _openings(utc: npt.NDArray[np.datetime64], minutes: int) -> npt.NDArray[np.datetime64]:
    longer = np.timedelta64(max(0, minutes - GBPUSD_M15.minutes), "m")  # a break is counted from open to open
    steps = np.diff(utc) - longer
    return utc[1:][(steps >= _WEEKEND[0]) & (steps <= _WEEKEND[1])]


def _fits(utc: npt.NDArray[np.datetime64], hours: TradingHours, week: tuple[int, int]) -> Mask:
    """Which of ``utc`` lie in this part of a week, in minutes since Monday midnight: shape (n,)."""
    minute = _minute_of_week(utc, hours)
    return np.asarray((minute >= week[0]) & (minute <= week[1]), np.bool_)


def _minute_of_week(utc: npt.NDArray[np.datetime64], hours: TradingHours) -> npt.NDArray[np.int64]:
    """Minutes since Monday midnight on the wall clock of the hours: shape (n,)."""
    wall = hours.wall(pd.DatetimeIndex(utc, tz="UTC"))
    days = wall.astype("datetime64[D]")
    of_day = (wall - days) // np.timedelta64(1, "m")
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return np.asarray(weekday * _DAY + of_day.astype(np.int64), np.int64)


def _moment(of_week: int) -> str:
    return f"{_NAMES[of_week // _DAY % 7]} {of_week % _DAY // 60:02d}:{of_week % 60:02d}"
