"""RSI and ADX are percentages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

_PERCENTAGE = re.compile(r"(rsi|adx)_\d+")


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Values of ``rsi_…`` and ``adx_…`` outside 0 … 100. Speaks from one value on."""
    for name, values in bars.columns.items():
        outside = (values < 0) | (values > 100)
        if _PERCENTAGE.fullmatch(name) and outside.any():
            first = values[outside][0]
            found = f"{int(outside.sum()):,} values of {name} lie outside 0 to 100, the first is {first:g}"
            yield bars.finding(Check.PERCENTAGES, "refuse", outside, found)
