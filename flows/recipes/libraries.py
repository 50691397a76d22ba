"""Libraries of estimators beside scikit-learn that a recipe may name, and what is set in them by every training.

What they fit is stored as arrays (:mod:`registry.archive.portable.converters`), so a version is served without them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.errors import RecipeRefused
from flows.recipes.threads import importing
from registry.archive.portable.converters.registered import OURS, brought


@dataclass(frozen=True)
class Library:
    """One class of a library. ``always`` is set by training and by nobody else, so that a fit is the same bytes on any
    machine; ``takes`` are the parameters that a recipe may set; ``refused`` says why not of some that it could ask for.
    """

    extra: str
    always: Mapping[str, Any]
    takes: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    seed: str = "random_state"


_MISSING = "bars have no missing values, and the data-only form has no place for them"
_CATEGORY = "the data-only form asks for thresholds, not for categories"

LIBRARIES: Mapping[str, Library] = {
    "lightgbm.LGBMClassifier": Library(
        "lightgbm",
        {"n_jobs": 1, "verbose": -1, "deterministic": True, "force_row_wise": True},
        (
            *("n_estimators", "num_leaves", "max_depth", "learning_rate", "boosting_type", "min_child_samples"),
            *("min_child_weight", "min_split_gain", "subsample", "subsample_freq", "subsample_for_bin"),
            *("colsample_bytree", "reg_alpha", "reg_lambda", "class_weight", "max_bin", "extra_trees", "path_smooth"),
            *("drop_rate", "skip_drop", "max_drop", "top_rate", "other_rate", "sigmoid", "is_unbalance"),
            *("scale_pos_weight", "monotone_constraints", "random_state"),
        ),
        {
            "zero_as_missing": _MISSING,
            "categorical_feature": _CATEGORY,
            "linear_tree": "the data-only form has leaves that are numbers, not lines",
        },
    ),
    "xgboost.XGBClassifier": Library(
        "xgboost",
        {"n_jobs": 1, "verbosity": 0},
        (
            *("n_estimators", "max_depth", "max_leaves", "max_bin", "grow_policy", "learning_rate", "gamma"),
            *("min_child_weight", "max_delta_step", "subsample", "sampling_method", "colsample_bytree"),
            *("colsample_bylevel", "colsample_bynode", "reg_alpha", "reg_lambda", "scale_pos_weight", "base_score"),
            *("tree_method", "num_parallel_tree", "monotone_constraints", "random_state"),
        ),
        {
            "missing": _MISSING,
            "enable_categorical": _CATEGORY,
            "booster": "only trees that are added (gbtree) have a data-only form",
            "objective": "a recipe predicts up or not up (binary:logistic)",
            "early_stopping_rounds": "a recipe says how many trees it makes (n_estimators)",
        },
    ),
    "catboost.CatBoostClassifier": Library(
        "catboost",
        {"thread_count": 1, "verbose": False, "allow_writing_files": False},
        (
            *("iterations", "depth", "learning_rate", "l2_leaf_reg", "random_strength", "bagging_temperature"),
            *("border_count", "feature_border_type", "rsm", "subsample", "bootstrap_type", "class_weights"),
            *("auto_class_weights", "scale_pos_weight", "leaf_estimation_iterations", "leaf_estimation_method"),
            *("score_function", "boosting_type", "monotone_constraints", "random_seed"),
        ),
        {
            "cat_features": _CATEGORY,
            "nan_mode": _MISSING,
            "grow_policy": "only trees that ask one question a level (SymmetricTree) have a data-only form",
        },
        seed="random_seed",
    ),
}
"""By the path that a recipe writes."""


def named() -> tuple[str, ...]:
    """Every path outside scikit-learn that a recipe may name: of :data:`LIBRARIES` and of installed packages."""
    return (*LIBRARIES, *brought())


def is_named(path: str) -> bool:
    """Whether a path is one of :func:`named`; of scikit-learn's it is known without looking at what is installed."""
    return path in LIBRARIES or (not path.startswith("sklearn.") and path in brought())


def library_class(path: str) -> type[Any]:
    """The class at a path of :func:`named`; :class:`RecipeRefused` where its package cannot be imported."""
    package, _, name = path.partition(".")
    try:
        with importing:  # most import scikit-learn
            module = importlib.import_module(package)
    except ImportError as missing:
        how = f": pip install 'champion-gate[{LIBRARIES[path].extra}]'" if path in LIBRARIES else ""
        raise RecipeRefused(f"{path} needs the package {package}, which is not installed here{how}") from missing
    chosen = getattr(module, name, None)
    if not isinstance(chosen, type):
        raise RecipeRefused(f"the package {package} has no class {name}: install the version that its converter is of")
    return chosen


def converted(kind: type) -> bool:
    """Whether estimators of this class become arrays: known before one is fitted."""
    name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    return name in OURS or name in brought()


def refusals_of_libraries() -> tuple[type[Exception], ...]:
    """What a fit raises for parameters that do not go together: scikit-learn and XGBoost a ``ValueError``, the others
    a class of their own, where they are loaded."""
    own = (("lightgbm.basic", "LightGBMError"), ("catboost", "CatBoostError"))
    loaded = [getattr(sys.modules[module], name) for module, name in own if module in sys.modules]
    return (ValueError, *loaded)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of these packages, by the names that they are imported by."""
    found = {}
    for package in packages:
        said = getattr(importlib.import_module(package), "__version__", None)  # `xgboost` may be of `xgboost-cpu`
        found[package] = str(said or importlib.metadata.version(package))
    return found
