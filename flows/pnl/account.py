"""Pips are counted here, one way: what a position earned, what it paid, bar by bar and by trading day.

A **position** is −1, 0 or 1 on each bar: short one unit, out of the market, long one unit. It is taken at the bar's
close and earns, or loses, the move to the next bar's close. It is what the sides of a stream become by a trading rule
(:mod:`flows.pnl.trading_rules`)::

    bars = TradedBars(opens, move_pips, spreads.pips(opens))       # every judged bar, the rollover hour included
    book = account(rule.positions(bars, up=up, rank=rank), bars)
    book.net                                                       # pips of each bar after costs, shape (n_bars,)
    book.by_day()                                                  # the same by trading day: pips, and bars behind them
    book.result("all")                                             # the sum, pips a bar, and the error by trading days

- Opening costs half of the spread of the first bar of a position, closing half of that of its last one. Changing side
  is both. Where the next bar is missing or is not judged, the position is closed, and the next bar opens a new one:
  nothing is earned on a move that nobody predicted.
- A position that is held over 17:00 New York is **financed**: it gets the swap of its side (below zero: it pays),
  three times on Wednesdays, as a position of two days' settlement is carried over the weekend then.
- The moves of the **rollover hour** (bars that open 16:45 to 17:45 New York) are in no sum, and counted apart: bids
  move with the spread there. What is paid or financed there is in every sum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.errors import GateRefused, RequestRefused
from flows.instruments import GBPUSD_M15, Instrument

Positions = npt.NDArray[np.int8]

SURE = 1.96
"""Standard errors on each side of a figure that make its interval of 95 %."""

_SWAP = re.compile(r"long ([+-]?\d{1,3}(?:\.\d+)?) short ([+-]?\d{1,3}(?:\.\d+)?)")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


@dataclass(frozen=True)
class Swap:
    """What one unit held over 17:00 New York gets, in pips a night; below zero it pays. None is paid by default: what a
    broker takes depends on both countries' interest and on the broker."""

    long: float = 0.0
    short: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.long) and np.isfinite(self.short)):
            raise GateRefused(f"a swap of {self.long} and {self.short} pips is none: give two numbers of pips a night")

    @classmethod
    def parse(cls, text: str) -> Swap:
        """The swap in ``long -0.6 short 0.1``; :class:`~flows.errors.RequestRefused` where it is none."""
        found = _SWAP.fullmatch(" ".join(text.split()))
        if found is None:
            raise RequestRefused(f"swap: {text!r} is none: write pips a night for each side, 'long -0.6 short 0.1'")
        return cls(float(found[1]), float(found[2]))

    def __str__(self) -> str:
        return f"long {self.long:g} short {self.short:g}"


NO_SWAP = Swap()


