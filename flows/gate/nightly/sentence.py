"""The nightly decision in one sentence, in the units of the score, with accuracy as a labelled extra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.gate.nightly.decision import NightlyRow, PooledLead, Refresh, WindowFigures

LISTED = 10
"""Recipes that a sentence on a first champion names."""


@dataclass(frozen=True)
class SentenceFacts:
    """What the sentence of a night with a champion tells of. ``shown``: the row of the winner or the leader; ``days``:
    that the champion was judged on; ``wait``: nights to the next look, 0 on a night that decides; ``age``: nights that
    the champion has served."""

    champion: str
    rows: Sequence[NightlyRow]
    shown: int | None
    promoted: bool
    threshold: float
    budget: float
    score: str
    more: int | None
    visible: float | None
    days: int
    shortest: int
    wait: int
    together: PooledLead | None
    refresh: Refresh | None
    refreshed: bool
    age: int

    def z(self, z: float, threshold: float) -> str:
        """A z beside what is allowed."""
        return f"z {z:.2f} of the {threshold:.2f} that one false promotion in {1 / self.budget:.0f} years allows"


def nightly_sentence(told: SentenceFacts) -> str:
    """What a person reads in the morning."""
    row = None if told.shown is None else told.rows[told.shown]
    best = None if row is None else row.best
    if row is None or best is None:
        return (
            f"held: {told.champion} was judged on {_count(told.days, 'trading day')} so far, and the shortest window "
            f"asks for {told.shortest}; no difference can be told yet"
        )
    if told.refreshed and told.refresh is not None:
        return _refreshed(told, told.refresh, row)
    if told.promoted:
        return _promoted(told, row, best)
    return _held(told, row, best)


def _promoted(told: SentenceFacts, row: NightlyRow, best: WindowFigures) -> str:
    who = f"returned: {_named(row)}, the former champion" if row.former else f"promoted: {_named(row)}"
    lead = _lead(best, told.champion, told.score)
    everyone = told.together
    if best.z > told.threshold or everyone is None:
        return f"{who}: its stream {lead} over {best.days} days ({told.z(best.z, told.threshold)}{_right(row)})"
    most = "the most of them"
    if any((other.largest_z or 0.0) > best.z for other in told.rows if not other.former):
        most = "the most of those that no guard holds back"
    return (
        f"{who}: {_fell(told, everyone)}, and its stream, {most}, {lead} over {best.days} days "
        f"(z {best.z:.2f}{_right(row)})"
    )


def _refreshed(told: SentenceFacts, refresh: Refresh, row: NightlyRow) -> str:
    return (
        f"refreshed: {_named(row)}, the same recipe retrained, replaces {told.champion} after "
        f"{_count(told.age, 'night')}: nothing was clearly better, and its stream is not worse by "
        f"{_amount(refresh.margin, told.score)} or more ({told.z(refresh.z, refresh.threshold)}; "
        f"{_signed(refresh.mean, told.score)} over {refresh.days} days{_right(row)})"
    )


def _held(told: SentenceFacts, row: NightlyRow, best: WindowFigures) -> str:
    everyone, fell = told.together, told.together is not None and told.together.fell
    said = (
        f"held: {row.name}'s stream {_lead(best, told.champion, told.score)} over {best.days} days "
        f"({told.z(best.z, told.threshold)}{_right(row)})"
    )
    if fell and everyone is not None:
        said += f"; {_fell(told, everyone)}"
    barred = _barred(told, row, best, fell=fell)
    if barred is not None:
        said += f"; {'' if barred is row else f'{barred.name} is '}held back by {_held_back(barred)}"
    elif (fell or best.z > told.threshold) and told.wait:
        said += f"; the next look is in {_count(told.wait, 'night')}"
    elif best.mean > 0 and best.z > 0:
        said += (
            f"; a true difference of this size would need about {_count(told.more, 'more night')}"
            if told.more is not None
            else "; a true difference of this size would not be seen in a year"
        )
    if told.visible:  # 0 where every day shows the same difference: how much days vary is not known then
        said += f"; differences under {_amount(told.visible, told.score)} cannot be seen in a year"
    if told.refresh is not None:
        said += _not_refreshed(told, told.refresh)
    return said


def _barred(told: SentenceFacts, row: NightlyRow, best: WindowFigures, *, fell: bool) -> NightlyRow | None:
    """Who would be promoted but for guards: the leader, or a recipe that would take over from a champion that fell."""
    strong = [row] if best.z > told.threshold or (fell and not row.former) else []
    if fell:
        others = [each for each in told.rows if not each.former and (each.largest_z or 0.0) > 0.0]
        strong += sorted(others, key=lambda each: each.largest_z or 0.0, reverse=True)
    return next((each for each in strong if each.failed), None)


def _fell(told: SentenceFacts, everyone: PooledLead) -> str:
    return (
        f"all {everyone.recipes} recipes together led {told.champion} by {_amount(everyone.mean, told.score)} over "
        f"{everyone.days} days ({told.z(everyone.z, everyone.threshold)})"
    )


def _not_refreshed(told: SentenceFacts, refresh: Refresh) -> str:
    row = told.rows[refresh.row]
    if refresh.passed and told.wait:
        return f"; {told.champion} is {_count(told.age, 'night')} old and may be refreshed at the next look"
    if refresh.passed:
        return f"; {told.champion} is {_count(told.age, 'night')} old, its refresh held back by {_held_back(row)}"
    return (
        f"; {told.champion} is {_count(told.age, 'night')} old, and {row.name} retrained is not shown to be less than "
        f"{_amount(refresh.margin, told.score)} worse (z {refresh.z:.2f} of {refresh.threshold:.2f})"
    )


def first_sentence(rows: Sequence[NightlyRow], winner: int, score: str) -> str:
    """Why this one is the first champion, and how the others did."""
    row = rows[winner]
    last = row.windows[-1]
    others = [_beside(other, score) for at, other in enumerate(rows) if at != winner and other.windows]
    level = _level(last.mean, score)
    said = f"{level} of the bars right" if score == "accuracy" else f"{level} {score} a bar"
    sure = f"z {last.z:.2f}" if score == "edge" else ""  # only edge is 0 without skill, so that its z says something
    shown = f"{sure}{_right(row)}".removeprefix("; ")
    return (
        f"promoted: {_named(row)} is the first champion: its stream scored {said} over the last {last.days} days, "
        f"backfill included{shown and f' ({shown})'}; no error rate is held for a first champion"
        + (f"; accepted by a person although held back by {_held_back(row)}" if row.failed else "")
        + (f"; the others: {_listed(others, '; ')}" if others else "")
    )


def empty_sentence(rows: Sequence[NightlyRow], shortest: int) -> str:
    """Why there is still no champion, and what would change that."""
    if not any(row.windows for row in rows):
        return (
            f"held: production stays empty: no stream has the {shortest} scored days that a first champion is chosen "
            "by; let more nights pass (a first night without --no-backfill scores the past instead)"
        )
    told = [f"{row.name} ({_failures(row)})" for row in rows if row.windows and row.failed]
    overruled = any(row.windows and row.lacks_skill_alone for row in rows)
    return f"held: production stays empty: no stream passes: {_listed(told, '; ')}" + (
        "; --accept-unskilled overrides, and is recorded" if overruled else ""
    )


def _lead(best: WindowFigures, champion: str, score: str) -> str:
    if best.mean == 0.0:
        return f"scored as {champion} did"
    return f"{'led' if best.mean > 0 else 'trailed'} {champion} by {_amount(abs(best.mean), score)}"


def _amount(size: float, score: str) -> str:
    return f"{100 * size:.2f} points of accuracy" if score == "accuracy" else f"{size:.4f} {score}"


def _signed(size: float, score: str) -> str:
    return f"{100 * size:+.2f} points of accuracy" if score == "accuracy" else f"{size:+.4f} {score}"


def _right(row: NightlyRow) -> str:
    if row.accuracy is None or row.majority_accuracy is None:
        return ""
    other = row.champion_accuracy
    against = f"the majority {100 * row.majority_accuracy:.1f} %" if other is None else f"against {100 * other:.1f} %"
    return f"; right at its cut {100 * row.accuracy:.1f} %{',' if other is None else ''} {against}"


def _held_back(row: NightlyRow) -> str:
    return ", ".join(f"{guard.name} ({guard.words})" for guard in row.failed)


def _failures(row: NightlyRow) -> str:
    return ", ".join(f"{guard.name}: {guard.words}" for guard in row.failed)


def _level(mean: float, score: str) -> str:
    return f"{100 * mean:.2f} %" if score == "accuracy" else f"{mean:+.4f}"


def _beside(row: NightlyRow, score: str) -> str:
    told = f"{row.name} {_level(row.windows[-1].mean, score)}"
    return told + (f" ({_failures(row)})" if row.failed else "")


def _listed(words: Sequence[str], between: str) -> str:
    """At most :data:`LISTED` of them: a sentence must fit into a log entry however many recipes there are."""
    more = len(words) - LISTED
    return between.join(words[:LISTED]) + (f"{between}and {more} more" if more > 0 else "")


def _named(row: NightlyRow) -> str:
    return row.name if row.version is None else f"{row.name} ({row.version})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
