"""The account of a stretch of bars, from the account of all of them: each bar is counted once, and not once a night.

A position begins anew where the bar before is missing (:mod:`flows.pnl.trading_rules`), and none depends on later bars.
So who knows nothing before a stretch holds what he would have held anyway, but on the bars until the first such gap, a
weekend mostly; and on the last bar of the stretch the position is closed. What is in between is the same to the last
bit, and is not counted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from flows.arrays import Floats, Mask
from flows.gate.scoring.ledger import Stream
from flows.gate.scoring.stream_account import sides_and_ranks
from flows.pnl.account import DailyPips, TradedBars, account
from flows.pnl.trading_rules import TradingRule

__all__ = ["JudgedStretch", "StreamPips", "StretchedBars"]


@dataclass(frozen=True, eq=False)
class JudgedStretch:
    """The bars from ``begin`` to before ``end``. ``head``: those of them until the first that does not follow the one
    before; None where the stretch begins with the first of all bars, and nothing is different."""

    begin: int
    end: int
    head: TradedBars | None


class StretchedBars:
    """The bars of a ledger that ``among`` (n_bars,) chooses, with known moves, of which stretches are counted.
    ``bars``: the ledger's."""

    def __init__(self, bars: TradedBars, among: Mask) -> None:
        self.among = among
        self.bars = bars.among(among)
        new_day = np.flatnonzero(self.bars.day[1:] != self.bars.day[:-1]) + 1
        self.starts = np.concatenate([[0], new_day, [len(self.bars.opens)]])  # of the days, and the end of the last
        self._gaps = np.append(np.flatnonzero(~self.bars.follows), len(self.bars.opens))
        self._last: JudgedStretch | None = None

    def stretch(self, begin: int, end: int) -> JudgedStretch:
        """The stretch of these positions, ``begin`` before ``end``."""
        known = self._last
        if known is None or (known.begin, known.end) != (begin, end):
            gap = min(int(self._gaps[np.searchsorted(self._gaps, begin, "right")]), end)
            head = None if begin == 0 else self.bars.among(np.arange(begin, gap))
            self._last = known = JudgedStretch(begin, end, head)
        return known

    @cached_property
    def counted(self) -> Floats:
        """1 on the bars that pips a bar are counted over, 0 in the rollover hour: shape (n_bars,)."""
        return (~self.bars.rollover).astype(np.float64)


class StreamPips:
    """What a stream came to on some bars. ``before``: as in :func:`~flows.gate.scoring.stream_account.stream_account`,
    whose account of a stretch this is."""

    def __init__(self, stream: Stream, bars: StretchedBars, rule: TradingRule, *, before: Stream | None = None) -> None:
        self._bars = bars
        self._rule = rule
        self._up, self._rank = sides_and_ranks(stream, bars.bars, bars.among, rule, before)
        book = account(rule.positions(bars.bars, up=self._up, rank=self._rank), bars.bars)
        self._net, self._net_if_closed, self._daily = book.net, book.net_if_closed, book.by_day()

    def by_day(self, stretch: JudgedStretch) -> DailyPips:
        """Net pips by trading day of the stretch, as if nothing else was known."""
        starts = self._bars.starts
        first = int(np.searchsorted(starts, stretch.begin, "right")) - 1
        last = int(np.searchsorted(starts, stretch.end, "left")) - 1
        net, bars = self._daily.net[first : last + 1].copy(), self._daily.bars[first : last + 1].copy()
        headed = stretch.begin
        anew = np.empty(0)
        if stretch.head is not None:
            anew = self._anew(stretch)
            headed = stretch.begin + anew.size
        touched = range(first, int(np.searchsorted(starts, headed, "left")))  # days that the head has a bar of
        for day in {*touched, last}:
            begin, end = max(int(starts[day]), stretch.begin), min(int(starts[day + 1]), stretch.end)
            pips = self._net[begin:end].copy()
            if end == stretch.end:
                pips[-1] = self._net_if_closed[end - 1]
            if begin < headed:
                of_head = anew[begin - stretch.begin : end - stretch.begin]
                pips[: of_head.size] = of_head
            net[day - first] = _in_order(pips)
            bars[day - first] = _in_order(self._bars.counted[begin:end])
        return DailyPips(self._daily.day[first : last + 1], net, bars)

    def _anew(self, stretch: JudgedStretch) -> Floats:
        """Net pips of the bars of the stretch's head."""
        assert stretch.head is not None
        at = slice(stretch.begin, stretch.begin + len(stretch.head.opens))
        positions = self._rule.positions(stretch.head, up=self._up[at], rank=self._rank[at])
        return account(positions, stretch.head).net


def _in_order(values: Floats) -> float:
    """The sum as :meth:`~flows.pnl.account.Account.by_day` adds it, bar after bar: the same to the last bit."""
    return float(np.bincount(np.zeros(values.size, np.intp), weights=values)[0])
