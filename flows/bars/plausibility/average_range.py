"""Wilder's ATR moves a fourteenth of the way to each true range: ``atr[t] = atr[t-1] + (range[t] - atr[t-1]) / 14``.

Wilder, New Concepts in Technical Trading Systems, 1978. As for the EMA no warm-up is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.bars.plausibility import following
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars, written_step

NAME = "atr_14"

ENOUGH = 30
"""Steps from which the column is judged."""

_EXACT = 1e-8


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Steps of ``atr_14`` that do not follow. Speaks from :data:`ENOUGH` steps on."""
    if NAME not in bars.columns or not bars.has_prices or bars.follows.sum() < ENOUGH:
        return
    atr, high, low, before = (
        bars.columns[NAME],
        bars.columns[bars.prices.high],
        bars.columns[bars.prices.low],
        bars.close[:-1],
    )
    true_range = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    wrong = np.zeros(atr.size, np.bool_)
    wrong[1:] = np.abs(atr[1:] - atr[:-1] - (true_range - atr[:-1]) / 14) > max(_EXACT, 2 * written_step(atr))
    yield from following.report(Check.AVERAGE_RANGE, bars, NAME, bars.follows, wrong & bars.follows)
