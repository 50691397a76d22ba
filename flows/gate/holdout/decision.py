"""The gate's decision on a holdout is a typed record: the numbers, the rule, the thresholds and one sentence.

A :class:`Decision` goes into the registry's log whether it promotes or holds, and comes back from it unchanged::

    Decision.from_dict(json.loads(json.dumps(decision.to_dict()))) == decision

It holds every figure the rule looked at and the policy it was judged by, so that it can be decided again. Accuracies
are fractions of bars; whatever is named ``…_points`` is in percentage points of accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import FiniteFloat, TypeAdapter, ValidationError

from flows.errors import GateRefused
from flows.gate.guards import Guard

Action = Literal["promoted", "held", "empty"]
"""``promoted``: production gets the winner. ``held``: the champion stays. ``empty``: there is still no champion."""


@dataclass(frozen=True)
class CandidateRow:
    """How one candidate fared on ``bars`` bars of ``days`` trading days.

    ``difference_points``, ``standard_error_points`` and ``z`` are against :attr:`Decision.against`, on the same bars;
    ``p_value`` is one-sided and already corrected for the number of candidates.
    """

    name: str
    version: str | None
    fingerprint: str
    bars: int
    days: int
    accuracy: FiniteFloat
    difference_points: FiniteFloat
    standard_error_points: FiniteFloat
    z: FiniteFloat
    p_value: FiniteFloat
    guards: tuple[Guard, ...]

    @property
    def label(self) -> str:
        """What a person calls it: ``rf_deep (v2)``, or the recipe alone before it has a version."""
        return self.name if self.version is None else f"{self.name} ({self.version})"

    @property
    def failed_guards(self) -> tuple[Guard, ...]:
        return tuple(guard for guard in self.guards if not guard.passed)


@dataclass(frozen=True)
class JudgedBars:
    """The bars judged on: trading days (``YYYY-MM-DD``), and how many equally long days they are worth as evidence."""

    first_day: str
    last_day: str
    bars: int
    days: int
    effective_days: FiniteFloat


@dataclass(frozen=True)
class Decision:
    """One decision of the gate; ``str()`` of it is the sentence.

    ``winner`` is the recipe promoted, None otherwise. ``champion`` is the version (or name) judged against, None where
    production is empty; the differences in ``rows`` are then against a reference, which ``against`` names.
    ``rows`` stand in recipe order. ``references`` gives the accuracy of rows that are never candidates.
    """

    action: Action
    rule: str
    winner: str | None
    reason: str
    sentence: str
    champion: str | None
    champion_accuracy: FiniteFloat | None
    against: str
    rows: tuple[CandidateRow, ...]
    thresholds: Mapping[str, int | FiniteFloat]
    references: Mapping[str, FiniteFloat]
    data: JudgedBars
    policy: Mapping[str, Any]
    accept_unskilled: bool

    def __str__(self) -> str:
        return self.sentence

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, text and numbers, ready for JSON; floats keep every digit."""
        values: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Decision:
        """The decision that :meth:`to_dict` wrote; fields that this version does not know are left out.

        :class:`~flows.errors.GateRefused` where a field is missing or not of its type; the message names every one.
        """
        try:
            return _adapter().validate_python(values)
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(str(part) for part in fault['loc']) or 'the record'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise GateRefused(
                f"this is not a decision of the gate ({faults}); pass the record as the registry's log holds it"
            ) from error


@cache
def _adapter() -> TypeAdapter[Decision]:
    return TypeAdapter(Decision)
