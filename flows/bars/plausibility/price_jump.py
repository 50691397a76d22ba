"""A close or a wick that jumps and comes straight back is mostly a slip of a key or of a feed.

How far is the instrument's to say. On the real years of GBPUSD, of which 0.015 is asked about, the largest close that
came back is 0.0107 of the price (2022-09-26), the largest wick 0.0111; the bar of 2022-09-25 moved by 0.033 and stayed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Closes that leave by more than the instrument's jump and are back on the next bar, and wicks that long. Speaks
    from one bar on."""
    close, large, names = bars.close, bars.instrument.jump, bars.prices
    back = np.zeros(close.size, np.bool_)
    if close.size > 2:
        there, again = np.diff(close)[:-1] / close[:-2], -np.diff(close)[1:] / close[:-2]
        back[1:-1] = (there * again > 0) & (np.minimum(np.abs(there), np.abs(again)) > large)
    if bars.has_prices:
        top, bottom = np.maximum(bars.columns[names.open], close), np.minimum(bars.columns[names.open], close)
        back |= np.maximum(bars.columns[names.high] - top, bottom - bars.columns[names.low]) > large * close
    if back.any():
        at = int(np.argmax(back))
        name = f"{names.close} = {close[at]:g}"
        found = f"{int(back.sum()):,} prices jump by more than {large:.1%} and are back within a bar, the first {name}"
        yield bars.finding(Check.PRICE_JUMP, "question", back, found)
