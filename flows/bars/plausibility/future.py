"""A bar that closes after the real clock cannot be: a wrong date, or a wrong clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

SKEW = np.timedelta64(60, "s")
"""How far two clocks may differ."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Bars that close later than ``now``. Speaks from one bar on."""
    if bars.now is None:
        return
    now = pd.Timestamp(bars.now).tz_convert("UTC").tz_localize(None).to_datetime64()
    later = bars.opens + bars.instrument.length > now + SKEW
    if later.any():
        newest = pd.Timestamp(bars.opens[-1] + bars.instrument.length)
        found = (
            f"{int(later.sum()):,} bars close after {pd.Timestamp(now):%Y-%m-%d %H:%M} UTC, which is now; "
            f"the last on {newest:%Y-%m-%d %H:%M}"
        )
        yield bars.finding(Check.FUTURE, "refuse", later, found)
