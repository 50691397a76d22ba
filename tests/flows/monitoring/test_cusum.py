"""The watch over the champion: when it speaks, what it says, and that it is silent otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import GateRefused
from flows.monitoring.cusum import Baseline, alarm_threshold, baseline, watch

STEADY = Baseline(mean=0.52, deviation=0.05, days=250)


def days(n=250, mean=0.52, seed=0):
    return np.random.default_rng(seed).normal(mean, 0.05, n)


def test_a_fall_is_seen_and_says_since_when_and_by_how_much():
    scores = np.concatenate([np.full(60, 0.52), np.full(90, 0.47)])
    alarm = watch(scores, STEADY).alarm
    assert alarm.since == 60
    assert 60 < alarm.at < 90
    assert alarm.mean == pytest.approx(0.47)
    assert alarm.days == 90
    assert alarm.baseline_mean == 0.52
    assert not alarm.provisional


def test_a_champion_as_good_as_ever_raises_none():
    assert watch(np.full(2000, 0.52), STEADY).alarm is None


def test_a_champion_that_gets_better_raises_none():
    assert watch(np.linspace(0.52, 0.9, 500), STEADY).alarm is None


def test_an_alarm_ends_when_the_fall_is_made_up_for_and_the_next_one_is_another():
    fall, recovery = np.full(60, 0.47), np.full(60, 0.60)
    fallen = watch(np.concatenate([fall, recovery[:25]]), STEADY)
    assert fallen.alarm.since == 0 and 0.0 < fallen.cusum[-1] < fallen.threshold
    recovered = watch(np.concatenate([fall, recovery]), STEADY)
    assert recovered.cusum.max() > recovered.threshold and recovered.alarm is None
    again = watch(np.concatenate([fall, recovery, fall]), STEADY).alarm
    assert (again.since, again.mean) == (120, pytest.approx(0.47))


def test_about_one_unchanged_champion_in_twenty_raises_one_in_a_year():
    watched = [watch(days(seed=2 * i), baseline(days(seed=2 * i + 1))) for i in range(400)]
    assert 8 <= sum(bool((each.cusum > each.threshold).any()) for each in watched) <= 36


@given(st.integers(0, 999), st.integers(1, 249))
@settings(max_examples=30, deadline=None)
def test_a_later_day_changes_nothing_before_it(seed, at):
    scores = days(seed=seed)
    planted = scores.copy()
    planted[at:] = 0.0
    assert np.array_equal(watch(planted, STEADY).cusum[:at], watch(scores, STEADY).cusum[:at])


@given(st.integers(0, 999), st.floats(0.0, 0.1))
@settings(max_examples=30, deadline=None)
def test_a_better_score_never_brings_an_alarm_nearer(seed, better):
    scores = days(mean=0.49, seed=seed)
    assert (watch(scores + better, STEADY).cusum <= watch(scores, STEADY).cusum).all()


def test_the_scale_of_the_score_does_not_matter():
    before, since = days(seed=1), days(mean=0.48, seed=2)
    told, scaled = watch(since, baseline(before)), watch(since * 100, baseline(before * 100))
    assert scaled.cusum == pytest.approx(told.cusum)
    assert scaled.alarm.at == told.alarm.at


def test_no_days_since_are_no_alarm():
    assert watch([], STEADY).alarm is None


@pytest.mark.parametrize(("n", "provisional"), [(40, True), (249, True), (250, False), (500, False)])
def test_a_baseline_shorter_than_a_year_is_provisional_and_its_alarm_says_so(n, provisional):
    base = baseline(days(n))
    assert base.provisional is provisional
    assert watch(np.zeros(100), base).alarm.provisional is provisional


def test_a_short_baseline_needs_a_clearer_fall():
    assert alarm_threshold(40) > alarm_threshold(100) > alarm_threshold(250) > alarm_threshold(1000)


def test_the_threshold_is_the_one_for_the_days_in_the_baseline():
    assert watch(days(), baseline(days(60))).threshold == alarm_threshold(60)
    assert watch(days(), baseline(days(3000))).threshold == alarm_threshold(1000)


def test_the_alarm_threshold_is_the_same_everywhere():
    first = alarm_threshold(250)
    alarm_threshold.cache_clear()
    assert alarm_threshold(250) == first


def test_days_that_follow_each_other_widen_the_baseline():
    scores = days(400)
    for t in range(1, 400):
        scores[t] += 0.5 * (scores[t - 1] - 0.52)
    assert baseline(scores).deviation > 1.4 * scores.std()


def test_a_wilder_market_is_no_fall():
    # 0.71 of such years had an alarm while each day was divided by the baseline's deviation
    wild = [days(seed=2 * i) for i in range(200)]
    watched = [watch(0.52 + 3**0.5 * (each - 0.52), baseline(days(seed=2 * i + 1))) for i, each in enumerate(wild)]
    assert sum(bool((each.cusum > each.threshold).any()) for each in watched) <= 40


def test_a_calmer_market_changes_nothing():
    calm = 0.49 + 0.1 * (days(seed=3) - 0.52)
    assert watch(calm, STEADY).cusum[:50] == pytest.approx(np.cumsum((0.52 - calm) / 0.05 - 0.25)[:50])


def test_two_half_days_are_one_day():
    scores, bars = np.array([0.47, 0.52, 0.45]), np.array([90.0, 90.0, 90.0])
    base = replace(STEADY, bars=90.0)
    halves = watch(np.repeat(scores, 2), base, np.repeat(bars, 2) / 2)
    assert halves.cusum[1::2] == pytest.approx(watch(scores, base, bars).cusum)
    assert watch(scores, base, bars).cusum == pytest.approx(watch(scores, STEADY).cusum)


def test_a_thin_day_of_the_baseline_counts_for_its_bars():
    scores, bars = days(60), np.full(60, 91.0)
    scores[7], bars[7] = 9.0, 0.001
    whole, without = baseline(scores, bars), baseline(np.delete(scores, 7))
    assert whole.mean == pytest.approx(without.mean, abs=0.001)
    assert whole.bars == pytest.approx(bars.mean())
    assert baseline(scores).mean > 0.6


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: baseline(days(39)), "needs 40 out-of-sample days and has 39"),
        (lambda: baseline([]), "has 0"),
        (lambda: baseline(np.full(250, 0.5)), "never varies"),
        (lambda: baseline([*days(), np.nan]), "day 250 is nan"),
        (lambda: baseline(np.zeros((250, 2))), "one champion"),
        (lambda: watch([0.5, np.inf], STEADY), "day 1 is inf"),
        (lambda: watch([0.5, 0.5], STEADY, [91.0, 0.0]), "a day without bars"),
        (lambda: watch([0.5, 0.5], STEADY, [91.0]), "beside 2 daily scores"),
        (lambda: alarm_threshold(250, budget=0.0), "yearly budget"),
        (lambda: alarm_threshold(250, budget=1.0), "yearly budget"),
    ],
)
def test_what_cannot_be_watched_is_refused(ask, message):
    with pytest.raises(GateRefused, match=message):
        ask()
