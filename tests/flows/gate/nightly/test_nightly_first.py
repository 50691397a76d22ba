"""The first champion: the stream that scored best in the backfill, if it is any good."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import GateRefused
from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import choose_first
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
    assert (decision.champion, decision.threshold, decision.autocorrelation) == (None, None, None)


def test_where_no_stream_passes_production_stays_empty_and_says_why(snapshot: SnapshotAssertion) -> None:
    decision = first("a", "b", a=-0.2, b=-0.3)
    assert (decision.action, decision.winner, decision.reason) == ("empty", None, "no stream passes")
    assert "a (no_skill: " in str(decision) and "edge of -0." in str(decision) and "; b (" in str(decision)
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
