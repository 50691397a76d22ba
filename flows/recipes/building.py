"""Estimators are built here from the plain values of a recipe; an estimator inside another is a table of its own:

{ estimator = "sklearn.linear_model.SGDClassifier", parameters = { alpha = 0.001 } }
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from flows.recipes.libraries import LIBRARIES, is_named, library_class
from flows.recipes.threads import importing

TRANSFORMERS = (
    "sklearn.preprocessing.StandardScaler",
    "sklearn.preprocessing.QuantileTransformer",
    "sklearn.decomposition.PCA",
)
"""What may stand in a pipeline before its classifier: what has a data-only form."""

_PIPELINE = "sklearn.pipeline.Pipeline"


def built(path: str, parameters: Mapping[str, Any], seed: int | None) -> Any:
    """The unfitted estimator at ``path``, each estimator inside it built too.

    ``seed`` is the ``random_state`` of every one that has one and sets none; None leaves it open.
    """
    made = {name: _value(value, seed) for name, value in parameters.items()}
    library = LIBRARIES.get(path)
    if is_named(path):
        model = library_class(path)(**({} if library is None else library.always), **made)
    else:
        model = _class(path)(**made)
    state = "random_state" if library is None else library.seed
    has_one = library is not None or state in model.get_params(deep=False)
    if seed is not None and has_one and state not in parameters:
        model.set_params(**{state: seed})
    return model


def tables(parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tables of the estimators that stand directly in these parameters."""
    waiting: list[Any] = list(parameters.values())
    while waiting:
        value = waiting.pop(0)
        if is_table(value):
            yield value
        elif isinstance(value, list | tuple):
            waiting = [*value, *waiting]


def is_table(value: object) -> bool:
    """Whether a value is an estimator written as a table."""
    return isinstance(value, Mapping) and "estimator" in value


def paths(path: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """The import path of an estimator and of all that are inside it."""
    yield path
    for table in tables(parameters):
        yield from paths(table["estimator"], table.get("parameters", {}))


def packages(path: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages beside scikit-learn that an estimator and those inside it are of, in alphabetical order."""
    return tuple(sorted({each.partition(".")[0] for each in paths(path, parameters)} - {"sklearn"}))


def weighable(path: str, parameters: Mapping[str, Any]) -> bool:
    """Whether the estimator takes weights of training bars: a pipeline hands them on to its last step alone."""
    with importing:
        from sklearn.utils.validation import has_fit_parameter

    if path == _PIPELINE:
        last = list(tables(parameters))[-1:]
        return all(weighable(each["estimator"], each.get("parameters", {})) for each in last)
    handing_on = {"sklearn.ensemble.VotingClassifier", "sklearn.ensemble.StackingClassifier"}  # to those inside
    inside = [each for table in tables(parameters) for each in paths(table["estimator"], table.get("parameters", {}))]
    return _PIPELINE not in inside and all(
        has_fit_parameter(built(each, {}, None) if is_named(each) else _class(each), "sample_weight")
        for each in {path, *inside} - handing_on
    )


def _class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    with importing:
        return getattr(importlib.import_module(module), name)


def _value(value: Any, seed: int | None) -> Any:
    if is_table(value):
        return built(value["estimator"], value.get("parameters", {}), seed)
    if isinstance(value, list | tuple):
        items = [_value(each, seed) for each in value]
        named_part = len(items) == 2 and isinstance(items[0], str) and is_table(value[1])
        return tuple(items) if named_part else items  # ("name", estimator), as scikit-learn writes a part
    return copy.deepcopy(value)
