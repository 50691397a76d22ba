"""Bars are simulated here, with the habits of an instrument and one weak signal that can be learnt; no file is written.

Like the real bars: volatility follows the hour and comes in calm and restless weeks, the market is closed from Friday
to Sunday 17:00 New York and on holidays, whole hours are missing mid-week, and bids dip around the 17:00 rollover: it
looks like signal and is not. Unlike them, something can be learnt: a move is followed by a small move back,

    r[t] = e[t] - PULL · z[t-1],   z[t] = (1 - DECAY) · z[t-1] + DECAY · r[t]

with r the return in units of the bar's volatility. So features that say how far the price has run (RSI, distance from
its EMA) are worth one to two points of accuracy above the majority class, and the raw price level nothing.
"""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.indicators import FEATURES, indicators
from flows.instruments import GBPUSD_M15, Instrument

PULL = 0.5
DECAY = 1 / 12

WARM_UP = timedelta(days=14)
"""Simulated before the first bar and dropped, so that no indicator is still warming up."""

# How far the bid lies below its place at the close of the bars that open at 16:00, 16:15, … 17:45 New York, in pips of
# GBPUSD; that of others is in proportion to their spread.
_DIP = (0.35, 0.75, 1.1, 1.5, 1.1, 0.75, 0.35, 0.0)
_HOLES_A_WEEK = 1.2
_SHORTER = 4 * 60  # minutes that a short day lacks at its end


def simulate(first: date, last: date, *, seed: int, instrument: Instrument = GBPUSD_M15) -> pd.DataFrame:
    """Bars of the trading days ``first`` … ``last``: index datetime64[ns, UTC] (opens), prices, features.

    Same arguments, same bars.
    """
    chance = np.random.default_rng(seed)
    moves, pip, decimals = instrument.simulated, instrument.pip, instrument.decimals
    opens = _open_hours(first - WARM_UP * max(1, instrument.minutes // 15), last, instrument)
    days = instrument.hours.trading_day(opens)
    hour = instrument.hours.minute_of_day(opens) // 60
    longer = math.sqrt(instrument.minutes / 15)  # a bar moves by the root of its length
    volatility = np.array(moves.pips)[hour] * pip * longer * _restlessness(chance, days)
    returns = volatility * _pulled_back(chance.standard_normal(len(opens)))
    middle = moves.price + np.cumsum(returns)
    close = np.round(middle - _dip(opens, instrument) * pip, decimals)
    open_ = np.concatenate([[moves.price], close[:-1]])
    reach = np.abs(chance.standard_normal((2, len(opens)))) * 0.35 * volatility
    high = np.round(np.maximum(open_, close) + reach[0], decimals)
    low = np.round(np.minimum(open_, close) - reach[1], decimals)
    frame = pd.DataFrame(dict(zip(instrument.columns, (open_, high, low, close), strict=True)), index=opens)
    _, top, bottom, last_price = instrument.columns
    frame[list(FEATURES)] = indicators(frame[top], frame[bottom], frame[last_price])
    present = (days >= np.datetime64(first, "D")) & ~_holes(chance, hour, days)
    return frame[present]


def _dip(opens: pd.DatetimeIndex, instrument: Instrument) -> Floats:
    """How far the bid lies below its place at each close, in pips: shape (n,)."""
    if instrument.hours.rollover is None:
        return np.zeros(len(opens))
    closes = (instrument.hours.minute_of_day(opens) + instrument.minutes) % (24 * 60)
    place = (closes - (16 * 60 + 15)) // 15
    near = np.where((place >= 0) & (place < len(_DIP)), place, len(_DIP) - 1)
    return np.asarray(np.array(_DIP)[near] * (instrument.costs.spread / GBPUSD_M15.costs.spread))


def _open_hours(first: date, last: date, instrument: Instrument) -> pd.DatetimeIndex:
    """The open of every bar of the trading days, but not of holidays, nor of the last four hours of short days."""
    hours = instrument.hours
    step = f"{min(instrument.minutes, 15)}min"
    grid = pd.date_range(first - timedelta(days=4), last + timedelta(days=2), freq=step, tz=hours.zone, unit="ns")
    grid = grid[instrument.on_grid(grid)]
    days = hours.trading_day(grid)
    unique, number = np.unique(days, return_inverse=True)
    holiday = np.array([not hours.trades(day) for day in unique.tolist()])[number]
    short = np.array([hours.ends_early(day) for day in unique.tolist()])[number]
    late = hours.since_close(grid) >= 24 * 60 - _SHORTER
    inside = (days >= np.datetime64(first, "D")) & (days <= np.datetime64(last, "D"))
    open_ = inside & ~instrument.shut(grid) & ~holiday & ~(short & late)
    return pd.DatetimeIndex(grid[open_]).tz_convert("UTC")


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


def _holes(chance: np.random.Generator, hour: npt.NDArray[np.int64], days: npt.NDArray[np.datetime64]) -> Mask:
    """Bars that are missing: one or two whole hours of London's and New York's day, on Tuesday … Thursday."""
    unique, number = np.unique(days, return_inverse=True)
    midweek = ((unique.astype(np.int64) + 3) % 7 >= 1) & ((unique.astype(np.int64) + 3) % 7 <= 3)
    struck = midweek & (chance.random(unique.size) < _HOLES_A_WEEK / 3)
    begin = chance.integers(3, 15, unique.size)
    length = chance.integers(1, 3, unique.size)
    return np.asarray(struck[number] & (hour >= begin[number]) & (hour < (begin + length)[number]), np.bool_)
