"""A close or a wick that jumps and comes straight back is mostly a slip of a key or of a feed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.bars.checks import CLOSE, HIGH, LOW, OPEN
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

LARGE = 0.015
"""Of the price. On the real years the largest close that came back is 0.0107 (2022-09-26), the largest wick 0.0111;
the bar of 2022-09-25 moved by 0.033 and stayed there."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Closes that leave by more than :data:`LARGE` and are back on the next bar, and wicks that long. Speaks from one
    bar on."""
    close = bars.close
    back = np.zeros(close.size, np.bool_)
    if close.size > 2:
        there, again = np.diff(close)[:-1] / close[:-2], -np.diff(close)[1:] / close[:-2]
        back[1:-1] = (there * again > 0) & (np.minimum(np.abs(there), np.abs(again)) > LARGE)
    if bars.has_prices:
        top, bottom = np.maximum(bars.columns[OPEN], close), np.minimum(bars.columns[OPEN], close)
        back |= np.maximum(bars.columns[HIGH] - top, bottom - bars.columns[LOW]) > LARGE * close
    if back.any():
        at = int(np.argmax(back))
        name = f"{CLOSE} = {close[at]:g}"
        found = f"{int(back.sum()):,} prices jump by more than {LARGE:.1%} and are back within a bar, the first {name}"
        yield bars.finding(Check.PRICE_JUMP, "question", back, found)
