"""Recipes of other libraries, of estimators inside others, and of weights: as data, trained to the same bytes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.errors import RecipeRefused
from flows.recipes import Recipe, environment, load_recipes, train, train_all
from flows.recipes.libraries import LIBRARIES
from flows.recipes.training import Machine
from flows.recipes.weighing import weights_of
from registry.archive.archive import pack
from tests.paths import ROOT
from tests.registry.archives import opened

FEATURES = ("rsi_14", "adx_14")
FOREST = {"estimator": "sklearn.ensemble.RandomForestClassifier", "parameters": {"n_estimators": 3, "max_depth": 3}}
DESCENT = {"estimator": "sklearn.linear_model.SGDClassifier", "parameters": {"alpha": 0.001}}
SCALER = {"estimator": "sklearn.preprocessing.StandardScaler"}
SCALED_DESCENT = {
    "estimator": "sklearn.pipeline.Pipeline",
    "parameters": {"steps": [["scale", SCALER], ["model", DESCENT]]},
}

RECIPES: dict[str, dict[str, Any]] = {
    "light": {"estimator": "lightgbm.LGBMClassifier", "parameters": {"n_estimators": 5, "num_leaves": 5}},
    "extreme": {"estimator": "xgboost.XGBClassifier", "parameters": {"n_estimators": 5, "max_depth": 3}},
    "cat": {"estimator": "catboost.CatBoostClassifier", "parameters": {"iterations": 5, "depth": 3}},
    "gradient": {"estimator": "sklearn.ensemble.GradientBoostingClassifier", "parameters": {"n_estimators": 5}},
    "descent": {**DESCENT, "parameters": {"loss": "log_loss"}, "scale": True},
    "layers": {
        "estimator": "sklearn.neural_network.MLPClassifier",
        "parameters": {"hidden_layer_sizes": [4, 3], "max_iter": 10},
        "scale": True,
    },
    "calibrated": {
        "estimator": "sklearn.calibration.CalibratedClassifierCV",
        "parameters": {"estimator": SCALED_DESCENT, "cv": 2},
    },
    "vote": {
        "estimator": "sklearn.ensemble.VotingClassifier",
        "parameters": {
            "estimators": [["forest", FOREST], ["light", {"estimator": "lightgbm.LGBMClassifier"}]],
            "voting": "soft",
            "weights": [2, 1],
        },
    },
    "stack": {
        "estimator": "sklearn.ensemble.StackingClassifier",
        "parameters": {"estimators": [["forest", FOREST], ["descent", SCALED_DESCENT]], "cv": 2},
    },
    "quantiles": {
        "estimator": "sklearn.pipeline.Pipeline",
        "parameters": {
            "steps": [
                ["q", {"estimator": "sklearn.preprocessing.QuantileTransformer", "parameters": {"n_quantiles": 50}}],
                ["pca", {"estimator": "sklearn.decomposition.PCA", "parameters": {"n_components": 1}}],
                ["model", {"estimator": "sklearn.linear_model.LogisticRegression"}],
            ]
        },
    },
}


def recipe(name: str, **changes: Any) -> Recipe:
    return Recipe(name, features=FEATURES, **{**RECIPES[name], **changes})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RECIPES)
def test_each_trains_to_the_same_bytes_on_one_core_and_on_two(name, dataset):
    everything = np.ones(len(dataset.label), bool)
    one, two = (train_all([recipe(name)], dataset, everything, seed=3, machine=Machine(cores))[0] for cores in (1, 2))
    packed = [pack(fit.estimator, fit.recipe.signature) for fit in (one, two)]
    assert packed[0] == packed[1]
    assert opened(packed[0]).form is not None


def test_a_seed_goes_to_every_estimator_inside():
    vote = recipe("vote").build(7)
    assert [each.random_state for _, each in vote.estimators] == [7, 7]
    assert recipe("cat").build(7).get_params()["random_seed"] == 7


def test_what_was_trained_with_a_library_says_its_version():
    import lightgbm

    assert recipe("vote").packages == ("lightgbm",) and recipe("stack").packages == ()
    assert environment(recipe("vote").packages) == {**environment(), "lightgbm": lightgbm.__version__}


def test_the_record_of_a_version_names_no_parameter_twice():
    assert recipe("light").provenance == {"estimator": "lightgbm.LGBMClassifier", "n_estimators": 5, "num_leaves": 5}
    for name in ("calibrated", "vote"):
        said = recipe(name).provenance
        assert said["estimator"].startswith("sklearn") and said["parameters"] == recipe(name).parameters


def inner(**table: Any) -> dict[str, Any]:
    return {
        "estimator": "sklearn.ensemble.VotingClassifier",
        "parameters": {"estimators": [["one", table]], "voting": "soft"},
    }


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("light", {"parameters": {"linear_tree": True}}, "cannot be stored with linear_tree: the data-only form"),
        ("light", {"parameters": {"zero_as_missing": True}}, "bars have no missing values"),
        ("light", {"parameters": {"categorical_feature": [0]}}, "thresholds, not for categories"),
        ("light", {"parameters": {"n_jobs": 2}}, "n_jobs is not part of a recipe"),
        ("light", {"parameters": {"num_leafs": 2}}, "no parameter num_leafs (did you mean num_leaves?)"),
        ("light", {"parameters": {"n_estimators": 5000}}, "at most 1,000"),
        ("extreme", {"parameters": {"booster": "dart"}}, "cannot be stored with booster"),
        ("cat", {"parameters": {"grow_policy": "Lossguide"}}, "cannot be stored with grow_policy"),
        ("cat", {"parameters": {"train_dir": "/tmp"}}, "no parameter train_dir"),
        ("cat", {"parameters": {"allow_writing_files": True}}, "training sets it"),
        ("light", {"estimator": "lightgbm.sklearn.LGBMClassifier"}, "or lightgbm.LGBMClassifier or"),
        ("light", {"estimator": "os.system"}, "is not a path to a class"),
        ("vote", inner(estimator="sklearn.naive_bayes.GaussianNB"), "GaussianNB has no data-only form, so it stands"),
        ("vote", inner(estimator="os.system"), "inside it, the estimator 'os.system' is not a path"),
        ("vote", inner(estimator=["x"]), "inside it, the estimator ['x'] is not a path"),
        ("vote", inner(estimator=FOREST["estimator"], fit=1), "has a key fit"),
        ("vote", inner(estimator=FOREST["estimator"], parameters={"n_trees": 1}), "has no parameter n_trees"),
        ("vote", inner(estimator=FOREST["estimator"], parameters={"n_estimators": 9999}), "at most 1,000"),
        ("vote", inner(estimator=FOREST["estimator"], parameters=[1]), "write a table of names"),
        ("vote", {"parameters": {"estimators": [["one", FOREST]]}}, "gives no probabilities"),
        ("layers", {"parameters": {"hidden_layer_sizes": [10**5, 10**5]}}, "at most 1,000"),
        ("light", {"weights": {"half_life": 3}}, "write half_life_days, up or both"),
        ("light", {"weights": {"half_life_days": 0}}, "half_life_days is 0: write a number above 0"),
        ("light", {"weights": {"up": "often"}}, "up is 'often': write a number above 0, or balanced"),
        ("light", {"weights": {"up": True}}, "up is True"),
        ("light", {"weights": {"half_life_days": float("nan")}}, "half_life_days is nan"),
        ("light", {"weights": [1]}, "weights are [1]"),
        ("calibrated", {"weights": {"up": 2}}, "cannot be trained with weights"),
    ],
)
def test_a_wrong_recipe_is_refused_saying_what_is_wrong(name, change, says):
    with pytest.raises(RecipeRefused) as refused:
        recipe(name, **change)
    assert says in str(refused.value)


def test_parameters_that_a_library_refuses_together_are_said_by_its_name(dataset):
    wrong = recipe("light", parameters={"boosting_type": "goss", "top_rate": 0.9, "other_rate": 0.9})
    with pytest.raises(RecipeRefused, match="recipe light cannot be trained, lightgbm says: "):
        train(wrong, dataset, np.ones(len(dataset.label), bool), seed=1)
    wrong = recipe("cat", parameters={"iterations": 3, "bootstrap_type": "Wild"})
    with pytest.raises(RecipeRefused, match="recipe cat cannot be trained, catboost says: "):
        train(wrong, dataset, np.ones(len(dataset.label), bool), seed=1)


@pytest.mark.parametrize("path", LIBRARIES)
def test_a_library_that_is_not_installed_is_named_with_its_extra(path):
    package = path.partition(".")[0]
    code = f"""
