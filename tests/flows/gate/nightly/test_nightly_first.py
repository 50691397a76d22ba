"""The first champion: the stream that scored best in the backfill, if it is any good."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import GateRefused
from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import choose_first, choose_first_without_rate
from flows.gate.nightly.first_thresholds import first_thresholds
from flows.gate.nightly.policy import GatePolicy
from tests.flows.gate.nightly_cases import bars, candidate, ledger

MADE = bars(60)
BROKEN = (Guard("continuity", False, "agrees on 41 % of the bars"),)


def first(*names: Any, days: int = 60, **values: Any) -> NightlyDecision:
    """The choice among streams whose skill stands in ``values``, all of them backfilled."""
    skills = {name: values.pop(name) for name in [*values] if len(name) == 1}
    kept = np.searchsorted(np.unique(MADE.day), MADE.day) < days
    streams = {}
    for at, (name, skill) in enumerate(skills.items()):
        streams[f"recipe:{name}"] = np.where(kept, MADE.said(skill, at + 1), np.nan)
    candidates = [candidate(each) if isinstance(each, str) else each for each in names]
    found = ledger(MADE, streams, live_from=60)
    return choose_first(found, candidates=candidates, policy=values.pop("policy", GatePolicy()), **values)


@pytest.mark.parametrize("score", ["edge", "accuracy", "brier"])
def test_the_stream_that_scored_best_in_the_backfill_is_first_champion(score: Any, snapshot: SnapshotAssertion) -> None:
    decision = first("a", "b", "c", a=0.1, b=0.4, c=0.2, policy=GatePolicy(score=score))
    assert (decision.action, decision.winner, decision.reason) == ("promoted", "b", "first champion")
    assert str(decision) == snapshot(name=score)
    assert (decision.champion, decision.threshold, decision.autocorrelation) == (None, 2.323, None)


def test_where_no_stream_passes_production_stays_empty_and_says_why(snapshot: SnapshotAssertion) -> None:
    decision = first("a", "b", a=-0.2, b=-0.3)
    assert (decision.action, decision.winner, decision.reason) == ("empty", None, "no stream passes")
    assert "a (no_skill: " in str(decision) and "skill: z -" in str(decision) and "; b (" in str(decision)
    assert "--accept-unskilled" in str(decision) and str(decision) == snapshot


def test_a_person_may_accept_an_unskilled_one_and_it_is_recorded(snapshot: SnapshotAssertion) -> None:
    decision = first("a", "b", a=-0.2, b=-0.3, accept_unskilled=True)
    assert (decision.action, decision.winner, decision.accept_unskilled) == ("promoted", "a", True)
    assert "no_skill (" in str(decision) and str(decision) == snapshot
    assert not first("a", a=-0.2).accept_unskilled


def test_accepting_the_unskilled_does_not_accept_a_broken_version(snapshot: SnapshotAssertion) -> None:
    broken = candidate("a", guards=BROKEN)
    decision = first(broken, "b", a=0.4, b=-0.3, accept_unskilled=True)
    assert decision.winner == "b"
    alone = first(broken, a=0.4, accept_unskilled=True)
    assert alone.action == "empty"
    assert "a (continuity: agrees on 41 %" in str(alone) and str(alone) == snapshot


@pytest.mark.parametrize("score", ["edge", "accuracy", "brier"])
def test_six_recipes_without_skill_seldom_bring_a_first_champion(score: Any) -> None:
    """Two of forty are expected; the highest mean above zero, no more asked, brought one in 34 of forty."""
    policy = GatePolicy(score=score)
    names = [candidate(f"r{at}") for at in range(6)]
    crowned = 0
    for world in range(40):
        made = bars(60, seed=1_000 + world)
        streams = {f"recipe:r{at}": made.said(0.0, 6 * world + at) for at in range(6)}
        crowned += choose_first(ledger(made, streams, live_from=60), candidates=names, policy=policy).winner is not None
    assert crowned <= 5


def test_a_lead_that_luck_explains_leaves_production_empty_and_says_what_is_missing(
    snapshot: SnapshotAssertion,
) -> None:
    decision = first("a", "b", a=0.023, b=0.0)
    assert (decision.action, decision.reason, decision.winner) == ("empty", "no stream passes", None)
    skill = decision.rows[0].skill
    assert skill is not None and decision.threshold is not None and 0.0 < skill.z < decision.threshold
    assert [guard.name for guard in decision.rows[0].failed] == ["skill"]
    assert (decision.tried, decision.calibration["first_look"]) == (2, 1)
    assert decision.later_threshold is not None and decision.later_threshold > decision.threshold
    assert decision.more_nights == math.ceil(52 * (decision.later_threshold / skill.z) ** 2) - 52
    assert decision.smallest_visible is not None and 0.0 < decision.smallest_visible < 0.02
    assert str(decision) == snapshot


def test_after_the_first_night_every_further_one_is_a_new_try_and_more_is_asked() -> None:
    streams = {"recipe:a": MADE.said(0.03, 1)}
    night = choose_first(ledger(MADE, streams, live_from=60), candidates=[candidate("a")], policy=GatePolicy())
    later = choose_first(ledger(MADE, streams, live_from=50), candidates=[candidate("a")], policy=GatePolicy())
    assert night.rows[0].skill == later.rows[0].skill
    assert later.threshold == later.later_threshold == night.later_threshold
    assert later.calibration["first_look"] == 0 and "from the next night on" not in str(later)


def test_recipes_that_were_edited_away_are_counted_for_ever() -> None:
    edited = {f"recipe:form{at}": MADE.said(0.0, at) for at in range(4)}
    of = {"candidates": [candidate("form4")], "policy": GatePolicy()}
    alone = choose_first(ledger(MADE, {"recipe:form4": MADE.said(0.1, 5)}), **of)
    fifth = choose_first(ledger(MADE, {**edited, "recipe:form4": MADE.said(0.1, 5)}), **of)
    assert (alone.tried, fifth.tried) == (1, 5)
    assert fifth.threshold is not None and alone.threshold is not None and fifth.threshold > alone.threshold


def test_a_frozen_version_is_no_recipe_that_was_tried() -> None:
    found = ledger(MADE, {"recipe:a": MADE.said(0.1, 5), "version:v1": MADE.said(0.1, 6)})
    assert choose_first(found, candidates=[candidate("a")], policy=GatePolicy()).tried == 1


def test_skill_is_what_is_scored_above_no_skill_on_the_same_bars() -> None:
    """Where two of three bars go up, who always says so is right on two of three and has no skill."""
    made = bars(60)
    made.label[:] = np.random.default_rng(3).random(made.label.size) < 2 / 3
    found = ledger(made, {"recipe:a": np.full(made.label.size, 0.9)}, live_from=60)
    decision = choose_first(found, candidates=[candidate("a")], policy=GatePolicy(score="accuracy"))
    row = decision.rows[0]
    assert row.windows[-1].mean > 0.6 and row.windows[-1].z > 10
    assert row.skill is not None and (row.skill.mean, row.skill.z) == (0.0, 0.0) and decision.action == "empty"


def test_what_an_older_package_chose_comes_out_the_same_by_its_own_rule() -> None:
    """It asked for a mean above zero and no more, and recorded no threshold."""
    found = ledger(MADE, {"recipe:a": MADE.said(0.02, 1), "recipe:b": MADE.said(0.0, 2)}, live_from=60)
    chosen = [candidate("a"), candidate("b")]
    old = choose_first_without_rate(found, candidates=chosen, policy=GatePolicy())
    assert (old.action, old.winner, old.threshold, old.later_threshold, old.tried) == ("promoted", "a", None, None, 2)
    assert all(row.skill is None for row in old.rows) and "no error rate is held" in str(old)
    assert choose_first(found, candidates=chosen, policy=GatePolicy()).action == "empty"


def test_a_skilled_one_is_taken_before_an_accepted_one_is_needed() -> None:
    assert "accepted by a person" not in str(first("a", "b", a=0.3, b=-0.3, accept_unskilled=True))


def test_one_that_ranks_well_but_is_right_less_often_than_the_majority_is_not_taken() -> None:
    made = bars(60)
    made.label[:] = np.random.default_rng(3).random(made.label.size) < 0.6
    low = 0.3 * made.said(1.5, 1)  # never above one half
    found = ledger(made, {"recipe:a": low}, live_from=60)
    decision = choose_first(found, candidates=[candidate("a")], policy=GatePolicy())
    assert decision.action == "empty" and [each.name for each in decision.rows[0].failed] == ["no_skill"]


@pytest.mark.parametrize("days", [0, 1, 40])
def test_without_forty_scored_days_there_is_no_first_champion(days: int, snapshot: SnapshotAssertion) -> None:
    """Eight days go before ranks are defined."""
    decision = first("a", a=0.5, days=days, accept_unskilled=True)
    assert decision.action == "empty"
    assert "40 scored days" in str(decision) and "--no-backfill" in str(decision)
    assert str(decision) == snapshot


def test_only_the_last_250_days_choose() -> None:
    made = bars(310)
    early = made.day < np.unique(made.day)[60]
    faded = np.where(early, made.said(2.0, 1), made.said(0.05, 2))
    found = ledger(made, {"recipe:faded": faded, "recipe:b": made.said(0.3, 3)}, live_from=310)
    decision = choose_first(found, candidates=[candidate("faded"), candidate("b")], policy=GatePolicy())
    assert decision.winner == "b"
    assert [row.days for row in decision.rows] == [250, 250]


def test_the_order_of_recipes_changes_nothing() -> None:
    one, other = first("a", "b", a=0.1, b=0.4), first("b", "a", a=0.1, b=0.4)
    assert one.rows == other.rows[::-1] and one.winner == other.winner


def test_a_stream_without_scores_is_passed_over() -> None:
    assert first("nowhere", "a", a=0.3).winner == "a"


def test_nobody_to_choose_from_is_refused() -> None:
    with pytest.raises(GateRefused, match="no candidates"):
        first(a=0.3)


def test_what_can_be_seen_is_said_of_the_middle_recipe_and_of_the_leader_in_decisions_made_before() -> None:
    """It says what the gate can see, and must not jump with whose lead happens to be the largest."""
    asked = first_thresholds(3, first_look=True)
    now = first("a", "b", "c", a=-0.2, b=-0.25, c=-0.3, thresholds=asked)
    then = first("a", "b", "c", a=-0.2, b=-0.25, c=-0.3, thresholds=replace(asked, of_middle=False))
    seen = sorted(
        row.skill.standard_error * math.sqrt(row.skill.days / 250) * asked.later for row in now.rows if row.skill
    )
    assert now.smallest_visible == pytest.approx(seen[1])
    assert then.smallest_visible != now.smallest_visible
    assert now.calibration["of_middle"] == 1 and "of_middle" not in then.calibration
