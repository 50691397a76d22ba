"""A night of the bench as the gate takes it: days with a lead each, without the bars behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.promotion.night import Floats, Night
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.leads import AccuracyFigures

FORMER = "former"
CHAMPION = Champion("v0", "champion", "champion", "recipe", after=None)
FIRST_DAY = np.datetime64("2000-01-01", "D")


class NightLeads:
    """What :func:`flows.gate.nightly.judge.judge_leads` reads of :class:`flows.gate.nightly.leads.Leads`, from a night:
    only days that the champion served are evidence."""

    def __init__(self, night: Night) -> None:
        self._rows = {str(row): lead for row, lead in enumerate(night.leads)}
        if night.former is not None:
            self._rows[FORMER] = night.former - night.champion
        self._scores = night.scores
        self._served = slice(night.champion.size - night.since, None)
        self._bars = night.bars[self._served]
        self._days = FIRST_DAY + np.arange(night.champion.size)[self._served]
        self.nights: tuple[str, ...] = ()

    def of(self, streams: Sequence[str]) -> tuple[npt.NDArray[np.datetime64], Floats, Floats]:
        d = np.array([self._rows[stream][self._served] for stream in streams]).T
        return self._days, d, np.broadcast_to(self._bars[:, None], d.shape)

    def figures(self, stream: str, days: npt.NDArray[np.datetime64]) -> AccuracyFigures:
        return AccuracyFigures(0, None, None)  # no bars, so none of the guards that count them

    def champion_days(self) -> int:
        return int(self._days.size)

    def recipes(self) -> list[str]:
        return [stream for stream in self._rows if stream != FORMER] if self._days.size else []

    def side_by_side(self) -> tuple[list[str], Floats]:
        return [stream for stream in self._rows if stream != FORMER], self._scores.T

    def candidates(self) -> list[Candidate]:
        return [Candidate(stream, stream, stream, stream, former=stream == FORMER) for stream in self._rows]
