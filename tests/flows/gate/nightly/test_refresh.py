"""An old champion and its own recipe, retrained: when it is refreshed, when never, and what that leaves of the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.leads import with_its_past
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.refresh import not_worse
from flows.gate.scoring.ledger import Ledger
from tests.flows.gate.nightly_cases import CALIBRATED, CHAMPION, WARM_DAYS, bars, candidate, judged, ledger

MADE = bars(110)
"""Ten days of backfill and a hundred live ones."""

DAYS = np.unique(MADE.day).astype(str).tolist()
POLICY = GatePolicy(maximum_age_nights=60, refresh_margin=0.2)
OLD = replace(CHAMPION, since=DAYS[WARM_DAYS], after=DAYS[WARM_DAYS])


def a_ledger(worse: float = 0.0, seed: int = 0, **skills: float) -> Ledger:
    """The champion, its recipe's stream (mostly the same, and worse by this skill), and other recipes."""
    label = 2 * MADE.label - 1
    retrained = np.clip(MADE.said(0.3, seed) + 0.02 * np.random.default_rng(seed + 50).normal(size=label.size), 0, 1)
    retrained = np.clip(retrained - 0.08 * worse * label, 0, 1)
    others = {f"recipe:{name}": MADE.said(skill, seed + at + 1) for at, (name, skill) in enumerate(skills.items())}
    return ledger(MADE, {"recipe:old": retrained, "version:v1": MADE.said(0.3, seed), **others})


def decided(found: Ledger, *names: Any, **values: Any) -> NightlyDecision:
    given: dict[str, Any] = {"policy": POLICY, "champion": OLD}
    return judged(found, *(names or ("old",)), **(given | values))


def test_an_old_champion_is_refreshed_by_its_recipe_retrained_and_it_is_said_so(snapshot: SnapshotAssertion) -> None:
    decision = decided(a_ledger(), candidate("old", version="v40"))
    assert (decision.action, decision.reason, decision.refreshed) == ("promoted", "refreshed", True)
    assert decision.winner_version == "v40" and not decision.returned
    assert str(decision).startswith("refreshed: old (v40)") and "v1 after 99 nights" in str(decision)
    assert str(decision) == snapshot
    assert decision.refresh is not None and decision.refresh.z > CALIBRATED.threshold


def test_nobody_asked_for_it_by_default() -> None:
    decision = decided(a_ledger(), policy=replace(POLICY, refresh_margin=None))
    assert (decision.action, decision.refresh) == ("held", None)


def test_a_champion_that_is_not_old_is_left_alone() -> None:
    assert decided(a_ledger(), policy=replace(POLICY, maximum_age_nights=99)).refresh is None
    assert decided(a_ledger(), policy=replace(POLICY, maximum_age_nights=98)).refreshed


@pytest.mark.parametrize("seed", range(5))
def test_a_retrain_that_is_clearly_worse_never_refreshes(seed: int, snapshot: SnapshotAssertion) -> None:
    decision = decided(a_ledger(worse=0.4, seed=seed))
    assert (decision.action, decision.refreshed) == ("held", False)
    assert decision.refresh is not None and decision.refresh.mean < -decision.refresh.margin
    assert "0.2000 edge worse" in str(decision) and str(decision) == snapshot(name=f"seed {seed}")


def test_a_retrain_that_got_worse_lately_does_not_refresh_whatever_the_year_says() -> None:
    d = np.concatenate([np.full(210, 0.05), np.full(40, -0.02)])[:, None]
    d = d + 0.01 * np.random.default_rng(1).normal(size=d.shape)
    found = not_worse(d, np.full((250, 1), 91.0), row=0, margin=0.01, threshold=3.5, r=0.0)
    assert found is not None and found.z > 10.0 and not found.passed
    fine = not_worse(d[:210], np.full((210, 1), 91.0), row=0, margin=0.01, threshold=3.5, r=0.0)
    assert fine is not None and fine.passed


