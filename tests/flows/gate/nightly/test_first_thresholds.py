"""The thresholds of a first champion: simulated years without skill exceed them as rarely as they say."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from flows.errors import GateRefused
from flows.gate.nightly.first_thresholds import ESTIMATED, exceeds, first_thresholds
from flows.gate.nightly.sequential import existing_windows, window_statistics

NIGHTS = 250


def largest(years: int, history: int, *, longest: int = 250, seed: int = 0) -> np.ndarray:
    """The largest z on the nights after the first of years without skill, by sums apart from the gate's."""
    days = np.random.default_rng(seed).standard_normal((years, history + NIGHTS))
    found = np.full(years, -np.inf)
    for night in range(1, NIGHTS):
        seen = days[:, : history + night]
        n = existing_windows(seen.shape[1], (longest,))[0]
        if n:
            found = np.maximum(found, window_statistics(seen, np.ones((1, n)), [n]).z[:, 0])
    return found


@pytest.mark.parametrize(("history", "u"), [(250, 2.5), (250, 3.0), (0, 2.5), (100, 2.5)])
def test_simulated_years_exceed_a_threshold_no_more_often_than_is_said(history: int, u: float) -> None:
    hits = np.concatenate([largest(1_000, history, seed=seed) for seed in range(4)]) > u
    allowed = ESTIMATED * exceeds(u, 250)
    assert hits.mean() < allowed + 2 * np.sqrt(allowed / hits.size)
    if history == 250:  # and not much less often: nothing is given away
        assert hits.mean() > 0.7 * allowed - 2 * np.sqrt(allowed / hits.size)


def test_both_parts_together_spend_the_budget_and_no_more() -> None:
    recipes, budget = 6, 0.05
    asked = first_thresholds(recipes, first_look=True)
    at_once = 1.0 - (1.0 - NormalDist().cdf(-asked.tonight)) ** recipes
    later = 1.0 - (1.0 - ESTIMATED * exceeds(asked.later, 250)) ** recipes
    assert at_once == pytest.approx(0.6 * budget, rel=2e-3) and later == pytest.approx(0.4 * budget, rel=1e-2)


def test_more_recipes_never_give_a_lower_threshold() -> None:
    asked = [first_thresholds(n, first_look=True) for n in (1, 2, 3, 6, 16, 17, 60, 256, 5_000)]
    for one in (lambda each: each.tonight, lambda each: each.later):
        values = [one(each) for each in asked]
        assert values == sorted(set(values))
    assert (asked[3].tonight, asked[3].later) == (2.571, 3.472)


def test_a_smaller_budget_and_a_shorter_window_ask_for_more() -> None:
    usual = first_thresholds(6, first_look=False)
    assert first_thresholds(6, first_look=False, budget=0.01).tonight > usual.tonight
    assert first_thresholds(6, first_look=False, longest=40).tonight > usual.tonight
    assert usual.tonight == usual.later == first_thresholds(6, first_look=True).later


@pytest.mark.parametrize("values", [{"recipes": 0}, {"budget": 0.0}, {"budget": 1.0}, {"longest": 0}])
def test_what_no_threshold_can_be_had_for_is_refused(values: dict[str, float]) -> None:
    given = {"recipes": 6, "first_look": True, **values}
    with pytest.raises(GateRefused, match="give at least one recipe, one day and a probability"):
        first_thresholds(given.pop("recipes"), **given)  # type: ignore[arg-type]  # values of several types
