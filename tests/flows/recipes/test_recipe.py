"""What a recipe is: valid from the start, identified by what it trains and not by its name."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from flows.errors import RecipeRefused, RequestRefused
from flows.recipes import BASELINES, Recipe, check_columns, choose, shipped
from flows.recipes.declared import available_names, available_recipes

FOREST = "sklearn.ensemble.RandomForestClassifier"


def recipe(**changes) -> Recipe:
    parts = {"name": "mine", "estimator": FOREST, "parameters": {"max_depth": 3}, "features": ("rsi_14", "adx_14")}
    return Recipe(**{**parts, **changes})


def deep(levels: int) -> list[object]:
    """Lists in lists."""
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


def test_the_shipped_recipes_come_in_a_fixed_order():
    assert list(shipped()) == [
        "rf_shallow",
        "rf_deep",
        "logistic",
        "hist_gradient_boosting",
        "extra_trees",
        "stationary",
    ]
    assert all(name == each.name for name, each in shipped().items())
    assert available_names(None) == tuple(available_recipes(None)) == tuple(shipped())


def test_the_notebooks_forests_are_what_the_notebook_trained():
    assert shipped()["rf_shallow"].definition == {
        "estimator": FOREST,
        "features": ["rsi_14", "ema_20", "ema_50", "atr_14", "adx_14"],
        "parameters": {"n_estimators": 50, "max_depth": 3, "random_state": 42},
        "scale": False,
    }
    assert shipped()["rf_deep"].parameters == {
        "n_estimators": 200,
        "max_depth": 10,
        "min_samples_leaf": 5,
        "random_state": 42,
    }


def test_the_stationary_recipe_sees_no_price_level():
    levels = {"open_15m", "close_15m", "ema_20", "ema_50"}
    assert levels.isdisjoint(shipped()["stationary"].features)


def test_the_fingerprint_of_a_recipe_never_changes_between_releases():
    # Evidence is kept under it: a change here throws away every challenger's history.
    assert shipped()["rf_shallow"].fingerprint == "764ebc24d57ee2687222de50a7505ecdf4212fca585ecbe5783bea91def9dbeb"
    assert shipped()["stationary"].fingerprint == "ab680ddfbad2b320b0c2bb956e8b0f9b017a63927087f27b306177ed45f8aec3"


def test_a_renamed_recipe_is_the_same_and_so_is_one_spelled_otherwise():
    assert recipe(name="other").fingerprint == recipe().fingerprint
    spaced = recipe(features=("close_15m-ema_20",)), recipe(features=("close_15m - ema_20",))
    assert spaced[0].fingerprint == spaced[1].fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"estimator": "sklearn.ensemble.ExtraTreesClassifier"},
        {"parameters": {"max_depth": 4}},
        {"parameters": {"max_depth": 3, "random_state": 1}},
        {"features": ("adx_14", "rsi_14")},
        {"scale": True},
    ],
)
def test_an_edited_recipe_is_a_new_one(change):
    assert recipe(**change).fingerprint != recipe().fingerprint


@given(st.permutations([("max_depth", 3), ("n_estimators", 10), ("min_samples_leaf", 5), ("criterion", "entropy")]))
def test_the_order_of_parameters_does_not_matter(order):
    reference = {"criterion": "entropy", "max_depth": 3, "min_samples_leaf": 5, "n_estimators": 10}
    assert recipe(parameters=dict(order)).fingerprint == recipe(parameters=reference).fingerprint


def test_the_definition_can_be_stored_and_built_again():
    stored = json.loads(json.dumps(recipe().definition))
    assert Recipe("mine", **{**stored, "features": tuple(stored["features"])}) == recipe()


def test_changing_the_callers_parameters_afterwards_changes_nothing():
    parameters = {"max_depth": 3}
    mine = recipe(parameters=parameters)
    parameters["max_depth"] = 9
    mine.definition["parameters"]["max_depth"] = 9
    mine.build(0).max_depth = 9
    assert mine.parameters == {"max_depth": 3}
    with pytest.raises(dataclasses.FrozenInstanceError):
        mine.parameters = {}


def test_the_largest_recipe_and_seed_that_are_allowed_are_allowed():
    largest = recipe(parameters={"n_estimators": 1_000, "max_leaf_nodes": 1_000_000, "random_state": 2**32 - 1})
    assert largest.build(0).n_estimators == 1_000
    assert recipe(name="version_1").name == "version_1" and recipe(name="v1_deep").name == "v1_deep"


def test_the_seed_is_used_only_where_the_recipe_leaves_it_open():
    assert recipe().build(7).random_state == 7
    assert recipe(parameters={"random_state": 42}).build(7).random_state == 42
    without = recipe(estimator="sklearn.naive_bayes.GaussianNB", parameters={}).build(7)
    assert "random_state" not in without.get_params()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_scikit_learn_cannot_take_is_refused(seed):
    with pytest.raises(RequestRefused, match="seed"):
        recipe().build(seed)


def test_a_scaled_recipe_scales_first_and_seeds_the_model_inside():
    built = recipe(scale=True).build(7)
    assert isinstance(built, Pipeline)
    assert [name for name, _ in built.steps] == ["scale", "model"]
    assert built.named_steps["model"].random_state == 7


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "My Recipe"}, "name 'My Recipe'"),
        ({"name": "a" * 65}, "at most 63"),
        ({"name": "../escape"}, "name"),
        ({"name": "v1"}, "means something else"),
        ({"name": "v12"}, "means something else"),
        ({"name": "champion"}, "means something else"),
        ({"name": "latest"}, "means something else"),
        *(({"name": name}, "means something else") for name in BASELINES),
        ({"estimator": "os.system"}, "not a path to a class of scikit-learn"),
        ({"estimator": "sklearn.ensemble._forest.RandomForestClassifier"}, "not a path to a class"),
        ({"estimator": "sklearn.ensemble"}, "not a path to a class"),
        ({"estimator": "sklearnx.ensemble.RandomForestClassifier"}, "not a path to a class"),
        ({"estimator": None}, "not a path to a class"),
        ({"estimator": "sklearn.nowhere.Forest"}, "no module sklearn.nowhere"),
        ({"estimator": "sklearn.ensemble.RandomForestClasifier"}, "did you mean RandomForestClassifier"),
        ({"estimator": "sklearn.ensemble.Forest"}, "has no class Forest"),
        ({"estimator": "sklearn.pipeline.Bunch"}, "not a classifier"),
        ({"estimator": "sklearn.base.ClassifierMixin"}, "not a classifier"),
        ({"estimator": "sklearn.ensemble.RandomForestRegressor"}, "not a classifier"),
        ({"estimator": "sklearn.ensemble.VotingClassifier", "parameters": {}}, "built around other estimators"),
        ({"estimator": "sklearn.svm.LinearSVC", "parameters": {}}, "gives no probabilities"),
        ({"estimator": "sklearn.linear_model.SGDClassifier", "parameters": {}}, "gives no probabilities"),
        (
            {"estimator": "sklearn.neighbors.KNeighborsClassifier", "parameters": {}},
            "KNeighborsClassifier is none of the classifiers that",
        ),
        ({"parameters": {"n_trees": 5}}, "no parameter n_trees"),
        ({"parameters": {"max_dept": 5}}, "did you mean max_depth"),
        ({"parameters": {"max_depth": "deep"}}, "'max_depth' parameter"),
        ({"parameters": {"n_estimators": 0}}, "'n_estimators' parameter"),
        ({"parameters": {"n_jobs": 4}}, "n_jobs is not part of a recipe"),
        ({"parameters": {"random_state": None}}, "random_state is None"),
        ({"parameters": {"random_state": True}}, "random_state is True"),
        ({"parameters": {"max_depth": float("nan")}}, "no plain value"),
        ({"parameters": {"max_depth": object()}}, "no plain value"),
        ({"parameters": [1, 2]}, "parameters are"),
        (
            {"parameters": {"n_estimators": 10**12}},
            "'n_estimators' is 1000000000000: a recipe may ask for at most 1,000",
        ),
        ({"parameters": {"n_estimators": 1_001}}, "at most 1,000"),
        ({"parameters": {"max_depth": 10**9}}, "at most 1,000,000"),
        ({"parameters": {"max_depth": -(10**9)}}, "at most 1,000,000"),
        ({"parameters": {"random_state": 2**32}}, "at most 4,294,967,295"),
        ({"parameters": {"random_state": 16**5000}}, "a int too large to write"),
        ({"parameters": {"class_weight": deep(5_000)}}, "no plain value"),
        ({"features": ()}, "at least one feature"),
        ({"features": "rsi_14"}, "list of expressions"),
        ({"features": ("rsi_14", "rsi_14")}, "named more than once: rsi_14"),
        ({"features": ("rsi_14 ** 2",)}, "not understood"),
        ({"scale": "yes"}, "true or false"),
    ],
)
def test_a_wrong_recipe_is_refused_saying_what_is_wrong(change, says):
    with pytest.raises(RecipeRefused) as refused:
        recipe(**change)
    assert says in str(refused.value)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(RecipeRefused) as refused:
        recipe(name="Mine", parameters={"max_dept": 3, "n_jobs": 2}, features=("a +",), scale=1)
    for part in ("name 'Mine'", "max_dept", "n_jobs", "'a +'", "scale is 1"):
        assert part in str(refused.value)


def test_recipes_are_chosen_in_the_order_named_and_all_without_a_name():
    available = shipped()
    assert [each.name for each in choose(["stationary", "rf_shallow"], available)] == ["stationary", "rf_shallow"]
    assert choose([], available) == list(available.values())


def test_an_unknown_or_repeated_name_is_refused_with_the_names_there_are():
    with pytest.raises(RecipeRefused) as refused:
        choose(["rf_shalow", "logistic", "logistic"], shipped())
    for part in ("no recipe rf_shalow (did you mean rf_shallow?)", "logistic is named more than once", "extra_trees"):
        assert part in str(refused.value)


def test_a_column_that_the_bars_lack_is_named_with_its_recipe():
    columns = ["close_15m", "rsi_14", "ema_20", "ema_50", "atr_14"]
    with pytest.raises(RecipeRefused) as refused:
        check_columns(shipped().values(), columns)
    assert str(refused.value).count("needs the column adx_14") == 6
    check_columns(shipped().values(), [*columns, "adx_14"])
