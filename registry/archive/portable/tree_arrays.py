"""Arrays of trees in preorder, made of the nodes as the libraries hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable.preorder import LEAF
from registry.errors import NotPortable

Arrays = dict[str, npt.NDArray[Any]]
FloatArray = npt.NDArray[np.float64]


def forest(trees: Sequence[Any]) -> Arrays:
    """scikit-learn's trees compare float32 rows with float64 thresholds, and hold the share of each class in a leaf."""
    return below32(trees, [tree.value[:, 0, 1] for tree in trees])


def below32(trees: Sequence[Any], values: Sequence[npt.NDArray[Any]]) -> Arrays:
    """scikit-learn's trees with ``values`` in their leaves, each (nodes,)."""
    parts = [preorder(tree.children_left, tree.children_right) for tree in trees]
    nodes = [(tree.feature, tree.threshold, value) for tree, value in zip(trees, values, strict=True)]
    arrays = joined(parts, nodes)
    return arrays | {"threshold": floor32(arrays["threshold"])}


def histogram_boosting(model: Any) -> Arrays:
    """Trees and intercept of a ``HistGradientBoostingClassifier``; :class:`NotPortable` with categories."""
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise NotPortable("boosting with categorical features has no data-only form")
    nodes = [predictor.nodes for (predictor,) in model._predictors]
    parts = [
        preorder(*(np.where(each["is_leaf"], LEAF, each[side].astype(np.int64)) for side in ("left", "right")))
        for each in nodes
    ]
    arrays = joined(parts, [(each["feature_idx"], each["num_threshold"], each["value"]) for each in nodes])
    return arrays | {"intercept": np.asarray(model._baseline_prediction, np.float64).reshape(-1)}


def joined(parts: Iterable[npt.NDArray[np.intp]], nodes: Iterable[tuple[npt.NDArray[Any], ...]]) -> Arrays:
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


def preorder(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
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


def floor32(threshold: FloatArray) -> npt.NDArray[np.float32]:
    """The greatest float32 that is not above each threshold: a float32 is below one exactly where it is below both."""
    with np.errstate(over="ignore"):
        rounded = threshold.astype(np.float32)
    above = rounded > threshold
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded
