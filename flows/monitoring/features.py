"""The features of the champion's last four weeks beside those it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flows.bars import Dataset
from flows.evidence.versions import cannot_score
from flows.monitoring.drift import SHIFTED, no_drift_bound, population_stability, profile
from flows.recipes.recipe import clock_of
from registry import ChampionRecord, Model
from registry.clock import read_moment
from registry.errors import InputMismatch


@dataclass(frozen=True)
class DriftRow:
    """One feature: its stability ``index``, the ``bound`` that it passes without drift in one look of twenty (all
    features together), and the fraction of recent bars ``outside`` its range in training."""

    name: str
    index: float
    bound: float
    outside: float

    @property
    def shifted(self) -> bool:
        """It moved by more than four weeks of training moved, and by enough to matter.

        A price level moves as much within training: it does not count as shifted.
        """
        return self.index > max(SHIFTED, self.bound)

    @property
    def reading(self) -> str:
        """In a few words."""
        if self.shifted:
            return "shifted"
        if self.index > self.bound:
            return "moved, by little"
        return "moves as much in training" if self.index > SHIFTED else "as in training"


@dataclass(frozen=True)
class FeatureDrift:
    """``rows``: a feature each, on the bars of the last ``days`` trading days, ``first`` to ``last``."""

    days: int
    first: str
    last: str
    rows: tuple[DriftRow, ...]

    @property
    def shifted(self) -> tuple[DriftRow, ...]:
        return tuple(row for row in self.rows if row.shifted)


def feature_drift(model: Model, champion: ChampionRecord, data: Dataset) -> FeatureDrift | None:
    """The drift of the champion's features; None where its record or the bars hold too little to tell.

    Raises :class:`~flows.errors.BarsRejected` where the bars lack what the champion needs.
    """
    record = model.registered_at(champion.entry).record
    if record.trained_from is None or record.trained_to is None or not record.features:
        return None
    from registry.archive.input_schema import InputSchema, RowsOf

    opens, of = pd.DatetimeIndex(data.bars.frame.index), data.instrument.counts
    begin, end = pd.Timestamp(read_moment(record.trained_from)), pd.Timestamp(read_moment(record.trained_to))
    trained = np.asarray((opens >= begin) & (opens <= end))
    recent = np.asarray(opens > end) & np.isin(data.trading_day, np.unique(data.trading_day)[-of.four_weeks :])
    if trained.sum() < of.month // 2 or recent.sum() < of.half_day * (of.four_weeks // 4):
        return None
    schema, frame = InputSchema.stored(record.features, record.columns, clock_of(data.instrument)), data.bars.frame
    try:
        known = schema.known(frame)
        before, lately = (schema.matrix(RowsOf(frame, bars & known)) for bars in (trained, recent))
    except InputMismatch as error:
        raise cannot_score(champion.version, champion.recipe or "unnamed", error) from error
    shift = population_stability(profile(before), lately)
    days = np.unique(data.trading_day[recent & known])
    bound = no_drift_bound(before, data.trading_day[trained & known], window=int(days.size))
    rows = zip(schema.features, shift.index.tolist(), bound.tolist(), shift.outside.tolist(), strict=True)
    return FeatureDrift(int(days.size), str(days[0]), str(days[-1]), tuple(DriftRow(*row) for row in rows))
