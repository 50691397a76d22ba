"""An ADX is a smoothed percentage, so one step says which percentage came in; warm, it is recomputed from the prices.

By either definition of :mod:`flows.bars.indicators` ``adx[t] = (13 · adx[t-1] + dx[t]) / 14`` once it is warm, with
``dx`` between 0 and 100: that bounds every step. The values themselves are compared where no bar is missing within
:data:`~flows.bars.plausibility.following.WARM_UP` rows, with the notebook's and Wilder's (of which the larger move
alone counts).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.plausibility import following
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.moving_average import begins, breaks
from flows.bars.plausibility.seen import SeenBars, written_step

NAME = "adx_14"

ENOUGH = 30
"""Rows from which the column is judged."""

_EXACT = 1e-4
_BOUND = 0.5  # percentage points of dx, for the weights of a mean that is still warming up


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Values of ``adx_14`` that do not follow. Speaks from :data:`ENOUGH` rows on."""
    if NAME not in bars.columns or not bars.has_prices or bars.follows.sum() < ENOUGH:
        return
    adx = bars.columns[NAME]
    step = written_step(adx)
    warm = _rows_since(begins(bars)) >= following.WARM_UP
    judged = warm & bars.follows
    incoming = np.zeros(adx.size)
    incoming[1:] = 14 * adx[1:] - 13 * adx[:-1]
    slack = _BOUND + 27 * step
    wrong = judged & ((incoming < -slack) | (incoming > 100 + slack))
    compared = warm & (_rows_since(begins(bars) | _breaks(bars)) >= following.WARM_UP)
    if compared.sum() >= ENOUGH:
        tolerance = max(_EXACT, 1.5 * step)
        apart = [np.abs(adx - right) > tolerance for right in (bars.recomputed[NAME], _wilders(bars))]
        wrong |= compared & min(apart, key=lambda rows: int(rows[compared].sum()))
    yield from following.report(Check.DIRECTIONAL_INDEX, bars, NAME, judged | compared, wrong)


def _breaks(bars: SeenBars) -> Mask:
    """Gaps over which the columns may not go on, shape (n,); without an EMA that tells, all but weekends."""
    broken = breaks(bars)
    return np.asarray(bars.gap & ~bars.weekend, np.bool_) if broken is None else broken


def _rows_since(marks: Mask) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows since the last mark: shape (n,)."""
    number = np.arange(marks.size)
    return number - np.maximum.accumulate(np.where(marks, number, 0))


def _wilders(bars: SeenBars) -> Floats:
    """Wilder's ADX, with other beginnings than his: shape (n,)."""
    high, low = pd.Series(bars.columns[bars.prices.high]), pd.Series(bars.columns[bars.prices.low])
    up, down = high.diff(), -low.diff()
    rising = up.where((up > down) & (up > 0), 0.0).ewm(alpha=1 / 14, adjust=False).mean()
    falling = down.where((down > up) & (down > 0), 0.0).ewm(alpha=1 / 14, adjust=False).mean()
    total = (rising + falling).where(rising + falling > 0, np.nan)
    direction = (100 * (rising - falling).abs() / total).fillna(0.0)
    return np.asarray(direction.ewm(alpha=1 / 14, adjust=False).mean(), np.float64)
