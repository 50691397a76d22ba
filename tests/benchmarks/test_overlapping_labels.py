"""The simulator of labels that overlap: who is right how often, how far labels reach, what is known when."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate.days import HISTORY, NIGHTS, RECIPES, Scenario
from benchmarks.gate.labels import CHANGES, MARKETS, PERSISTENCE, SCORES, USUAL, OverlapWork, play, play_days
from benchmarks.gate.nights import NEVER
from benchmarks.gate.overlapping import (
    DAY,
    EQUAL,
    WARM_UP,
    Predictions,
    RecipeWorld,
    daily,
    labels,
    market,
    predictions,
)
from flows.gate.nightly.sequential import day_autocorrelation
from flows.gate.scoring.scores import edge, trailing_base


@pytest.fixture(scope="module")
def said() -> Predictions:
    return predictions(EQUAL, PERSISTENCE[USUAL], 3, np.random.default_rng(1))


def test_a_label_is_whether_the_moves_that_follow_sum_to_more_than_zero(said):
    moves = market(3, said.days, np.random.default_rng(2))
    label = labels(moves, said, 16)
    for bar in (0, 100, label.shape[1] - 1):
        assert (label[:, bar] == (moves[:, bar : bar + 16].sum(axis=1) > 0.0)).all()


@pytest.mark.parametrize("horizon", [1, 16, 96])
def test_a_recipe_is_right_as_often_as_was_asked_for_at_every_horizon(said, horizon):
    asked = Scenario("better", first=5.0)
    right = [
        said.up == (labels(market(3, said.days, np.random.default_rng(seed)), said, horizon, asked) == 1.0)[:, None]
        for seed in range(12)
    ]
    share = np.mean(right, axis=(0, 1, 3))
    assert share[1] == pytest.approx(0.55, abs=0.006)
    assert np.delete(share, 1) == pytest.approx(np.full(RECIPES, 0.5), abs=0.008)


def test_a_base_knows_no_label_that_overlaps_with_the_next_moves():
    label = (np.random.default_rng(3).random(4_000) < 0.5).astype(float)
    base, late = trailing_base(label), trailing_base(label, horizon=16)
    assert np.isnan(late[:515]).all() and not np.isnan(late[515:]).any()
    assert late[2_600] == pytest.approx(2.0 * label[585:2_585].mean() - 1.0)  # the label of 2,584 is known at 2,600
    assert trailing_base(label, horizon=1) == pytest.approx(base, nan_ok=True)


def test_the_scores_of_the_next_bar_are_those_of_the_gate(said):
    label = labels(market(3, said.days, np.random.default_rng(4)), said, 1)
    ours = daily(said, label, "edge", 1)
    by_gate = edge(said.thought[0, 2], label[0], base=trailing_base(label[0]))
    assert ours[0, 2] == pytest.approx(by_gate.reshape(-1, DAY)[WARM_UP:, :91].mean(axis=1))
    assert ours.shape == (3, 1 + RECIPES, HISTORY + NIGHTS)


def test_days_follow_each_other_more_the_longer_labels_are_and_the_slower_streams():
    found = {}
    for name in ("forgotten within hours (0.9 a bar)", "kept for weeks (0.9995 a bar)"):
        slow = predictions(EQUAL, PERSISTENCE[name], 4, np.random.default_rng(5))
        moves = market(4, slow.days, np.random.default_rng(6))
        for horizon in (1, 96):
            scores = daily(slow, labels(moves, slow, horizon), "edge", horizon)
            found[name[:4], horizon] = day_autocorrelation(scores[:, 1:] - scores[:, :1]).mean()
    assert found["kept", 96] > found["forg", 96] + 0.1 > found["forg", 1]
    assert found["kept", 96] == pytest.approx(0.22, abs=0.05)  # a quarter where streams never change their mind


def test_odd_and_single_recipes_are_judged_too_and_who_is_much_better_is_found():
    odd = predictions(RecipeWorld("odd", odd=True), PERSISTENCE[USUAL], 2, np.random.default_rng(7))
    assert not odd.rank[:, 1].any() or np.isnan(odd.rank[:, 1]).any()
    assert not odd.up[:, 1, WARM_UP * DAY :].any()
    rates = play(OverlapWork(RecipeWorld("one", recipes=1), PERSISTENCE[USUAL], 0, 0, years=1))
    assert set(SCORES) == {score for _, score, _ in rates}
    assert all(values.shape == (MARKETS,) for values in rates.values())
    found = play(OverlapWork(EQUAL, PERSISTENCE[USUAL], 1, 0, found=True, years=1))
    assert {what for _, _, what in found} == {*CHANGES, "deviation"}
    assert (found[1, "edge", "two points better, found"] < NEVER).all()
    assert np.median(found[1, "edge", "two"]) < NEVER


def test_days_alone_are_a_moving_average_of_the_autocorrelation_that_was_asked_for():
    found = play_days(("five, 0.25 each", 0))
    assert found["r"].mean() == pytest.approx(0.25, abs=0.02)
    assert (found["false"] < NEVER).mean() < 0.07  # what the gate takes off is more than two days add
