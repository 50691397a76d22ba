"""Prices must stand where the instrument stands, in each year and on each day.

For GBPUSD the medians of 2007 and 2022 are 1.63 apart, where 1.7 is asked about, and on the real years a close is up to
0.039 away from the two days before and after, where 0.08 is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars
from flows.instruments import Instrument

_ENOUGH = 48


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Prices outside the range of the instrument: from one bar on. Years and days that stand apart: from 48 bars on."""
    outside, of = np.zeros(bars.opens.size, np.bool_), bars.instrument
    for name in bars.prices:
        if name in bars.columns:
            outside |= (bars.columns[name] < of.lowest) | (bars.columns[name] > of.highest)
    if outside.any():
        at = int(np.argmax(outside))
        found = (
            f"{int(outside.sum()):,} of {outside.size:,} bars have prices outside {of.lowest:g} to {of.highest:g}, the "
            f"range of {of.symbol}; the first closes at {bars.close[at]:g}"
        )
        yield bars.finding(Check.PRICE_LEVEL, "refuse", outside, found)
        return
    apart = _years_apart(bars)
    if apart.any():
        year = int(bars.year[np.argmax(apart)])
        found = (
            f"the prices of {year} are more than {of.plausible.years:g} times those of other years, or less than one"
        )
        yield bars.finding(Check.PRICE_LEVEL, "question", apart, found)
        return
    stepped = np.zeros(bars.opens.size, np.bool_)
    stepped[1:] = np.abs(bars.close[1:] / bars.close[:-1] - 1) > of.plausible.days
    if stepped.any():
        found = f"{int(stepped.sum()):,} closes are more than {of.plausible.days:.0%} away from the one before"
        yield bars.finding(Check.PRICE_LEVEL, "question", stepped, found)
        return
    away = _away(bars.close, of)
    if away.any():
        found = f"{int(away.sum()):,} closes are more than {of.plausible.days:.0%} away from those of the days around"
        yield bars.finding(Check.PRICE_LEVEL, "question", away, found)


def _years_apart(bars: SeenBars) -> Mask:
    """Bars of years whose median is far from that of the other years: shape (n,)."""
    years, number, counts = np.unique(bars.year, return_inverse=True, return_counts=True)
    medians = np.array([np.median(bars.close[number == one]) for one in range(years.size)])
    if years.size < 2:
        return np.zeros(bars.opens.size, np.bool_)
    others = np.array([np.median(np.delete(medians, one)) for one in range(years.size)])
    apart = (np.maximum(medians / others, others / medians) > bars.instrument.plausible.years) & (counts >= _ENOUGH)
    return np.asarray(apart[number], np.bool_)


def _away(close: Floats, of: Instrument) -> Mask:
    if close.size < _ENOUGH:
        return np.zeros(close.size, np.bool_)
    around = pd.Series(close).rolling(2 * 2 * of.slots + 1, center=True, min_periods=1).median().to_numpy(np.float64)
    return np.asarray(np.abs(close / around - 1) > of.plausible.days, np.bool_)
