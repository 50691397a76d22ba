"""All recipes together against the champion: what sees a fall, and what it may promote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.thresholds import GROWN, GROWN_TOGETHER, YOUNG, YOUNG_TOGETHER
from flows.gate.scoring.ledger import Ledger
from tests.flows.gate.nightly_cases import CALIBRATED, CHAMPION, WARM_DAYS, bars, candidate, judged, ledger

MADE = bars(60)
HIGH = replace(CALIBRATED, threshold=50.0, together=2.0, recipes=3)
"""No recipe is promoted for its own lead."""


def a_ledger(champion: float, *skills: float) -> Ledger:
    streams = {
        f"recipe:{name}": MADE.said(skill, at + 1) for at, (name, skill) in enumerate(zip("abc", skills, strict=True))
    }
    return ledger(MADE, {"version:v1": MADE.said(champion, 0), "recipe:old": MADE.said(champion, 0), **streams})


def decided(found: Ledger, *names: Any, **values: Any) -> NightlyDecision:
    return judged(found, *(names or "abc"), **({"calibration": HIGH} | values))


def test_a_champion_that_fell_behind_all_recipes_gives_way_to_the_one_that_leads_most(
    snapshot: SnapshotAssertion,
) -> None:
    decision = decided(a_ledger(-0.4, 0.0, 0.3, 0.0))
    assert (decision.action, decision.winner, decision.reason) == ("promoted", "b", "better")
    assert decision.together is not None and decision.together.recipes == 4 and decision.together.fell
    assert decision.together.mostly_one and "of the weight on the one ahead" in str(decision)
    assert str(decision) == snapshot


def test_where_no_recipe_counts_more_than_all_others_it_is_the_champion_that_fell() -> None:
    decision = decided(a_ledger(-0.4, 0.0, 0.0, 0.0))
    assert (decision.action, decision.reason) == ("promoted", "champion fell")
    assert decision.together is not None and not decision.together.mostly_one
    assert "all 4 recipes together led v1" in str(decision)


def test_where_none_is_better_together_they_are_not_either() -> None:
    decision = decided(a_ledger(0.2, 0.1, 0.1, 0.1))
    assert decision.action == "held" and decision.together is not None and not decision.together.fell


def test_one_recipe_alone_is_not_all_of_them() -> None:
    found = ledger(MADE, {"version:v1": MADE.said(-0.4, 0), "recipe:a": MADE.said(0.0, 1)})
    decision = decided(found, "a")
    assert (decision.action, decision.together) == ("held", None)


def test_a_recipe_that_is_not_trained_any_more_still_counts_among_all() -> None:
    """Else whoever leaves out the weak ones chooses the mean."""
    assert decided(a_ledger(-0.4, 0.0, 0.0, 0.0), "a").together == decided(a_ledger(-0.4, 0.0, 0.0, 0.0)).together


@pytest.mark.parametrize(("live_days", "recipes"), [(9, 3), (12, 4)])
def test_only_recipes_with_a_day_in_the_window_told_are_counted(
    live_days: int, recipes: int, snapshot: SnapshotAssertion
) -> None:
    """The champion falls behind on the last 40 of 50 days; ``gone`` was left out before, or just after."""
    days = np.unique(MADE.day)
    fallen = np.where(MADE.day < days[20], MADE.said(0.4, 0), MADE.said(-0.4, 0))
    gone = np.where(MADE.day < days[WARM_DAYS + live_days], MADE.said(0.0, 9), np.nan)
    others = {f"recipe:{name}": MADE.said(0.0, at + 1) for at, name in enumerate("abc")}
    decision = decided(ledger(MADE, {"version:v1": fallen, "recipe:gone": gone, **others}))
    assert decision.together is not None and decision.together.days == 40
    assert decision.together.recipes == recipes
    assert f"all {recipes} recipes" in str(decision) and str(decision) == snapshot(name=f"{recipes} recipes")


def test_guards_hold_back_whoever_would_take_over_and_the_next_one_does() -> None:
    broken = candidate("b", guards=(Guard("continuity", False, "agrees on 41 %"),))
    found = a_ledger(-0.4, 0.0, 0.3, 0.1)
    assert decided(found, "a", broken, "c").winner == "c"
    held = decided(found, broken)
    assert (held.action, held.reason) == ("held", "continuity")
    assert "recipes together" in str(held) and "held back by continuity" in str(held)


def test_between_looks_a_fall_waits() -> None:
    decision = decided(a_ledger(-0.4, 0.0, 0.0, 0.0), policy=GatePolicy(cadence=7))
    assert (decision.action, decision.reason) == ("held", "between looks")


def test_a_former_champion_does_not_take_over_for_the_fall() -> None:
    found = a_ledger(-0.4, 0.0, 0.0, 0.0)
    better = replace(found, streams={**found.streams, "version:v0": found.streams["recipe:a"]})
    former = replace(candidate("rf", version="v0", former=True), stream="version:v0", fingerprint="version:v0")
    assert decided(better, former).action == "held"


def test_after_all_recipes_were_edited_their_mean_is_held_to_the_age_of_the_champion() -> None:
    """Its days go on through the edit, and so have been looked at; the edited recipes' own leads have not."""
    made = bars(320)
    days = np.unique(made.day)
    skills = {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}
    said = {f"recipe:{name}": made.said(skill, at + 1) for at, (name, skill) in enumerate(skills.items())}
    for name in "cd":
        said[f"recipe:{name}"][made.day < days[270]] = np.nan
    old = made.said(0.0, 0)
    found = ledger(made, {"version:v1": old, "recipe:old": old, **said})
    edited = judged(found, "c", "d", tried=4, calibration=None)
    assert edited.together is not None and edited.together.days > 50
    assert (edited.threshold, edited.together.threshold) == (YOUNG[3], GROWN_TOGETHER)
    grown = judged(found, "a", "c", tried=4, calibration=None)
    assert grown.together is not None
    assert (grown.threshold, grown.together.threshold) == (GROWN[3], GROWN_TOGETHER)
    late = replace(CHAMPION, after=str(days[100]))
    young = judged(found, "a", "c", champion=late, tried=4, calibration=None)
    assert young.together is not None
    assert (young.threshold, young.together.threshold) == (YOUNG[3], YOUNG_TOGETHER)


def test_the_order_of_the_recipes_changes_nothing() -> None:
    found = a_ledger(-0.1, 0.0, 0.1, 0.0)
    assert decided(found, *"cab").together == decided(found, *"abc").together


@pytest.mark.parametrize("fell", [True, False])
def test_identical_recipes_together_are_no_evidence(fell: bool) -> None:
    same = MADE.said(0.0, 0)
    streams = {"version:v1": same, "recipe:a": same, "recipe:b": MADE.said(0.5, 3) if fell else same}
    decision = decided(ledger(MADE, streams), "a", "b")
    assert decision.together is not None
    assert (decision.together.z == 0.0) is not fell
    assert np.isfinite(decision.together.z)
    assert CHAMPION.version == decision.champion
