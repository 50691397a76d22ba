"""Net pips a day against selectivity: what the champion and the baselines earn where they trade on fewer bars.

Each is always in the market first, and then stands aside unless its score is among the highest or lowest of its last
2,000. Who looks at many rules finds one that did well: :mod:`flows.pnl.selection` says how well one does by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flows.arrays import Mask
from flows.gate.scoring.ledger import Stream
from flows.gate.scoring.stream_account import stream_account
from flows.pnl.account import SURE, TradedBars
from flows.pnl.selection import FEWEST_DAYS, best_of_many
from flows.pnl.trading_rules import TradingRule

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Quantiles beyond which there is a position, long above and short below one minus it."""


@dataclass(frozen=True)
class SelectivityPoint:
    """One rule: the share of bars with a position, trades and net pips a trading day, half of its 95 % interval, and
    what it would have to earn a day to be more than the best of all by chance."""

    rule: str
    share: float
    trades_a_day: float
    net_a_day: float
    interval: float
    chance: float


@dataclass(frozen=True)
class SelectivityLine:
    """A stream by every rule, the least selective first."""

    name: str
    points: tuple[SelectivityPoint, ...]


@dataclass(frozen=True)
class Selectivity:
    """``lines``: the champion's first. ``rules`` were looked at over ``days``; the best in standard errors was
    ``best``, and as good a best comes with the probability ``p`` where nothing is in any of them."""

    lines: tuple[SelectivityLine, ...]
    rules: int
    days: int
    best: str
    best_net_a_day: float
    p: float


def selectivity(
    streams: Mapping[str, Stream], bars: TradedBars, among: Mask, before: Stream | None
) -> Selectivity | None:
    """The named streams, the champion's first, by rules of rising selectivity; None with fewer than 20 days.

    ``bars``: the ledger's; ``among``: shape (n_bars,), where all are counted. ``before``: whose scores the champion's
    ranks start with.
    """
    rules = [TradingRule(low=round(1.0 - level, 12), high=level) for level in LEVELS]
    champion = next(iter(streams))
    books = [
        stream_account(stream, bars, among, rule, before=before if name == champion else None)
        for name, stream in streams.items()
        for rule in rules
    ]
    daily = [book.by_day() for book in books]
    whole = daily[0].bars > 0
    days = int(whole.sum())
    pips = np.column_stack([each.net[whole] for each in daily])
    if days < FEWEST_DAYS or not pips.any():
        return None
    found = best_of_many(pips)
    mean = pips.mean(axis=0)
    points = [
        SelectivityPoint(
            rule=str(rules[number % len(rules)]),
            share=float((book.position != 0)[~book.bars.rollover].mean()),
            trades_a_day=float(book.legs.sum() / 2.0 / days),
            net_a_day=float(mean[number]),
            interval=float(SURE * found.error[number]),
            chance=float(found.chance_t * found.error[number]),
        )
        for number, book in enumerate(books)
    ]
    n = len(rules)
    lines = [SelectivityLine(name, tuple(points[at * n : (at + 1) * n])) for at, name in enumerate(streams)]
    best = lines[found.best // n]
    return Selectivity(
        lines=tuple(lines),
        rules=found.rules,
        days=days,
        best=f"{best.name}, {points[found.best].rule}",
        best_net_a_day=points[found.best].net_a_day,
        p=found.p,
    )