def test_too_few_days_refresh_nothing() -> None:
    assert not_worse(np.ones((39, 1)), np.ones((39, 1)), row=0, margin=0.1, threshold=3.0, r=0.0) is None


def test_a_clear_winner_comes_before_a_refresh() -> None:
    decision = decided(a_ledger(better=0.9), "old", "better")
    assert (decision.winner, decision.refreshed, decision.refresh) == ("better", False, None)


def test_guards_hold_a_refresh_back_and_other_recipes_do_not_refresh(snapshot: SnapshotAssertion) -> None:
    broken = candidate("old", guards=(Guard("continuity", False, "agrees on 41 %"),))
    decision = decided(a_ledger(), broken)
    assert (decision.action, decision.reason) == ("held", "continuity")
    assert "continuity (agrees on 41 %)" in str(decision) and str(decision) == snapshot
    assert decided(a_ledger(other=0.3), "other").refresh is None


def test_between_looks_there_is_no_refresh(snapshot: SnapshotAssertion) -> None:
    decision = decided(a_ledger(), policy=replace(POLICY, cadence=7))  # the 99th night: 98 was a look
    assert decision.action == "held" and str(decision) == snapshot
    assert decided(a_ledger(), policy=replace(POLICY, cadence=9)).refreshed


def test_only_days_that_this_champion_served_speak_for_a_refresh() -> None:
    """The days before, judged by its recipe's stream, show no difference by themselves."""
    served = replace(OLD, since=DAYS[-50], refreshed=True)
    found = decided(a_ledger(), policy=replace(POLICY, maximum_age_nights=40), champion=served).refresh
    assert found is not None and found.days == 49


def test_after_a_refresh_the_evidence_of_other_recipes_goes_on() -> None:
    """On days before it against the recipe that serves, by the version that was the newest then."""
    whole = a_ledger(other=0.35)
    since = DAYS[-6]
    frozen = replace(
        whole.streams["version:v1"],
        p=np.where(whole.day.astype(str) > since, whole.streams["version:v1"].p, np.nan),
    )
    found = replace(whole, streams={**whole.streams, "version:v1": frozen})
    fresh = replace(OLD, since=since, after=since)
    refreshed = replace(OLD, since=since, refreshed=True)
    assert decided(found, "other", champion=fresh).days == 5
    decision = decided(found, "other", champion=refreshed)
    assert decision.days == 99 and decision.champion_refreshed
    by_hand = with_its_past(found, "version:v1", "recipe:old")
    days = by_hand.day.astype(str)
    assert np.array_equal(
        by_hand.streams["version:v1"].p[days <= since], found.streams["recipe:old"].p[days <= since], equal_nan=True
    )
    assert np.array_equal(by_hand.streams["version:v1"].p[days > since], frozen.p[days > since])
    against_the_recipe = decided(by_hand, "other", champion=replace(OLD, since=since))
    assert decision.rows == against_the_recipe.rows


def test_the_recipe_itself_earned_nothing_against_its_own_past() -> None:
    whole = a_ledger()
    since = DAYS[-6]
    p = np.where(whole.day.astype(str) > since, whole.streams["version:v1"].p, np.nan)
    found = replace(whole, streams={**whole.streams, "version:v1": replace(whole.streams["version:v1"], p=p)})
    decision = decided(found, champion=replace(OLD, since=since, refreshed=True))
    assert abs(decision.rows[0].largest_z or 9.0) < 3.0 and decision.refresh is None


def test_a_champion_whose_recipe_is_gone_has_no_past_to_extend() -> None:
    found = a_ledger()
    assert with_its_past(found, "version:v1", "recipe:gone") is found
    assert with_its_past(found, "version:v9", "recipe:old") is found


@pytest.mark.parametrize("worse", [0.0, 0.4])
def test_the_record_of_a_refresh_comes_back_from_json(worse: float) -> None:
    decision = decided(a_ledger(worse=worse))
    assert decision.refresh is not None
    assert NightlyDecision.from_dict(json.loads(json.dumps(decision.to_dict(), allow_nan=False))) == decision
