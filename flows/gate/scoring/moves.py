"""Edge by size of move: who is right on small moves and wrong on large ones has an edge and earns nothing.

:func:`flows.gate.scoring.scores.edge` counts every bar alike. Here a bar counts by how far its close moved, in units of
the average true range that was known before it moved, so that a wild week does not count for more than a calm one::

    edge       (2y − 1 − base) · rank            base: mean of 2y − 1 over the last 2,000 bars
    by move    (move / ATR − base) · rank        base: mean of move / ATR over the last 2,000 bars

It is shown beside the edge and judges nothing: no threshold was calibrated for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.gate.scoring.scores import trailing_base
from flows.instruments import GBPUSD_M15, DayCounts
from flows.pnl.account import error_by_days

RANGE = "atr_14"
"""The column of the average true range, in the unit of the prices."""


@dataclass(frozen=True, eq=False)
class SizedMoves:
    """Some bars in order of time, arrays of shape (n_bars,): their ``label`` and ``day``; the ``move`` that followed
    each in average true ranges, NaN where either is not known."""

    label: Floats
    day: npt.NDArray[np.datetime64]
    move: Floats
    counts: DayCounts = GBPUSD_M15.counts
    horizon: int = 1
    """Bars until a label is known."""


@dataclass(frozen=True)
class EdgeBySize:
    """Means a bar with their standard errors by trading days: ``edge``, and the edge by move, in ATRs."""

    edge: float
    edge_error: float
    by_move: float
    by_move_error: float

    @property
    def edge_z(self) -> float | None:
        return self.edge / self.edge_error if self.edge_error else None

    @property
    def by_move_z(self) -> float | None:
        return self.by_move / self.by_move_error if self.by_move_error else None


def in_ranges(data: Dataset) -> Floats | None:
    """The move that followed each bar in units of its average true range, shape (n_bars,), NaN where it is not known;
    None where the bars have no such column."""
    frame = data.bars.frame
    if RANGE not in frame.columns:
        return None
    close, known = data.bars.close, frame[RANGE].to_numpy(np.float64)
    move = np.append(close[1:] - close[:-1], np.nan)
    return np.where(~np.isnan(data.label) & (known > 0.0), move, np.nan) / np.where(known > 0.0, known, 1.0)


def edge_by_size(bars: SizedMoves, rank: Floats, among: Mask) -> EdgeBySize | None:
    """Both edges of a stream over the bars ``among`` (n_bars,) on which both are defined; None with fewer than two
    trading days. ``rank``: −1 lowest to 1 highest of the stream's scores, shape (n_bars,), NaN where it is not known.
    """
    moved = pd.Series(bars.move)
    usual = moved.rolling(bars.counts.month, min_periods=bars.counts.week).mean().shift().to_numpy()
    plain = (2.0 * bars.label - 1.0 - trailing_base(bars.label, counts=bars.counts, horizon=bars.horizon)) * rank
    sized = (bars.move - usual) * rank
    at = among & np.isfinite(plain) & np.isfinite(sized)
    if np.unique(bars.day[at]).size < 2:
        return None
    figures = [_mean(bars.day[at], each[at]) for each in (plain, sized)]
    return EdgeBySize(*figures[0], *figures[1])


def _mean(day: npt.NDArray[np.datetime64], values: Floats) -> tuple[float, float]:
    number = np.unique(day, return_inverse=True)[1]
    sums, bars = (np.bincount(number, weights=each).astype(np.float64) for each in (values, np.ones(values.size)))
    return float(values.mean()), error_by_days(sums, bars) or 0.0
