"""A bar opens where the last one closed: if it closes there instead, the two columns are swapped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

ENOUGH = 48
"""Neighbouring bars of a year from which it shows."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Years whose opens and closes are swapped: from the close to the next open is 0.1 pips on the real years (median),
    from the open to the next close 4.3. Speaks from :data:`ENOUGH` bars of a year on."""
    if bars.prices.open not in bars.columns:
        return
    open_, close = bars.columns[bars.prices.open], bars.close
    for year in np.unique(bars.year).tolist():
        at = np.flatnonzero(bars.follows & (bars.year == year))
        if at.size < ENOUGH:
            continue
        right, swapped = np.median(np.abs(open_[at] - close[at - 1])), np.median(np.abs(close[at] - open_[at - 1]))
        if swapped * 4 < right:
            where = bars.year == year
            found = f"{int(where.sum()):,} bars of {year} close where the last one opened: open and close are swapped"
            yield bars.finding(Check.SWAPPED_PRICES, "refuse", where, found)
