"""What each rule would have come to, on the same bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.errors import BarsMissing
from flows.gate.scoring.days import by_day
from flows.gate.scoring.scores import trailing_base, trailing_rank
from flows.pnl.pips import SPREAD_PIPS, economics
from flows.recipes import BASELINES, baseline
from flows.replay.fit_cache import FitCache
from flows.replay.play import Played

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RuleRow:
    """One rule: ``accuracy`` at its cuts, ``edge`` a bar, pips a bar before and after the spread, changes of side."""

    name: str
    promotions: int | None
    bars: int
    accuracy: float
    edge: float
    edge_error: float
    gross_pips: float
    net_pips: float
    flips: float

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


def compare(tape: FitCache, played: Sequence[Played], *, spread_pips: float = SPREAD_PIPS) -> list[RuleRow]:
    """Every rule and every reference on the bars that all rules had a champion for, the rollover hour left out."""
    data = tape.data
    common = data.counted.copy()
    for each in played:
        common &= ~np.isnan(each.p)
    if not common.any():
        raise BarsMissing("no bar has a champion under every rule: begin earlier, or end later")
    lines = [_line(tape, each.rule, len(each.promotions), each.p, each.cut, common, spread_pips) for each in played]
    first = int(np.flatnonzero(common)[0])
    learnt = data.window(days=tape.job.request.advanced.train_days, end=data.bars.frame.index[first])
    half = np.full(data.label.size, 0.5)
    for name in BASELINES:
        lines.append(_line(tape, name, None, baseline(name, data, learnt), half, common, spread_pips))
    return lines


def _line(
    tape: FitCache,
    name: str,
    promotions: int | None,
    p: Floats,
    cut: Floats,
    common: npt.NDArray[np.bool_],
    spread: float,
) -> RuleRow:
    data = tape.data
    up, label = p[common] > cut[common], data.label[common]
    money = economics(up, data.move_pips[common], spread_pips=spread)
    mean, error = _edge(tape, p, common)
    right = float((up == (label == 1.0)).mean())
    return RuleRow(name, promotions, int(common.sum()), right, mean, error, money.gross, money.net, money.flips)


def _edge(tape: FitCache, p: Floats, common: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Mean edge a bar and its standard error by trading days; ranks among the rule's own predictions."""
    data = tape.data
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
