"""All recipes together against the champion: what sees a fall, and what it may promote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from nightly_cases import CALIBRATED, CHAMPION, bars, candidate, judged, ledger

from flows.gate.decision import Guard
from flows.gate.ledger import Ledger
from flows.gate.nightly_decision import NightlyDecision
from flows.gate.policy import GatePolicy

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


def test_a_champion_that_fell_behind_all_recipes_gives_way_to_the_one_that_leads_most() -> None:
    decision = decided(a_ledger(-0.4, 0.0, 0.3, 0.0))
    assert (decision.action, decision.winner, decision.reason) == ("promoted", "b", "champion fell")
    assert decision.together is not None and decision.together.recipes == 4 and decision.together.fell
    assert ": all 4 recipes together led v1 by " in str(decision)


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


def test_guards_hold_back_whoever_would_take_over_and_the_next_one_does() -> None:
    broken = candidate("b", guards=(Guard("continuity", False, "agrees on 41 %"),))
    found = a_ledger(-0.4, 0.0, 0.3, 0.1)
    assert decided(found, "a", broken, "c").winner == "c"
    held = decided(found, broken)
    assert (held.action, held.reason) == ("held", "continuity")
    assert "recipes together led v1" in str(held) and "held back by continuity" in str(held)


def test_between_looks_a_fall_waits() -> None:
    decision = decided(a_ledger(-0.4, 0.0, 0.0, 0.0), policy=GatePolicy(cadence=7))
    assert (decision.action, decision.reason) == ("held", "between looks")


def test_a_former_champion_does_not_take_over_for_the_fall() -> None:
    found = a_ledger(-0.4, 0.0, 0.0, 0.0)
    better = replace(found, streams={**found.streams, "version:v0": found.streams["recipe:a"]})
    former = replace(candidate("rf", version="v0", former=True), stream="version:v0", fingerprint="version:v0")
    assert decided(better, former).action == "held"


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
