"""Figures say how well scores and sides fit the labels: the figures of every table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.arrays import Floats, Mask
from flows.errors import GateRefused
from flows.recipes.predicting import says_up
from flows.recipes.threads import importing


@dataclass(frozen=True)
class Scores:
    """Figures over ``bars`` bars. All but ``brier`` (lower is better) are better when higher; shares are 0 … 1.

    ``f1`` is that of "up", 0 where "up" is never said. ``auc`` is None where the labels are all of one kind.
    ``said_up`` is the share of bars called up, ``up`` the share that went up.
    """

    bars: int
    accuracy: float
    f1: float
    auc: float | None
    brier: float
    said_up: float
    up: float


def score(label: Floats, p: Floats, threshold: float) -> Scores:
    """Figures of the scores ``p`` (n,), called "up" above ``threshold``, against known ``label`` (n,) of 0 and 1.

    Raises :class:`GateRefused` for no bars, shapes that differ, a label that is not known or a ``p`` outside 0 … 1.
    """
    return score_sides(label, p, says_up(p, threshold))


def score_sides(label: Floats, p: Floats, up: Mask) -> Scores:
    """The same where each bar was called by a threshold of its own: ``up`` (n,)."""
    with importing:
        from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, roc_auc_score

    if label.shape != p.shape or label.ndim != 1:
        raise GateRefused(f"{label.shape} labels and {p.shape} probabilities: hand in one of each a bar")
    if not len(label):
        raise GateRefused("no bars to score: choose a range that holds bars with a known label")
    unknown = int((~np.isin(label, (0.0, 1.0))).sum())
    if unknown:
        raise GateRefused(f"{unknown} of {len(label)} labels are neither 0 nor 1: score bars with a known label only")
    outside = int((~((p >= 0.0) & (p <= 1.0))).sum())
    if outside:
        raise GateRefused(f"{outside} of {len(p)} scores are not in 0 … 1: the model that gave them is broken")
    truth = label.astype(np.int64)
    called = up.astype(np.int64)
    return Scores(
        bars=len(truth),
        accuracy=float(accuracy_score(truth, called)),
        f1=float(f1_score(truth, called, zero_division=0.0)),
        auc=float(roc_auc_score(truth, p)) if 0 < truth.sum() < len(truth) else None,
        brier=float(brier_score_loss(truth, p)),
        said_up=float(called.mean()),
        up=float(truth.mean()),
    )
