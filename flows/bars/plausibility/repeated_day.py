"""A downloader that fails sometimes gives yesterday again under today's date."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

_BARS = 24
"""Compared are whole blocks of so many, six hours."""

_MOVES = 12  # different closes: a frozen block is another fault


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Blocks with the closes of a block before. Speaks from one block on."""
    _, starts, counts = np.unique(
        (bars.opens - np.datetime64(0, "ns")) // (_BARS * bars.instrument.length), return_index=True, return_counts=True
    )
    seen: dict[bytes, int] = {}
    again = np.zeros(bars.opens.size, np.bool_)
    example = ""
    for begin in starts[counts == _BARS].tolist():
        closes = bars.close[begin : begin + _BARS]
        earlier = seen.setdefault(closes.tobytes(), begin)
        if earlier != begin and np.unique(closes).size >= _MOVES:
            again[begin : begin + _BARS] = True
            there, here = (f"{pd.Timestamp(bars.opens[at]):%Y-%m-%d %H:%M}" for at in (earlier, begin))
            example = example or f"those from {here} UTC are those from {there}"
    if again.any():
        length = _BARS * bars.instrument.minutes // 60
        hours = "six hours" if length == 6 else f"{length} hours"
        found = f"{int(again.sum()):,} bars repeat {hours} before: {example}"
        yield bars.finding(Check.REPEATED_DAY, "refuse", again, found)
