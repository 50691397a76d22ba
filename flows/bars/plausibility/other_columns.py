"""Columns that bear no known name: their range, their scale from year to year, and stretches that stand still."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.arrays import Floats
from flows.bars.indicators import FEATURES
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

ENOUGH = 200
"""Rows, of a year where years are compared, from which a column is judged."""

OTHER_SCALE = 20.0
"""How often the spread of a year (between its quartiles) may be that of another."""

FAR = 1e4
"""How many spreads a value may be from the median."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Speaks from :data:`ENOUGH` rows on, one sentence a column."""
    known = {*bars.prices, *FEATURES}
    if bars.opens.size < ENOUGH:
        return
    for name, values in bars.columns.items():
        if name not in known:
            yield from _judge(bars, name, values)


def _judge(bars: SeenBars, name: str, values: Floats) -> Iterator[BarFinding]:
    everywhere = np.ones(values.size, np.bool_)
    if (values == values[0]).all():
        yield bars.finding(Check.OTHER_COLUMNS, "question", everywhere, f"{name} is {values[0]:g} in every row")
        return
    years, counts = np.unique(bars.year, return_counts=True)
    years = years[counts >= ENOUGH]
    spreads = np.array([_spread(values[bars.year == year]) for year in years])
    usual = float(np.median(spreads)) if spreads.size else 0.0
    if usual > 0 and spreads.min() > 0:
        ratios = np.maximum(spreads / usual, usual / spreads)
        if ratios.max() > OTHER_SCALE:
            at = int(np.argmax(ratios))
            where = bars.year == years[at]
            found = f"{name} has another scale in {years[at]}, {spreads[at] / usual:.3g} times that of the other years"
            yield bars.finding(Check.OTHER_COLUMNS, "question", where, found)
            return
    spread = _spread(values)
    far = np.abs(values - np.median(values)) > FAR * spread if spread > 0 else ~everywhere
    if far.any():
        found = f"{int(far.sum()):,} values of {name} are far from all others, the first is {values[far][0]:g}"
        yield bars.finding(Check.OTHER_COLUMNS, "question", far, found)
    number = np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
    size = np.bincount(number)
    still = size[number] >= bars.instrument.counts.month  # a month, for which a column that moves may stand still
    if still.any() and np.median(size) == 1:
        found = f"{name} stands still for {int(size.max()):,} rows"
        yield bars.finding(Check.OTHER_COLUMNS, "question", still, found)


def _spread(values: Floats) -> float:
    low, high = np.quantile(values, (0.25, 0.75))
    return float(high - low)
