"""This module writes the nightly decision as one sentence, in units of the score, with accuracy as a labelled extra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.gate.nightly.decision import DayDependence, NightlyRow, PooledLead, Refresh, WindowFigures
from flows.gate.nightly.first_thresholds import FirstThresholds
from flows.gate.scoring.stream_scorer import Baseline, baseline_name
from registry.format.phrases import plural

LISTED = 10
"""Recipes that a sentence on a first champion names."""

WIDENED = 1.1
"""A standard error that is less than a tenth larger changes nothing worth a sentence."""


@dataclass(frozen=True)
class SentenceFacts:
    """The facts in the sentence of a night with a champion. ``subject``: the row of the winner or the leader; ``days``:
    that the champion was judged on; ``wait``: nights to the next look, 0 on a night that decides; ``age``: nights that
    the champion has served."""

    champion: str
    rows: Sequence[NightlyRow]
    subject: int | None
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
    dependence: DayDependence | None = None

    def z(self, z: float, threshold: float) -> str:
        """A z and the threshold."""
        return f"z {z:.2f} of the {threshold:.2f} that one false promotion in {1 / self.budget:.0f} years allows"


def nightly_sentence(facts: SentenceFacts) -> str:
    """What a person reads in the morning."""
    row = None if facts.subject is None else facts.rows[facts.subject]
    best = None if row is None else row.best
    if row is None or best is None:
        return (
            f"held: {facts.champion} was judged on {_count(facts.days, 'trading day')} so far, and the shortest window "
            f"asks for {facts.shortest}; no difference can be told yet"
        )
    if facts.refreshed and facts.refresh is not None:
        return _refreshed(facts, facts.refresh, row) + _over_weeks(facts.dependence, facts.budget)
    if facts.promoted:
        return _promoted(facts, row, best) + _over_weeks(facts.dependence, facts.budget)
    return _held(facts, row, best) + _over_weeks(facts.dependence, facts.budget)


def _over_weeks(found: DayDependence | None, budget: float) -> str:
    """That the rate is not sure to hold, where days depend on each other for longer than lag 1 tells."""
    if found is None or (found.widest <= WIDENED and not found.not_all_paid):
        return ""
    rate = f"one false promotion in {1 / budget:.0f} years may not hold"
    words = f"; days may depend on each other over weeks, and {rate}"
    if found.widest > WIDENED:
        words = "; days depend on each other more than from one to the next: standard errors are "
        words += f"{found.widest:.2f} times as large for it, and {rate}"
    most = max(found.ratios, key=lambda each: each.low, default=None)
    if most is None or most.low <= 1.0:
        return words  # by one recipe's own autocorrelation
    return words + (
        f" (variance ratio over {most.days} days {most.ratio:.2f}, {most.low:.2f} to {most.high:.2f}; 1 if independent)"
    )


def _promoted(facts: SentenceFacts, row: NightlyRow, best: WindowFigures) -> str:
    who = f"returned: {_label(row)}, the former champion" if row.former else f"promoted: {_label(row)}"
    lead = _lead(best, facts.champion, facts.score)
    pooled = facts.together
    if best.z > facts.threshold or pooled is None:
        return f"{who}: its stream {lead} over {best.days} days ({facts.z(best.z, facts.threshold)}{_right(row)})"
    most = "the most of them"
    if any((other.largest_z or 0.0) > best.z for other in facts.rows if not other.former):
        most = "the most of those that no guard holds back"
    return (
        f"{who}: {_fell(facts, pooled)}, and its stream, {most}, {lead} over {best.days} days "
        f"(z {best.z:.2f}{_right(row)})"
    )


def _refreshed(facts: SentenceFacts, refresh: Refresh, row: NightlyRow) -> str:
    return (
        f"refreshed: {_label(row)}, the same recipe retrained, replaces {facts.champion} after "
        f"{_count(facts.age, 'night')}: nothing was clearly better, and its stream is not worse by "
        f"{_amount(refresh.margin, facts.score)} or more ({facts.z(refresh.z, refresh.threshold)}; "
        f"{_signed(refresh.mean, facts.score)} over {refresh.days} days{_right(row)})"
    )


def _held(facts: SentenceFacts, row: NightlyRow, best: WindowFigures) -> str:
    pooled, fell = facts.together, facts.together is not None and facts.together.fell
    sentence = (
        f"held: {row.name}'s stream {_lead(best, facts.champion, facts.score)} over {best.days} days "
        f"({facts.z(best.z, facts.threshold)}{_right(row)})"
    )
    if fell and pooled is not None:
        sentence += f"; {_fell(facts, pooled)}"
    barred = _barred(facts, row, best, fell=fell)
    if barred is not None:
        sentence += f"; {'' if barred is row else f'{barred.name} is '}held back by {_guard_clause(barred)}"
    elif (fell or best.z > facts.threshold) and facts.wait:
        sentence += f"; the next look is in {_count(facts.wait, 'night')}"
    elif best.mean > 0 and best.z > 0:
        sentence += (
            f"; a true difference of this size would need about {_count(facts.more, 'more night')}"
            if facts.more is not None
            else "; a true difference of this size would not be seen in a year"
        )
    if facts.visible:  # 0 where every day shows the same difference: how much days vary is not known then
        sentence += f"; differences under {_amount(facts.visible, facts.score)} cannot be seen in a year"
    if facts.refresh is not None:
        sentence += _not_refreshed(facts, facts.refresh)
    return sentence


def _barred(facts: SentenceFacts, row: NightlyRow, best: WindowFigures, *, fell: bool) -> NightlyRow | None:
    """Who would be promoted but for guards: the leader, or a recipe that would take over from a champion that fell."""
    strong = [row] if best.z > facts.threshold or (fell and not row.former) else []
    if fell:
        others = [other for other in facts.rows if not other.former and (other.largest_z or 0.0) > 0.0]
        strong += sorted(others, key=lambda other: other.largest_z or 0.0, reverse=True)
    return next((barred for barred in strong if barred.failed), None)


def _fell(facts: SentenceFacts, pooled: PooledLead) -> str:
    most = f" ({100 * (pooled.largest_share or 0.0):.0f} % of the weight on the one ahead)" if pooled.mostly_one else ""
    return (
        f"all {pooled.recipes} recipes together{most} led {facts.champion} by {_amount(pooled.mean, facts.score)} over "
        f"{pooled.days} days ({facts.z(pooled.z, pooled.threshold)})"
    )


def _not_refreshed(facts: SentenceFacts, refresh: Refresh) -> str:
    row = facts.rows[refresh.row]
    if refresh.passed and facts.wait:
        return f"; {facts.champion} is {_count(facts.age, 'night')} old and may be refreshed at the next look"
    if refresh.passed:
        return f"; {facts.champion} is {_count(facts.age, 'night')} old, its refresh held back by {_guard_clause(row)}"
    return (
        f"; {facts.champion} is {_count(facts.age, 'night')} old, and {row.name} retrained is not shown to be less "
        f"than {_amount(refresh.margin, facts.score)} worse (z {refresh.z:.2f} of {refresh.threshold:.2f})"
    )


@dataclass(frozen=True)
class FirstFacts:
    """The facts in the sentence of a night without a champion. ``baseline``: who streams are held against; ``asked``:
    the thresholds, None where none was asked for then; ``leader``: the row of the largest z against no skill;
    ``more``, ``visible``: as in a decision."""

    rows: Sequence[NightlyRow]
    score: str
    baseline: Baseline
    budget: float
    asked: FirstThresholds | None
    leader: NightlyRow | None
    more: int | None
    visible: float | None
    dependence: DayDependence | None = None


def first_sentence(facts: FirstFacts, winner: int) -> str:
    """Why this one is the first champion, and how the others did."""
    row, score, asked = facts.rows[winner], facts.score, facts.asked
    last = row.windows[-1]
    others = [_mean_and_failures(other, score) for at, other in enumerate(facts.rows) if at != winner and other.windows]
    level = _level(last.mean, score)
    mean = f"{level} of the bars right" if score == "accuracy" else f"{level} {score} a bar"
    if asked is not None and row.skill is not None:
        sure = (
            f"z {row.skill.z:.2f} against no skill, of the {asked.tonight:.2f} that one first champion without skill "
            f"in {1 / facts.budget:.0f} years allows, {_count(asked.recipes, 'recipe')} tried"
        )
    else:
        sure = f"z {last.z:.2f}" if score == "edge" else ""  # only edge is 0 without skill: its z says something
    details = f"{sure}{_right(row, facts.baseline)}".removeprefix("; ")
    return (
        f"promoted: {_label(row)} is the first champion: its stream scored {mean} over the last {last.days} days, "
        f"backfill included{details and f' ({details})'}"
        + ("; no error rate is held for a first champion" if asked is None else "")
        + (f"; accepted by a person although held back by {_guard_clause(row)}" if row.failed else "")
        + (f"; the others: {_listed(others, '; ')}" if others else "")
        + _over_weeks(facts.dependence, facts.budget)
    )


def empty_sentence(facts: FirstFacts, shortest: int) -> str:
    """Why there is still no champion, what would change that, and how long it may take."""
    rows = facts.rows
    if not any(row.windows for row in rows):
        return (
            f"held: production stays empty: no stream has the {shortest} scored days that a first champion is chosen "
            "by; let more nights pass (a first night without --no-backfill scores the past instead)"
        )
    failed = [f"{row.name} ({_failures(row)})" for row in rows if row.windows and row.failed]
    overruled = any(row.windows and row.lacks_skill_alone for row in rows)
    return (
        f"held: production stays empty: no stream passes: {_listed(failed, '; ')}"
        + ("" if facts.asked is None else _missing(facts, facts.asked))
        + _over_weeks(facts.dependence, facts.budget)
        + ("; --accept-unskilled overrides, and is recorded" if overruled else "")
    )


def _missing(facts: FirstFacts, asked: FirstThresholds) -> str:
    """Which z is asked for and why, what the leader lacks, and how many nights that may take."""
    later = "" if asked.tonight == asked.later else f", {asked.later:.2f} from the next night on"
    words = (
        f"; a stream needs a z against no skill of {asked.tonight:.2f}{later}, which lets one without skill in once in "
        f"{1 / facts.budget:.0f} years ({_count(asked.recipes, 'recipe')} tried so far)"
    )
    leader = facts.leader
    if leader is None or leader.skill is None or leader.skill.z > asked.tonight:
        return words
    size = _signed(leader.skill.mean, facts.score)
    if leader.skill.mean <= 0.0:
        words += "; no stream is ahead of no skill"
    elif facts.more is None:
        words += f"; {leader.name}'s lead of {size} is too small to be shown in {asked.longest} days"
    else:
        words += f"; at {leader.name}'s lead of {size} it may take {_count(facts.more, 'more night')}"
    if facts.visible:
        words += f"; less than {_amount(facts.visible, facts.score)} cannot be seen in {asked.longest} days"
    return words


def _lead(best: WindowFigures, champion: str, score: str) -> str:
    if best.mean == 0.0:
        return f"scored as {champion} did"
    return f"{'led' if best.mean > 0 else 'trailed'} {champion} by {_amount(abs(best.mean), score)}"


def _amount(size: float, score: str) -> str:
    return f"{100 * size:.2f} points of accuracy" if score == "accuracy" else f"{size:.4f} {score}"


def _signed(size: float, score: str) -> str:
    return f"{100 * size:+.2f} points of accuracy" if score == "accuracy" else f"{size:+.4f} {score}"


def _right(row: NightlyRow, baseline: Baseline = "no_skill") -> str:
    if row.accuracy is None or row.majority_accuracy is None:
        return ""
    right, champion = f"; right at its cut {100 * row.accuracy:.1f} %", row.champion_accuracy
    if champion is None:
        return f"{right}, {baseline_name(baseline)} {100 * row.majority_accuracy:.1f} %"
    return f"{right} against {100 * champion:.1f} %"


def _guard_clause(row: NightlyRow) -> str:
    return ", ".join(f"{guard.name} ({guard.words})" for guard in row.failed)


def _failures(row: NightlyRow) -> str:
    return ", ".join(f"{guard.name}: {guard.words}" for guard in row.failed)


def _level(mean: float, score: str) -> str:
    return f"{100 * mean:.2f} %" if score == "accuracy" else f"{mean:+.4f}"


def _mean_and_failures(row: NightlyRow, score: str) -> str:
    mean = f"{row.name} {_level(row.windows[-1].mean, score)}"
    return mean + (f" ({_failures(row)})" if row.failed else "")


def _listed(words: Sequence[str], between: str) -> str:
    """At most :data:`LISTED` of them: a sentence must fit into a log entry however many recipes there are."""
    more = len(words) - LISTED
    return between.join(words[:LISTED]) + (f"{between}and {more} more" if more > 0 else "")


def _label(row: NightlyRow) -> str:
    return row.name if row.version is None else f"{row.name} ({row.version})"


def _count(number: int, noun: str) -> str:
    return plural(number, noun, thousands="")  # recorded sentences are compared byte for byte
