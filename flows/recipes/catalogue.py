"""This catalogue holds the recipes that come with the project."""

from __future__ import annotations

from flows.instruments import GBPUSD_M15, Instrument
from flows.recipes.recipe import Recipe

LEVELS = ("rsi_14", "ema_20", "ema_50", "atr_14", "adx_14")
"""The notebook's five columns. Raw EMA levels drift out of the training range as the price does."""


def stationary(instrument: Instrument = GBPUSD_M15) -> tuple[str, ...]:
    """The same information without a price level in it: close minus EMA in units of ATR."""
    close = instrument.columns.close
    return (f"({close} - ema_20) / atr_14", f"({close} - ema_50) / atr_14", "rsi_14", "adx_14")


_FOREST = "sklearn.ensemble.RandomForestClassifier"
_BOOSTING = "sklearn.ensemble.HistGradientBoostingClassifier"
# Few leaves and a small rate: a bar holds little signal, and the 25,000 of a year are soon learned by heart.
_MODEST = {
    "max_iter": 100,
    "learning_rate": 0.03,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 100,
    "early_stopping": False,
}


NAMES = ("rf_shallow", "rf_deep", "logistic", "hist_gradient_boosting", "extra_trees", "stationary")
"""Of the shipped recipes, in their order: a recipe itself is checked when it is made, which imports scikit-learn."""

SLOW = ("rf_deep",)
"""What the sample leaves out unless it is named: most of the time of a first night, and there the lowest edge of the
six (+0.0240 a bar, the next +0.0308)."""


def shipped(instrument: Instrument = GBPUSD_M15) -> dict[str, Recipe]:
    """Every shipped recipe by name, for bars of the instrument's length, in the order in which they are trained,
    registered and shown.

    ``rf_shallow`` and ``rf_deep`` are the notebook's v1 and v2.
    """
    recipes = (
        Recipe("rf_shallow", _FOREST, {"n_estimators": 50, "max_depth": 3, "random_state": 42}, LEVELS),
        Recipe(
            "rf_deep",
            _FOREST,
            {"n_estimators": 200, "max_depth": 10, "min_samples_leaf": 5, "random_state": 42},
            LEVELS,
        ),
        Recipe("logistic", "sklearn.linear_model.LogisticRegression", {}, LEVELS, scale=True),
        Recipe("hist_gradient_boosting", _BOOSTING, _MODEST, LEVELS),
        Recipe(
            "extra_trees",
            "sklearn.ensemble.ExtraTreesClassifier",
            {"n_estimators": 100, "max_depth": 8, "min_samples_leaf": 20},
            LEVELS,
        ),
        # Boosting, not a forest: trained on 2022 both have an AUC of 0.514 on 2024, and it trains twenty times faster.
        Recipe("stationary", _BOOSTING, _MODEST, stationary(instrument)),
    )
    return {recipe.name: recipe for recipe in recipes}
