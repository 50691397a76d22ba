"""Would it have earned anything? Pips from sides, moves and spreads: a few plain functions.

Long where the model says "up", short where it does not, one unit. :func:`trades` is how the report counts: a trade is
a run of bars that follow each other with the same side; where the next bar is missing or is not judged, the position
is closed. Opening and closing cost half of the spread each, of the session that the trade's first and last bar open in.
Changing side therefore costs one whole spread, and what the sessions come to adds up to the total::

    crossed = trades(opens, up)                               # half a spread for opening, half for closing
    total = result("all", gross(up, moves), crossed, spreads.pips(opens))
    asia = result("Asia", gross(up, moves)[at], crossed[at], spreads.pips(opens)[at])

:func:`earned` is the shorter count of ``retrain replay``: one spread for all hours, the position kept over gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.loading import BAR
from flows.bars.trading_days import NEW_YORK
from flows.errors import GateRefused

SPREAD_PIPS = 0.8
"""A usual spread of GBPUSD in London and New York hours; never zero by default."""


@dataclass(frozen=True)
class Result:
    """What some bars came to, in pips: sums over ``bars`` bars and ``trades`` trades (halves where a trade begins and
    ends in different sessions). ``error``: standard error of the gross pips a bar, by trading days; None of one day."""

    name: str
    bars: int
    trades: float
    gross: float
    cost: float
    error: float | None = None

    @property
    def net(self) -> float:
        return self.gross - self.cost

    @property
    def gross_a_bar(self) -> float:
        return self.gross / self.bars

    @property
    def net_a_bar(self) -> float:
        return self.net / self.bars

    @property
    def gross_a_trade(self) -> float | None:
        return None if self.trades == 0 else self.gross / self.trades

    @property
    def spread(self) -> float | None:
        """The spread paid, pips a trade."""
        return None if self.trades == 0 else self.cost / self.trades

    @property
    def break_even(self) -> float | None:
        """The spread in pips at which nothing is left: what it earned a trade; below zero no spread is small enough."""
        return self.gross_a_trade


def gross(up: Mask, move_pips: Floats) -> Floats:
    """Pips of each bar before costs, shape (n_bars,): the move that followed, or minus it.

    Raises :class:`GateRefused` for lengths that differ or a move that is not known.
    """
    if up.shape != move_pips.shape or up.ndim != 1:
        raise GateRefused(f"{up.shape} sides and {move_pips.shape} moves: hand in one of each a bar")
    if not np.isfinite(move_pips).all():
        raise GateRefused("a move is not known: leave out bars without a next bar")
    return np.where(up, move_pips, -move_pips)


def trades(opens: pd.DatetimeIndex, up: Mask) -> Floats:
    """How much of a spread each bar pays, shape (n_bars,): half where a trade opens, half where it closes.

    ``opens``: ascending, in UTC; a bar that does not open 15 minutes after the one before opens a new trade.
    """
    if len(opens) != up.size or not opens.is_monotonic_increasing:
        raise GateRefused(f"{len(opens)} opens and {up.size} sides: hand in one of each a bar, in order of time")
    if not up.size:
        return np.empty(0)
    begins = np.ones(up.size, np.bool_)
    begins[1:] = (np.asarray(opens[1:] - opens[:-1]) != BAR) | (up[1:] != up[:-1])
    ends = np.append(begins[1:], True)
    return 0.5 * begins + 0.5 * ends


def result(name: str, pips: Floats, crossed: Floats, spread: Floats, days: npt.NDArray[np.generic]) -> Result:
    """The sum of some bars, arrays of shape (n_bars,): pips before costs, share of a spread paid, spread, trading day.

    The standard error is that of a mean of days weighted by their bars (Cochran, Sampling Techniques, 1977, chapter 6).
    """
    return Result(
        name=name,
        bars=int(pips.size),
        trades=float(crossed.sum()),
        gross=float(pips.sum()),
        cost=float((crossed * spread).sum()),
        error=_error_by_days(pips, days),
    )


def _error_by_days(pips: Floats, days: npt.NDArray[np.generic]) -> float | None:
    _, number, bars = np.unique(days, return_inverse=True, return_counts=True)
    if bars.size < 2:
        return None
    off = np.bincount(number, weights=pips) - bars * pips.mean()
    return float(np.sqrt(bars.size / (bars.size - 1) * np.square(off).sum()) / pips.size)


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


def earned(up: Mask, move_pips: Floats, *, spread_pips: float = SPREAD_PIPS) -> Economics:
    """What the sides ``up`` (n_bars,) would have earned on the moves that followed, in pips.

    Raises :class:`GateRefused` for no bars, lengths that differ, a move that is not known, a negative spread.
    """
    if not up.size or not spread_pips >= 0:
        raise GateRefused(f"{up.size} bars and a spread of {spread_pips}: there must be a bar, and no negative spread")
    flips = float(np.count_nonzero(up[1:] != up[:-1])) / up.size
    mean = float(gross(up, move_pips).mean())
    return Economics(up.size, mean, mean - spread_pips * flips, flips, None if flips == 0 else mean / flips)


def spread_by_hour(opens: pd.DatetimeIndex, spread_pips: Sequence[float]) -> Floats:
    """The spread in pips at each bar, shape (n_bars,): the same at every hour, or by the hour of New York of 24."""
    spreads = np.asarray(spread_pips, dtype=np.float64)
    if spreads.size == 1:
        return np.full(len(opens), spreads[0])
    return np.asarray(spreads[opens.tz_convert(NEW_YORK).hour])


def net_pips(up: Mask, move_pips: npt.NDArray[np.floating[Any]], spread: Floats) -> float:
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
