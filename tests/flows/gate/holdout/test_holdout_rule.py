"""Who is promoted, who is held, and why."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats

from flows.gate import HoldoutPolicy, Predictions
from tests.flows.gate.holdout_cases import SMALL, Holdout, alternating, days_of, holdout


def test_a_clearly_better_candidate_replaces_the_champion():
    bars = holdout()
    decision = bars.judge(bars.right_often(0.50, "rf_shallow", 1, "v1"), [bars.right_often(0.60, "rf_deep", 2, "v2")])
    assert (decision.action, decision.winner, decision.reason) == ("promoted", "rf_deep", "better")
    assert decision.champion == decision.against == "v1"


def test_a_candidate_that_is_a_little_better_is_held():
    bars = holdout()
    decision = bars.judge(bars.right_often(0.55, "rf_shallow", 1, "v1"), [bars.right_often(0.56, "rf_deep", 2, "v2")])
    assert decision.rows[0].difference_points > 0
    assert (decision.action, decision.winner, decision.reason) == ("held", None, "not better")


def test_a_clearly_worse_candidate_is_held():
    bars = holdout()
    decision = bars.judge(bars.right_often(0.65, "rf_shallow", 1), [bars.right_often(0.55, "rf_deep", 2)])
    assert (decision.action, decision.reason) == ("held", "not better")
    assert decision.rows[0].z < -2 and decision.champion == "rf_shallow"


def test_a_candidate_that_is_the_champion_is_never_promoted():
    bars = holdout()
    champion = bars.right_often(0.6, "rf_shallow", 1, "v1")
    (row,) = bars.judge(champion, [champion]).rows
    assert (row.difference_points, row.standard_error_points, row.z) == (0.0, 0.0, 0.0)
    assert bars.judge(champion, [champion], policy=HoldoutPolicy(alpha=0.499)).action == "held"


def test_a_lead_that_is_the_same_on_every_day_is_no_evidence():
    bars = alternating(days=20)
    worse = np.tile([True, False, False], 20 * 48 // 3)
    better = np.tile([True, False, True], 20 * 48 // 3)
    decision = bars.judge(bars.right_on(worse, "rf_shallow"), [bars.right_on(better, "rf_deep")])
    assert decision.rows[0].difference_points == pytest.approx(100 / 3)
    assert (decision.rows[0].standard_error_points, decision.rows[0].z) == (0.0, 0.0)
    assert decision.action == "held"


def test_the_statistic_is_the_one_in_the_docstring():
    bars = Holdout(np.array([1, 0, 1, 1, 0, 0]), days_of(3, 1, 2))
    candidate = bars.right_on(np.array([True, True, False, True, True, True]), "rf_deep")
    champion = bars.right_on(np.array([True, False, True, False, True, True]), "rf_shallow")
    never_right = bars.right_on(np.zeros(6, dtype=bool), "no_skill")
    decision = bars.judge(champion, [candidate], policy=SMALL, no_skill=never_right)
    row = decision.rows[0]
    weight, mean = np.array([3, 1, 2]) / 6, np.array([0.0, 1.0, 0.0])
    effective = 1 / np.sum(weight**2)
    difference = np.sum(weight * mean)
    error = np.sqrt(effective / (effective - 1) * np.sum(weight**2 * (mean - difference) ** 2))
    assert row.difference_points == pytest.approx(100 * difference)
    assert row.standard_error_points == pytest.approx(100 * error)
    assert row.z == pytest.approx(difference / error)
    assert row.p_value == pytest.approx(stats.t.sf(difference / error, effective - 1))
    assert decision.data.effective_days == pytest.approx(effective)


def test_on_days_of_equal_length_it_is_the_paired_t_test_of_daily_means():
    bars = holdout(days=30, bars=48)
    candidate, champion = bars.right_often(0.55, "rf_deep", 1), bars.right_often(0.5, "rf_shallow", 2)
    row = bars.judge(champion, [candidate]).rows[0]
    daily = [((stream.p > 0.5) == bars.label).reshape(30, 48).mean(axis=1) for stream in (candidate, champion)]
    expected = stats.ttest_rel(*daily, alternative="greater")
    assert (row.z, row.p_value) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))


def test_more_candidates_ask_for_a_higher_z():
    bars = holdout()
    champion = bars.right_often(0.50, "rf_shallow", 1)
    candidate = bars.right_often(0.536, "rf_deep", 2)
    crowd = [bars.right_often(0.50, f"other_{k}", 10 + k) for k in range(7)]
    alone, crowded = bars.judge(champion, [candidate]), bars.judge(champion, [candidate, *crowd])
    assert (alone.action, crowded.action) == ("promoted", "held")
    assert crowded.rows[0].p_value == pytest.approx(8 * alone.rows[0].p_value)
    assert crowded.thresholds["critical_z"] == pytest.approx(stats.t.isf(0.05 / 8, 39))


def test_a_corrected_p_value_is_never_above_one():
    bars = holdout()
    candidates = [bars.right_often(0.4, f"recipe_{k}", k) for k in range(2, 5)]
    assert {row.p_value for row in bars.judge(bars.right_often(0.6, "rf_shallow", 1), candidates).rows} == {1.0}


def test_of_two_that_beat_the_champion_the_more_accurate_one_wins():
    bars = holdout()
    candidates = [bars.right_often(0.60, "rf_deep", 2), bars.right_often(0.65, "logistic", 3)]
    assert bars.judge(bars.right_often(0.5, "rf_shallow", 1), candidates).winner == "logistic"


def test_the_cut_of_a_stream_decides_what_it_says():
    bars = alternating(days=20)
    p = np.where(bars.label == 1, 0.40, 0.30)
    at_half, at_its_cut = Predictions("rf", "f", p, 0.5), Predictions("rf", "f", p, 0.30)
    assert bars.judge(None, [at_half]).rows[0].accuracy == 0.5
    assert bars.judge(None, [at_its_cut]).rows[0].accuracy == 1.0  # a probability at the cut is "not up"


def test_the_first_champion_needs_no_significance_but_its_z_is_told():
    bars = holdout()
    accuracy = (bars.label == 0).mean() if bars.label.mean() < 0.5 else bars.label.mean()
    candidate = bars.right_often(accuracy + 0.01, "rf_shallow", 6)
    decision = bars.judge(None, [candidate])
    assert (decision.action, decision.winner, decision.reason) == ("promoted", "rf_shallow", "first champion")
    assert 0 < decision.rows[0].z < decision.thresholds["critical_z"]
    assert (decision.champion, decision.champion_accuracy, decision.against) == (None, None, "no_skill")


def test_of_equal_first_candidates_the_first_in_recipe_order_wins():
    bars = holdout()
    one, two = bars.right_often(0.6, "one", 1), bars.right_often(0.6, "two", 1)
    assert bars.judge(None, [one, two]).winner == "one"
    assert bars.judge(None, [two, one]).winner == "two"


def test_production_stays_empty_where_no_candidate_reaches_no_skill():
    bars = holdout()
    candidates = [bars.right_often(0.45, "rf_deep", 1), bars.right_often(0.40, "rf_shallow", 2)]
    decision = bars.judge(None, candidates)
    assert (decision.action, decision.winner, decision.reason) == ("empty", None, "below no_skill")
    assert not decision.accept_unskilled


def test_an_unskilled_first_champion_is_accepted_on_request_and_this_is_recorded():
    bars = holdout()
    candidates = [bars.right_often(0.40, "rf_shallow", 2), bars.right_often(0.45, "rf_deep", 1)]
    decision = bars.judge(None, candidates, accept_unskilled=True)
    assert (decision.action, decision.winner, decision.reason) == ("promoted", "rf_deep", "unskilled accepted")
    assert decision.accept_unskilled
    assert [guard.name for guard in decision.rows[1].failed_guards] == ["no_skill"]


def test_accepting_the_unskilled_does_not_prefer_them():
    bars = alternating(days=20)
    right = np.arange(bars.label.size) % 4 < 2
    always_up, skilled = bars.always(0.6, "always_up"), bars.right_on(right, "rf_shallow")
    assert bars.judge(None, [always_up, skilled], accept_unskilled=True).winner == "rf_shallow"


def test_accepting_the_unskilled_replaces_no_evidence():
    bars = holdout()
    champion, candidate = bars.right_often(0.48, "rf_shallow", 1), bars.right_often(0.48, "rf_deep", 2)
    assert bars.judge(champion, [candidate], accept_unskilled=True).action == "held"


def test_a_candidate_below_no_skill_is_held_even_where_it_beats_the_champion():
    bars = holdout()
    champion, candidate = bars.right_often(0.30, "rf_shallow", 1, "v1"), bars.right_often(0.45, "rf_deep", 2)
    decision = bars.judge(champion, [candidate])
    assert decision.rows[0].z > decision.thresholds["critical_z"]
    assert (decision.action, decision.reason) == ("held", "below no_skill")


def test_a_candidate_that_always_says_the_same_is_held():
    bars = holdout()
    decision = bars.judge(None, [bars.always(bars.no_skill.p[0], "stuck")])
    assert (decision.action, decision.reason) == ("empty", "one class")


def test_the_margin_over_no_skill_can_be_raised():
    bars = alternating(days=20)
    right = np.arange(bars.label.size) % 25 < 13  # about 52 % against 50 %
    candidate = bars.right_on(right, "rf_shallow")
    asked = {
        margin: bars.judge(None, [candidate], policy=HoldoutPolicy(no_skill_margin_points=margin))
        for margin in (1.0, 3.0)
    }
    assert (asked[1.0].action, asked[3.0].action) == ("promoted", "empty")


def test_references_stand_beside_the_candidates_and_never_win():
    bars = holdout()
    fade = bars.right_often(0.9, "fade_rsi", 5)
    decision = bars.judge(None, [bars.right_often(0.6, "rf_shallow", 1)], references=[fade])
    assert decision.winner == "rf_shallow"
    assert list(decision.references) == ["no_skill", "fade_rsi"]
    assert decision.references["fade_rsi"] == pytest.approx(0.9, abs=0.02)


def test_a_million_bars_are_judged_in_a_moment():
    bars = holdout(days=10_000, bars=100)
    champion = bars.right_often(0.51, "rf_shallow", 1)
    candidates = [champion, *(bars.right_often(0.51, f"recipe_{k}", k) for k in range(2, 5))]
    start = time.perf_counter()
    assert bars.judge(champion, candidates).data.bars == 1_000_000
    assert (
        time.perf_counter() - start < 2.0
    )  # 0.06 s with eight candidates where this was written; a slow day is allowed


def test_one_look_promotes_falsely_no_more_often_than_it_says():
    days, bars_a_day, simulations, candidates = 40, 48, 600, 3
    rng = np.random.default_rng(20240101)
    promoted = 0
    for _ in range(simulations):
        bars = Holdout(rng.integers(0, 2, days * bars_a_day), days_of(*[bars_a_day] * days))
        # the accuracy of each stream moves from day to day: bars are not independent, days are
        accuracy = np.repeat(0.52 + 0.10 * rng.standard_normal((candidates + 1, days)), bars_a_day, axis=1)
        right = rng.random(accuracy.shape) < accuracy
        champion, *others = (bars.right_on(row, f"recipe_{k}") for k, row in enumerate(right))
        never_right = bars.right_on(np.zeros(bars.label.size, dtype=bool), "no_skill")
        promoted += bars.judge(champion, others, no_skill=never_right).action == "promoted"
    assert 0.02 <= promoted / simulations <= 0.07
