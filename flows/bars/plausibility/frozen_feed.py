"""A feed that stopped goes on to send its last price."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.arrays import Mask
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

LONGEST = 12
"""Closes in a row that do not move, three hours; 3 on the real years and the simulated ones. Of shorter bars as many
more as three hours hold."""

REFUSED = 96
"""The same for a trading day: refused."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Closes that stand still while the market is open. Speaks from :data:`LONGEST` bars in a row on."""
    still = np.zeros(bars.opens.size, np.bool_)
    still[1:] = (bars.close[1:] == bars.close[:-1]) & ~bars.shut[1:]
    runs = _run_lengths(still)
    more = max(1, 15 // bars.instrument.minutes)
    frozen = runs >= LONGEST * more
    if frozen.any():
        found = f"{int(frozen.sum()):,} closes repeat the one before, up to {int(runs.max()):,} in a row"
        yield bars.finding(Check.FROZEN_FEED, "refuse" if runs.max() >= REFUSED * more else "question", frozen, found)


def _run_lengths(mask: Mask) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How long the run of true is that each position is in, 0 where it is false: shape (n,)."""
    if not mask.size:
        return np.zeros(0, np.int64)
    number = np.cumsum(~mask)
    size = np.bincount(number[mask], minlength=int(number[-1]) + 1)
    return np.where(mask, size[number], 0)
