"""The pool of a fleet from arrays: what is summed, what is proposed, and what changes nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.fleet.pooled import (
    MemberDays,
    Track,
    deviations,
    judge_pooled,
    judge_pooled_days,
    pooled_days,
    pooled_threshold,
    share_of,
)
from flows.gate.nightly.calibration import Simulation, calibrate

BUDGET = 0.02


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.fleet.pooled.calibrate", partial(calibrate, simulation=Simulation(paths=4000)))


def member(name: str, gain: float = 0.0, *, days: int = 120, seed: int | None = None, **of_line: Any) -> MemberDays:
    """A model on which ``line`` leads by ``gain`` deviations a day, ``bayes`` by nothing."""
    rng = np.random.default_rng(sum(name.encode()) if seed is None else seed)
    day = np.datetime64("2024-01-01") + np.arange(days)
    lines = Track("line", 0.05 * (rng.standard_normal(days) + gain), "v2", **of_line)
    tracks = {"recipe:line": lines, "recipe:bayes": Track("bayes", 0.05 * rng.standard_normal(days), "v3")}
    return MemberDays(name, day, tracks, np.full(days, 0.05))


def test_a_lead_that_no_model_shows_alone_is_seen_in_all_of_them() -> None:
    members = [member(f"m{at:02}", 0.13, seed=at) for at in range(16)]
    decision = judge_pooled(members, budget=BUDGET)
    assert decision.action == "proposed"
    line = next(row for row in decision.rows if row.recipe == "line")
    alone = [judge_pooled_days(each.tracks["recipe:line"].lead[:, None]).best for each in members]
    assert line.z is not None and decision.threshold is not None
    assert line.z > decision.threshold > max(each.z for each in alone if each is not None)
    assert [each.model for each in decision.proposed if each.held_by is None][:2] == ["m00", "m01"]
    assert all(each.version == "v2" for each in decision.proposed)


def test_where_its_own_lead_is_not_above_zero_or_a_guard_holds_it_is_not_proposed() -> None:
    members = [*(member(f"m{at}", 0.5) for at in range(8)), member("worse", -0.5), member("net", 0.5, held_by="costs")]
    decision = judge_pooled(members, budget=BUDGET)
    held = {each.model: each.held_by for each in decision.proposed if each.held_by is not None}
    assert held == {"worse": "its own lead there is not above zero", "net": "costs"}
    assert "not on worse" in decision.sentence and "not on net: costs" in decision.sentence


def test_what_a_recipe_wins_on_half_of_the_models_and_loses_on_the_other_is_nothing() -> None:
    members = [member(f"m{at}", 0.3 if at % 2 else -0.3) for at in range(10)]
    decision = judge_pooled(members, budget=BUDGET)
    assert decision.action == "held" and decision.proposed == () and "not better" in decision.sentence


def test_models_that_move_together_are_no_more_than_one() -> None:
    twins = [member(f"m{at}", 0.25, seed=7) for at in range(8)]
    one = judge_pooled_days(twins[0].tracks["recipe:line"].lead[:, None]).best_of(0)
    row = next(row for row in judge_pooled(twins, budget=BUDGET).rows if row.recipe == "line")
    assert one is not None and row.z == pytest.approx(one.z, rel=0.05)


def test_a_recipe_that_one_model_alone_has_is_not_pooled() -> None:
    only = member("a")
    other = replace(member("b"), tracks={"recipe:other": Track("other", np.zeros(120))})
    assert judge_pooled([only, other], budget=BUDGET).sentence == "no recipe has evidence on two models"
    assert judge_pooled([], budget=BUDGET).action == "held"


def test_with_few_days_nothing_is_judged() -> None:
    decision = judge_pooled([member("a", 3.0, days=30), member("b", 3.0, days=30)], budget=BUDGET)
    assert decision.action == "held" and "too few days" in decision.sentence


def test_a_weekend_of_the_one_that_trades_it_goes_into_the_next_day() -> None:
    alone = np.array([False, True] * 10)
    a, b, c = (member(name, days=20) for name in "abc")

    def five_days(of: MemberDays) -> MemberDays:
        tracks = {"recipe:line": replace(of.tracks["recipe:line"], lead=of.tracks["recipe:line"].lead[~alone])}
        return MemberDays(of.model, of.day[~alone], tracks, of.deviation[~alone])

    _, days, sums = pooled_days([a, five_days(b), five_days(c)])
    line = sums[:, pooled_days([a, five_days(b), five_days(c)])[0].index("recipe:line")]
    assert np.isnan(line[alone]).all() and days.size == 20
    scaled = a.tracks["recipe:line"].lead / 0.05
    rest = sum(five_days(each).tracks["recipe:line"].lead[1] / 0.05 for each in (b, c))
    assert line[2] == pytest.approx(scaled[1] + scaled[2] + rest)


def test_a_deviation_is_known_before_its_day() -> None:
    scores = np.random.default_rng(1).standard_normal((400, 3))
    known = deviations(scores)
    assert np.isnan(known[:20]).all() and not np.isnan(known[20:]).any()
    scores[300:] *= 100.0
    assert (deviations(scores)[20:301] == known[20:301]).all()
    expected = np.sqrt(np.square((s := scores[50:300]) - s.mean(axis=1, keepdims=True)).sum(axis=1).mean() / 2)
    assert known[300] == pytest.approx(expected, rel=0.02)


def test_recipes_that_say_the_same_have_no_deviation() -> None:
    assert np.isnan(deviations(np.repeat(np.random.default_rng(1).standard_normal((50, 1)), 3, axis=1))).all()


def test_the_pool_spends_all_of_its_budget_on_recipes() -> None:
    assert pooled_threshold(5, 0.03, young=False) == calibrate(5, simulation=Simulation(paths=4000)).threshold
    assert share_of(0.05, 20) == 0.001875


@given(order=st.permutations(range(5)), scale=st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_neither_the_order_of_members_nor_the_size_of_scores_changes_anything(order: list[int], scale: float) -> None:
    members = [member(f"m{at}", 0.1) for at in range(5)]
    _, _, usual = pooled_days(members)
    larger = replace(
        members[2],
        tracks={key: replace(each, lead=each.lead * scale) for key, each in members[2].tracks.items()},
        deviation=members[2].deviation * scale,
    )
    _, _, sums = pooled_days([members[at] if at != 2 else larger for at in order])
    np.testing.assert_allclose(sums, usual, rtol=1e-9, atol=1e-12)


def test_a_member_without_a_new_day_changes_no_day_of_the_others() -> None:
    a, b, late = member("a"), member("b"), member("late", days=119)
    _, _, sums = pooled_days([a, b, late])
    expected = sum(each.tracks["recipe:bayes"].lead[-1] / 0.05 for each in (a, b))
    assert sums[-1, 0] == pytest.approx(expected)
