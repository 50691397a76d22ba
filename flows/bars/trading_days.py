"""A trading day runs from 17:00 to 17:00 New York. It is the unit of evidence; the rollover hour lies between two.

A trading day is named by the date it ends on, so Sunday evening belongs to Monday. What a feed quotes from Friday 17:00
to Sunday 17:00 belongs to that Monday too: there are no trading days on weekends.
"""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Mask
from flows.errors import RequestRefused

NEW_YORK = "America/New_York"

NIGHTS_A_YEAR = 250
"""About the trading days of a year, each of which ends in a night: the year that the gate's error rate is held for."""

_UNTIL_MIDNIGHT = np.timedelta64(7, "h")  # added to New York's wall clock, 17:00 becomes the midnight of the next date
_TO_MONDAY = np.array([0, 0, 0, 0, 0, 2, 1])  # days to add on Monday … Sunday


def trading_day(index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
    """The trading day of bars that open at ``index`` (with a zone): shape (n,), datetime64[D], Monday … Friday."""
    days = (_new_york(index) + _UNTIL_MIDNIGHT).astype("datetime64[D]")
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return np.asarray(days + _TO_MONDAY[weekday].astype("timedelta64[D]"), "datetime64[D]")


def night_of(timestamp: datetime) -> date:
    """The trading day of a bar that opens at ``timestamp``; :class:`RequestRefused` if that has no zone."""
    if timestamp.tzinfo is None:
        raise RequestRefused(f"{timestamp} has no time zone: say in which zone it is, for instance in UTC")
    day: date = trading_day(pd.DatetimeIndex([timestamp]))[0].item()
    return day


def rollover(index: pd.DatetimeIndex) -> Mask:
    """Which bars open at 16:45 … 17:45 New York: shape (n,).

    Quotes are bids, and around 17:00 New York the spread widens and closes again: the moves of these bars are that of
    the spread, not of the market.
    """
    wall = _new_york(index)
    minute = (wall - wall.astype("datetime64[D]")) // np.timedelta64(1, "m")
    return np.asarray((minute >= 16 * 60 + 45) & (minute < 18 * 60), np.bool_)


def quarter_of_day(index: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """Which quarter of an hour of its trading day each bar opens in: shape (n,), 0 at 17:00 New York … 95."""
    wall = _new_york(index) + _UNTIL_MIDNIGHT
    return np.asarray((wall - wall.astype("datetime64[D]")) // np.timedelta64(15, "m"), np.int64)


def _new_york(index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
    return index.tz_convert(NEW_YORK).tz_localize(None).as_unit("ns").to_numpy()
