"""Trading days as the unit of evidence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import GateRefused
from flows.gate.scoring.days import by_day

FRIDAY, MONDAY = np.datetime64("2024-03-01"), np.datetime64("2024-03-04")


def test_a_day_is_the_mean_of_its_bars_and_knows_how_many():
    daily = by_day([FRIDAY] * 48 + [MONDAY] * 60, [1.0] * 24 + [0.0] * 24 + [3.0] * 60)
    assert daily.day.tolist() == [FRIDAY, MONDAY]
    assert daily.mean.tolist() == [[0.5], [3.0]]
    assert daily.bars.tolist() == [[48.0], [60.0]]


def test_a_stub_of_forty_seven_bars_is_no_day():
    assert by_day([1] * 47 + [2] * 48, np.ones(95)).day.tolist() == [2]


def test_bars_without_a_score_do_not_count():
    scores = np.ones(50)
    scores[:3] = np.nan
    assert by_day([1] * 50, scores).day.size == 0
    scores[:2] = 0.0
    assert by_day([1] * 50, scores, minimum_bars=49).bars.tolist() == [[49.0]]


def test_a_recipe_that_came_later_has_nan_on_the_days_before():
    late = np.where(np.arange(100) < 50, np.nan, 2.0)
    daily = by_day([1] * 50 + [2] * 50, np.column_stack([np.ones(100), late]))
    assert np.array_equal(daily.mean, [[1.0, np.nan], [1.0, 2.0]], equal_nan=True)
    assert daily.bars.tolist() == [[50.0, 0.0], [50.0, 50.0]]


@given(st.lists(st.integers(0, 90), min_size=1, max_size=6), st.integers(0, 99))
def test_exchanging_the_sides_flips_every_day_exactly(lengths, seed):
    day = np.repeat(np.arange(len(lengths)), lengths)
    a, b = np.random.default_rng(seed).normal(size=(2, day.size))
    ours, theirs = by_day(day, a - b), by_day(day, b - a)
    assert np.array_equal(ours.mean, -theirs.mean)
    assert np.array_equal(ours.bars, theirs.bars)


@given(st.integers(0, 200), st.integers(0, 99))
def test_a_later_bar_changes_no_earlier_day(at, seed):
    day = np.repeat(np.arange(4), 60)[: at + 1]
    scores = np.random.default_rng(seed).normal(size=day.size)
    before = by_day(day, scores)
    scores[-1] = 1e6
    after = by_day(day, scores)
    assert np.array_equal(before.mean[before.day < day[-1]], after.mean[after.day < day[-1]])


@pytest.mark.parametrize("n", [0, 1])
def test_no_bar_or_one_bar_is_no_evidence(n):
    daily = by_day(np.zeros(n), np.zeros((n, 3)))
    assert daily.mean.shape == (0, 3)
    assert daily.bars.shape == (0, 3)


@pytest.mark.parametrize(
    ("day", "scores", "message"),
    [
        ([1, 2], [0.0], r"days of shape \(2,\) beside scores of shape \(1,\)"),
        ([[1], [2]], [0.0, 0.0], "one row of scores a bar"),
        ([1, 2], np.zeros((2, 0)), "one row of scores a bar"),
        ([1, 2], [0.0, np.inf], "infinite"),
        ([2, 1], [0.0, 0.0], "go backward: sort"),
    ],
)
def test_what_is_not_a_run_of_days_is_refused(day, scores, message):
    with pytest.raises(GateRefused, match=message):
        by_day(day, scores)
