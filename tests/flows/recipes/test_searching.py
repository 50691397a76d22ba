"""A search space is tried inside the training window: the same every time, and nothing after the window is seen."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from flows.errors import BarsMissing, RecipeRefused
from flows.recipes import Recipe, load_recipes, train
from flows.recipes.searching import SearchedBars, searched
from registry.archive.archive import pack

SPACE = {"space": {"num_leaves": [2, 12], "learning_rate": [0.01, 0.5, "log"]}, "trials": 4, "folds": 2, "gap": 4}


def recipe(**search: Any) -> Recipe:
    return Recipe(
        "tuned",
        "lightgbm.LGBMClassifier",
        {"n_estimators": 5},
        ("rsi_14", "adx_14"),
        search={**SPACE, **search},
    )


def test_a_search_finds_the_same_model_every_time_and_says_what_it_found(dataset, everything):
    one, other = (train(recipe(), dataset, everything, seed=3) for _ in range(2))
    assert pack(one.estimator, one.recipe.signature) == pack(other.estimator, other.recipe.signature)
    assert one.found == other.found and one.found["trials"] == 4 and one.found["loss"] <= one.found["first"]
    values = one.found["values"]
    assert {name: one.estimator.get_params()[name] for name in values} == values
    assert 2 <= values["num_leaves"] <= 12 and isinstance(values["num_leaves"], int)
    assert one.recipe == recipe()  # one recipe, so one stream, whatever it found


def test_bars_after_the_window_change_nothing(dataset, everything):
    window = everything.copy()
    window[500:] = False
    first = train(recipe(), dataset, window, seed=3)
    changed = dataset.bars.frame.copy()
    changed.iloc[520:] += 1.0
    other = dataclasses.replace(dataset, bars=dataclasses.replace(dataset.bars, frame=changed))
    assert train(recipe(), other, window, seed=3).found == first.found


class Remembers:
    """An estimator that says which rows it was given."""

    seen: list[tuple[int, int, int, int]] = []  # noqa: RUF012 - of all of them

    def fit(self, x, label):
        self.trained = int(x[0, 0]), int(x[-1, 0])

    def predict_proba(self, x):
        Remembers.seen.append((*self.trained, int(x[0, 0]), int(x[-1, 0])))
        return np.full((len(x), 2), 0.5)


def test_folds_walk_forward_with_a_gap():
    Remembers.seen.clear()
    x = np.arange(800.0)[:, None]
    bars = SearchedBars(x, np.arange(800) % 2, None)
    found = searched({"space": {"a": [0.0, 1.0]}, "trials": 1, "folds": 3, "gap": 96}, lambda _: Remembers(), bars, 1)
    assert Remembers.seen == [(0, 103, 200, 399), (0, 303, 400, 599), (0, 503, 600, 799)]
    assert found["loss"] == pytest.approx(np.log(2))


def test_a_search_that_names_no_gap_has_one_of_a_trading_day():
    x = np.arange(800.0)[:, None]
    for day, trained in ((96, 103), (24, 175)):
        Remembers.seen.clear()
        bars = SearchedBars(x, np.arange(800) % 2, None, day)
        searched({"space": {"a": [0.0, 1.0]}, "trials": 1, "folds": 3}, lambda _: Remembers(), bars, 1)
        assert Remembers.seen[0] == (0, trained, 200, 399)


@pytest.mark.parametrize(("gap", "ahead", "trained"), [(0, 1, 199), (4, 16, 184), (16, 16, 183), (96, 16, 103)])
def test_no_fold_is_trained_on_labels_that_reach_into_what_it_predicts(gap, ahead, trained):
    Remembers.seen.clear()
    bars = SearchedBars(np.arange(800.0)[:, None], np.arange(800) % 2, None, ahead=ahead)
    searched({"space": {"a": [0.0, 1.0]}, "trials": 1, "folds": 3, "gap": gap}, lambda _: Remembers(), bars, 1)
    assert Remembers.seen[0] == (0, trained, 200, 399)


def test_folds_without_enough_bars_behind_their_gap_are_left_out_and_none_is_said():
    Remembers.seen.clear()
    few = SearchedBars(np.arange(400.0)[:, None], np.arange(400) % 2, None)
    said = {"space": {"a": [0.0, 1.0]}, "trials": 1, "folds": 3, "gap": 96}
    searched(said, lambda _: Remembers(), few, 1)
    assert Remembers.seen == [(0, 103, 200, 299), (0, 203, 300, 399)]
    with pytest.raises(BarsMissing, match="400 bars are too few to search in"):
        searched({**said, "gap": 300}, lambda _: Remembers(), few, 1)


def test_weights_are_used_in_the_search_too(dataset, everything):
    plain = train(recipe(), dataset, everything, seed=3)
    weighted = train(Recipe(**{**vars(recipe()), "weights": {"half_life_days": 2}}), dataset, everything, seed=3)
    assert plain.found["loss"] != weighted.found["loss"]


def test_a_searched_recipe_is_another_recipe_and_names_optuna():
    assert recipe().fingerprint != recipe().chosen({}).fingerprint
    assert recipe().packages == ("lightgbm", "optuna") and recipe().chosen({}).packages == ("lightgbm",)
    assert recipe().provenance["search"] == SPACE


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ({"space": {}}, "an empty space"),
        ({"space": [1]}, "write a space"),
        ({"seconds": 3}, "write a space, and where you like trials"),
        ({"trials": 0}, "trials is 0: write a whole number from 1 to 200"),
        ({"trials": 10**6}, "trials is 1000000"),
        ({"folds": 2.5}, "folds is 2.5"),
        ({"gap": -1}, "gap is -1: write a whole number from 0"),
        ({"space": {"n_estimators": [5, 10]}}, "stands in parameters and in the search space"),
        ({"space": {"num_leaves": [5, 2]}}, "num_leaves is [5, 2]: write [low, high]"),
        ({"space": {"num_leaves": [0, 2, "log"]}}, "num_leaves is [0, 2, 'log']"),
        ({"space": {"num_leaves": [2, float("nan")]}}, "write [low, high]"),
        ({"space": {"num_leaves": "many"}}, "num_leaves is 'many'"),
        ({"space": {"extra_trees": {"choices": [True]}}}, "choices"),
        ({"space": {"num_leafs": [2, 5]}}, "search: LGBMClassifier has no parameter num_leafs"),
        ({"space": {"num_leaves": [2, 10**6]}}, "at most 10,000"),
        ({"space": {"n_jobs": [1, 2]}}, "n_jobs is not part of a recipe"),
    ],
)
def test_a_wrong_space_is_refused_saying_what_is_wrong(search, says):
    with pytest.raises(RecipeRefused) as refused:
        recipe(**search)
    assert says in str(refused.value)


def test_choices_that_scikit_learn_refuses_are_refused_before_anything_is_trained():
    search = {"space": {"max_features": {"choices": ["sqrt", "squirt", "log2"]}}}
    with pytest.raises(RecipeRefused, match="search: The 'max_features' parameter"):
        Recipe("mine", "sklearn.ensemble.RandomForestClassifier", {}, ("rsi_14",), search=search)


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RecipeRefused, match=r"needs the package optuna.*champion-gate\[search\]"):
        recipe()


def test_a_search_is_written_in_a_file(tmp_path, dataset, everything):
    path = tmp_path / "recipes.toml"
    path.write_text(
        """
[tuned_forest]
estimator = "sklearn.ensemble.RandomForestClassifier"
features = ["rsi_14"]
parameters = { n_estimators = 3 }
search = { space = { max_depth = [1, 4], criterion = { choices = ["gini", "entropy"] } }, trials = 2 }
""",
        encoding="utf-8",
    )
    fit = train(load_recipes(path)["tuned_forest"], dataset, everything, seed=1)
    assert set(fit.found["values"]) == {"max_depth", "criterion"}
