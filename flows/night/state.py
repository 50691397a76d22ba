"""What the steps of a night hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars import Dataset
from flows.evidence.collect import Evidence
from flows.gate import Decision
from flows.gate.nightly.decision import NightlyDecision
from flows.job.request import Force
from flows.recipes import Fit as Fit
from flows.recipes import Scores
from registry import ChampionRecord, Night
from registry.format.keys import is_version

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class NightBars:
    """The bars of a night. ``train`` and ``asked``: bool masks of shape (n_bars,) over the dataset's bars: what to
    train on, and what each new version is asked about (the holdout, or the last 20 days)."""

    data: Dataset
    train: Mask
    asked: Mask
    night: Night

    @property
    def opens(self) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self.data.bars.frame.index)


@dataclass(frozen=True, eq=False)
class TrainedCandidate:
    """One recipe's fit, what it says on the bars asked about (``p``: shape (asked bars,)), and its archive."""

    fit: Fit
    p: npt.NDArray[np.float64]
    archive: bytes


@dataclass(frozen=True)
class Answer:
    """What a person said when a promotion waited for it."""

    approved: bool
    author: str
    reason: str


@dataclass(frozen=True, eq=False)
class Verdict:
    """A decision, the champion it was judged against, and the rows a person compares."""

    action: str
    sentence: str
    reason: str
    expected: ChampionRecord | None
    rows: tuple[OutcomeRow, ...]
    winner: str | None = None
    decision: Decision | NightlyDecision | None = None
    evidence: Evidence | None = None
    force: Force | None = None
    """A person's act, in place of what the gate said."""
    answer: Answer | None = None
    """What a person said to a promotion that waited for it."""

    @property
    def winner_version(self) -> str | None:
        """The version promoted where it is not tonight's of the winning recipe: the former champion's, or a forced
        one."""
        if self.force is not None:
            return self.force.promote if is_version(self.force.promote) else None
        found = self.decision
        return found.winner_version if isinstance(found, NightlyDecision) and found.returned else None


RowStatus = Literal["champion", "promoted", "held", "reference", "would be promoted"]


@dataclass(frozen=True)
class OutcomeRow:
    """A line of the table: a version, the champion it was judged against, or a reference (never a candidate)."""

    name: str
    status: RowStatus
    accuracy: float | None
    f1: float | None
    auc: float | None
    bars: int | None
    version: str | None = None

    @classmethod
    def of(cls, name: str, status: RowStatus, scores: Scores | None, version: str | None = None) -> OutcomeRow:
        """The row of some scores; without scores yet its figures are empty."""
        if scores is None:
            return cls(name, status, None, None, None, None, version)
        return cls(name, status, scores.accuracy, scores.f1, scores.auc, scores.bars, version)

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "recipe": self.name,
            "status": self.status,
            "accuracy": self.accuracy,
            "f1": self.f1,
            "auc": self.auc,
            "bars": self.bars,
        }
