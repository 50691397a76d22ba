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
from flows.gate.scoring.scores import trailing_base, trailing_rank
from flows.pnl.account import Account, TradedBars, account
from flows.pnl.spreads import SPREAD_PIPS
from flows.pnl.trading_rules import ALWAYS
from flows.recipes import BASELINES, baseline
from flows.replay.fit_cache import FitCache
from flows.replay.rules import RuleResult


@dataclass(frozen=True)
class RuleRow:
    """One rule: ``accuracy`` at its cuts, ``edge`` a bar, pips a bar before and after the spread, trades a day. Errors
    are standard errors by trading days."""

    name: str
    promotions: int | None
    bars: int
    accuracy: float
    edge: float
    edge_error: float
    gross_pips: float
    gross_error: float
    net_pips: float
    net_error: float
    trades_a_day: float

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


@dataclass(frozen=True, eq=False)
class _Predictions:
    """What one rule or baseline served. ``p`` and ``cut``: shape (n_bars,) over the data's bars; ``promotions``: None
    for a baseline."""

    name: str
    promotions: int | None
    p: Floats
    cut: Floats


def compare_rules(cache: FitCache, results: Sequence[RuleResult], *, spread_pips: float = SPREAD_PIPS) -> list[RuleRow]:
    """Every rule and every baseline on the bars that all rules had a champion for, the rollover hour left out."""
    data = cache.data
    common = data.counted.copy()
    for result in results:
        common &= ~np.isnan(result.p)
    if not common.any():
        raise BarsMissing(
            "no bar has a champion under every rule: begin earlier or end later, or replay recipes that are shown to "
            "have skill"
        )
    first = int(np.flatnonzero(common)[0])
    train = data.window(days=cache.job.request.advanced.train_days, end=data.bars.frame.index[first])
    half = np.full(data.label.size, 0.5)
    compared = [
        *(_Predictions(result.rule, len(result.promotions), result.p, result.cut) for result in results),
        *(_Predictions(name, None, baseline(name, data, train), half) for name in BASELINES),
    ]
    return [_row(data, predictions, common, spread_pips) for predictions in compared]


def account_of(data: Dataset, p: Floats, cut: Floats, common: Mask, *, spread_pips: float = SPREAD_PIPS) -> Account:
    """What sides by ``p`` above ``cut`` (n_bars,) came to on the bars ``common`` (n_bars,), always in the market at one
    spread; positions are kept through the rollover hour between two of these bars, where there is a prediction."""
    held = common | (data.rollover & ~np.isnan(p) & np.isfinite(data.move_pips))
    opens = pd.DatetimeIndex(data.bars.frame.index)[held]
    bars = TradedBars(opens, data.move_pips[held], np.full(len(opens), spread_pips))
    position = ALWAYS.positions(bars, up=p[held] > cut[held], rank=np.zeros(len(opens)))
    return account(position, bars)


def _row(data: Dataset, served: _Predictions, common: Mask, spread_pips: float) -> RuleRow:
    up, label = served.p[common] > served.cut[common], data.label[common]
    money = account_of(data, served.p, served.cut, common, spread_pips=spread_pips).result(served.name)
    mean, error = _edge(data, served.p, common)
    return RuleRow(
        served.name,
        served.promotions,
        int(common.sum()),
        float((up == (label == 1.0)).mean()),
        mean,
        error,
        money.gross_a_bar,
        money.gross_error or 0.0,
        money.net_a_bar,
        money.net_error or 0.0,
        money.trades_a_day,
    )


def _edge(data: Dataset, p: Floats, common: Mask) -> tuple[float, float]:
    """Mean edge a bar and its standard error by trading days; ranks among the rule's own predictions."""
    at = np.flatnonzero(~np.isnan(p) & ~np.isnan(data.label))
    known = np.flatnonzero(~np.isnan(data.label))
    base = np.full(data.label.size, np.nan)
    base[known] = trailing_base(data.label[known])
    scores = np.full(data.label.size, np.nan)
    scores[at] = (2.0 * data.label[at] - 1.0 - base[at]) * trailing_rank(p[at])
    daily = by_day(data.trading_day, np.where(common, scores, np.nan))
    share = daily.bars[:, 0] / daily.bars[:, 0].sum()
    mean = float((share * daily.mean[:, 0]).sum())
    return mean, float(np.sqrt((share**2 * (daily.mean[:, 0] - mean) ** 2).sum()))
