"""Small holdouts made by hand: which bars a stream calls right is chosen, the rest follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from flows.gate import Decision, HoldoutBars, HoldoutPolicy, Predictions, judge_holdout

FIRST_DAY = np.datetime64("2024-01-01", "D")
SMALL = HoldoutPolicy(minimum_days=3, minimum_bars_a_day=1)


@dataclass(frozen=True, eq=False)
class Holdout:
    """Labels and trading days, both of shape (n_bars,)."""

    label: np.ndarray
    day: np.ndarray

    def right_on(self, right: np.ndarray, name: str, version: str | None = None) -> Predictions:
        """A stream that is right exactly where ``right`` is True."""
        said = np.where(right, self.label, 1 - self.label)
        return Predictions(name, f"fingerprint of {name}", np.where(said == 1, 0.6, 0.4), 0.5, version)

    def right_often(self, accuracy: float, name: str, seed: int, version: str | None = None) -> Predictions:
        right = np.random.default_rng(seed).random(self.label.size) < accuracy
        return self.right_on(right, name, version)

    def always(self, side: float, name: str) -> Predictions:
        return Predictions(name, f"fingerprint of {name}", np.full(self.label.size, side), 0.5)

    @property
    def no_skill(self) -> Predictions:
        """The majority class, called on every bar."""
        return self.always(0.6 if self.label.mean() > 0.5 else 0.4, "no_skill")

    def judge(self, champion: Predictions | None, candidates: list[Predictions], **changes: Any) -> Decision:
        no_skill, references = changes.pop("no_skill", None) or self.no_skill, changes.pop("references", ())
        bars = HoldoutBars(changes.pop("label", self.label), changes.pop("day", self.day), no_skill, references)
        given: dict[str, Any] = {"champion": champion, "candidates": candidates, "policy": HoldoutPolicy()}
        return judge_holdout(bars, **(given | changes))


def days_of(*bars: int) -> np.ndarray:
    """Trading days with these numbers of bars, shape (sum of bars,)."""
    return np.repeat(FIRST_DAY + np.arange(len(bars)), bars)


def holdout(days: int = 40, bars: int = 50, seed: int = 0) -> Holdout:
    """Labels drawn evenly on equally long days."""
    return Holdout(np.random.default_rng(seed).integers(0, 2, days * bars), days_of(*[bars] * days))


def alternating(days: int, bars: int = 48) -> Holdout:
    """Labels 0, 1, 0, 1, …: no skill is right on exactly half the bars."""
    return Holdout(np.tile([0, 1], days * bars // 2), days_of(*[bars] * days))
