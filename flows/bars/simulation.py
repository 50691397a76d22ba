"""Bars are simulated here, with the habits of GBPUSD and one weak signal that can be learnt; no file is written.

Like the real bars: volatility follows the hour and comes in calm and restless weeks, the market is closed from Friday
to Sunday 17:00 New York and on holidays, whole hours are missing mid-week, and bids dip around the 17:00 rollover: it
looks like signal and is not. Unlike them, something can be learnt: a move is followed by a small move back,

    r[t] = e[t] - PULL · z[t-1],   z[t] = (1 - DECAY) · z[t-1] + DECAY · r[t]

with r the return in units of the bar's volatility. So features that say how far the price has run (RSI, distance from
its EMA) are worth one to two points of accuracy above the majority class, and the raw price level nothing.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.indicators import FEATURES, indicators
from flows.bars.trading_days import NEW_YORK, trading_day

PULL = 0.5
DECAY = 1 / 12
START_PRICE = 1.35

WARM_UP = timedelta(days=14)
"""Simulated before the first bar and dropped, so that no indicator is still warming up."""

# Pips that one bar moves (one standard deviation) in each hour of New York, midnight first; as in the real bars.
_PIPS: tuple[float, ...] = (2.9, 4.2, 7.6, 8.4, 8.3, 7.1, 6.8, 7.2, 11.5, 9.8, 10.9, 7.6, 6.3, 5.6, 5.8, 4.4)
_PIPS += (2.8, 3.0, 3.2, 3.6, 4.4, 4.3, 3.8, 3.0)
# How far the bid lies below its place at the close of the bars that open at 16:00, 16:15, … 17:45 New York, in pips.
_DIP = (0.35, 0.75, 1.1, 1.5, 1.1, 0.75, 0.35, 0.0)
_HOLES_A_WEEK = 1.2


def simulate(first: date, last: date, *, seed: int) -> pd.DataFrame:
    """Bars of the trading days ``first`` … ``last``: index datetime64[ns, UTC] (opens), prices, features.

    Same arguments, same bars.
    """
    chance = np.random.default_rng(seed)
    opens = _open_hours(first - WARM_UP, last)
    wall = opens.tz_convert(NEW_YORK)
    hour, minute = np.asarray(wall.hour), np.asarray(wall.minute)
    volatility = np.array(_PIPS)[hour] * 1e-4 * _restlessness(chance, trading_day(opens))
    returns = volatility * _pulled_back(chance.standard_normal(len(opens)))
    middle = START_PRICE + np.cumsum(returns)
    near = np.where((hour == 16) | (hour == 17), (hour - 16) * 4 + minute // 15, 7)
    close = np.round(middle - np.array(_DIP)[near] * 1e-4, 5)
    open_ = np.concatenate([[START_PRICE], close[:-1]])
    reach = np.abs(chance.standard_normal((2, len(opens)))) * 0.35 * volatility
    frame = pd.DataFrame(
        {
            "open_15m": open_,
            "high_15m": np.round(np.maximum(open_, close) + reach[0], 5),
            "low_15m": np.round(np.minimum(open_, close) - reach[1], 5),
            "close_15m": close,
        },
        index=opens,
    )
    frame[list(FEATURES)] = indicators(frame["high_15m"], frame["low_15m"], frame["close_15m"])
    present = (trading_day(opens) >= np.datetime64(first, "D")) & ~_holes(chance, hour, trading_day(opens))
    return frame[present]


def _open_hours(first: date, last: date) -> pd.DatetimeIndex:
    """Every quarter of an hour of the trading days, but not of 25 December, 1 January, and the afternoons before."""
    grid = pd.date_range(first - timedelta(days=4), last + timedelta(days=1), freq="15min", tz=NEW_YORK, unit="ns")
    days = trading_day(grid)
    since_friday = (grid.day_of_week == 4) & (grid.hour >= 17)
    weekend = since_friday | (grid.day_of_week == 5) | ((grid.day_of_week == 6) & (grid.hour < 17))
    named = pd.DatetimeIndex(days)
    holiday = ((named.month == 12) & (named.day == 25)) | ((named.month == 1) & (named.day == 1))
    half_day = (named.month == 12) & ((named.day == 24) | (named.day == 31)) & (grid.hour >= 13) & (grid.hour < 17)
    inside = (days >= np.datetime64(first, "D")) & (days <= np.datetime64(last, "D"))
    return grid[inside & ~weekend & ~holiday & ~half_day].tz_convert("UTC")


def _restlessness(chance: np.random.Generator, days: npt.NDArray[np.datetime64]) -> Floats:
    """A factor a bar, one a trading day, around 1: calm and restless spells of some weeks."""
    _, number = np.unique(days, return_inverse=True)
    shocks = pd.Series(chance.standard_normal(int(number[-1]) + 1))
    spells = shocks.ewm(alpha=0.08, adjust=False).mean().to_numpy(np.float64)
    return np.clip(1 + 1.6 * spells, 0.5, 2.5)[number]


def _pulled_back(shocks: Floats) -> Floats:
    """r of the module's formula from e; z is an autoregression of e alone, so no loop is needed."""
    forget = DECAY * (1 + PULL)
    run = pd.Series(shocks).ewm(alpha=forget, adjust=False).mean().to_numpy(np.float64) * DECAY / forget
    return shocks - PULL * np.concatenate([[0.0], run[:-1]])


def _holes(chance: np.random.Generator, hour: npt.NDArray[np.int_], days: npt.NDArray[np.datetime64]) -> Mask:
    """Bars that are missing: one or two whole hours of London's and New York's day, on Tuesday … Thursday."""
    unique, number = np.unique(days, return_inverse=True)
    midweek = ((unique.astype(np.int64) + 3) % 7 >= 1) & ((unique.astype(np.int64) + 3) % 7 <= 3)
    struck = midweek & (chance.random(unique.size) < _HOLES_A_WEEK / 3)
    begin = chance.integers(3, 15, unique.size)
    length = chance.integers(1, 3, unique.size)
    return np.asarray(struck[number] & (hour >= begin[number]) & (hour < (begin + length)[number]), np.bool_)
