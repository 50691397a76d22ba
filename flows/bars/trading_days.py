"""A trading day runs from 17:00 to 17:00 New York, or as the instrument's hours say. It is the unit of evidence.

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
from flows.instruments import GBPUSD_M15, Instrument

NEW_YORK = "America/New_York"

NIGHTS_A_YEAR = 250
"""About the trading days of a year, each of which ends in a night: the year that the gate's error rate is held for."""


def trading_day(index: pd.DatetimeIndex, instrument: Instrument = GBPUSD_M15) -> npt.NDArray[np.datetime64]:
    """The trading day of bars that open at ``index`` (with a zone): shape (n,), datetime64[D]."""
    return instrument.hours.trading_day(index)


def night_of(timestamp: datetime, instrument: Instrument = GBPUSD_M15) -> date:
    """The trading day of a bar that opens at ``timestamp``; :class:`RequestRefused` if that has no zone."""
    if timestamp.tzinfo is None:
        raise RequestRefused(f"{timestamp} has no time zone: say in which zone it is, for instance in UTC")
    day: date = trading_day(pd.DatetimeIndex([timestamp]), instrument)[0].item()
    return day


def rollover(index: pd.DatetimeIndex, instrument: Instrument = GBPUSD_M15) -> Mask:
    """Which bars close in the rollover span, of 15 minutes those that open at 16:45 … 17:45 New York: shape (n,).

    Quotes are bids, and around 17:00 New York the spread widens and closes again: the moves of these bars are that of
    the spread, not of the market.
    """
    return instrument.rollover(index)
