"""Would it have earned anything? Pips from sides, moves and a spread: a few plain functions.

A side is held for one bar: long where the champion says "up", short where not. Changing it crosses the spread once
(half to close, half to open), so a signal that changes side every six bars pays a sixth of the spread a bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.errors import GateRefused

Floats = npt.NDArray[np.float64]

SPREAD_PIPS = 0.8
"""A usual spread of GBPUSD in London and New York hours; never zero by default."""


@dataclass(frozen=True)
class Economics:
    """``gross`` and ``net``: pips a bar before and after the spread; ``flips``: changes of side a bar;
    ``break_even``: the spread in pips at which nothing is left, None where the side never changes."""

    bars: int
    gross: float
    net: float
    flips: float
    break_even: float | None

    @property
    def gross_a_trade(self) -> float | None:
        """Pips from one change of side to the next, before the spread."""
        return None if self.flips == 0 else self.gross / self.flips


def earned(up: npt.NDArray[np.bool_], move_pips: Floats, *, spread_pips: float = SPREAD_PIPS) -> Economics:
    """What the sides ``up`` (n_bars,) would have earned on the moves that followed, in pips.

    Raises :class:`GateRefused` for no bars, lengths that differ, a move that is not known, a negative spread.
    """
    if up.shape != move_pips.shape or up.ndim != 1 or not up.size:
        raise GateRefused(f"{up.shape} sides and {move_pips.shape} moves: hand in one of each a bar, at least one")
    if not np.isfinite(move_pips).all() or not spread_pips >= 0:
        raise GateRefused("a move is not known, or the spread is negative: leave out bars without a next bar")
    side = np.where(up, 1.0, -1.0)
    flips = float(np.count_nonzero(up[1:] != up[:-1])) / up.size
    gross = float((side * move_pips).mean())
    return Economics(up.size, gross, gross - spread_pips * flips, flips, None if flips == 0 else gross / flips)
