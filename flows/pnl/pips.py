"""This module counts pips after costs, from the sides of a stream, the moves that followed, and spreads.

A position is long one unit where the model says "up", short where it does not. A bar's pips before costs are
:func:`gross`; what share of a spread it pays follows from one of two :class:`PositionRule`:

- :data:`CLOSED_AT_GAPS`, the report's: a trade is a run of bars that follow each other with the same side; where the
  next bar is missing or is not judged, the position is closed. Opening and closing cost half of the spread each, of the
  session that the trade's first and last bar open in. Changing side therefore costs one whole spread, and the results
  of the sessions add up to the total::

    share = spread_share(opens, up)                           # half a spread for opening, half for closing
    total = result("all", gross(up, moves), share, spreads.pips(opens), days)
    asia = result("Asia", gross(up, moves)[at], share[at], spreads.pips(opens)[at], days[at])

- :data:`HELD_OVER_GAPS`, of :func:`net_pips` (the gate's guard on costs) and :func:`economics` (``retrain replay``):
  the position is kept over gaps, and each change of side costs the spread of the bar in which it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
class PositionRule:
    """When a position pays the spread. ``closed_at_gaps``: a missing bar closes it, and the next bar opens a new one.
    ``ends_pay``: the first bar opens a position and the last one closes it; else what was held before and after is not
    known, and costs nothing. ``halves``: half of a spread is paid on the last bar of the old position and half on the
    first of the new one; else all of it on the first of the new one."""

    closed_at_gaps: bool
    ends_pay: bool
    halves: bool


CLOSED_AT_GAPS = PositionRule(closed_at_gaps=True, ends_pay=True, halves=True)
HELD_OVER_GAPS = PositionRule(closed_at_gaps=False, ends_pay=False, halves=False)


@dataclass(frozen=True)
class Result:
    """The result of some bars in pips: sums over ``bars`` bars and ``trades`` trades (halves where a trade begins and
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
        """The spread in pips at which nothing is left: the gross pips a trade; below zero no spread is small enough."""
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


def spread_share(opens: pd.DatetimeIndex, up: Mask) -> Floats:
    """How much of a spread each bar pays by :data:`CLOSED_AT_GAPS`, shape (n_bars,).

    ``opens``: ascending, in UTC; a bar that does not open 15 minutes after the one before opens a new trade.
    """
    if len(opens) != up.size or not opens.is_monotonic_increasing:
        raise GateRefused(f"{len(opens)} opens and {up.size} sides: hand in one of each a bar, in order of time")
    return _share_paid(up, CLOSED_AT_GAPS, gaps=np.asarray(opens[1:] - opens[:-1]) != BAR)


def _share_paid(up: Mask, rule: PositionRule, *, gaps: Mask | None = None) -> Floats:
    """How much of a spread each bar pays, shape (n_bars,). ``gaps``: shape (n_bars - 1,), where the bar after is
    missing; only a rule that closes positions there needs it."""
    if not up.size:
        return np.empty(0)
    changes = up[1:] != up[:-1]
    if rule.closed_at_gaps and gaps is not None:
        changes = changes | gaps
    opening = np.concatenate([[rule.ends_pay], changes])
    if not rule.halves:
        return opening.astype(np.float64)
    return 0.5 * opening + 0.5 * np.append(changes, rule.ends_pay)


def result(name: str, pips: Floats, share: Floats, spread: Floats, days: npt.NDArray[np.generic]) -> Result:
    """The sum of some bars, arrays of shape (n_bars,): pips before costs, share of a spread paid, spread, trading day.

    The standard error is that of a mean of days weighted by their bars (Cochran, Sampling Techniques, 1977, chapter 6).
    """
    return Result(
        name=name,
        bars=int(pips.size),
        trades=float(share.sum()),
        gross=float(pips.sum()),
        cost=float((share * spread).sum()),
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


def economics(up: Mask, move_pips: Floats, *, spread_pips: float = SPREAD_PIPS) -> Economics:
    """The pips of the sides ``up`` (n_bars,) on the moves that followed, by :data:`HELD_OVER_GAPS` and one spread.

    Raises :class:`GateRefused` for no bars, lengths that differ, a move that is not known, a negative spread.
    """
    if not up.size or not spread_pips >= 0:
        raise GateRefused(f"{up.size} bars and a spread of {spread_pips}: there must be a bar, and no negative spread")
    mean = float(gross(up, move_pips).mean())
    flips = float(_share_paid(up, HELD_OVER_GAPS).sum()) / up.size
    return Economics(up.size, mean, mean - spread_pips * flips, flips, None if flips == 0 else mean / flips)


def spread_by_hour(opens: pd.DatetimeIndex, spread_pips: Sequence[float]) -> Floats:
    """The spread in pips at each bar, shape (n_bars,): the same at every hour, or by the hour of New York of 24."""
    spreads = np.asarray(spread_pips, dtype=np.float64)
    if spreads.size == 1:
        return np.full(len(opens), spreads[0])
    return np.asarray(spreads[opens.tz_convert(NEW_YORK).hour])


def net_pips(up: Mask, move_pips: Floats, spread: Floats) -> float:
    """Mean pips a bar after costs of the sides ``up`` on the moves that followed, by :data:`HELD_OVER_GAPS`; all of
    shape (n_bars,).

    Raises :class:`GateRefused` for no bars, lengths that differ, a move that is not known, a spread below zero.
    """
    if not up.size or up.shape != spread.shape or not (spread >= 0.0).all():
        raise GateRefused(f"{up.size} sides and {spread.size} spreads: hand in one of each a bar, none below zero")
    return float(np.mean(gross(up, move_pips) - _share_paid(up, HELD_OVER_GAPS) * spread))
