"""The first champion is the stream that scored best of those that are shown to have skill.

Without a champion a stream is held against no skill: who knows nothing but the market's drift. Every night on which
production is empty is one more try, so its z must pass a threshold (:mod:`~.first_thresholds`) that no skill passes in
one year of twenty; until then production stays empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused
from flows.gate.guards import Guard
from flows.gate.nightly.candidates import Candidate, row_of
from flows.gate.nightly.decision import DayDependence, NightlyDecision, NightlyRow, WindowFigures
from flows.gate.nightly.dependence import Panel, inflation, side_by_side
from flows.gate.nightly.first_thresholds import FirstThresholds, first_thresholds
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sentence import FirstFacts, empty_sentence, first_sentence
from flows.gate.nightly.sequential import (
    Lead,
    day_autocorrelation,
    fewest_days,
    judge,
    more_nights,
    pooled,
    variance_inflation,
    visible_difference,
)
from flows.gate.nightly.skill import SkillLeads
from flows.gate.scoring.ledger import Ledger

FIRST_DAYS = NIGHTS_A_YEAR
"""Days of a stream, backfill included, that the first champion is chosen by."""

MUCH_MORE = 1.21
"""Times that a variance ratio is beyond what it widens z by, for the night to say so: a tenth of a standard error."""


def choose_first(
    ledger: Ledger,
    *,
    candidates: Sequence[Candidate],
    policy: GatePolicy,
    accept_unskilled: bool = False,
    thresholds: FirstThresholds | None = None,
) -> NightlyDecision:
    """The first champion: of the streams whose z against no skill passes the threshold, over the last 250 days,
    backfill included, and that are right at their cut at least as often as ``no_skill``, the one with the highest mean
    score; none: production stays empty. ``accept_unskilled`` overrules these two where nobody passes, and no other
    guard. ``thresholds``: those of a past decision; by default tonight's.

    Raises :class:`GateRefused` for no candidates.
    """
    leads = SkillLeads(ledger, policy)
    return choose_among(
        leads, candidates=candidates, policy=policy, accept_unskilled=accept_unskilled, thresholds=thresholds
    )


def choose_among(
    leads: SkillLeads,
    *,
    candidates: Sequence[Candidate],
    policy: GatePolicy,
    accept_unskilled: bool = False,
    thresholds: FirstThresholds | None = None,
) -> NightlyDecision:
    """As :func:`choose_first`, from leads that are computed already (of many nights at once, for a replay)."""
    asked = thresholds or thresholds_tonight(leads, candidates, policy)
    judged, dependence = _rows(leads, candidates, policy), None
    if asked.over_weeks:
        judged, dependence = _over_weeks(judged, leads, candidates, low_end=asked.low_end)
    rows = [_asked_for_skill(row, asked) for row in judged]
    winner = _best(rows, [at for at, row in enumerate(rows) if row.windows and row.passed])
    if winner is None and accept_unskilled:
        winner = _best(rows, [at for at, row in enumerate(rows) if row.windows and row.lacks_skill_alone])
    skilled = [row for row in rows if row.skill is not None]
    leader = max(skilled, key=lambda row: row.skill.z if row.skill else 0.0) if skilled else None
    more = visible = None
    if winner is None and leader is not None and leader.skill is not None:
        more = more_nights(_lead(leader.skill), asked.later, longest=asked.longest)
        each = [row.skill for row in skilled if row.skill is not None] if asked.of_middle else [leader.skill]
        visible = median(visible_difference(_lead(skill), asked.later, days=asked.longest) for skill in each)
    facts = FirstFacts(rows, policy.score, policy.baseline, policy.budget, asked, leader, more, visible, dependence)
    empty = empty_sentence(facts, fewest_days(policy.windows)) if winner is None else ""
    return replace(
        _decision(rows, winner, policy, accept_unskilled=accept_unskilled),
        sentence=empty if winner is None else first_sentence(facts, winner),
        dependence=dependence,
        threshold=asked.tonight,
        later_threshold=asked.later,
        calibration=_recorded(asked),
        smallest_visible=visible,
        more_nights=more,
        tried=asked.recipes,
    )


def _lead(skill: WindowFigures) -> Lead:
    return Lead(0, skill.days, skill.mean, skill.standard_error, skill.z)


def _recorded(asked: FirstThresholds) -> dict[str, int]:
    values = {"recipes": asked.recipes, "nights": NIGHTS_A_YEAR, "first_look": int(asked.first_look)}
    return values | {name: 1 for name in ("of_middle", "low_end") if getattr(asked, name)}


def thresholds_tonight(leads: SkillLeads, candidates: Sequence[Candidate], policy: GatePolicy) -> FirstThresholds:
    """What a stream must exceed. Counted are all recipes that the ledger has ever had a score of, backfilled or live,
    and tonight's: evidence is only ever added to, so the count never falls.

    Raises :class:`GateRefused` for no candidates.
    """
    if not candidates:
        raise GateRefused("there are no candidates to judge: train at least one recipe")
    ever = set(leads.recipes()) | {candidate.stream for candidate in candidates}
    return first_thresholds(
        len(ever), first_look=len(leads.nights) <= 1, longest=policy.windows[-1], budget=policy.budget
    )


def choose_first_without_rate(
    ledger: Ledger, *, candidates: Sequence[Candidate], policy: GatePolicy, accept_unskilled: bool = False
) -> NightlyDecision:
    """The first champion as it was chosen before it had an error rate: the highest mean score, above zero for edge.

    Only past decisions, which record no threshold, are judged by it. Raises :class:`GateRefused` for no candidates.
    """
    if not candidates:
        raise GateRefused("there are no candidates to judge: train at least one recipe")
    judged = _rows(SkillLeads(ledger, policy), candidates, policy)
    rows = [_above_zero(replace(row, skill=None), policy) for row in judged]
    ready = [
        at
        for at, row in enumerate(rows)
        if row.windows and (row.passed or (accept_unskilled and row.lacks_skill_alone))
    ]
    winner = _best(rows, ready)
    facts = FirstFacts(rows, policy.score, policy.baseline, policy.budget, None, None, None, None)
    empty = empty_sentence(facts, fewest_days(policy.windows)) if winner is None else ""
    return replace(
        _decision(rows, winner, policy, accept_unskilled=accept_unskilled),
        sentence=empty if winner is None else first_sentence(facts, winner),
        tried=len(candidates),
    )


def _over_weeks(
    rows: Sequence[NightlyRow], leads: SkillLeads, candidates: Sequence[Candidate], *, low_end: bool
) -> tuple[list[NightlyRow], DayDependence]:
    """The rows with each z against no skill widened by the variance ratios of all streams, and by their pooled lag-1
    autocorrelation where that is more than the stream's own: what a stream's skill is does not enter either."""
    known, own = {}, {}
    for candidate, row in zip(candidates, rows, strict=True):
        daily = leads.above(candidate.stream)
        known[candidate.stream] = daily.day.astype("datetime64[D]"), daily.mean[:, 0]
        if row.skill is not None:
            own[candidate.stream] = float(day_autocorrelation(daily.mean[-row.skill.days :, 0]))
    panel = Panel(side_by_side(known)[1], around_mean=False)
    ratios, together, widest, widened = panel.ratios(), pooled(list(own.values())), 1.0, []
    for candidate, row in zip(candidates, rows, strict=True):
        if row.skill is None:
            widened.append(row)
            continue
        alone = pooled([own[candidate.stream]])
        wide = inflation(ratios, max(alone, together), row.skill.days, low_end=low_end)
        factor = wide / float(variance_inflation(alone))
        widest, skill = max(widest, factor), row.skill
        figures = replace(skill, standard_error=skill.standard_error * factor, z=skill.z / factor)
        widened.append(replace(row, skill=figures))
    left = low_end and any(each.low > 1.0 and each.ratio > MUCH_MORE * each.low for each in ratios)
    return widened, DayDependence(panel.days, ratios, widest, left)


def _rows(leads: SkillLeads, candidates: Sequence[Candidate], policy: GatePolicy) -> list[NightlyRow]:
    """One row a candidate: what its stream scored, and by how much that is more than no skill scores."""
    rows = []
    for candidate in candidates:
        daily, above = leads.own(candidate.stream), leads.above(candidate.stream)
        recent = daily.day[-FIRST_DAYS:]
        evidence = judge(daily.mean[-FIRST_DAYS:], daily.bars[-FIRST_DAYS:], windows=policy.windows)
        figures = leads.figures(candidate.stream, recent)
        begin = int(np.searchsorted(above.day, recent[0])) if recent.size else above.day.size
        skill = judge(above.mean[begin:], above.bars[begin:], windows=policy.windows)
        longest = float(skill.mean[0, -1]), float(skill.standard_error[0, -1]), float(skill.z[0, -1])
        n = int(skill.n[0, -1])
        row = row_of(candidate, evidence, 0, figures, policy)
        rows.append(replace(row, skill=WindowFigures(n, *longest) if n else None))
    return rows


def _asked_for_skill(row: NightlyRow, asked: FirstThresholds) -> NightlyRow:
    """The row with the guard on its z against no skill; one that has none yet is not shown to have skill."""
    if not row.windows:
        return row
    z = None if row.skill is None else row.skill.z
    words = "no day to hold it against no skill" if z is None else f"z {z:.2f} of {asked.tonight:.2f}"
    return replace(row, guards=(*row.guards, Guard("skill", z is not None and z > max(asked.tonight, 0.0), words)))


def _above_zero(row: NightlyRow, policy: GatePolicy) -> NightlyRow:
    """The row with the guard on its mean edge, which must be above zero."""
    if not row.windows or policy.score != "edge":
        return row
    mean = row.windows[-1].mean
    return replace(row, guards=(*row.guards, Guard("edge", mean > 0.0, f"a mean edge of {mean:+.4f}")))


def _best(rows: Sequence[NightlyRow], among: Sequence[int]) -> int | None:
    return max(among, key=lambda at: rows[at].windows[-1].mean) if among else None


def _decision(
    rows: Sequence[NightlyRow], winner: int | None, policy: GatePolicy, *, accept_unskilled: bool
) -> NightlyDecision:
    return NightlyDecision(
        action="empty" if winner is None else "promoted",
        winner=None if winner is None else rows[winner].name,
        winner_version=None if winner is None else rows[winner].version,
        returned=False,
        reason="no stream passes" if winner is None else "first champion",
        sentence="",
        champion=None,
        rows=tuple(rows),
        threshold=None,
        calibration={},
        autocorrelation=None,
        first_day=None,
        last_day=None,
        days=max((row.days for row in rows), default=0),
        smallest_visible=None,
        more_nights=None,
        tried=len(rows),
        after=None,
        policy=policy.to_dict(),
        accept_unskilled=accept_unskilled,
    )
