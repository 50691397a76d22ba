"""How much each recipe counts in the mean of all: by the days before, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flows.gate.nightly.sequential import FEWEST_DAYS, RECENT_WINDOWS, judge, together
from flows.gate.nightly.shares import LATELY, shares
from tests.flows.gate.nightly.test_together import HIGH, a_ledger, decided

LEADS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 90), st.integers(1, 4)),
    elements=st.one_of(st.just(float("nan")), st.floats(-1.0, 1.0, width=16)),
)


def leads(days: int = 120, recipes: int = 5, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((days, recipes))


@given(LEADS)
def test_the_shares_of_a_day_sum_to_one_and_none_is_of_a_recipe_that_lacks_the_day(d: np.ndarray) -> None:
    found = shares(d)
    assert (found >= 0.0).all() and (found[np.isnan(d)] == 0.0).all()
    some = ~np.isnan(d).all(axis=1)
    assert found[some].sum(axis=1) == pytest.approx(1.0)
    assert (found[~some] == 0.0).all()


@given(LEADS, st.data())
def test_a_share_is_known_before_its_day(d: np.ndarray, data: st.DataObject) -> None:
    """Else recipes that happened to do well today would make the mean of today: above zero by chance."""
    day = data.draw(st.integers(0, d.shape[0] - 1))
    otherwise = d.copy()
    otherwise[day:] = np.where(np.isnan(d[day:]), np.nan, -7.0 * d[day:] + 1.0)
    assert shares(otherwise)[: day + 1].tolist() == shares(d)[: day + 1].tolist()


@given(LEADS)
def test_the_order_of_the_recipes_changes_the_order_of_the_shares_alone(d: np.ndarray) -> None:
    assert shares(d[:, ::-1]) == pytest.approx(shares(d)[:, ::-1])


def test_what_the_champion_does_changes_no_share() -> None:
    d = leads()
    fell = d + np.linspace(-3.0, 3.0, d.shape[0])[:, None]
    assert shares(fell) == pytest.approx(shares(d))


def test_many_years_at_once_are_each_year_alone() -> None:
    years = np.stack([leads(seed=1), leads(seed=2)])
    assert shares(years).tolist() == [shares(year).tolist() for year in years]


@pytest.mark.parametrize(
    ("days", "equal"), [(FEWEST_DAYS, True), (FEWEST_DAYS + 1, False)], ids=["too few days", "days enough"]
)
def test_until_there_are_days_enough_all_count_the_same(days: int, equal: bool) -> None:
    d = leads(days) + np.array([9.0, 0.0, 0.0, 0.0, 0.0])
    assert (abs(shares(d)[-1].max() - 0.2) < 1e-9) == equal


@pytest.mark.parametrize(
    ("ahead", "least", "most"),
    [
        pytest.param([0, 0, 0, 0, 0], 0.2, 0.2, id="alike"),
        pytest.param([0.05, 0, 0, 0, 0], 0.2, 0.2, id="ahead by less than chance makes"),
        pytest.param([1.0, 0, 0, 0, 0], 0.95, 1.0, id="clearly ahead"),
        pytest.param([-1.0, 0, 0, 0, 0], 0.0, 0.01, id="clearly behind"),
    ],
)
def test_a_recipe_clearly_ahead_counts_more_and_one_clearly_behind_less(
    ahead: list[float], least: float, most: float
) -> None:
    noise = np.tile([[1.0], [-1.0]], (60, 1)) * np.array([1.0, -1.0, 1.0, -1.0, 0.5])
    assert least - 1e-9 <= shares(noise + np.array(ahead))[-1, 0] <= most + 1e-9


def test_a_lead_of_long_ago_counts_no_more() -> None:
    d = leads(200)
    d[:100, 0] += 2.0
    assert shares(d)[100, 0] > 0.9
    assert shares(d)[100 + LATELY + 20, 0] < 0.4


def test_recipes_that_say_the_same_count_the_same() -> None:
    """What is left of the difference of equal numbers is rounding, however large it is beside its own deviation."""
    same = np.tile(leads(recipes=1), (1, 7)) / 3.0
    assert shares(same) == pytest.approx(1.0 / 7.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_recipe_that_gets_better_is_seen_sooner_than_by_a_plain_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = rng.standard_normal((370, 5)) + rng.standard_normal((370, 1))  # the champion's noise is in every lead
    d[300:, 1] += 0.8
    bars = np.full(370, 91.0)
    by_shares, plain = (judge(*together(d, bars, each), windows=RECENT_WINDOWS) for each in (shares(d), None))
    assert np.nanmax(by_shares.z) > np.nanmax(plain.z) + 1.0


def test_the_decision_says_how_much_the_leading_recipe_counts_and_one_made_before_has_no_such_share() -> None:
    found = a_ledger(-0.4, 0.0, 0.9, 0.0)
    now, then = decided(found), decided(found, calibration=replace(HIGH, by_shares=False))
    assert now.together is not None and now.together.largest_share is not None
    assert 0.25 < now.together.largest_share <= 1.0
    assert then.together is not None and then.together.largest_share is None
    assert then.together.z != now.together.z
