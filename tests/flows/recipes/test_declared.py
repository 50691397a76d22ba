"""Recipes that users declare in a file: added to the shipped ones, or refused with every fault in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.errors import RecipeRefused
from flows.recipes import load_recipes, shipped
from flows.recipes.declared import MOST_BYTES

GOOD = """
[slow_boosting]
estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
parameters = { max_iter = 300, learning_rate = 0.01 }
features = ["rsi_14", "(close_15m - ema_20) / atr_14"]

[bayes]
estimator = "sklearn.naive_bayes.GaussianNB"
features = ["rsi_14"]
scale = true
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes):
        path = tmp_path / "recipes.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refusal(path, **options) -> str:
    with pytest.raises(RecipeRefused) as refused:
        load_recipes(path, **options)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_declared_recipes_come_after_the_shipped_ones(written):
    recipes = load_recipes(written(GOOD))
    assert list(recipes) == [*shipped(), "slow_boosting", "bayes"]
    assert recipes["slow_boosting"].parameters == {"max_iter": 300, "learning_rate": 0.01}
    assert recipes["slow_boosting"].signature.columns == ("rsi_14", "close_15m", "ema_20", "atr_14")
    assert recipes["bayes"].scale is True


def test_an_empty_file_leaves_the_shipped_recipes(written):
    assert load_recipes(written("# none yet\n")) == shipped()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("scale = true", "scaled = true"), "bayes: has an unknown key scaled (did you mean scale?)"),
        ('[mine]\nfeatures = ["rsi_14"]', "mine: lacks estimator"),
        ('[mine]\nestimator = "sklearn.naive_bayes.GaussianNB"', "mine: lacks features"),
        ("mine = 3", "mine: is 3: every recipe is a table of its own, headed [mine]"),
        (GOOD.replace("slow_boosting", "rf_deep"), "rf_deep: is the name of a shipped recipe"),
        (GOOD.replace("slow_boosting", "Slow-Boosting"), "the name 'Slow-Boosting'"),
        (GOOD.replace("sklearn.naive_bayes.Ga", "subprocess.Ga"), "bayes: the estimator"),
        (GOOD.replace("max_iter", "max_iterations"), "slow_boosting: HistGradientBoostingClassifier has no parameter"),
        (GOOD.replace("max_iter = 300", "max_iter = 3.5"), "slow_boosting: The 'max_iter' parameter"),
        (GOOD.replace("0.01", "nan"), "slow_boosting: a parameter is no plain value"),
        (GOOD.replace("300", "2024-01-01"), "slow_boosting: a parameter is no plain value"),
        (GOOD.replace('features = ["rsi_14"]', "features = [14]"), "bayes: features are a list"),
        (GOOD.replace('features = ["rsi_14"]', 'features = "rsi_14"'), "bayes: features are a list"),
        (GOOD.replace("/ atr_14", "/ exp(atr_14)"), "slow_boosting: feature '(close_15m - ema_20) / exp(atr_14)'"),
        (GOOD + GOOD, "is not TOML"),
        ("[mine", "is not TOML"),
        (b"\xff\xfe[mine]", "is not TOML"),
        ("mine = " + "[" * 5_000, "lists in lists without end"),
        ("mine = " + "{a = " * 5_000, "lists in lists without end"),
        ("mine = " + "[" * 30 + "]" * 30, "10 levels deep"),
        ("mine" + ".a" * 150 + " = 1", "10 levels deep"),
        ("mine" + ".a" * 100_000 + " = 1", "more than 200 dots"),
        ("mine = " + "9" * 5_000, "is not TOML: Exceeds the limit"),
        ("mine = 0x" + "f" * 200_000, "a whole number in it has more than 64 bits"),
        (GOOD.replace("max_iter = 300", "max_iter = 0x" + "f" * 5_000), "more than 64 bits"),
        (GOOD.replace("300", "1_000_000_000_000"), "slow_boosting: 'max_iter' is 1000000000000: a recipe may ask for"),
        (GOOD.replace("slow_boosting", "v1"), "v1: the name v1 means something else"),
        ("#" * MOST_BYTES + "\n", "is larger than 256 KiB"),
    ],
)
def test_a_wrong_file_is_refused_naming_file_recipe_and_reason(written, text, says):
    assert says in refusal(written(text))


def test_a_message_stays_short_whatever_is_in_the_file(written):
    long = "x" * 100_000
    for text in (f'mine = "{long}"', GOOD.replace("max_iter", long), GOOD.replace("sklearn.naive_bayes.Ga", long)):
        assert len(refusal(written(text))) < 2_000


def test_a_file_that_never_ends_or_never_begins_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert "cannot be read (it is no file): name a recipes.toml" in refusal(path)


def test_every_recipe_that_is_wrong_is_named_at_once(written, snapshot):
    broken = GOOD.replace("max_iter", "max_iterations").replace("scale = true", "scale = 1") + "\n[rf_shallow]\n"
    message = refusal(written(broken))
    assert "  slow_boosting: " in message
    assert "  bayes: scale is 1" in message
    assert "  rf_shallow: " in message and "nothing was trained" in message
    assert message == snapshot


def test_a_recipe_under_two_names_is_refused(written, snapshot):
    again = GOOD + GOOD.replace("[slow_boosting]", "[again]").replace("[bayes]", "[and_again]")
    message = refusal(written(again))
    assert "  again: is slow_boosting" in message and "  and_again: is bayes" in message
    assert message == snapshot


def test_a_shipped_recipe_under_another_name_is_refused(written, snapshot):
    text = """
    [forest]
    estimator = "sklearn.ensemble.RandomForestClassifier"
    parameters = { random_state = 42, max_depth = 3, n_estimators = 50 }
    features = ["rsi_14", "ema_20", "ema_50", "atr_14", "adx_14"]
    """
    message = refusal(written(text))
    assert "forest: is rf_shallow" in message and message == snapshot


def test_a_column_that_the_bars_lack_is_refused_where_the_columns_are_known(written, snapshot):
    path = written(GOOD)
    assert load_recipes(path, available_columns=["rsi_14", "close_15m", "ema_20", "atr_14"])
    message = refusal(path, available_columns=["rsi_14", "close_15m", "ema_20", "atr_15"])
    assert "slow_boosting" in message and "atr_14" in message and "atr_15?" in message
    assert message == snapshot


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "recipes.toml")
    assert "cannot be read" in refusal(tmp_path)
