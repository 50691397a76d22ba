"""The nightly gate's decision is a typed record that goes into the log and comes back unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import FiniteFloat, TypeAdapter, ValidationError

from flows.errors import GateRefused
from flows.gate.guards import Guard

SKILL = ("no_skill", "skill", "edge")
"""Guards that a person may overrule for the first champion: they ask whether it is any good, not what it is."""


@dataclass(frozen=True)
class WindowFigures:
    """One window: ``mean`` and ``standard_error`` of the daily difference in units of the score a bar, and its z."""

    days: int
    mean: FiniteFloat
    standard_error: FiniteFloat
    z: FiniteFloat


@dataclass(frozen=True)
class NightlyRow:
    """One candidate: its evidence in each window that exists, accuracy at its cut beside the champion's and the
    baseline's (``majority_accuracy``) on the same bars (a labelled extra; only guards look at it), and the guards'
    results. ``skill``: where there is no champion, how much more than no skill it scored in the longest window."""

    name: str
    fingerprint: str
    version: str | None
    former: bool
    days: int
    bars: int
    accuracy: FiniteFloat | None
    champion_accuracy: FiniteFloat | None
    majority_accuracy: FiniteFloat | None
    windows: tuple[WindowFigures, ...]
    best_window: int | None
    largest_z: FiniteFloat | None
    guards: tuple[Guard, ...]
    skill: WindowFigures | None = None

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def failed(self) -> tuple[Guard, ...]:
        return tuple(guard for guard in self.guards if not guard.passed)

    @property
    def lacks_skill_alone(self) -> bool:
        """Held back by the guards of its skill and by no other."""
        return bool(self.failed) and all(guard.name in SKILL for guard in self.failed)

    @property
    def best(self) -> WindowFigures | None:
        """The window of the largest z."""
        return next((window for window in self.windows if window.days == self.best_window), None)


@dataclass(frozen=True)
class PooledLead:
    """The mean lead of all recipes over the champion in the window of its largest z, beside its own threshold.
    ``recipes``: how many have a day in this window. ``largest_share``: how much the one that counts most does on the
    last day; None where it was decided before recipes that lead counted more."""

    recipes: int
    days: int
    mean: FiniteFloat
    standard_error: FiniteFloat
    z: FiniteFloat
    threshold: FiniteFloat
    largest_share: FiniteFloat | None = None

    @property
    def fell(self) -> bool:
        """The champion fell behind all of them together."""
        return self.z > self.threshold

    @property
    def mostly_one(self) -> bool:
        """One recipe counts four fifths and more, which chance makes of two in a hundred: it got better, rather than
        that the champion fell."""
        return self.largest_share is not None and self.largest_share >= 0.8


@dataclass(frozen=True)
class VarianceRatio:
    """The variance of sums of so many ``days`` beside what independent days would make it, with its 90 % interval."""

    days: int
    ratio: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


@dataclass(frozen=True)
class DayDependence:
    """How recipes' days depend on each other over weeks, all of them around their mean, on ``days`` trading days;
    no ``ratios`` with fewer than three recipes or too few days. ``widest``: the largest factor by which it, or a
    recipe's own autocorrelation, made a standard error of tonight larger than the pooled autocorrelation makes it."""

    days: int
    ratios: tuple[VarianceRatio, ...]
    widest: FiniteFloat
    not_all_paid: bool = False
    """Only the lower end of a ratio's interval widened, and the ratio is clearly more: of a first champion."""


@dataclass(frozen=True)
class Refresh:
    """Whether the champion's recipe, retrained, is not worse than it by ``margin`` or more: ``mean`` is its lead a bar
    over the last ``days``, ``z`` that of the lead plus the margin. ``row``: which of the decision's rows it is."""

    row: int
    days: int
    mean: FiniteFloat
    z: FiniteFloat
    margin: FiniteFloat
    threshold: FiniteFloat
    passed: bool


@dataclass(frozen=True)
class NightlyDecision:
    """One decision; ``str()`` of it is the sentence. ``smallest_visible``: the difference a bar, in units of the
    score, that is as likely as not to be seen in one look at a year, of the middle recipe. ``more_nights``: about
    how many more a true difference of the size seen would need. ``after``: the last night that does not count as
    evidence. ``refresh``: what was found where an old champion might be refreshed, ``refreshed``: that it was.
    ``champion_since``: the night it was promoted, ``champion_refreshed``: by a refresh. Without a champion
    ``threshold`` is what a stream's z against no skill must exceed tonight, ``later_threshold`` on later nights;
    None where it was decided before a first champion had an error rate. ``tried``: distinct recipes, without a
    champion all that were ever scored. ``dependence``: None where it was decided before dependence over weeks was
    looked at; ``smallest_visible`` was the leader's then."""

    action: Literal["promoted", "held", "empty"]
    winner: str | None
    winner_version: str | None
    returned: bool
    reason: str
    sentence: str
    champion: str | None
    rows: tuple[NightlyRow, ...]
    threshold: FiniteFloat | None
    calibration: Mapping[str, int]
    autocorrelation: FiniteFloat | None
    first_day: str | None
    last_day: str | None
    days: int
    smallest_visible: FiniteFloat | None
    more_nights: int | None
    tried: int
    after: str | None
    policy: Mapping[str, Any]
    accept_unskilled: bool = False
    together: PooledLead | None = None
    refresh: Refresh | None = None
    refreshed: bool = False
    champion_since: str | None = None
    champion_refreshed: bool = False
    later_threshold: FiniteFloat | None = None
    dependence: DayDependence | None = None
    rule: Literal["nightly"] = "nightly"

    def __str__(self) -> str:
        return self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; floats keep every digit."""
        values: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NightlyDecision:
        """The decision that :meth:`to_dict` wrote; :class:`~flows.errors.GateRefused` names what is wrong."""
        try:
            decision = _adapter().validate_python(values)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise GateRefused(f"this is not a decision of the nightly gate ({faults})") from error
        if "score" not in decision.policy:
            raise GateRefused("this is not a decision of the nightly gate (policy.score: is missing)")
        return decision


@cache
def _adapter() -> TypeAdapter[NightlyDecision]:
    return TypeAdapter(NightlyDecision)
