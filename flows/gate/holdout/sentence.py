"""The holdout's sentence: what a person reads in the morning. Percentages and points of accuracy, bars, days, z."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.gate.holdout.decision import CandidateRow, JudgedBars

OTHERS_NAMED = 3
"""How many candidates beside the first are named; the record holds them all."""


@dataclass(frozen=True)
class HoldoutFacts:
    """What the sentence tells of: ``lead`` is the winner, or the most accurate candidate where nothing was promoted.

    ``others`` are the remaining candidates, most accurate first. ``champion`` is None where production is empty.
    """

    lead: CandidateRow
    others: Sequence[CandidateRow]
    champion: str | None
    reference_accuracy: float
    promoted: bool
    alpha: float
    critical_z: float
    data: JudgedBars


def holdout_sentence(verdict: HoldoutFacts) -> str:
    """The whole decision in one sentence: what, why, who else, and what this holdout could not have seen."""
    first = _against_champion(verdict) if verdict.champion is not None else _without_champion(verdict)
    return "; ".join([first, *_others(verdict), _limits(verdict)]) + "."


def _against_champion(verdict: HoldoutFacts) -> str:
    lead, data = verdict.lead, verdict.data
    comparison = (
        f"{percent(lead.accuracy)} against the champion's {percent(verdict.reference_accuracy)} ({verdict.champion}) "
        f"on {span(data)}: {_difference(lead)}"
    )
    guards = _guard_words(lead)
    asked = f"promotion asks for z ≥ {number(verdict.critical_z)} with {_candidates(verdict)}"
    if verdict.promoted:
        accepted = f", accepted by request although it {guards}" if guards else ""
        return f"promoted: {lead.label} scored {comparison}, where {asked}{accepted}"
    if guards:
        joint = "but" if lead.z >= verdict.critical_z else "and"
        return f"held: {lead.label} scored {comparison}, {joint} it {guards}; {asked}"
    return f"held: {lead.label} scored {comparison}; {asked}"


def _without_champion(verdict: HoldoutFacts) -> str:
    lead, data = verdict.lead, verdict.data
    guards = _guard_words(lead)
    if not verdict.promoted:
        best = f", the best of {_candidates(verdict)}," if verdict.others else ""
        return (
            f"production stays empty: {lead.label}{best} {guards}: {percent(lead.accuracy)} on {span(data)}, "
            f"against the majority {_difference(lead)}"
        )
    accepted = f"accepted by request although it {guards}" if guards else "no significance is asked of a first champion"
    return (
        f"promoted: {lead.label} is the first champion: {percent(lead.accuracy)} on {span(data)}, against "
        f"{percent(verdict.reference_accuracy)} for the majority (no_skill): {_difference(lead)}, {accepted}"
    )


def _others(verdict: HoldoutFacts) -> list[str]:
    """Why each of the next candidates was not the one."""
    named = [_other(row, verdict) for row in verdict.others[:OTHERS_NAMED]]
    unnamed = len(verdict.others) - len(named)
    return [*named, f"and {unnamed} more"] if unnamed else named


def _other(row: CandidateRow, verdict: HoldoutFacts) -> str:
    guards = _guard_words(row)
    why = [f"it {guards}"] if guards else []
    behind = verdict.lead.difference_points - row.difference_points
    if verdict.champion is not None and not verdict.promoted:
        return f"{row.label} held too: " + ", and ".join([_difference(row), *why])
    place = f"{points(behind)} {'behind' if behind >= 0 else 'ahead'}" if behind else f"level with {verdict.lead.name}"
    if not verdict.promoted:
        return f"{row.label}: " + ", and ".join([place, *why])
    if verdict.champion is not None and row.z < verdict.critical_z:
        why = [f"not clear of the champion (z {number(row.z)})", *why]
    return f"{row.label} held: " + ", ".join([place, *why])


def _limits(verdict: HoldoutFacts) -> str:
    smallest = verdict.critical_z * verdict.lead.standard_error_points
    unseen = f"differences under {points(smallest)} cannot be seen on this holdout, and " if smallest else ""
    error = f": its {100 * verdict.alpha:g} % error holds once" if verdict.champion is not None else ""
    return f"{unseen}a holdout is one look{error}"


def _difference(row: CandidateRow) -> str:
    if row.standard_error_points == 0.0:
        if row.difference_points == 0.0:
            return "no difference on any day (z 0.00)"
        return f"{_better(row)} on every day alike, which leaves no error to judge by (z 0.00)"
    return f"{_better(row)} (z {number(row.z)})"


def _better(row: CandidateRow) -> str:
    if row.difference_points == 0.0:
        return "level"
    return f"{points(row.difference_points)} {'better' if row.difference_points > 0.0 else 'worse'}"


def _guard_words(row: CandidateRow) -> str:
    return " and ".join(guard.words for guard in row.failed_guards)


def _candidates(verdict: HoldoutFacts) -> str:
    count = len(verdict.others) + 1
    return f"{count} candidate{'s' if count > 1 else ''}"


def span(data: JudgedBars) -> str:
    return f"{data.bars:,} bars of {data.days:,} days"


def percent(fraction: float) -> str:
    return f"{100 * fraction:.2f} %"


def points(size: float) -> str:
    """The size of a difference, without its sign; one too small to write is not written as nothing."""
    return f"{abs(size):.2f} points" if abs(size) >= 0.005 else "under 0.01 points"


def number(value: float) -> str:
    """Two decimals with a true minus sign, and no minus before a zero."""
    text = f"{abs(value):.2f}"
    return f"−{text}" if value < 0 and float(text) else text
