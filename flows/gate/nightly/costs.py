"""The guard on costs compares the net pips of a stream's sides with the champion's. It can only hold back.

A side is held for one bar, long where the stream says "up", short where not. Changing it crosses the spread once (half
to close, half to open), at the hour in which it changes. Nothing is promoted for earning more: a few large moves decide
who does, and no error rate can be held on that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.arrays import Floats
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.guards import Guard
from flows.gate.nightly.leads import Against, scored_since, with_its_past
from flows.gate.scoring.ledger import Ledger
from flows.pnl.pips import net_pips, spread_by_hour

__all__ = ["costs_guard", "net_pips", "spread_by_hour"]


DAYS = NIGHTS_A_YEAR
"""Trading days that the pips are counted over."""


def costs_guard(
    ledger: Ledger, champion: Against, stream: str, move_pips: Floats, *, margin: float, spread_pips: Sequence[float]
) -> Guard | None:
    """Whether the stream earned as much after costs as the champion, less the margin, on the bars of the last 250 days
    that both were scored on; None where there is no such bar.

    ``move_pips``: shape (n_bars,), the move after each of the ledger's bars, NaN where it is not known.
    """
    if champion.refreshed:
        ledger = with_its_past(ledger, champion.stream, champion.recipe_stream)
    both = scored_since(ledger, champion, stream) & ledger.counted & np.isfinite(move_pips)
    both &= np.isin(ledger.day, np.unique(ledger.day[both])[-DAYS:])
    if not both.any():
        return None
    spread = spread_by_hour(ledger.opens[both], spread_pips)
    sides = [ledger.streams[key].p[both] > ledger.streams[key].cut[both] for key in (stream, champion.stream)]
    ours, theirs = (net_pips(up, move_pips[both], spread) for up in sides)
    words = f"earned {ours:+.3f} pips a bar after costs, the champion {theirs:+.3f}"
    return Guard("costs", ours >= theirs - margin, words)
