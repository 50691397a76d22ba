"""Columns of another instrument beside the bars: what its newest bar said by the moment that each bar closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from flows.bars.loading import Bars
from flows.errors import BarsMissing, BarsRejected
from registry.format.phrases import plural

LONGEST = pd.Timedelta(days=4)
"""Without a bar of the other for longer, its last one says nothing of now; weekends and holidays are shorter."""


def beside(bars: Bars, other: Bars, symbol: str, columns: Sequence[str]) -> Bars:
    """``bars`` with ``columns`` of the ``other`` instrument, each named ``SYMBOL.column``.

    Both are of one bar length, so its bar of the same open, or the last before that, had closed too. Bars before the
    first of the other are left out, and a repair says so; so it does of bars after its last. Raises
    :class:`BarsMissing` where it lacks a column or none is left, :class:`BarsRejected` where it has no bar for more
    than four days.
    """
    missing = [name for name in columns if name not in other.frame.columns]
    if missing:
        raise BarsMissing(
            f"the bars of {symbol} in {other.source} have no column {', '.join(missing)}: add it to their files, or "
            f"leave out the recipe that reads {symbol}.{missing[0]}"
        )
    opens, theirs = pd.DatetimeIndex(bars.frame.index), pd.DatetimeIndex(other.frame.index)
    place = np.asarray(theirs.searchsorted(opens, side="right")) - 1
    kept = place >= 0
    if not kept.any():
        raise BarsMissing(f"{symbol} has no bar before {opens[-1]}: add its files to {other.source}")
    opens, place = opens[kept], place[kept]
    stale = np.flatnonzero(np.asarray(opens - theirs[place] > LONGEST))
    if stale.size:
        raise BarsRejected(
            f"{symbol} has no bar in {other.source} from {theirs[place[stale[0]]]} on for more than four days, and "
            f"{plural(int(stale.size), 'bar')} from {opens[stale[0]]} on would take a value older than that: add what "
            f"is missing, or leave out the recipe that reads {symbol}"
        )
    named = {f"{symbol}.{name}": other.frame[name].to_numpy(np.float64)[place] for name in columns}
    left_out = int((~kept).sum())
    said = [f"{plural(left_out, 'bar')} before the first of {symbol} left out"] if left_out else []
    after = int(np.asarray(opens > theirs[-1]).sum())
    if after:
        said.append(f"{plural(after, 'bar')} after the last of {symbol} with its values of {theirs[-1]}")
    return replace(
        bars,
        frame=bars.frame[kept].assign(**named),
        file_time=bars.file_time[kept],
        line=None if bars.line is None else bars.line[kept],
        repairs=(*bars.repairs, *other.repairs, *said),
        simulated=bars.simulated or other.simulated,
    )
