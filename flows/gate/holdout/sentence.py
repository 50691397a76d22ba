"""This module writes the sentence of a holdout decision: percentages and points of accuracy, bars, days and z."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.gate.holdout.decision import CandidateRow, JudgedBars

OTHERS_NAMED = 3
"""How many candidates beside the first are named; the record holds them all."""


@dataclass(frozen=True)
class HoldoutFacts:
    """The facts in the sentence: ``lead`` is the winner, or the most accurate candidate where nothing was promoted.

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


def holdout_sentence(facts: HoldoutFacts) -> str:
    """The whole decision in one sentence: what, why, who else, and what this holdout could not have seen."""
    first = _against_champion(facts) if facts.champion is not None else _without_champion(facts)
    return "; ".join([first, *_other_candidates(facts), _limits(facts)]) + "."


def _against_champion(facts: HoldoutFacts) -> str:
    lead, data = facts.lead, facts.data
    comparison = (
        f"{percent(lead.accuracy)} against the champion's {percent(facts.reference_accuracy)} ({facts.champion}) "
        f"on {span(data)}: {_difference(lead)}"
    )
    guards = _guard_words(lead)
    needed = f"promotion asks for z ≥ {number(facts.critical_z)} with {_candidates(facts)}"
    if facts.promoted:
        accepted = f", accepted by request although it {guards}" if guards else ""
        return f"promoted: {lead.label} scored {comparison}, where {needed}{accepted}"
    if guards:
        joint = "but" if lead.z >= facts.critical_z else "and"
        return f"held: {lead.label} scored {comparison}, {joint} it {guards}; {needed}"
    return f"held: {lead.label} scored {comparison}; {needed}"


def _without_champion(facts: HoldoutFacts) -> str:
    lead, data = facts.lead, facts.data
    guards = _guard_words(lead)
    if not facts.promoted:
        best = f", the best of {_candidates(facts)}," if facts.others else ""
        return (
            f"production stays empty: {lead.label}{best} {guards}: {percent(lead.accuracy)} on {span(data)}, "
            f"against the majority {_difference(lead)}"
        )
    accepted = f"accepted by request although it {guards}" if guards else "no significance is asked of a first champion"
    return (
        f"promoted: {lead.label} is the first champion: {percent(lead.accuracy)} on {span(data)}, against "
        f"{percent(facts.reference_accuracy)} for the majority (no_skill): {_difference(lead)}, {accepted}"
    )


def _other_candidates(facts: HoldoutFacts) -> list[str]:
    """Why each of the next candidates was not the one."""
    named = [_other(row, facts) for row in facts.others[:OTHERS_NAMED]]
    unnamed = len(facts.others) - len(named)
    return [*named, f"and {unnamed} more"] if unnamed else named


def _other(row: CandidateRow, facts: HoldoutFacts) -> str:
    guards = _guard_words(row)
    why = [f"it {guards}"] if guards else []
    behind = facts.lead.difference_points - row.difference_points
    if facts.champion is not None and not facts.promoted:
        return f"{row.label} held too: " + ", and ".join([_difference(row), *why])
    place = f"{points(behind)} {'behind' if behind >= 0 else 'ahead'}" if behind else f"level with {facts.lead.name}"
    if not facts.promoted:
        return f"{row.label}: " + ", and ".join([place, *why])
    if facts.champion is not None and row.z < facts.critical_z:
        why = [f"not clear of the champion (z {number(row.z)})", *why]
    return f"{row.label} held: " + ", ".join([place, *why])


def _limits(facts: HoldoutFacts) -> str:
    smallest = facts.critical_z * facts.lead.standard_error_points
    unseen = f"differences under {points(smallest)} cannot be seen on this holdout, and " if smallest else ""
    error = f": its {100 * facts.alpha:g} % error holds once" if facts.champion is not None else ""
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


def _candidates(facts: HoldoutFacts) -> str:
    count = len(facts.others) + 1
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
