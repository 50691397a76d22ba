"""Prices must stand where GBPUSD stands, in each year and on each day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.checks import CLOSE, HIGH, LOW, OPEN
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

LOWEST, HIGHEST = 1.0, 2.7
"""Since 1971 GBPUSD was between 1.03 (September 2022) and 2.65 (1972)."""

OTHER_YEARS = 1.7
"""How often the median of a year may be that of the others; 2007 and 2022 are 1.63 apart."""

OTHER_DAYS = 0.08
"""How far a close may be from the median of the two days before and after; 0.039 on the real years."""

_ENOUGH = 48
_TWO_DAYS_EACH_SIDE = 2 * 2 * 96 + 1


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Prices outside the range of the instrument: from one bar on. Years and days that stand apart: from 48 bars on."""
    outside = np.zeros(bars.opens.size, np.bool_)
    for name in (OPEN, HIGH, LOW, CLOSE):
        if name in bars.columns:
            outside |= (bars.columns[name] < LOWEST) | (bars.columns[name] > HIGHEST)
    if outside.any():
        at = int(np.argmax(outside))
        found = (
            f"{int(outside.sum()):,} of {outside.size:,} bars have prices outside {LOWEST:g} to {HIGHEST:g}, the range "
            f"of GBPUSD; the first closes at {bars.close[at]:g}"
        )
        yield bars.finding(Check.PRICE_LEVEL, "refuse", outside, found)
        return
    apart = _years_apart(bars)
    if apart.any():
        year = int(bars.year[np.argmax(apart)])
        found = f"the prices of {year} are more than {OTHER_YEARS:g} times those of other years, or less than one"
        yield bars.finding(Check.PRICE_LEVEL, "question", apart, found)
        return
    away = _away(bars.close)
    if away.any():
        found = f"{int(away.sum()):,} closes are more than {OTHER_DAYS:.0%} away from those of the days around"
        yield bars.finding(Check.PRICE_LEVEL, "question", away, found)


def _years_apart(bars: SeenBars) -> Mask:
    """Bars of years whose median is far from that of the other years: shape (n,)."""
    years, number, counts = np.unique(bars.year, return_inverse=True, return_counts=True)
    medians = np.array([np.median(bars.close[number == one]) for one in range(years.size)])
    if years.size < 2:
        return np.zeros(bars.opens.size, np.bool_)
    others = np.array([np.median(np.delete(medians, one)) for one in range(years.size)])
    apart = (np.maximum(medians / others, others / medians) > OTHER_YEARS) & (counts >= _ENOUGH)
    return np.asarray(apart[number], np.bool_)


def _away(close: Floats) -> Mask:
    if close.size < _ENOUGH:
        return np.zeros(close.size, np.bool_)
    around = pd.Series(close).rolling(_TWO_DAYS_EACH_SIDE, center=True, min_periods=1).median().to_numpy(np.float64)
    return np.asarray(np.abs(close / around - 1) > OTHER_DAYS, np.bool_)
