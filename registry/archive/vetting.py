"""Checks of a ``skops`` file: its types before anything in it is made, and after that what compiled code would trust.

``skops`` trusts every class and function of scikit-learn, numpy and scipy by itself, and does not look into tree
nodes, whose indices scikit-learn follows without bounds checks. So here stands the list of what a classifier of ours
is made of, and nothing else is loaded:

- :func:`vet_file`: members, types, arrays and trees of a file, from its bytes alone;
- :func:`vet_estimator`: the nodes of boosting, and whether the parts of a model fit together.

Not on the list, because compiled code would trust what they hold: gradient boosting (the shape of its list of trees),
nearest neighbours (its search trees), support vectors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.portable.npy import from_npy
from registry.errors import UnsafeArtifact

SCHEMA = "schema.json"

_TREE = "sklearn.tree._tree.Tree"
_LOSS = "sklearn._loss._loss.CyHalfBinomialLoss"
_HGB = "sklearn.ensemble._hist_gradient_boosting."
_PLAIN = frozenset({"str", "int", "float", "bool", "NoneType"})

ALLOWED: Mapping[str, frozenset[str]] = {
    "JsonNode": frozenset({"builtins.str"}),
    "DictNode": frozenset({"builtins.dict"}),
    "ListNode": frozenset({"builtins.list"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "TypeNode": frozenset({*(f"builtins.{name}" for name in _PLAIN), "numpy.int64"}),
    "NdArrayNode": frozenset(f"numpy.{name}" for name in ("ndarray", "float64", "float32", "int64", "uint64", "bool")),
    "RandomGeneratorNode": frozenset({"numpy.random._generator.Generator"}),
    "TreeNode": frozenset({_TREE}),
    "LossNode": frozenset({_LOSS}),
    "ObjectNode": frozenset(
        {
            "sklearn._loss.link.Interval",
            "sklearn._loss.link.LogitLink",
            "sklearn._loss.loss.HalfBinomialLoss",
            "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
            "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
            "sklearn.dummy.DummyClassifier",
            "sklearn.ensemble._bagging.BaggingClassifier",
            "sklearn.ensemble._forest.ExtraTreesClassifier",
            "sklearn.ensemble._forest.RandomForestClassifier",
            _HGB + "binning._BinMapper",
            _HGB + "gradient_boosting.HistGradientBoostingClassifier",
            _HGB + "predictor.TreePredictor",
            "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
            "sklearn.linear_model._logistic.LogisticRegression",
            "sklearn.linear_model._logistic.LogisticRegressionCV",
            "sklearn.naive_bayes.BernoulliNB",
            "sklearn.naive_bayes.GaussianNB",
            "sklearn.pipeline.Pipeline",
            "sklearn.preprocessing._data.StandardScaler",
            "sklearn.preprocessing._label.LabelEncoder",
            "sklearn.tree._classes.DecisionTreeClassifier",
            "sklearn.tree._classes.ExtraTreeClassifier",
        }
    ),
}
"""For each kind of node of a ``skops`` schema, the types that it may make."""


def storable(kind: type) -> bool:
    """Whether an estimator of this class may stand in an archive: known before one is fitted."""
    return f"{kind.__module__}.{kind.__qualname__}" in ALLOWED["ObjectNode"]


TRUSTED = sorted({_TREE, _HGB + "predictor.TreePredictor", _HGB + "binning._BinMapper"})
"""Of these, the types that ``skops`` asks about: it cannot vet what they hold, this module does."""

_MEMBER = re.compile("[0-9]{6}[.]npy")
_NODE_FIELDS = ("left_child", "right_child", "feature", "threshold")
_MAX_CLASSES = 1000

Node = dict[str, Any]


def vet_file(members: Mapping[str, bytes], schema: Any = None) -> None:
    """Refuse with :class:`UnsafeArtifact` a ``skops`` file that holds anything but a classifier of allowed types.

    ``members``: the unpacked file; ``schema``: what :data:`SCHEMA` in it says, where the caller has just written that.
    Every reason has its own message.
    """
    stray = sorted(name for name in members if name != SCHEMA and not _MEMBER.fullmatch(name))
    if stray or SCHEMA not in members:
        raise UnsafeArtifact(f"the model file holds {stray or 'no schema'}: not what this package writes; not loaded")
    try:
        schema = json.loads(members[SCHEMA]) if schema is None else schema
        nodes = [node for node in _dicts(schema) if "__loader__" in node or "__class__" in node]
        _vet_types(nodes)
        _vet_shared(nodes)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UnsafeArtifact(f"{SCHEMA} cannot be read ({type(error).__name__}: {error}); not loaded") from error
    arrays = {name: from_npy(data, name) for name, data in members.items() if name != SCHEMA}
    for node in nodes:
        if node["__loader__"] == "TreeNode":
            _vet_tree(node, arrays)
        elif node["__loader__"] == "LossNode" and (node["__reduce__"]["args"]["content"] or node["content"]["content"]):
            raise UnsafeArtifact("a loss function with arguments is not one of ours; not loaded")


def vet_estimator(estimator: Any, features: int) -> None:
    """Refuse a loaded estimator whose compiled parts could read outside their arrays for rows of ``features`` numbers.

    Raises :class:`UnsafeArtifact`.
    """
    for part in _parts(estimator):
        name = type(part).__name__
        if hasattr(part, "tree_") and not part.n_features_in_ == part.tree_.n_features <= features:
            raise UnsafeArtifact(
                f"a tree over {part.tree_.n_features} features stands in a {name} of {part.n_features_in_}, for rows "
                f"of {features}; not loaded"
            )
        if name == "HistGradientBoostingClassifier":
            _vet_boosting(part)
    if not hasattr(estimator, "predict_proba"):
        raise UnsafeArtifact(f"the model is a {type(estimator).__name__}, not a classifier; not loaded")
    if getattr(estimator, "n_features_in_", features) != features:
        raise UnsafeArtifact(
            f"the model takes {estimator.n_features_in_} features, the signature has {features}; not loaded"
        )


def hold_to_one_process(estimator: Any) -> None:
    """Make a loaded estimator predict by itself, in silence: processes and output are not for an archive to ask for."""
    for part in _parts(estimator):
        for name, value in (("n_jobs", 1), ("verbose", 0)):
            if getattr(part, name, None) is not None:
                setattr(part, name, value)


def _vet_types(nodes: list[Node]) -> None:
    found = {(node.get("__loader__"), f"{node.get('__module__')}.{node.get('__class__')}") for node in nodes}
    refused = sorted({kind for loader, kind in found if kind not in ALLOWED.get(str(loader), ())})
    if refused:
        raise UnsafeArtifact(
            f"the archive holds types that are not allowed: {', '.join(refused)}; it was not loaded "
            "(registry.archive.vetting lists those that are)"
        )


def _vet_shared(nodes: list[Node]) -> None:
    """``skops`` makes of all nodes with one number the first: the others must say the same."""
    first: dict[int, Node] = {}
    for node in nodes:
        number = node.get("__id__")
        if type(number) is not int:
            raise UnsafeArtifact(f"a node of the model has the number {str(number)[:40]!r}; not loaded")
        one = first.setdefault(number, node)
        if one is not node and not _alike(one, node):
            raise UnsafeArtifact(f"two different nodes of the model have the number {number}; not loaded")


def _alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same but for the numbers of the nodes in them."""
    if type(one) is not type(other):
        return False  # 1, 1.0 and true are equal in Python
    if isinstance(one, dict):
        named = one.keys() | {"__id__"} == other.keys() | {"__id__"}
        return named and all(_alike(value, other[name]) for name, value in one.items() if name != "__id__")
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other) or (one != one and other != other)  # NaN is JSON to Python


