"""The table of a replay: how each rule and each baseline did on the same bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.errors import BarsMissing
from flows.gate.scoring.days import by_day
from flows.gate.scoring.moves import EdgeBySize, SizedMoves, edge_by_size, in_ranges
from flows.gate.scoring.scores import trailing_base, trailing_rank
from flows.instruments import GBPUSD_M15, DayCounts
from flows.instruments.spreads import SPREAD_PIPS
from flows.pnl.account import Account, TradedBars, account
from flows.pnl.trading_rules import TradingRule
from flows.recipes import BASELINES, baseline
from flows.replay.fit_cache import FitCache
from flows.replay.rules import RuleResult


@dataclass(frozen=True)
class RuleRow:
    """One rule: ``accuracy`` at its cuts, ``edge`` a bar, pips a bar before and after the spread, trades a day.
    ``by_move``: the edge by size of move (:mod:`flows.gate.scoring.moves`), None where the bars have no average true
    range. Errors are standard errors by trading days. None is what so few bars do not define: an edge takes a week of
    predictions before its first bar, an error two trading days."""

    name: str
    promotions: int | None
    bars: int
    accuracy: float
    edge: float | None
    edge_error: float | None
    gross_pips: float
    gross_error: float | None
    net_pips: float
    net_error: float | None
    trades_a_day: float
    by_move: float | None
    by_move_error: float | None

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True, eq=False)
class Served:
    """What one rule or baseline said, over the data's bars, arrays of shape (n_bars,): scores ``p``, cuts, and the
    ranks that the trading rule asks for, NaN where there are none. ``promotions``: None for a baseline."""

    name: str
    promotions: int | None
    p: Floats
    cut: Floats
    rank: Floats
    traded_by: TradingRule

    @classmethod
    def by(cls, result: RuleResult) -> Served:
        """What the champions of a rule said."""
        promotions = len(result.promotions)
        return cls(result.rule, promotions, result.p, result.cut, result.rank, result.traded_by)

    @classmethod
    def by_baseline(cls, name: str, p: Floats, rule: TradingRule, counts: DayCounts = GBPUSD_M15.counts) -> Served:
        """What a baseline said; its ranks are among its own scores before."""
        rank, at = np.full(p.size, np.nan), np.flatnonzero(~np.isnan(p))
        rank[at] = trailing_rank(p[at], counts=counts)
        return cls(name, None, p, np.full(p.size, 0.5), rank, rule)


def compare_rules(cache: FitCache, results: Sequence[RuleResult], *, spread_pips: float = SPREAD_PIPS) -> list[RuleRow]:
    """Every rule and every baseline on the bars that all rules had a champion for, the rollover hour left out. Each
    rule trades as its policy says, the baselines as the first rule's."""
    data, common = cache.data, common_bars(cache.data, results)
    compared = [
        *(Served.by(result) for result in results),
        *(baseline_served(cache, name, common, results[0].traded_by) for name in BASELINES),
    ]
    return [_row(data, served, common, spread_pips) for served in compared]


def common_bars(data: Dataset, results: Sequence[RuleResult]) -> Mask:
    """The bars that all rules had a champion for, the rollover hour left out: shape (n_bars,).

    Raises :class:`BarsMissing` where there is none.
    """
    common = data.counted & ~np.isnan([result.p for result in results]).any(axis=0)
    if not common.any():
        raise BarsMissing(
            "no bar has a champion under every rule: begin earlier or end later, or replay recipes that are shown to "
            "have skill"
        )
    return common


def baseline_served(cache: FitCache, name: str, common: Mask, rule: TradingRule) -> Served:
    """What a baseline says, fitted on the bars before the first one that is compared."""
    data = cache.data
    first = data.bars.frame.index[common][0]
    train = data.window(days=cache.job.request.advanced.train_days, end=first)
    return Served.by_baseline(name, baseline(name, data, train), rule, data.instrument.counts)


def account_of(data: Dataset, served: Served, common: Mask, *, spread_pips: float = SPREAD_PIPS) -> Account:
    """What was served came to on the bars ``common`` (n_bars,), by its trading rule at one spread; positions are kept
    through the rollover hour between two of these bars, where there is a prediction."""
    held = common | (data.rollover & ~np.isnan(served.p) & np.isfinite(data.move_pips))
    opens = pd.DatetimeIndex(data.bars.frame.index)[held]
    bars = TradedBars(opens, data.move_pips[held], np.full(len(opens), spread_pips), instrument=data.instrument)
    up, rank = served.p[held] > served.cut[held], served.rank[held]
    return account(served.traded_by.positions(bars, up=up, rank=rank), bars)


def _row(data: Dataset, served: Served, common: Mask, spread_pips: float) -> RuleRow:
    up, label = served.p[common] > served.cut[common], data.label[common]
    money = account_of(data, served, common, spread_pips=spread_pips).result(served.name)
    mean, error = _edge(data, served.p, common)
    sized = _by_size(data, served.p, common)
    return RuleRow(
        served.name,
        served.promotions,
        int(common.sum()),
        float((up == (label == 1.0)).mean()),
        mean,
        error,
        money.gross_a_bar,
        money.gross_error,
        money.net_a_bar,
        money.net_error,
        money.trades_a_day,
        None if sized is None else sized.by_move,
        None if sized is None else sized.by_move_error,
    )


def _by_size(data: Dataset, p: Floats, common: Mask) -> EdgeBySize | None:
    """The edge by size of move, with the ranks that :func:`_edge` has."""
    moves, known = in_ranges(data), ~np.isnan(data.label)
    if moves is None:
        return None
    rank, at = np.full(data.label.size, np.nan), np.flatnonzero(~np.isnan(p) & known)
    counts = data.instrument.counts
    rank[at] = trailing_rank(p[at], counts=counts)
    sized = SizedMoves(data.label[known], data.trading_day[known], moves[known], counts, data.question.bars)
    return edge_by_size(sized, rank[known], common[known])


def _edge(data: Dataset, p: Floats, common: Mask) -> tuple[float | None, float | None]:
    """Mean edge a bar and its standard error by trading days; ranks among the rule's own predictions. None where no
    trading day has them, and for the error of a single one."""
    at = np.flatnonzero(~np.isnan(p) & ~np.isnan(data.label))
    known = np.flatnonzero(~np.isnan(data.label))
    base = np.full(data.label.size, np.nan)
    base[known] = trailing_base(data.label[known], counts=data.instrument.counts, horizon=data.question.bars)
    scores = np.full(data.label.size, np.nan)
    scores[at] = (2.0 * data.label[at] - 1.0 - base[at]) * trailing_rank(p[at], counts=data.instrument.counts)
    daily = by_day(data.trading_day, np.where(common, scores, np.nan), minimum_bars=data.instrument.counts.half_day)
    if not daily.day.size:
        return None, None
    share = daily.bars[:, 0] / daily.bars[:, 0].sum()
    mean = float((share * daily.mean[:, 0]).sum())
    if daily.day.size == 1:
        return mean, None
    return mean, float(np.sqrt((share**2 * (daily.mean[:, 0] - mean) ** 2).sum()))
