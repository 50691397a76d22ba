"""How much of a difference between two versions chance makes: an interval, from paired days or from a number of bars.

The formulas and their sources stand at the head of :mod:`registry.analysis.comparison`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.errors import InvalidRequest

FEWEST_DAYS = 10
"""Fewer effective days say nothing: the quantile below is exact to 0.0001 from here on."""

_Z = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """95 % interval of the difference b − a, in units of the metric; ``origin``: what it was computed from."""

    low: float
    high: float
    origin: str

    def __str__(self) -> str:
        return f"95 % interval {self.low:+.4f} … {self.high:+.4f} from {self.origin}"

    def to_dict(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "origin": self.origin}


@dataclass(frozen=True)
class PairedDays:
    """Differences of one metric by trading day on bars that both versions were scored on, neither trained on them.

    ``difference``: the day's mean of (b − a) a bar; ``bars``: how many bars are behind it. Both of length n_days.
    ``first``: what a scored on all of these bars; None where that is not known.
    Raises :class:`InvalidRequest` for unequal lengths, what is not finite, days without bars, and days that weigh as
    much as fewer than 10 equally long ones.
    """

    difference: Sequence[float]
    bars: Sequence[int]
    first: float | None = None

    def __post_init__(self) -> None:
        if len(self.difference) != len(self.bars):
            raise InvalidRequest(f"{len(self.difference)} daily differences beside {len(self.bars)} numbers of bars")
        if not all(math.isfinite(value) for value in self.difference) or not all(count > 0 for count in self.bars):
            raise InvalidRequest("paired days need a finite difference and at least one bar each: leave the others out")
        if not self.bars or self.effective_days < FEWEST_DAYS:
            raise InvalidRequest(
                f"{len(self.bars)} paired days are too few to tell a difference from chance: give {FEWEST_DAYS} or more"
            )

    @property
    def effective_days(self) -> float:
        """How many equally long days weigh as much as these (Kish)."""
        return float(sum(self.bars) ** 2 / sum(count**2 for count in self.bars))

    @property
    def weights(self) -> list[float]:
        """Each day's share of the bars."""
        total = sum(self.bars)
        return [count / total for count in self.bars]

    @property
    def mean(self) -> float:
        """The mean of (b − a) a bar."""
        return math.fsum(w * d for w, d in zip(self.weights, self.difference, strict=True))

    def interval(self) -> Interval:
        """The 95 % interval of the mean difference a bar."""
        weights, mean, effective = self.weights, self.mean, self.effective_days
        spread = math.fsum((w * (d - mean)) ** 2 for w, d in zip(weights, self.difference, strict=True))
        reach = student_quantile(effective - 1.0) * math.sqrt(effective / (effective - 1.0) * spread)
        return Interval(mean - reach, mean + reach, f"{len(self.bars)} paired days")


def student_quantile(degrees: float) -> float:
    """The 97.5 % quantile of Student's t: Abramowitz and Stegun 26.7.5, error below 0.0001 from 9 degrees on."""
    z = _Z
    terms = (
        (z**3 + z) / 4.0,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96.0,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160.0,
    )
    return z + sum(term / degrees ** (power + 1) for power, term in enumerate(terms))


def interval_of_bars(
    name: str, a: Mapping[str, float | None], b: Mapping[str, float | None], bars: int | None
) -> Interval | None:
    """The interval of a metric's difference from the recorded figures on ``bars`` bars; None where none is known."""
    x, y = a.get(name), b.get(name)
    if x is None or y is None or bars is None:
        return None
    first, second = _variance(name, a, bars), _variance(name, b, bars)
    if first is None or second is None:
        return None
    reach = _Z * math.sqrt(first + second)
    return Interval(y - x - reach, y - x + reach, f"{bars:,} bars")


def _variance(name: str, metrics: Mapping[str, float | None], bars: int) -> float | None:
    value, accuracy = metrics.get(name), metrics.get("accuracy")
    if value is None or not 0.0 <= value <= 1.0:
        return None
    if name == "accuracy":
        return value * (1.0 - value) / bars
    if name in ("auc", "roc_auc"):
        return (bars + 1) / (3.0 * bars**2)
    if name in ("f1", "f1_score") and accuracy is not None and 0.0 <= accuracy < 1.0 and value < 1.0:
        wrong = 1.0 - accuracy
        right_up = value * wrong / (2.0 * (1.0 - value))  # F1 = 2 t / (2 t + e)
        return 4.0 * right_up * wrong * (right_up + wrong) / (bars * (2.0 * right_up + wrong) ** 4)
    return None
