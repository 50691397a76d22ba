"""While the market is shut there are no prices: bars there are a downloader's filling, or a wrong clock."""

from __future__ import annotations

from collections.abc import Iterator

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

ENOUGH = 8
"""Flat bars in the closed market from which they are refused: two hours. Fewer, or bars that move, are a question."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Bars in the closed market, flat ones first: labels on them are always "not up". Speaks from one bar on."""
    flat, moving = bars.shut & bars.flat, bars.shut & ~bars.flat
    if flat.any():
        found = f"{int(flat.sum()):,} of {flat.size:,} bars are flat while the market is shut"
        filled = flat.sum() >= max(ENOUGH, moving.sum())
        yield bars.finding(Check.SHUT_MARKET, "refuse" if filled else "question", flat, found)
    if moving.any():
        found = f"{int(moving.sum()):,} of {moving.size:,} bars move while the market is shut"
        yield bars.finding(Check.SHUT_MARKET, "question", moving, found)
