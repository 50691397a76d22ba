"""Faults of a champion that need no statistics over days."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from flows.bars import night_of
from flows.errors import GateRefused
from flows.instruments import find_instrument
from flows.monitoring.drift import SHIFTED, days_behind, one_sided, population_stability, profile, thin_days
from flows.monitoring.health import day_before

TRAINING = np.random.default_rng(0).normal(size=(5000, 2))


def test_features_that_look_like_training_have_not_shifted():
    found = population_stability(profile(TRAINING), np.random.default_rng(1).normal(size=(2000, 2)))
    assert (found.index < 0.02).all()
    assert (found.outside < 0.01).all()


def test_the_feature_that_moved_is_named_by_its_place():
    recent = np.random.default_rng(1).normal([0.0, 4.0], size=(2000, 2))
    found = population_stability(profile(TRAINING), recent)
    assert (found.index > SHIFTED).tolist() == [False, True]
    assert found.outside[1] > 0.5


def test_the_index_is_the_sum_over_the_deciles():
    training = np.arange(100.0)[:, None]
    recent = np.concatenate([np.arange(50.0), np.arange(50.0)])[:, None]
    actual, expected = (np.array([20.5] * 5 + [0.5] * 5) / 105, np.array([10.5] * 10) / 105)
    found = population_stability(profile(training), recent)
    assert found.index[0] == pytest.approx(((actual - expected) * np.log(actual / expected)).sum())


def test_a_constant_feature_that_stays_has_not_shifted_and_one_that_leaves_has():
    trained = profile(np.ones((100, 1)))
    assert population_stability(trained, np.ones((100, 1))).index[0] == 0.0
    assert population_stability(trained, np.full((100, 1), 2.0)).index[0] > SHIFTED


@pytest.mark.parametrize(("p", "one"), [([0.6, 0.9], True), ([0.5, 0.1], True), ([0.4, 0.6], False), ([0.7], True)])
def test_a_champion_that_says_one_class_is_seen(p, one):
    assert one_sided(p, threshold=0.5) is one


@pytest.mark.parametrize(
    ("newest", "expected", "days"),
    [
        ("2024-03-01", "2024-03-01", 0),
        ("2024-03-01", "2024-03-04", 1),  # Friday's bar on Monday: the weekend has none
        ("2024-03-01", "2024-03-08", 5),
        ("2024-03-04", "2024-03-01", 0),
    ],
)
def test_stale_bars_are_counted_in_trading_days(newest, expected, days):
    assert days_behind(np.datetime64(newest), np.datetime64(expected)) == days


def test_days_with_missing_bars_are_found():
    assert thin_days([91, 91, 50, 91, 72]).tolist() == [2, 4]
    assert thin_days([]).size == 0


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: profile(np.zeros((9, 1))), "at least 10 bars"),
        (lambda: profile(np.zeros(100)), "one column a feature"),
        (lambda: profile(np.zeros((100, 0))), "one column a feature"),
        (lambda: profile(np.full((100, 1), np.nan)), "not finite"),
        (lambda: population_stability(profile(TRAINING), np.zeros((100, 3))), "3 features beside a profile of 2"),
        (lambda: population_stability(profile(TRAINING), np.full((100, 2), np.inf)), "not finite"),
        (lambda: one_sided([], threshold=0.5), "missing or not finite"),
        (lambda: one_sided([np.nan], threshold=0.5), "missing or not finite"),
    ],
)
def test_what_cannot_be_checked_is_refused(ask, message):
    with pytest.raises(GateRefused, match=message):
        ask()


def test_a_market_that_never_shuts_has_trading_days_on_weekends():
    bitcoin, friday, monday = find_instrument("BTCUSD"), np.datetime64("2024-03-01"), np.datetime64("2024-03-04")
    assert days_behind(friday, monday, bitcoin.hours) == 3
    sunday_noon = datetime(2024, 3, 3, 12, tzinfo=UTC)
    assert day_before(sunday_noon, bitcoin).isoformat() == "2024-03-02"
    assert day_before(sunday_noon).isoformat() == "2024-03-01"


def test_the_day_before_is_the_weekday_before_for_gbpusd():
    for hours in range(24 * 21):
        now = datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=hours)
        of_numpy = np.busday_offset(np.datetime64(night_of(pd.Timestamp(now)).isoformat()), -1, roll="forward")
        assert day_before(now).isoformat() == str(of_numpy)