@dataclass(frozen=True, eq=False)
class TradedBars:
    """The bars that positions are held on, in order of time, arrays of shape (n_bars,): ``opens`` in UTC, the move in
    pips that followed each, what a spread costs at it in pips. All bars on which a position can be held belong here,
    those of the rollover hour too: where one is missing, positions are closed. A move that is not known is NaN, and
    :func:`account` refuses it.

    Raises :class:`GateRefused` for lengths that differ, bars out of order, a spread below zero or not known.
    """

    opens: pd.DatetimeIndex
    move_pips: Floats
    spread_pips: Floats
    swap: Swap = NO_SWAP
    instrument: Instrument = GBPUSD_M15

    def __post_init__(self) -> None:
        shapes = {self.move_pips.shape, self.spread_pips.shape, (len(self.opens),)}
        if len(shapes) > 1:
            raise GateRefused(
                f"{len(self.opens)} opens, {self.move_pips.shape} moves and {self.spread_pips.shape} spreads: hand in "
                "one of each a bar"
            )
        if not (self.opens[1:] > self.opens[:-1]).all():
            raise GateRefused("the bars go backward: hand them in, in order of time")
        if not (self.spread_pips >= 0.0).all():
            raise GateRefused("a spread is below zero or not known: give pips from 0 up")

    def among(self, mask: Mask | npt.NDArray[np.intp]) -> TradedBars:
        """The bars where ``mask`` (n_bars,), or at these ascending positions."""
        some = TradedBars(self.opens[mask], self.move_pips[mask], self.spread_pips[mask], self.swap, self.instrument)
        for name in ("rollover", "day", "nights"):  # New York's clock takes longer to ask than all the rest
            some.__dict__[name] = getattr(self, name)[mask]
        return some

    @cached_property
    def known(self) -> Mask:
        """Where the move is known: shape (n_bars,)."""
        return np.isfinite(self.move_pips)

    @cached_property
    def follows(self) -> Mask:
        """Which bars open when the one before closes: shape (n_bars,), the first does not."""
        after = np.zeros(len(self.opens), np.bool_)
        after[1:] = np.asarray(self.opens[1:] - self.opens[:-1] == self.instrument.step)
        return after

    @cached_property
    def rollover(self) -> Mask:
        """Which bars open in the rollover hour: shape (n_bars,)."""
        return self.instrument.rollover(self.opens)

    @cached_property
    def day(self) -> npt.NDArray[np.datetime64]:
        """The trading day of each bar: shape (n_bars,)."""
        return self.instrument.hours.trading_day(self.opens)

    @cached_property
    def nights(self) -> Floats:
        """How many nights' swap each bar's position gets where it is kept: 1 at the last bar of a trading day, before
        17:00 New York, 3 there on Wednesdays (USDCAD: Thursdays), else 0: shape (n_bars,)."""
        of = self.instrument
        last = of.slot(self.opens) == of.slots - 1
        if of.costs.triple_swap is None:
            return np.where(last, 1.0, 0.0)
        weekday = (self.day.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        return np.where(last, np.where(weekday == _WEEKDAYS.index(of.costs.triple_swap), 3.0, 1.0), 0.0)


@dataclass(frozen=True)
class PipsResult:
    """The pips of some bars: sums over ``bars`` bars of ``days`` trading days and ``trades`` trades (halves where a
    trade begins and ends in different sessions). ``financing``: what was got over night, below zero what was paid.
    ``gross_error``, ``net_error``: standard errors of the pips a bar, by trading days; None of one day."""

    name: str
    bars: int
    days: int
    trades: float
    gross: float
    cost: float
    financing: float = 0.0
    gross_error: float | None = None
    net_error: float | None = None

    @property
    def net(self) -> float:
        return self.gross - self.cost + self.financing

    @property
    def gross_a_bar(self) -> float:
        return self.gross / self.bars

    @property
    def net_a_bar(self) -> float:
        return self.net / self.bars

    @property
    def gross_interval(self) -> float | None:
        """Half of the 95 % interval of the gross pips a bar."""
        return None if self.gross_error is None else SURE * self.gross_error

    @property
    def net_interval(self) -> float | None:
        """Half of the 95 % interval of the net pips a bar."""
        return None if self.net_error is None else SURE * self.net_error

    @property
    def trades_a_day(self) -> float:
        """Turnover: positions opened a trading day."""
        return self.trades / self.days

    @property
    def gross_a_trade(self) -> float | None:
        return None if self.trades == 0 else self.gross / self.trades

    @property
    def spread(self) -> float | None:
        """The spread paid, pips a trade."""
        return None if self.trades == 0 else self.cost / self.trades

    @property
    def break_even(self) -> float | None:
        """The spread in pips at which nothing is left: what a trade earned; below zero no spread is small enough."""
        return None if self.trades == 0 else (self.gross + self.financing) / self.trades


@dataclass(frozen=True, eq=False)
class DailyPips:
    """Pips after costs by trading day, in order of time, arrays of shape (n_days,): ``net`` is the day's sum, ``bars``
    how many bars it is of (without the rollover hour; 0 where a day has only such)."""

    day: npt.NDArray[np.datetime64]
    net: Floats
    bars: Floats

    @property
    def mean(self) -> float:
        """Pips a bar."""
        return float(self.net.sum() / self.bars.sum())

    @property
    def error(self) -> float | None:
        """Its standard error, by trading days; None of one day."""
        return error_by_days(self.net, self.bars)


@dataclass(frozen=True, eq=False)
class Account:
    """What positions came to, arrays of shape (n_bars,): ``gross``, the move earned or lost by the position; ``legs``,
    how many times half a spread is paid; ``cost``, what that is in pips; ``financing``, what was got over night."""

    bars: TradedBars
    position: Positions
    gross: Floats
    legs: Floats
    cost: Floats
    financing: Floats

    @property
    def earned(self) -> Floats:
        """Pips before costs, without the rollover hour: shape (n_bars,)."""
        return np.where(self.bars.rollover, 0.0, self.gross)

    @property
    def net(self) -> Floats:
        """Pips after costs, without the moves of the rollover hour: shape (n_bars,)."""
        return np.asarray(self.earned - self.cost + self.financing)

    @property
    def net_if_closed(self) -> Floats:
        """Net pips of each bar if it was the last one, and its position was closed after it: shape (n_bars,)."""
        held = self.position != 0
        opening = held & ~_kept(self.position, self.bars)
        return np.asarray(self.earned - 0.5 * (opening.astype(np.float64) + held) * self.bars.spread_pips)

    def by_day(self) -> DailyPips:
        """Net pips by trading day."""
        days, number = np.unique(self.bars.day, return_inverse=True)
        counted = (~self.bars.rollover).astype(np.float64)
        return DailyPips(days, _sums(number, self.net), _sums(number, counted))

    def result(self, name: str, among: Mask | None = None) -> PipsResult:
        """The sum over the bars ``among`` (n_bars,); by default over all, without the moves of the rollover hour.

        Raises :class:`GateRefused` where there is no bar.
        """
        at = np.ones(self.position.size, np.bool_) if among is None else among
        counted = at & ~self.bars.rollover if among is None else at
        if not counted.any():
            raise GateRefused(f"{name}: there is no bar to count pips on")
        gross = self.earned if among is None else self.gross
        net = gross - self.cost + self.financing
        number = np.unique(self.bars.day[at], return_inverse=True)[1]
        bars = _sums(number, counted[at].astype(np.float64))
        return PipsResult(
            name=name,
            bars=int(counted.sum()),
            days=int((bars > 0).sum()),
            trades=float(self.legs[at].sum() / 2.0),
            gross=float(gross[at].sum()),
            cost=float(self.cost[at].sum()),
            financing=float(self.financing[at].sum()),
            gross_error=error_by_days(_sums(number, gross[at]), bars),
            net_error=error_by_days(_sums(number, net[at]), bars),
        )


def account(position: npt.ArrayLike, bars: TradedBars) -> Account:
    """What the positions came to, ``position``: −1, 0 or 1 on each bar, shape (n_bars,).

    Raises :class:`GateRefused` for another number of positions than bars, one that is none of the three, or a move that
    is not known.
    """
    held = np.asarray(position)
    if held.shape != (len(bars.opens),) or not np.isin(held, (-1, 0, 1)).all():
        raise GateRefused(f"{held.shape} positions and {len(bars.opens)} bars: hand in −1, 0 or 1 for each bar")
    if not bars.known.all():
        raise GateRefused("a move is not known: leave out bars without a next bar")
    held = held.astype(np.int8)
    kept = _kept(held, bars)
    opening = (held != 0) & ~kept
    closing = (held != 0) & ~np.append(kept[1:], np.zeros(min(held.size, 1), np.bool_))
    legs = opening.astype(np.float64) + closing
    pays = np.where(held > 0, bars.swap.long, np.where(held < 0, bars.swap.short, 0.0))
    return Account(
        bars=bars,
        position=held,
        gross=held * bars.move_pips,
        legs=legs,
        cost=0.5 * legs * bars.spread_pips,
        financing=np.where(closing, 0.0, pays * bars.nights),
    )


def _kept(held: Positions, bars: TradedBars) -> Mask:
    """Where the position of the bar before goes on: shape (n_bars,)."""
    kept = np.zeros(held.size, np.bool_)
    kept[1:] = bars.follows[1:] & (held[1:] == held[:-1])
    return kept


def _sums(number: npt.NDArray[np.intp], values: Floats) -> Floats:
    """The sum of the values with each number, from 0 up."""
    return np.asarray(np.bincount(number, weights=values), np.float64)


def error_by_days(pips: Floats, bars: Floats) -> float | None:
    """The standard error of the pips a bar: of a mean of days weighted by their bars (Cochran, Sampling Techniques,
    1977, chapter 6); None of fewer than two days. ``pips``: the sum of each day, ``bars``: how many it is of."""
    days = int((bars > 0).sum())
    if days < 2:
        return None
    off = pips - bars * pips.sum() / bars.sum()
    return float(np.sqrt(days / (days - 1) * np.square(off).sum()) / bars.sum())