import sys
sys.modules[{package!r}] = None
from flows.recipes import Recipe
from flows.errors import RecipeRefused
try:
    Recipe("mine", {path!r}, {{}}, ("rsi_14",))
except RecipeRefused as refused:
    print(refused)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert f"{path} needs the package {package}, which is not installed here" in done.stdout, done.stderr
    assert f"pip install 'champion-gate[{LIBRARIES[path].extra}]'" in done.stdout


def test_no_library_is_loaded_for_the_shipped_recipes():
    code = "import sys; from flows.recipes import shipped; shipped(); print([n for n in sys.modules if n in "
    code += "('lightgbm', 'xgboost', 'catboost', 'optuna')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


# --- weights --------------------------------------------------------------------------------------------------------

OPENS = pd.DatetimeIndex(["2024-01-01", "2024-01-31", "2024-03-01"], tz="UTC")


@pytest.mark.parametrize(
    ("said", "label", "expected"),
    [
        ({"half_life_days": 30}, [0, 1, 0], [1, 2, 4]),
        ({"up": 3}, [0, 1, 0], [1, 3, 1]),
        ({"up": "balanced"}, [0, 1, 0], [1, 2, 1]),
        ({"half_life_days": 30, "up": "balanced"}, [0, 1, 0], [1, 5, 4]),
    ],
)
def test_weights_fall_by_age_and_are_shared_out_by_kind(said, label, expected):
    weights = weights_of(said, OPENS, np.array(label))
    np.testing.assert_allclose(weights, np.array(expected) / np.mean(expected))


