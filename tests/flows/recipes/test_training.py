"""Training: the same bytes however it is run, from bars whose label is known, or a typed refusal."""

from __future__ import annotations

import itertools
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

from flows.errors import BarsMissing, BarsRejected, RecipeRefused, RequestRefused
from flows.recipes import MINIMUM_ROWS, Machine, Recipe, shipped, train, train_all
from tests.flows.recipes.simulated_bars import dataset_of, simulated_frame

RECIPES = list(shipped().values())
LOGISTIC = shipped()["logistic"]


def count_by_ten():
    return itertools.count(0, 10).__next__


def test_training_together_gives_the_same_bytes_as_one_by_one(dataset, everything):
    together = train_all(RECIPES, dataset, everything, seed=3, machine=Machine(2))
    alone = [train(recipe, dataset, everything, seed=3, machine=Machine(1)) for recipe in RECIPES]
    assert [fit.recipe.name for fit in together] == [recipe.name for recipe in RECIPES]
    assert together == alone
    for one, other in zip(together, alone, strict=True):
        assert joblib.hash(one.estimator) == joblib.hash(other.estimator), one.recipe.name


def test_another_seed_gives_another_model_where_the_recipe_leaves_it_open(dataset, everything):
    def hashes(seed: int) -> dict[str, str]:
        fits = train_all(RECIPES, dataset, everything, seed=seed)
        return {fit.recipe.name: joblib.hash(fit.estimator) for fit in fits}

    first, second = hashes(1), hashes(2)
    assert first["extra_trees"] != second["extra_trees"]
    assert first["rf_deep"] == second["rf_deep"]


def test_what_is_stored_predicts_on_one_core_all_the_way_down(dataset, everything):
    bagging = Recipe("bagged", "sklearn.ensemble.BaggingClassifier", {"n_estimators": 3}, ("rsi_14",))
    trees = Recipe("trees", "sklearn.ensemble.ExtraTreesClassifier", {"n_estimators": 3}, ("rsi_14",), scale=True)
    forest, bagged, scaled = train_all([RECIPES[0], bagging, trees], dataset, everything, seed=0, machine=Machine(2))
    assert forest.estimator.n_jobs == 1
    assert bagged.estimator.n_jobs == 1
    assert scaled.estimator.named_steps["model"].n_jobs == 1


def test_a_fit_says_what_it_was_trained_on(dataset, everything):
    mask = everything.copy()
    mask[:100] = mask[600:] = False
    fit = train(LOGISTIC, dataset, mask, seed=5, machine=Machine(1, count_by_ten()))
    opens = dataset.bars.frame.index
    assert (fit.rows, fit.seed, fit.cut, fit.seconds) == (500, 5, 0.5, 10)
    assert (fit.trained_from, fit.trained_to) == (opens[100], opens[599])
    assert fit.known_at == opens[600] + pd.Timedelta(minutes=15)
    assert fit.dataset_fingerprint == dataset.fingerprint(mask)


def test_the_label_known_last_decides_when_the_fit_could_exist():
    frame = simulated_frame(400)
    frame.index = frame.index[:200].append(frame.index[200:] + pd.Timedelta(days=300))
    mask = np.arange(400) < 200
    across = train(LOGISTIC, dataset_of(frame, labels="notebook"), mask, seed=0)
    assert across.known_at == frame.index[200] + pd.Timedelta(minutes=15)
    within = train(LOGISTIC, dataset_of(frame), mask, seed=0)
    assert (within.rows, within.known_at) == (199, frame.index[199] + pd.Timedelta(minutes=15))


def test_a_bar_whose_label_is_not_known_is_not_trained_on(dataset, everything):
    known = everything & ~np.isnan(dataset.label)
    assert (len(known) - known.sum()) == 1
    assert train(LOGISTIC, dataset, everything, seed=0).rows == known.sum()


def test_bars_outside_the_mask_change_nothing(dataset, everything):
    mask = everything.copy()
    mask[500:] = False
    frame = dataset.bars.frame.copy()
    frame.iloc[501:] = frame.iloc[501:].to_numpy() * 1.5
    other = dataset_of(frame)
    for recipe in RECIPES:
        one, two = (train(recipe, each, mask, seed=0) for each in (dataset, other))
        assert one == two
        assert joblib.hash(one.estimator) == joblib.hash(two.estimator)


def test_progress_is_told_once_a_recipe(dataset, everything):
    told = []
    fits = train_all(RECIPES, dataset, everything, seed=0, on_done=told.append)
    assert sorted(fit.recipe.name for fit in told) == sorted(recipe.name for recipe in RECIPES)
    assert all(any(fit is each for each in fits) for fit in told)


