"""The values that the steps of a night hand to each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.bars.plausibility import Findings
from flows.evidence.collect import Evidence
from flows.evidence.recomputation import Recomputed
from flows.gate import Decision
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.tripwires.wire import TrippedWire
from flows.job.plan import Job
from flows.job.request import Force, Release
from flows.recipes import Fit as Fit
from flows.recipes import Scores
from registry import ChampionRecord, Clock, Model, Night
from registry.format.keys import is_version

Answered = TypeVar("Answered")


@dataclass(frozen=True, eq=False)
class NightBars:
    """The bars of a night. ``train`` and ``evaluation``: bool masks of shape (n_bars,) over the dataset's bars, those
    to train on, and those that each new version predicts (the holdout, or the last 20 days)."""

    data: Dataset
    train: Mask
    evaluation: Mask
    night: Night
    findings: Findings = field(default_factory=Findings)
    """What is implausible about the bars and does not keep them from being used."""

    @property
    def opens(self) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self.data.bars.frame.index)


@dataclass(frozen=True, eq=False)
class NightContext:
    """What every step of a night needs. ``job``: what was asked for, planned and checked; ``model``: opened in its
    registry; ``clock``: the one that the model reads too."""

    job: Job
    model: Model
    bars: NightBars
    clock: Clock
    answers: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, question: Hashable, answer: Callable[[], Answered]) -> Answered:
        """The answer to a question that more than one step asks, or that :mod:`flows.night.ahead` asked before."""
        if question not in self.answers:
            self.answers[question] = answer()
        answered: Answered = self.answers[question]
        return answered


@dataclass(frozen=True, eq=False)
class TrainedCandidate:
    """One recipe's fit, its scores on the evaluation bars (``p``: shape (evaluation bars,)), and its archive."""

    fit: Fit
    p: Floats
    archive: bytes


@dataclass(frozen=True)
class Answer:
    """A person's answer to a promotion that waits for one."""

    approved: bool
    author: str
    reason: str


@dataclass(frozen=True, eq=False)
class Verdict:
    """A decision, the champion it was judged against, and the rows a person compares. ``sentence``: at most
    :data:`flows.gate.wording.MOST` characters; ``detail``: the whole account, which `retrain explain` shows."""

    action: str
    sentence: str
    reason: str
    expected: ChampionRecord | None
    rows: tuple[OutcomeRow, ...]
    winner: str | None = None
    decision: Decision | NightlyDecision | None = None
    evidence: Evidence | None = None
    force: Force | None = None
    """Set where a person decides in place of the gate."""
    answer: Answer | None = None
    """Set where a promotion waited for a person and one answered."""
    wires: tuple[TrippedWire, ...] = ()
    """What is too good to be true; it holds the night where there is no ``release``."""
    release: Release | None = None
    """Set where wires tripped and a person released all of them."""
    recomputed: Recomputed | None = None
    """Which past scores were made again from their archives; None where there were none yet."""
    detail: str = ""

    @property
    def winner_version(self) -> str | None:
        """The version promoted where it is not tonight's of the winning recipe: the former champion's, or a forced
        one."""
        if self.force is not None:
            return self.force.promote if is_version(self.force.promote) else None
        decision = self.decision
        return decision.winner_version if isinstance(decision, NightlyDecision) and decision.returned else None


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
    served: bool = False
    """It is the champion that the others were judged against: its figures are of the bars since its promotion."""
    walk_forward: bool = False
    """The figures are its recipe's, each bar by the newest fit before it, and not those of this one version."""
    since_accuracy: float | None = None
    """Accuracy on the bars since the champion's promotion, the same for every row; None where it lacks one of them."""
    since_bars: int | None = None

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
            "walk_forward": self.walk_forward,
            "since_promotion": None
            if self.since_bars is None
            else {"accuracy": self.since_accuracy, "bars": self.since_bars},
        }