def test_a_recipe_of_weights_is_another_recipe_and_trains_another_model(dataset):
    everything = np.ones(len(dataset.label), bool)
    plain, weighted = recipe("light"), recipe("light", weights={"half_life_days": 20})
    assert plain.fingerprint != weighted.fingerprint
    assert "weights" not in plain.definition  # so that the fingerprints of recipes without them stay what they are
    assert weighted.provenance["weights"] == {"half_life_days": 20}
    one, other = (train(each, dataset, everything, seed=1) for each in (plain, weighted))
    assert pack(one.estimator, plain.signature) != pack(other.estimator, plain.signature)


def test_equal_weights_train_what_no_weights_train(dataset):
    everything = np.ones(len(dataset.label), bool)
    fits = [train(recipe("descent", weights=weights), dataset, everything, seed=1) for weights in ({}, {"up": 1.0})]
    assert pack(fits[0].estimator, fits[0].recipe.signature) == pack(fits[1].estimator, fits[1].recipe.signature)


def test_weights_and_estimators_inside_others_are_written_in_a_file(tmp_path):
    path = tmp_path / "recipes.toml"
    path.write_text(
        """
[voted]
estimator = "sklearn.ensemble.VotingClassifier"
features = ["rsi_14"]
weights = { half_life_days = 90, up = "balanced" }
[voted.parameters]
voting = "soft"
estimators = [
    ["light", { estimator = "lightgbm.LGBMClassifier", parameters = { n_estimators = 50 } }],
    ["line", { estimator = "sklearn.linear_model.LogisticRegression" }],
]
""",
        encoding="utf-8",
    )
    voted = load_recipes(path)["voted"]
    assert voted.weights == {"half_life_days": 90, "up": "balanced"}
    assert [name for name, _ in voted.build(1).estimators] == ["light", "line"]
