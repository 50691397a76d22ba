"""What a stream's sides would have earned after the spread: the input of a guard, which can only hold back.

A side is held for one bar, long where the stream says "up", short where not. Changing it crosses the spread once (half
to close, half to open), at the hour in which it changes. Nothing is promoted for earning more: a few large moves decide
who does, and no error rate can be held on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars.trading_days import NEW_YORK
from flows.errors import GateRefused

from .decision import Guard
from .leads import Against, scored_since, with_its_past
from .ledger import Ledger

__all__ = ["costs_guard", "net_pips", "spread_by_hour"]

Floats = npt.NDArray[np.float64]

DAYS = 250
"""Trading days that are looked at."""


def spread_by_hour(opens: pd.DatetimeIndex, spread_pips: Sequence[float]) -> Floats:
    """The spread in pips at each bar, shape (n_bars,): the same at every hour, or by the hour of New York of 24."""
    spreads = np.asarray(spread_pips, dtype=np.float64)
    if spreads.size == 1:
        return np.full(len(opens), spreads[0])
    return np.asarray(spreads[opens.tz_convert(NEW_YORK).hour])


def net_pips(up: npt.NDArray[np.bool_], move_pips: npt.NDArray[np.floating[Any]], spread: Floats) -> float:
    """Mean pips a bar after costs of the sides ``up`` on the moves that followed; all of shape (n_bars,).

    The first bar is free: what was held before it is not known.

    Raises :class:`GateRefused` for no bars, lengths that differ, a move that is not known, a spread below zero.
    """
    if up.ndim != 1 or not up.size or up.shape != move_pips.shape or up.shape != spread.shape:
        raise GateRefused(
            f"{up.shape} sides, {move_pips.shape} moves and {spread.shape} spreads: one of each a bar, at least one"
        )
    if not np.isfinite(move_pips).all() or not (spread >= 0.0).all():
        raise GateRefused("a move is not known, or a spread is below zero: leave out bars without a next bar")
    changed = np.concatenate([[False], up[1:] != up[:-1]])
    return float(np.mean(np.where(up, move_pips, -move_pips) - np.where(changed, spread, 0.0)))


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
