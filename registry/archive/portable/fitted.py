"""Writing the data-only form of a fitted scikit-learn classifier, and checking that both predict the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable.form import FloatArray, PortableModel, Rule, read
from registry.archive.portable.preorder import LEAF
from registry.errors import InputMismatch, NotPortable, UnsafeArtifact

TOLERANCE = 1e-12
"""Largest difference from the estimator's own probabilities."""
_ROWS = 1000
_MOST_FEATURES = 1 << 15  # int16 in the arrays

Arrays = dict[str, npt.NDArray[Any]]

_FORESTS = ("RandomForestClassifier", "ExtraTreesClassifier")
_TREES = ("DecisionTreeClassifier", "ExtraTreeClassifier")
_BOOSTING = "HistGradientBoostingClassifier"
_LINEAR = ("LogisticRegression", "LogisticRegressionCV")


def write(estimator: Any, features: int, rows: FloatArray | None = None) -> dict[str, bytes]:
    """The members of the estimator's form, read back and compared with it.

    Compared on ``rows`` (n, features), if given, and on a thousand rows made for this model: on its thresholds, next
    to them and between them. Raises :class:`NotPortable` that says why there is no form.
    """
    takes = getattr(estimator, "n_features_in_", None)
    if takes != features or features >= _MOST_FEATURES:
        raise NotPortable(f"{type(estimator).__name__} takes {takes} features, the signature has {features}")
    try:
        form = _form(estimator, features)
        members = form.members()
        again = read(members, features)
    except (AttributeError, LookupError, TypeError, ValueError, UnsafeArtifact) as error:
        raise NotPortable(f"{type(estimator).__name__} is not built as expected ({error})") from error
    made = _made_rows(form)
    _compare(estimator, again, made if rows is None else np.concatenate((made, rows)))
    return members


def _form(estimator: Any, features: int) -> PortableModel:
    scaler, model = _steps(estimator)
    name = _sklearn_name(model)
    if list(model.classes_) != [0, 1]:
        raise NotPortable(f"the classes are {list(model.classes_)}, not 0 and 1")
    rule: Rule
    if name in _FORESTS:
        rule, trees, arrays = "mean", len(model.estimators_), _forest([each.tree_ for each in model.estimators_])
    elif name in _TREES:
        rule, trees, arrays = "mean", 1, _forest([model.tree_])
    elif name == _BOOSTING:
        rule, trees, arrays = "logistic", len(model._predictors), _boosting(model)
    elif name in _LINEAR:
        rule, trees, arrays = "linear", 0, {"coefficient": model.coef_[0], "intercept": model.intercept_}
    else:
        raise NotPortable(f"{name} has no data-only form")
    return PortableModel(rule, features, trees, arrays | scaler)


def _steps(estimator: Any) -> tuple[Arrays, Any]:
    """The scaler's arrays, and the classifier behind it."""
    if _sklearn_name(estimator) != "Pipeline":
        return {}, estimator
    steps = [step for _, step in estimator.steps]
    names = [_sklearn_name(step) for step in steps]
    if names[:-1] != ["StandardScaler"]:
        raise NotPortable(f"a pipeline of {', '.join(names)} has no data-only form: only a scaler and a classifier do")
    scaler = steps[0]
    arrays = {"mean": scaler.mean_} if scaler.with_mean else {}
    return arrays | ({"scale": scaler.scale_} if scaler.with_std else {}), steps[-1]


def _sklearn_name(step: Any) -> str:
    kind = type(step)
    if kind.__module__.partition(".")[0] != "sklearn":
        raise NotPortable(f"{kind.__module__}.{kind.__qualname__} is not of scikit-learn")
    return str(kind.__name__)


def _forest(trees: Sequence[Any]) -> Arrays:
    """scikit-learn's trees compare float32 rows with float64 thresholds, and hold the share of each class in a leaf."""
    parts = [_preorder(tree.children_left, tree.children_right) for tree in trees]
    arrays = _joined(parts, [(tree.feature, tree.threshold, tree.value[:, 0, 1]) for tree in trees])
    return arrays | {"threshold": _floor32(arrays["threshold"])}


def _boosting(model: Any) -> Arrays:
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise NotPortable("boosting with categorical features has no data-only form")
    nodes = [predictor.nodes for (predictor,) in model._predictors]
    parts = [
        _preorder(*(np.where(each["is_leaf"], LEAF, each[side].astype(np.int64)) for side in ("left", "right")))
        for each in nodes
    ]
    arrays = _joined(parts, [(each["feature_idx"], each["num_threshold"], each["value"]) for each in nodes])
    return arrays | {"intercept": np.asarray(model._baseline_prediction, np.float64).reshape(-1)}


def _joined(parts: Iterable[npt.NDArray[np.intp]], nodes: Iterable[tuple[npt.NDArray[Any], ...]]) -> Arrays:
    """One sequence of all trees; in ``parts`` an inner node stands as its number, a leaf as -1 less its number."""
    features, thresholds, values = [], [], []
    for order, (feature, threshold, value) in zip(parts, nodes, strict=True):
        inner = order >= 0
        asked = order[inner]
        sequence = np.full(len(order), LEAF, np.int16)
        sequence[inner] = feature[asked]
        features.append(sequence)
        thresholds.append(np.asarray(threshold[asked], np.float64))
        values.append(np.asarray(value[LEAF - order[~inner]], np.float64))
    return {
        "feature": np.concatenate(features),
        "threshold": np.concatenate(thresholds),
        "value": np.concatenate(values),
    }


def _preorder(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """The nodes of a tree in preorder, leaves as -1 less their number."""
    lefts, rights = left.tolist(), right.tolist()
    order: list[int] = []
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if lefts[node] == LEAF:
            order.append(LEAF - node)
        else:
            order.append(node)
            waiting += (rights[node], lefts[node])
    return np.asarray(order, np.intp)


def _floor32(threshold: FloatArray) -> npt.NDArray[np.float32]:
    """The greatest float32 that is not above each threshold: a float32 is below one exactly where it is below both."""
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
    above = rounded > threshold
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def _made_rows(form: PortableModel) -> FloatArray:
    """Rows that find a wrong comparison: each value on a threshold of its feature, just above it, or anywhere."""
    rng = np.random.default_rng(0)
    x = rng.normal(scale=3.0, size=(_ROWS, form.features))
    if form.rule != "linear":
        thresholds, asked = form.arrays["threshold"], form.arrays["feature"]
        asked = asked[asked != LEAF]
        for feature in range(form.features):
            known = thresholds[(asked == feature) & np.isfinite(thresholds)]
            if len(known):
                drawn = rng.choice(known, _ROWS)
                above = np.nextafter(drawn, np.asarray(np.inf, drawn.dtype))
                x[:, feature] = np.where(rng.random(_ROWS) < 0.5, drawn, above)
    x = x * form.arrays.get("scale", 1.0) + form.arrays.get("mean", 0.0)
    return np.asarray(x[np.isfinite(x).all(axis=1)])


def _compare(estimator: Any, form: PortableModel, rows: FloatArray) -> None:
    try:
        found = form.up(rows)
    except InputMismatch as error:
        raise NotPortable(f"its rows do not fit ({error})") from error
    difference = float(np.abs(found - estimator.predict_proba(rows)[:, 1]).max())
    if not difference <= TOLERANCE:
        raise NotPortable(
            f"from arrays, {type(estimator).__name__} says what differs by up to {difference:.1e} on {len(rows)} rows"
        )
