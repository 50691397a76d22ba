"""Scores of bars become the unit of evidence here: one number a trading day.

Bars of one day share the day's market, so they are not independent; days nearly are. What is left between neighbouring
days is measured and paid for in :mod:`flows.gate.nightly.sequential`. A day with fewer than 48 scored bars is a stub (a
holiday, a half day, a hole in the data) and no evidence.

Subtract the champion's scores bar by bar before, so that both sides stand on the same bars:

>>> evidence = by_day(day, recipe_edges - champion_edge[:, None])
>>> evidence.mean, evidence.bars                # each of shape (n_days, n_recipes)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.errors import GateRefused
from flows.instruments import GBPUSD_M15

__all__ = ["MINIMUM_BARS", "DailyScores", "by_day"]

MINIMUM_BARS = GBPUSD_M15.counts.half_day
"""Half a trading day of 15-minute bars, 48; fewer are not a day. Of other instruments half of their day."""


@dataclass(frozen=True)
class DailyScores:
    """Scores by trading day, in order of time; days that are evidence for no column are left out.

    ``day``: shape (n_days,), as given (dates or numbers). ``mean``: shape (n_days, n_columns), mean score a bar, NaN
    where a column was scored on too few of the day's bars. ``bars``: shape (n_days, n_columns), the bars behind each
    mean, 0 where it is NaN.
    """

    day: npt.NDArray[np.generic]
    mean: Floats
    bars: Floats


def by_day(day: npt.ArrayLike, scores: npt.ArrayLike, *, minimum_bars: int = MINIMUM_BARS) -> DailyScores:
    """Mean of each column over the bars of each trading day on which it has at least ``minimum_bars`` of them.

    ``day``: shape (n_bars,), the trading day of each bar, never decreasing. ``scores``: shape (n_bars,) or
    (n_bars, n_columns); NaN is a bar that a column has no score for.

    Raises :class:`GateRefused` for lengths that differ, an infinite score, or days out of order.
    """
    days, values = np.asarray(day), np.asarray(scores, dtype=np.float64)
    columns = values[:, None] if values.ndim == 1 else values
    if days.ndim != 1 or columns.ndim != 2 or days.size != columns.shape[0] or columns.shape[1] == 0:
        raise GateRefused(f"days of shape {days.shape} beside scores of shape {values.shape}: one row of scores a bar")
    if np.isinf(columns).any():
        raise GateRefused("a score is infinite; scores are finite, or NaN where there is none")
    if days.size == 0:
        return DailyScores(days, np.empty((0, columns.shape[1])), np.empty((0, columns.shape[1])))
    if (days[1:] < days[:-1]).any():
        raise GateRefused("the trading days of the bars go backward: sort the bars by time")
    starts = np.concatenate([[0], np.flatnonzero(days[1:] != days[:-1]) + 1])
    scored = ~np.isnan(columns)
    count = np.add.reduceat(scored.astype(np.float64), starts, axis=0)
    total = np.add.reduceat(np.where(scored, columns, 0.0), starts, axis=0)
    enough = count >= max(minimum_bars, 1)
    mean = np.where(enough, total / np.maximum(count, 1.0), np.nan)
    has_score = enough.any(axis=1)
    return DailyScores(days[starts][has_score], mean[has_score], np.where(enough, count, 0.0)[has_score])