def _vet_tree(node: Node, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """scikit-learn allocates a tree by the numbers in it and follows them: all are compared with what is there."""
    try:
        features, classes, outputs = (_value(part, arrays) for part in node["__reduce__"]["args"]["content"])
        state = {name: _value(part, arrays) for name, part in node["content"]["content"].items()}
        count, nodes, values = state["node_count"], state["nodes"], state["values"]
        left, right, feature, threshold = (nodes[name] for name in _NODE_FIELDS)
        shaped = (
            type(features) is int
            and type(count) is int
            and outputs == 1
            and (classes.shape, classes.dtype.str) == ((1,), "<i8")
            and 1 <= classes[0] <= _MAX_CLASSES
            and nodes.shape == (count,)
            and values.shape == (count, 1, classes[0])
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnsafeArtifact(f"a tree is not built as scikit-learn does ({error}); not loaded") from error
    if not shaped or not count:
        raise UnsafeArtifact("a tree's counts and shapes do not fit together; not loaded")
    inner = left != -1
    _vet_children(inner, left, right)
    _vet_features(feature[inner], features)
    if np.isnan(threshold[inner]).any() or not np.isfinite(values).all():
        raise UnsafeArtifact("a tree holds a threshold or a value that is not a number; not loaded")


def _value(part: Node, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    return arrays[part["file"]] if part["__loader__"] == "NdArrayNode" else json.loads(part["content"])


def _vet_boosting(model: Any) -> None:
    if model.is_categorical_ is not None or np.any(model._bin_mapper.is_categorical_):
        raise UnsafeArtifact("boosting with categorical features is not loaded: its bit sets cannot be checked")
    if model._preprocessor is not None:
        raise UnsafeArtifact("boosting with a preprocessor of its own is not loaded")
    for predictor in (each for stage in model._predictors for each in stage):
        nodes = predictor.nodes
        if nodes.ndim != 1 or not len(nodes):
            raise UnsafeArtifact("a tree of the boosting has no nodes; not loaded")
        inner = nodes["is_leaf"] == 0
        if nodes["is_categorical"].any():
            raise UnsafeArtifact("a node of the boosting asks for a category; not loaded")
        _vet_children(inner, nodes["left"].astype(np.int64), nodes["right"].astype(np.int64))
        _vet_features(nodes["feature_idx"][inner], model.n_features_in_)


def _vet_children(inner: npt.NDArray[np.bool_], left: npt.NDArray[Any], right: npt.NDArray[Any]) -> None:
    """A child comes after its parent, so that there is no circle, and before the end."""
    parent = np.flatnonzero(inner)
    for side in (left[inner], right[inner]):
        if not ((side > parent) & (side < len(inner))).all():
            raise UnsafeArtifact("a node of a tree points to a child that is not after it in the tree; not loaded")


def _vet_features(feature: npt.NDArray[Any], features: int) -> None:
    if not ((feature >= 0) & (feature < features)).all():
        raise UnsafeArtifact(f"a node of a tree looks at a feature outside 0 to {features - 1}; not loaded")


def _dicts(value: Any) -> Iterator[Node]:
    """Every JSON object in ``value``, in no particular order."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _parts(estimator: Any) -> Iterator[Any]:
    """The objects of scikit-learn that a loaded estimator is made of, itself first."""
    waiting, seen = [estimator], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.dtype == object):
            waiting += list(part)
        elif type(part).__module__.startswith("sklearn."):
            yield part
            waiting += getattr(part, "__dict__", {}).values()