def test_the_forest_of_most_trees_is_fitted_first_and_the_order_given_is_kept(dataset, everything):
    forests = [
        Recipe(f"of_{n}", "sklearn.ensemble.RandomForestClassifier", {"n_estimators": n}, LOGISTIC.features)
        for n in (2, 5, 3)
    ]
    told = []
    fits = train_all(forests, dataset, everything, seed=0, on_done=told.append)
    assert [fit.recipe.name for fit in told] == ["of_5", "of_3", "of_2"]
    assert [fit.recipe.name for fit in fits] == ["of_2", "of_5", "of_3"]


def test_the_smallest_of_several_forests_is_fitted_last(dataset, everything):
    forests = [
        Recipe(f"of_{n}", "sklearn.ensemble.RandomForestClassifier", {"n_estimators": n}, LOGISTIC.features)
        for n in (2, 5)
    ]
    told = []
    train_all([LOGISTIC, *forests], dataset, everything, seed=0, on_done=told.append)
    assert [fit.recipe.name for fit in told] == ["of_5", "logistic", "of_2"]
    told.clear()
    train_all([LOGISTIC, forests[0]], dataset, everything, seed=0, on_done=told.append)
    assert [fit.recipe.name for fit in told] == ["of_2", "logistic"]


def test_no_recipes_give_no_fits(dataset, everything):
    assert train_all([], dataset, everything, seed=0) == []


def test_a_fit_can_be_handed_to_another_process(dataset, everything):
    fit = train(LOGISTIC, dataset, everything, seed=0)
    assert pickle.loads(pickle.dumps(fit)) == fit


def test_too_few_bars_are_refused(dataset):
    mask = np.arange(len(dataset.label)) < MINIMUM_ROWS - 1
    with pytest.raises(BarsMissing, match="95 bars with a known label"):
        train(LOGISTIC, dataset, mask, seed=0)
    mask[MINIMUM_ROWS - 1] = True
    assert train(LOGISTIC, dataset, mask, seed=0).rows == MINIMUM_ROWS


def test_labels_of_one_kind_are_refused():
    frame = simulated_frame(200)
    frame["close_15m"] = np.linspace(1.2, 1.3, 200)
    with pytest.raises(BarsMissing, match="all 199 training labels are 1"):
        train(LOGISTIC, dataset_of(frame), np.ones(200, dtype=bool), seed=0)


@pytest.mark.parametrize("mask", [np.ones(10, dtype=bool), np.ones(700), np.ones((700, 1), dtype=bool)])
def test_a_mask_that_does_not_fit_the_bars_is_refused(dataset, mask):
    with pytest.raises(RequestRefused, match="mask"):
        train(LOGISTIC, dataset, mask, seed=0)


def test_no_cores_are_refused(dataset, everything):
    with pytest.raises(RequestRefused, match="0 cores"):
        train_all([LOGISTIC], dataset, everything, seed=0, machine=Machine(0))


def test_a_missing_column_is_refused_before_anything_is_trained(dataset, everything, snapshot):
    odd = Recipe("odd", LOGISTIC.estimator, {}, ("rsi_14 - vix",))
    told = []
    with pytest.raises(RecipeRefused, match=r"recipe odd .* vix") as refused:
        train_all([LOGISTIC, odd], dataset, everything, seed=0, on_done=told.append)
    assert str(refused.value) == snapshot
    assert told == []


def test_parameters_that_scikit_learn_refuses_together_are_refused_by_recipe_name(dataset, everything, snapshot):
    clash = {"solver": "lbfgs", "l1_ratio": 1.0}
    recipe = Recipe("clash", "sklearn.linear_model.LogisticRegression", clash, ("rsi_14",))
    with pytest.raises(RecipeRefused, match=r"recipe clash .*lbfgs") as refused:
        train(recipe, dataset, everything, seed=0)
    assert str(refused.value) == snapshot


@pytest.mark.parametrize(
    ("name", "column", "value", "says"),
    [
        ("stationary", "atr_14", 0.0, r"\(close_15m - ema_20\) / atr_14 is no usable .* atr_14 = 0\)"),
        ("stationary", "ema_20", 1e308, r"ema_20 = 1e\+308"),
        ("rf_shallow", "ema_20", 1e39, r"ema_20 = 1e\+39\)"),
        ("logistic", "ema_20", -1e39, r"ema_20 = -1e\+39\)"),
    ],
)
def test_a_bar_that_no_model_reads_is_named_by_file_and_time(everything, name, column, value, says):
    frame = simulated_frame(700)
    frame.loc[frame.index[301:303], column] = value
    with pytest.raises(BarsRejected, match=says) as refused:
        train(shipped()[name], dataset_of(frame), everything, seed=0)
    assert f"recipe {name} cannot be trained" in str(refused.value)
    assert "in 2 bars, the first at 2024-03-07 03:15:00 in GBPUSD_M15_2024_features.csv of a test" in str(refused.value)


def test_a_bar_outside_the_window_may_be_unusable(everything):
    frame = simulated_frame(700)
    frame.loc[frame.index[3], "atr_14"] = 0.0
    mask = everything.copy()
    mask[:10] = False
    assert train(shipped()["stationary"], dataset_of(frame), mask, seed=0).rows == 689
