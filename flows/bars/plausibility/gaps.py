"""Bars that are missing for longer than a market closes: days that were never exported, or stand under other dates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.moving_average import begins, breaks
from flows.bars.plausibility.seen import LONGEST_WEEKEND, SeenBars

FEW = 0.1
"""Of all gaps. Where the features do not go on over more of them, bars were left out as a rule (a feed with holes)."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Notes: gaps of more than four days within a file, and a few gaps over which the features do not go on although
    they do over the others. Speaks from one gap on."""
    after = (bars.pause > LONGEST_WEEKEND) & ~begins(bars)
    if after.any():
        found = f"{_gaps(int(after.sum()))} of more than four days, the first {_dates(bars, int(np.argmax(after)))}"
        yield bars.finding(Check.GAPS, "note", after, found)
        return
    broken = breaks(bars)
    if broken is not None and 0 < broken.sum() <= FEW * bars.gap.sum():
        found = (
            f"{_gaps(int(broken.sum()))} over which the EMA does not go on as it does over others, the first "
            f"{_dates(bars, int(np.argmax(broken)))}: bars were left out, or stand under other dates"
        )
        yield bars.finding(Check.GAPS, "note", broken, found)


def _gaps(count: int) -> str:
    return f"{count} gap{'' if count == 1 else 's'}"


def _dates(bars: SeenBars, at: int) -> str:
    before, after = (f"{pd.Timestamp(bars.opens[row]):%Y-%m-%d %H:%M}" for row in (at - 1, at))
    return f"from {before} to {after} UTC"
