"""Features that do not drift raise no alarm more often than the bound says, though their bars depend on each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from benchmarks.drift import false_alarms
from flows.monitoring.drift import SHIFTED, no_drift_bound, population_stability, profile
from flows.monitoring.features import DriftRow

DAYS, WINDOW, BARS = 250, 20, 24


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.98, 0.999])
def test_without_drift_the_bound_is_passed_in_no_more_than_one_look_of_twenty(memory: float) -> None:
    found = false_alarms(memory, paths=150, bars=BARS)
    assert found.ours <= 0.05
    assert found.alarms <= found.ours
    if memory >= 0.9:
        assert found.independent > 0.9, "the bound of independent bars is none for these"


def test_a_drift_is_seen() -> None:
    rng = np.random.default_rng(3)
    day = np.repeat(np.arange(DAYS), BARS)
    x = lfilter([1.0], [1.0, -0.9], rng.normal(size=(DAYS * BARS, 2)), axis=0)
    bound = no_drift_bound(x, day, window=WINDOW)
    moved = x[-WINDOW * BARS :] + np.array([0.0, 1.5 * x[:, 1].std()])
    index = population_stability(profile(x), moved).index
    assert (index > bound).tolist() == [False, True]


def test_a_price_level_is_no_shift_however_far_it_went() -> None:
    level = 1.25 + np.cumsum(np.random.default_rng(5).normal(0.0, 3e-4, (DAYS + WINDOW) * BARS))[:, None]
    trained = level[: DAYS * BARS]
    (bound,) = no_drift_bound(trained, np.repeat(np.arange(DAYS), BARS), window=WINDOW)
    (index,) = population_stability(profile(trained), level[DAYS * BARS :]).index
    row = DriftRow("ema_20", float(index), float(bound), 0.0)
    assert index > SHIFTED and not row.shifted and row.reading == "moves as much in training"


def test_too_few_days_of_training_give_no_bound_and_a_constant_feature_a_small_one() -> None:
    rng = np.random.default_rng(2)
    day = np.repeat(np.arange(30), BARS)
    assert np.isinf(no_drift_bound(rng.normal(size=(30 * BARS, 2)), day, window=WINDOW)).all()
    constant = no_drift_bound(np.ones((30 * BARS, 1)), day, window=5)
    assert np.isfinite(constant).all() and constant[0] < SHIFTED


@pytest.mark.parametrize(
    ("index", "bound", "reading"),
    [
        (0.1, 0.2, "as in training"),
        (0.2, 0.1, "moved, by little"),
        (0.6, 0.1, "shifted"),
        (0.6, np.inf, "moves as much in training"),
    ],
)
def test_a_feature_is_read_in_words(index: float, bound: float, reading: str) -> None:
    assert DriftRow("x", index, bound, 0.0).reading == reading
