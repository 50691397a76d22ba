"""What a ledger's stream comes to in pips: sides and ranks become positions by a trading rule, and these an account.

Ranks are those of the score ``edge``: among the stream's own last 2,000 scores before each bar.
"""

from __future__ import annotations

import numpy as np

from flows.arrays import Floats, Mask
from flows.gate.scoring.ledger import Ledger, Stream
from flows.gate.scoring.scores import trailing_rank
from flows.instruments import GBPUSD_M15, DayCounts
from flows.pnl.account import Account, TradedBars, account
from flows.pnl.trading_rules import TradingRule


def stream_account(
    stream: Stream, bars: TradedBars, among: Mask, rule: TradingRule, *, before: Stream | None = None
) -> Account:
    """The account of a stream on some of the ledger's bars, as if nothing else was known.

    ``bars``: those of the ledger, in its order; ``among``: shape (n_bars,), where it is scored and the move is known.
    ``before``: whose scores its ranks start with: a version's, with its recipe's.
    """
    some = bars.among(among)
    up, rank = sides_and_ranks(stream, some, among, rule, before)
    return account(rule.positions(some, up=up, rank=rank), some)


def sides_and_ranks(
    stream: Stream, some: TradedBars, among: Mask, rule: TradingRule, before: Stream | None
) -> tuple[Mask, Floats]:
    """What a rule makes positions of on the bars ``some``, which ``among`` chose of the ledger's: of their shape."""
    up = np.asarray(stream.p[among] > stream.cut[among], np.bool_)
    rank = np.zeros(up.size) if rule.always else stream_rank(stream, before, some.instrument.counts)[among]
    return up, rank


def stream_rank(stream: Stream, before: Stream | None = None, counts: DayCounts = GBPUSD_M15.counts) -> Floats:
    """Where each score stands among the last 2,000 before it, −1 lowest to 1 highest: shape (n_bars,), NaN where there
    is no score or fewer than 500 before it. ``before``: as in :func:`stream_account`."""
    rank = np.full(stream.p.size, np.nan)
    at = np.flatnonzero(stream.scored)
    if at.size:
        past = np.empty(0) if before is None else before.p[: at[0]][before.scored[: at[0]]]
        rank[at] = trailing_rank(stream.p[at], earlier=past, counts=counts)
    return rank


def last_traded(ledger: Ledger, usable: Mask, days: int) -> Mask:
    """Of the bars that are usable, those of the last ``days`` trading days that have one outside of the rollover hour:
    shape (n_bars,)."""
    counted = usable & ledger.counted
    of_days: Mask = usable & np.isin(ledger.day, np.unique(ledger.day[counted])[-days:])
    return of_days
