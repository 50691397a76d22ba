"""The probability that a row goes up, made of a version's score by a map that a night fitted on bars it never saw.

A score ranks rows; how often rows of a score go up is learnt from the ledger, where each bar was scored before its
label was known. The map is logistic, ``1 / (1 + exp(-(intercept + slope * z)))`` of the standardised log-odds ``z`` of
the score, its slope shrunk towards 0: towards the base rate. It is fitted anew every night
(:mod:`flows.evidence.probability`) and stands, as these few numbers, in the state of the newest decision, which serving
reads anyway.

It is used only while it was better than the base rate over the last 250 days, each day by the map of the days before
it; else the base rate is the probability, and the answer says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from registry.format.records import Record

FloatArray = npt.NDArray[np.float64]

DAYS_JUDGED = 250
"""Trading days over which a map must have been better than the base rate to be used: a year."""

_Z = 1.959963984540054  # 95 % of a normal distribution, both sides
_LEAST = 0.001  # a forest's leaf may say 0 or 1: their log-odds are not finite


@dataclass(frozen=True, eq=False)
class Probability:
    """``value``: of each row, float64 (n,), that it goes up, with ``low`` and ``high`` of its 95 % interval: what
    is not known of the map, by trading days. All None where ``source`` is ``unknown``. ``says``: on what it rests, and
    why it is the base rate or is not known."""

    source: Literal["map", "base rate", "unknown"]
    says: str
    value: FloatArray | None = None
    low: FloatArray | None = None
    high: FloatArray | None = None

    def rows(self, count: int) -> list[tuple[float | None, float | None, float | None]]:
        """Value, low and high of each of ``count`` rows; None where they are not known."""
        columns = (self.value, self.low, self.high)
        value, low, high = ([None] * count if column is None else column.tolist() for column in columns)
        return list(zip(value, low, high, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Plain values: lists, None where they are not known."""
        columns = {"value": self.value, "low": self.low, "high": self.high}
        lists = {name: None if column is None else column.tolist() for name, column in columns.items()}
        return {"source": self.source, "says": self.says, **lists}


@dataclasses.dataclass(frozen=True)
class ProbabilityMap(Record):
    """A version's map from score to probability, as the state of a decision holds it.

    ``bars`` on ``days`` trading days made it; ``base`` of them went up, with the standard error ``base_error`` by days.
    ``centre`` and ``scale`` standardise the log-odds of a score; ``covariance``: of intercept and slope. ``skill``: by
    which share its Brier score was lower than the base rate's over the last ``judged`` days, with its standard error by
    days; None where none could be judged.
    """

    bars: int
    days: int
    base: float
    base_error: float
    centre: float
    scale: float
    intercept: float
    slope: float
    intercept_variance: float
    covariance: float
    slope_variance: float
    judged: int
    skill: float | None = None
    skill_error: float | None = None

    @property
    def is_used(self) -> bool:
        """Whether it was better than the base rate over the last 250 days."""
        return self.skill is not None and self.skill > 0 and self.judged >= DAYS_JUDGED

    def of(self, score: FloatArray) -> Probability:
        """The probability of rows of these scores, shape (n,)."""
        if not self.is_used:
            half, ones = _Z * self.base_error, np.ones(score.shape)
            low, high = max(self.base - half, 0.0), min(self.base + half, 1.0)
            return Probability("base rate", self._why_base(), self.base * ones, low * ones, high * ones)
        middle, error = self._log_odds(score)
        value, low_rows, high_rows = (share_of(middle + side * error) for side in (0.0, -_Z, _Z))
        return Probability("map", self._why_map(), value, low_rows, high_rows)

    def mapped(self, score: FloatArray) -> FloatArray:
        """What the map says of these scores, shape (n,), used or not."""
        return share_of(self._log_odds(score)[0])

    def _log_odds(self, score: FloatArray) -> tuple[FloatArray, FloatArray]:
        z = (log_odds(score) - self.centre) / self.scale
        variance = self.intercept_variance + 2.0 * self.covariance * z + self.slope_variance * z**2
        return self.intercept + self.slope * z, np.sqrt(np.maximum(variance, 0.0))

    def _why_map(self) -> str:
        return f"calibrated on {self._bars}: its Brier skill over the last {self.judged} is {self._skill}"

    def _why_base(self) -> str:
        base = f"the base rate of {self._bars}"
        if self.skill is None or self.judged < DAYS_JUDGED:
            return f"{base}: a map of its score is judged by {DAYS_JUDGED} days, and there are {self.judged}"
        return f"{base}: a map of its score was no better over the last {self.judged} (Brier skill {self._skill})"

    @property
    def _bars(self) -> str:
        return f"{self.bars:,} bars of {self.days:,} trading days that no version behind it was trained on"

    @property
    def _skill(self) -> str:
        error = "" if self.skill_error is None else f" ± {100 * _Z * self.skill_error:.3f}"
        return f"{100 * (self.skill or 0.0):+.3f}{error} %"


NOT_IN_PRODUCTION = "only the version in production has a probability: a night fits its map"


@dataclass(frozen=True)
class VersionMap:
    """The map of a version, or why there is none."""

    map: ProbabilityMap | None = None
    why: str = NOT_IN_PRODUCTION

    @classmethod
    def in_state(cls, state: Mapping[str, Any], version: str) -> VersionMap:
        """What the state of a decision holds for a version."""
        found = state.get("probability", {}).get(version)
        if found is None:
            return cls(why=f"no night has fitted a map of its score for {version} yet")
        return cls(ProbabilityMap.from_dict(found))

    def of(self, score: FloatArray) -> Probability:
        """The probability of rows of these scores, shape (n,)."""
        return Probability("unknown", self.why) if self.map is None else self.map.of(score)


def log_odds(score: FloatArray) -> FloatArray:
    """``log(p / (1 - p))`` of scores, shape (n,), kept from 0 and 1 by a thousandth."""
    kept = np.clip(score, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.log(kept / (1.0 - kept)))


def share_of(odds: FloatArray) -> FloatArray:
    """The share of log-odds, shape (n,)."""
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))
