"""The holdout rule compares champion and candidates once, on bars that none of them was trained on.

Every stream scores the same bars; the unit of evidence is the trading day (:mod:`flows.gate.holdout.paired` has the
formula).

- With a champion: the most accurate candidate that passes the guards and beats the champion by a one-sided test at
  ``alpha``, corrected for the number of candidates (Bonferroni), is promoted; else the champion is held.
- Without: the most accurate candidate that passes the guards becomes the first champion. No significance is asked of
  it, but its z against no skill is said. Where none passes, production stays empty.
- Ties go to the first in recipe order.

A holdout is one look. Judging every night on windows that overlap spends ``alpha`` each time, so this rule is for
one-off comparisons and the first night, not for a year of nights::

    holdout = HoldoutBars(label=up, day=day, no_skill=majority)
    decision = judge_holdout(holdout, champion=None, candidates=[shallow, deep], policy=HoldoutPolicy())
    print(decision)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from flows.arrays import Mask
from flows.errors import GateRefused, RequestRefused
from flows.gate.guards import Guard, above_no_skill, says_both_classes
from flows.gate.holdout.decision import CandidateRow, Decision, JudgedBars
from flows.gate.holdout.paired import (
    Blocks,
    Days,
    corrected_p_value,
    critical_z,
    day_blocks,
    paired_difference,
)
from flows.gate.holdout.sentence import HoldoutFacts, holdout_sentence
from flows.gate.holdout.streams import Predictions, check_candidates, check_labels, check_stream

_REASON_OF_GUARD = {"no_skill": "below no_skill", "both_classes": "one class"}


@dataclass(frozen=True)
class HoldoutPolicy:
    """What a promotion asks for; :class:`~flows.errors.RequestRefused` where a value is out of range.

    ``alpha``: chance of any false promotion in this one look, one-sided, all candidates together.
    ``minimum_bars_a_day``: a shorter trading day is not a day; the caller leaves its bars out.
    ``no_skill_margin_points``: percentage points of accuracy that a candidate must be above no skill.
    """

    alpha: float = 0.05
    minimum_days: int = 20
    minimum_bars_a_day: int = 48
    no_skill_margin_points: float = 0.0
    score: Literal["accuracy"] = "accuracy"

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 0.5:
            raise RequestRefused(f"alpha is {self.alpha}: give a chance of error above 0 and below 0.5, such as 0.05")
        if self.minimum_days < 3:
            raise RequestRefused(f"minimum_days is {self.minimum_days}: no error can be told from fewer than 3 days")
        if self.minimum_bars_a_day < 1:
            raise RequestRefused(f"minimum_bars_a_day is {self.minimum_bars_a_day}: a day has at least 1 bar")
        if not 0.0 <= self.no_skill_margin_points <= 100.0:
            raise RequestRefused(
                f"no_skill_margin_points is {self.no_skill_margin_points}: give points of accuracy from 0 to 100"
            )
        if self.score != "accuracy":
            raise RequestRefused(f"the holdout has no score '{self.score}': it judges by 'accuracy'")

    @property
    def minimum_bars(self) -> int:
        return self.minimum_days * self.minimum_bars_a_day


@dataclass(frozen=True, eq=False)
class HoldoutBars:
    """The bars judged on. ``label``: shape (n_bars,), 1 or True where the next bar closed higher, else 0. ``day``:
    shape (n_bars,), datetime64[D], the trading day of each bar, never going back. ``no_skill``: the majority class's
    predictions; ``references``: those of other rules of thumb, which are only reported. Bars that do not count as
    evidence are left out by the caller."""

    label: npt.NDArray[Any]
    day: Days
    no_skill: Predictions
    references: Sequence[Predictions] = ()


def judge_holdout(
    holdout: HoldoutBars,
    *,
    champion: Predictions | None,
    candidates: Sequence[Predictions],
    policy: HoldoutPolicy,
    accept_unskilled: bool = False,
) -> Decision:
    """The decision on one holdout.

    Every stream's ``p`` has the shape of the labels. ``candidates`` stand in recipe order. ``accept_unskilled``: where
    no candidate passes the guards, they are waived (recorded); evidence is not.

    :class:`~flows.errors.GateRefused` on too few days or bars, missing labels, probabilities or cuts outside [0, 1] or
    missing, lengths that differ, days out of order, no candidates, or two of one name.
    """
    check_candidates(candidates)
    day, no_skill = holdout.day, holdout.no_skill
    check_labels(holdout.label, day)
    for stream in [*candidates, no_skill, *holdout.references, *([] if champion is None else [champion])]:
        check_stream(stream, bars=holdout.label.size)
    blocks = day_blocks(day)
    _check_floors(blocks, policy)
    bars = _Bars(holdout.label.astype(np.bool_), blocks, no_skill, champion or no_skill)
    critical = critical_z(policy.alpha, len(candidates), blocks.effective_days)
    rows = tuple(_row(stream, bars, policy, len(candidates)) for stream in candidates)
    eligible = _eligible(rows, None if champion is None else critical, accept_unskilled=accept_unskilled)
    lead = max(eligible or rows, key=lambda row: row.accuracy)  # of equals the first
    facts = HoldoutFacts(
        lead=lead,
        others=sorted((row for row in rows if row is not lead), key=lambda row: -row.accuracy),
        champion=None if champion is None else champion.version or champion.name,
        reference_accuracy=bars.accuracy(bars.against),
        promoted=bool(eligible),
        alpha=policy.alpha,
        critical_z=critical,
        data=JudgedBars(str(day[0]), str(day[-1]), blocks.total, blocks.bars.size, blocks.effective_days),
    )
    reported = {stream.name: bars.accuracy(stream) for stream in (no_skill, *holdout.references)}
    return _decision(facts, rows, reported, policy, no_skill=no_skill.name, accept_unskilled=accept_unskilled)


def _eligible(rows: Sequence[CandidateRow], least_z: float | None, *, accept_unskilled: bool) -> list[CandidateRow]:
    """The candidates that may be promoted: z at least ``least_z`` (None: any), and no guard against them."""
    proven = [row for row in rows if least_z is None or row.z >= least_z]
    guarded = [row for row in proven if not row.failed_guards]
    return proven if accept_unskilled and not guarded else guarded


def _decision(
    facts: HoldoutFacts,
    rows: tuple[CandidateRow, ...],
    references: dict[str, float],
    policy: HoldoutPolicy,
    *,
    no_skill: str,
    accept_unskilled: bool,
) -> Decision:
    lead, first = facts.lead, facts.champion is None
    return Decision(
        action="promoted" if facts.promoted else "empty" if first else "held",
        rule="holdout",
        winner=lead.name if facts.promoted else None,
        reason=_reason(facts),
        sentence=holdout_sentence(facts),
        champion=facts.champion,
        champion_accuracy=None if first else facts.reference_accuracy,
        against=facts.champion or no_skill,
        rows=rows,
        thresholds={
            "alpha": policy.alpha,
            "candidates": len(rows),
            "critical_z": facts.critical_z,
            "smallest_difference_points": facts.critical_z * lead.standard_error_points,
        },
        references=references,
        data=facts.data,
        policy=asdict(policy),
        accept_unskilled=accept_unskilled,
    )


@dataclass(frozen=True, eq=False)
class _Bars:
    """Which bars went ``up``, shape (n_bars,), by day, and the two streams that every candidate is compared with."""

    up: Mask
    blocks: Blocks
    no_skill: Predictions
    against: Predictions

    def hits(self, stream: Predictions) -> Mask:
        return np.equal(stream.up, self.up)

    def right(self, stream: Predictions) -> int:
        return int(np.count_nonzero(self.hits(stream)))

    def accuracy(self, stream: Predictions) -> float:
        return self.right(stream) / self.blocks.total


def _row(stream: Predictions, bars: _Bars, policy: HoldoutPolicy, comparisons: int) -> CandidateRow:
    total, effective_days = bars.blocks.total, bars.blocks.effective_days
    paired = paired_difference(bars.hits(stream), bars.hits(bars.against), bars.blocks)
    skilled = above_no_skill(
        hits=bars.right(stream),
        no_skill_hits=bars.right(bars.no_skill),
        bars=total,
        margin_points=policy.no_skill_margin_points,
    )
    varied = says_both_classes(ups=int(np.count_nonzero(stream.up)), bars=total)
    return CandidateRow(
        name=stream.name,
        version=stream.version,
        fingerprint=stream.fingerprint,
        bars=total,
        days=bars.blocks.bars.size,
        accuracy=bars.accuracy(stream),
        difference_points=100.0 * paired.difference,
        standard_error_points=100.0 * paired.standard_error,
        z=paired.z,
        p_value=corrected_p_value(paired.z, comparisons, effective_days),
        guards=(Guard("no_skill", *skilled), Guard("both_classes", *varied)),
    )


def _reason(facts: HoldoutFacts) -> str:
    """The short reason for the record: why the lead was promoted, or what it lacked."""
    lead, first = facts.lead, facts.champion is None
    if facts.promoted:
        return "unskilled accepted" if lead.failed_guards else "first champion" if first else "better"
    if not first and lead.z < facts.critical_z:
        return "not better"
    return _REASON_OF_GUARD[lead.failed_guards[0].name]


def _check_floors(blocks: Blocks, policy: HoldoutPolicy) -> None:
    days = blocks.bars.size
    if days < policy.minimum_days or blocks.total < policy.minimum_bars:
        raise GateRefused(
            f"the holdout has {blocks.total:,} bars of {days} trading days, fewer than the "
            f"{policy.minimum_bars:,} bars of {policy.minimum_days} days that a judgement needs: use a longer holdout"
        )
    effective = blocks.effective_days
    if effective < policy.minimum_days / 2:
        raise GateRefused(
            f"the holdout's {days} trading days are so unequal that they weigh as {effective:.1f} equal ones, "
            f"fewer than half of the {policy.minimum_days} asked for: use a longer holdout"
        )
