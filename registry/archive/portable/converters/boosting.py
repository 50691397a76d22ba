"""Converters of LightGBM, XGBoost and CatBoost: each library's own text of a model is read, never its memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable.converters.writer import Converted, Value, Writer
from registry.archive.portable.preorder import LEAF
from registry.archive.portable.tree_arrays import Arrays, joined, preorder
from registry.errors import NotPortable

_CATEGORICAL = 1
_MISSING = 12
"""Bits of LightGBM's ``decision_type``: a category is asked for; a value may be missing (NaN, or zero taken for it)."""


def lightgbm(writer: Writer, model: Any, x: Value) -> Converted:
    """Trees of float64 whose values are added in their order, as LightGBM does: the same bits.

    Refused with the reason: categories, missing values, linear leaves, the mean of ``boosting_type="rf"``, other
    objectives than the binary one.
    """
    head, *trees = model.booster_.model_to_string().partition("\nend of trees")[0].split("\nTree=")
    said = _fields(head)
    objective = said.get("objective", "none").split()
    if objective[:1] != ["binary"]:
        raise NotPortable(f"LightGBM's objective {' '.join(objective)} has no data-only form: binary has one")
    if "average_output" in head.splitlines():
        raise NotPortable("LightGBM's boosting_type rf has no data-only form: gbdt, dart and goss have one")
    arrays = _lightgbm_trees([_fields(tree) for tree in trees])
    score = writer.trees(x, arrays)
    slope = float(objective[1].removeprefix("sigmoid:")) if len(objective) > 1 else 1.0
    return Converted(writer.logistic(score if slope == 1.0 else writer.dense(score, [[slope]], [0.0])))


def _fields(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _lightgbm_trees(trees: Sequence[dict[str, str]]) -> Arrays:
    parts, nodes = [], []
    for tree in trees:
        if tree.get("is_linear", "0") != "0":
            raise NotPortable("LightGBM's linear_tree has no data-only form: leaves that are numbers have one")
        value = _numbers(tree, "leaf_value")
        inner = len(value) - 1
        decisions = _numbers(tree, "decision_type", inner).astype(np.int64)
        if (decisions & _CATEGORICAL).any():
            raise NotPortable("LightGBM's splits by category have no data-only form: splits by a threshold have one")
        if (decisions & _MISSING).any():
            raise NotPortable(
                "LightGBM was told that values may be missing (zero_as_missing, or NaN in its rows): it has no "
                "data-only form, bars have no missing values"
            )
        left, right = (_own_leaves(_numbers(tree, f"{side}_child", inner), inner) for side in ("left", "right"))
        parts.append(preorder(left, right))
        known = (_numbers(tree, "split_feature", inner), _numbers(tree, "threshold", inner))
        nodes.append(
            (*(np.concatenate((each, np.zeros(inner + 1))) for each in known), np.append(np.zeros(inner), value))
        )
    if not parts:
        raise NotPortable("LightGBM made no tree")
    return joined(parts, nodes)


def _numbers(tree: dict[str, str], name: str, count: int | None = None) -> npt.NDArray[np.float64]:
    return np.zeros(0) if count == 0 else np.array(tree[name].split(" "), np.float64)


def _own_leaves(child: npt.NDArray[np.float64], inner: int) -> npt.NDArray[np.int64]:
    """Children by number, leaves after the inner nodes (LightGBM writes leaf *n* as ``-1 - n``), then the leaves'."""
    whole = child.astype(np.int64)
    return np.append(np.where(whole < 0, inner - 1 - whole, whole), np.full(inner + 1, LEAF))


def xgboost(writer: Writer, model: Any, x: Value) -> Converted:
    """Trees that compare and add float32, as XGBoost does; the logistic of their sum is taken in float64.

    XGBoost goes left where ``x < t``, which among float32 is ``x <= the number before t``. Refused with the reason:
    categories, a value that stands for missing, other boosters than ``gbtree``, other objectives than
    ``binary:logistic``, a model stopped early.
    """
    learner = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    objective, booster = learner["objective"]["name"], learner["gradient_booster"]
    if objective != "binary:logistic" or booster["name"] != "gbtree":
        raise NotPortable(
            f"XGBoost's {objective} by {booster['name']} has no data-only form: binary:logistic by gbtree has one"
        )
    if not np.isnan(model.missing):
        raise NotPortable(f"XGBoost was told that {model.missing} is a missing value: bars have none, leave it out")
    if "best_iteration" in learner["attributes"]:
        raise NotPortable("XGBoost was stopped early: write how many trees it makes (n_estimators)")
    parts, nodes = [], []
    for tree in booster["model"]["trees"]:
        if np.any(tree["split_type"]):
            raise NotPortable("XGBoost's splits by category have no data-only form: splits by a threshold have one")
        left, right = np.asarray(tree["left_children"]), np.asarray(tree["right_children"])
        condition = np.asarray(tree["split_conditions"], np.float32)  # of a leaf: its value
        parts.append(preorder(left, right))
        before = np.nextafter(condition, np.float32(-np.inf))
        nodes.append((np.asarray(tree["split_indices"]), before, condition))
    arrays = joined(parts, nodes)
    arrays |= {"threshold": arrays["threshold"].astype(np.float32), "value": arrays["value"].astype(np.float32)}
    base = np.float32(learner["learner_model_param"]["base_score"].strip("[]"))
    start = -np.log(np.float32(1) / base - np.float32(1))
    return Converted(writer.logistic(writer.trees(x, arrays, start)))


def catboost(writer: Writer, model: Any, x: Value) -> Converted:
    """Oblivious trees, which ask one question a level, written out as whole trees; float32 rows, float64 values.

    Refused with the reason: other trees, categories and texts, other losses than ``Logloss`` and ``CrossEntropy``.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        said = json.loads(path.read_text(encoding="utf-8"))
    if "oblivious_trees" not in said:
        raise NotPortable("CatBoost's trees of this grow_policy have no data-only form: SymmetricTree has one")
    loss = model.get_all_params().get("loss_function", "Logloss")
    if loss not in ("Logloss", "CrossEntropy"):
        raise NotPortable(f"CatBoost's {loss} has no data-only form: Logloss has one")
    scale, [bias] = said["scale_and_bias"]
    parts = [_oblivious(tree, scale) for tree in said["oblivious_trees"]]
    feature, threshold, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    arrays = {"feature": feature, "threshold": threshold, "value": value}
    return Converted(writer.logistic(writer.trees(x, arrays, float(bias))))


def _oblivious(tree: dict[str, Any], scale: float) -> tuple[npt.NDArray[Any], ...]:
    """A tree whose n-th question is bit n of the leaf's number, in preorder: the root asks for the highest bit."""
    feature, threshold = np.full(1, LEAF, np.int16), np.zeros(0, np.float32)
    for split in tree.get("splits") or []:
        if split["split_type"] != "FloatFeature":
            raise NotPortable(f"CatBoost's split {split['split_type']} has no data-only form: splits of numbers have")
        feature = np.concatenate((np.array([split["float_feature_index"]], np.int16), feature, feature))
        threshold = np.concatenate((np.array([split["border"]], np.float32), threshold, threshold))
    return feature, threshold, scale * np.asarray(tree["leaf_values"], np.float64)
