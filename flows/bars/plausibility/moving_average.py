"""An EMA moves a fixed part of the way to each close: ``ema[t] = ema[t-1] + 2/(span+1) · (close[t] - ema[t-1])``.

The step needs no warm-up, so every row is judged but the first of a file, which may begin anew, and the first after a
hole, where bars may have been left out after it was computed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.arrays import Floats, Mask
from flows.bars.plausibility import following
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars, written_step

SPANS = {"ema_20": 20, "ema_50": 50}

ENOUGH = 30
"""Steps from which a column is judged."""

_EXACT = 1e-8
"""Of what is written with ten decimals; the largest residual on the real years is 9e-11."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Steps of ``ema_20`` and ``ema_50`` that do not follow. Speaks from :data:`ENOUGH` steps on."""
    judged = bars.follows & ~begins(bars)
    if judged.sum() < ENOUGH:
        return
    for name, span in SPANS.items():
        if name in bars.columns:
            wrong = judged & (np.abs(residual(bars, name, span)) > _tolerance(bars.columns[name]))
            yield from following.report(Check.MOVING_AVERAGE, bars, name, judged, wrong)


def residual(bars: SeenBars, name: str, span: int) -> Floats:
    """How far each value is from what the one before and the close make of it: shape (n,), 0 for the first."""
    ema, close = bars.columns[name], bars.close
    apart = np.zeros(ema.size)
    apart[1:] = ema[1:] - ema[:-1] - 2 / (span + 1) * (close[1:] - ema[:-1])
    return apart


def breaks(bars: SeenBars) -> Mask | None:
    """Gaps within a file over which an EMA does not go on, because bars were left out after it was computed: shape
    (n,). None where there is no EMA."""
    for name, span in SPANS.items():
        if name in bars.columns:
            apart = np.abs(residual(bars, name, span)) > _tolerance(bars.columns[name])
            return np.asarray(bars.gap & apart & ~begins(bars), np.bool_)
    return None


def _tolerance(ema: Floats) -> float:
    return max(_EXACT, 2 * written_step(ema))


def begins(bars: SeenBars) -> Mask:
    """The first row of each file: shape (n,)."""
    return np.concatenate([[True], bars.year[1:] != bars.year[:-1]]) if bars.year.size else np.zeros(0, np.bool_)
