"""The nightly statistic: which windows, how sure, and what it can never do."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flows.errors import GateRefused
from flows.gate.nightly import sequential
from flows.gate.nightly.sequential import (
    Lead,
    day_autocorrelation,
    existing_windows,
    more_nights,
    normal_from_t,
    together,
    variance_inflation,
    visible_difference,
    window_statistics,
)

FOUR = (40, 80, 160, 250)
"""More windows than are usual, so that what is true of short ones is seen in several."""

judge = partial(sequential.judge, windows=FOUR)

SEEDS = st.integers(0, 2**32 - 1)


def night(n_days=250, n_recipes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_days, n_recipes)), rng.integers(48, 92, n_days)


def test_equal_days_give_the_one_sample_t_test():
    d = np.random.default_rng(3).normal(0.3, size=(40, 1))
    found = judge(d, np.ones(40))
    t = stats.ttest_1samp(d[:, 0], 0.0)
    inflation = float(variance_inflation(found.r))
    assert found.mean[0, 0] == pytest.approx(d.mean())
    assert found.mean[0, 0] / found.standard_error[0, 0] * inflation == pytest.approx(t.statistic)
    assert found.z[0, 0] * inflation == pytest.approx(stats.norm.isf(t.pvalue / 2), abs=2e-3)


def test_a_longer_day_weighs_more():
    d, w = np.zeros((40, 1)), np.ones(40)
    d[:20], w[:20] = 1.0, 3.0
    assert judge(d, w).mean[0, 0] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("n_days", "windows"), [(0, 0), (1, 0), (39, 0), (40, 2), (79, 2), (80, 3), (160, 4), (300, 4)]
)
def test_only_windows_that_exist_since_the_champion_was_trained_are_judged(n_days, windows):
    found = judge(*night(n_days, 2))
    assert np.isfinite(found.z).sum(axis=1).tolist() == [windows, windows]
    assert (found.best is None) == (windows == 0)


def test_the_longest_window_grows_with_the_days_of_a_young_champion():
    for n_days in (40, 55, 100, 249, 250, 300):
        d, w = night(n_days, 1)
        found, seen = judge(d, w), min(n_days, 250)
        assert found.n[0, 3] == seen
        assert found.mean[0, 3] == pytest.approx(np.average(d[-seen:, 0], weights=w[-seen:]))


def test_a_short_window_is_not_believed_to_vary_less_than_the_longest():
    d, w = night(250, 1)
    d[-40:] /= 10.0
    found = judge(d, w)
    assert found.standard_error[0, 0] == pytest.approx(found.standard_error[0, 3] * np.sqrt(250 / 40), rel=0.02)
    d[-40:] *= 50.0  # and one that varies more is believed
    assert judge(d, w).standard_error[0, 0] > 1.5 * judge(d, w).standard_error[0, 3] * np.sqrt(250 / 40)


def test_a_window_is_the_last_days():
    d, w = night(250, 1)
    d[-40:] += 2.0
    assert judge(d, w).best_of(0).days == 40


@given(SEEDS, st.integers(1, 300), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_exchanging_champion_and_recipe_flips_the_sign_and_nothing_else(seed, n_days, n_recipes):
    d, w = night(n_days, n_recipes, seed)
    ours, theirs = judge(d, w), judge(-d, w)
    assert np.array_equal(ours.z, -theirs.z, equal_nan=True)
    assert np.array_equal(ours.mean, -theirs.mean, equal_nan=True)
    assert np.array_equal(ours.standard_error, theirs.standard_error, equal_nan=True)
    assert ours.r == theirs.r


@given(SEEDS, st.permutations(range(5)), st.integers(40, 260))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_recipes_changes_nothing(seed, order, n_days):
    d, w = night(n_days, 5, seed)
    found, permuted = judge(d, w), judge(d[:, order], w)
    assert np.array_equal(permuted.z, found.z[list(order)], equal_nan=True)
    assert permuted.r == found.r
    assert order[permuted.best.recipe] == found.best.recipe


def test_identical_models_are_never_evidence():
    found = judge(np.zeros((250, 2)), np.full(250, 91.0))
    assert (found.z == 0.0).all()
    assert found.best.z == 0.0
    assert found.r == 0.0


@pytest.mark.parametrize("lead", [0.1, -3.0, 1e-300, 1e150])
def test_days_that_all_show_the_same_difference_are_no_evidence(lead):
    d, w = night(250, 1)
    found = judge(np.full_like(d, lead), w)
    assert (found.z == 0.0).all()
    assert (found.standard_error == 0.0).all()


def test_one_day_with_nearly_all_the_bars_is_no_evidence():
    d, w = night(40, 1)
    w = w.astype(float)
    w[7] = 1e12
    assert judge(d, w).z[0, 0] == 0.0


def test_a_model_of_another_scale_has_the_same_z():
    d, w = night()
    assert judge(d * 1e-6, w).z == pytest.approx(judge(d, w).z)


def test_a_recipe_that_came_later_is_judged_on_its_own_days():
    d, w = night(250, 2)
    d[:150, 1] = np.nan
    alone = judge(d[150:, 1:], w[150:])
    both = judge(d, w)
    assert both.days.tolist() == [250, 100]
    assert both.mean[1] == pytest.approx(alone.mean[0], nan_ok=True)
    assert np.isfinite(both.z[1]).tolist() == [True, True, False, True]


def test_days_that_follow_each_other_are_paid_for():
    rng = np.random.default_rng(8)
    d, w = rng.normal(size=(250, 4)), np.full(250, 91.0)
    for t in range(1, 250):
        d[t] += 0.5 * d[t - 1]
    found = judge(d, w)
    assert found.r == pytest.approx(0.5, abs=0.07)
    assert found.standard_error[0, 3] == pytest.approx(
        d[:, 0].std(ddof=1) / np.sqrt(250) * np.sqrt((1 + found.r) / (1 - found.r))
    )
    assert found.z[0, 3] == pytest.approx(found.mean[0, 3] / found.standard_error[0, 3], rel=0.02)


def test_days_older_than_the_longest_window_change_nothing():
    d, w = night(400, 2)
    d[:150] = 50.0
    found, recent = judge(d, w), judge(d[150:], w[150:])
    assert np.array_equal(found.z, recent.z)
    assert found.r == recent.r


def test_days_that_alternate_are_not_rewarded():
    d = np.tile([1.0, -1.0], 125)[:, None] + np.random.default_rng(0).normal(size=(250, 1)) / 10
    assert judge(d, np.ones(250)).r == 0.0


def test_a_constant_series_has_no_autocorrelation_and_spoils_no_other():
    d, w = night(250, 2)
    for constant in (0.1, 1 / 3, 1e9 / 7):
        d[:, 1] = constant
        assert np.isnan(day_autocorrelation(d[:, 1]))
        assert judge(d, w).r == judge(d[:, :1], w).r


@pytest.mark.parametrize("degrees", [39, 79, 159, 249])
def test_t_tails_are_carried_to_the_normal(degrees):
    t = np.linspace(-6, 6, 49)
    assert normal_from_t(t, degrees) == pytest.approx(stats.norm.isf(stats.t.sf(t, degrees)), abs=2e-3)


def test_an_absurd_lead_stays_finite():
    assert np.isfinite(normal_from_t(1e150, 39))


def test_more_nights_grow_with_what_is_missing():
    lead = Lead(recipe=0, days=160, mean=0.011, standard_error=0.0046, z=2.4)
    assert more_nights(lead, 2.3) == 0
    assert more_nights(lead, 2.9) == 74  # 160 · (2.9 / 2.4)² = 233.6
    assert more_nights(lead, 3.7) is None  # 381 days: longer than any window


@pytest.mark.parametrize("z", [0.0, -1.0])
def test_a_recipe_that_does_not_lead_never_gets_there(z):
    assert more_nights(Lead(0, 40, z, 1.0, z), 3.7) is None


def test_the_visible_difference_has_the_threshold_as_its_expected_z():
    d, w = night(250, 1)
    d[-40:] += 2.0
    lead = judge(d, w).best_of(0)
    seen = visible_difference(lead, 3.7)
    assert seen * np.sqrt(250 / lead.days) / lead.standard_error == pytest.approx(3.7)


def test_one_decision_looks_at_each_window_of_each_recipe_once(monkeypatch):
    looked = []
    statistics = sequential.window_statistics

    def counted(d, w, windows):
        looked.append((d.shape, windows))
        return statistics(d, w, windows)

    monkeypatch.setattr(sequential, "window_statistics", counted)
    judge(*night(250, 8))
    assert looked == [((250,), [40, 80, 160, 250])] * 8


def test_many_years_at_once_are_judged_as_one_by_one():
    d, w = np.random.default_rng(5).normal(size=(4, 3, 120)), np.full(120, 91.0)
    windows = [n for n in existing_windows(120, FOUR) if n]
    at_once = window_statistics(d, w, windows)
    for year in range(4):
        alone = judge(d[year].T, w)
        z = at_once.z[year] / variance_inflation(alone.r)
        assert np.array_equal(z, alone.z[:, alone.n[0] > 0])


@pytest.mark.parametrize(("days", "found"), [(39, []), (40, [40]), (124, [124]), (125, [125, 125]), (300, [125, 250])])
def test_half_a_year_and_a_growing_one_are_looked_at_from_forty_days_on(days, found):
    assert [n for n in existing_windows(days) if n] == found
    assert [n for n in existing_windows(days, (3, 5)) if n][:1] == [3]  # shorter windows may be set


def test_a_champion_that_falls_is_seen_sooner_by_all_together_than_by_any():
    rng = np.random.default_rng(3)
    own, champion = rng.normal(size=(80, 5)), rng.normal(size=(80, 1))
    lead, w = own - champion + 0.4, np.ones(80)
    each = judge(lead, w)
    everyone = judge(*together(lead, w), r=each.r)
    # a lead has the noise of two, their mean that of one and a fifth
    ratio = everyone.standard_error[0, -1] / each.standard_error[:, -1].mean()
    assert ratio == pytest.approx(np.sqrt(1.2 / 2.0), rel=0.1)
    assert everyone.mean[0, -1] == pytest.approx(lead.mean())
    assert everyone.r == each.r


def test_a_day_that_one_recipe_has_alone_is_no_day_of_all_together():
    d, w = night(50, 3)
    d[10:, 1:] = np.nan
    d[5, 0] = np.nan
    bars = np.column_stack([w, w + 10, w + 20])
    mean, behind = together(d, bars)
    assert np.isfinite(mean[:, 0]).tolist() == [True] * 10 + [False] * 40
    assert mean[5, 0] == pytest.approx(d[5, 1:].mean()) and behind[5, 0] == w[5] + 15
    assert mean[0, 0] == pytest.approx(d[0].mean()) and behind[0, 0] == w[0] + 10


def test_no_recipes_are_no_evidence():
    assert judge(np.empty((250, 0)), np.ones(250)).best is None


@pytest.mark.parametrize(
    ("d", "w", "windows", "message"),
    [
        (np.zeros(50), np.ones(50), (40,), "one column a recipe"),
        (np.full((50, 1), np.inf), np.ones(50), (40,), "infinite"),
        (np.zeros((50, 1)), np.ones(49), (40,), "one number a day"),
        (np.zeros((50, 2)), np.ones((50, 3)), (40,), "one number a day"),
        (np.zeros((50, 1)), np.zeros(50), (40,), "no positive number of bars"),
        (np.zeros((50, 1)), np.full(50, np.nan), (40,), "no positive number of bars"),
        (np.zeros((50, 1)), np.ones(50), (), "increasing numbers of days"),
        (np.zeros((50, 1)), np.ones(50), (40, 40), "increasing numbers of days"),
        (np.zeros((50, 1)), np.ones(50), (2, 40), "from 3 up"),
    ],
)
def test_what_cannot_be_judged_is_refused(d, w, windows, message):
    with pytest.raises(GateRefused, match=message):
        judge(d, w, windows=windows)
