"""Faults of a recipe are found here without training anything; each says how to fix it."""

from __future__ import annotations

import difflib
import importlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flows.errors import RecipeRefused
from flows.recipes.baselines import BASELINES
from registry.archive.input_schema import InputSchema
from registry.archive.vetting import storable
from registry.errors import InvalidRequest
from registry.format.keys import is_version
from registry.format.phrases import shortened

_NAME = re.compile("[a-z][a-z0-9_]{0,63}")
# scikit-learn's public classes stand two levels deep; one path a class keeps one fingerprint a recipe.
_PATH = re.compile("sklearn[.][a-z][a-z0-9_]*[.][A-Z][A-Za-z0-9]*")

RESERVED = ("champion", "latest", *BASELINES)
"""Names that mean something else wherever a recipe can be named; so do ``v1``, ``v2``, …"""

MOST = {"n_estimators": 1_000, "max_iter": 10_000, "Cs": 100, "cv": 100}
"""The largest whole number that a parameter of this name may be. A tree grown to its end on a year of bars takes 0.9 MB
(measured: 10,893 nodes), so a thousand of them are what an archive holds at most, 1 GiB; the others bound the time."""

MOST_OF_OTHERS = 1_000_000
"""The largest whole number of all other parameters: forty years of bars."""


def faults(name: object, estimator: object, parameters: object, features: object, scale: object) -> list[str]:
    """Everything that is wrong with these parts of a recipe, one sentence each; empty when nothing is."""
    wrong_parts: list[str] = []
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        wrong_parts.append(
            f"the name {quoted(name)} must be a small letter, then at most 63 small letters, digits and underscores"
        )
    elif name in RESERVED or is_version(name):
        wrong_parts.append(
            f"the name {name} means something else where a recipe is named (a version, {', '.join(RESERVED)}): choose "
            "another"
        )
    if not isinstance(scale, bool):
        wrong_parts.append(f"scale is {quoted(scale)}: write true or false")
    try:
        InputSchema(features)  # type: ignore[arg-type]  # from a file: it says itself what it refuses
    except InvalidRequest as wrong:
        wrong_parts.append(str(wrong))
    try:
        wrong_parts.extend(_parameter_faults(estimator_class(estimator), parameters))
    except RecipeRefused as wrong:
        wrong_parts.append(str(wrong))
    return wrong_parts


def estimator_class(path: object) -> type[Any]:
    """The scikit-learn classifier at this import path; :class:`RecipeRefused` when there is none.

    Nothing outside scikit-learn is ever imported: a recipe file cannot run code.
    """
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise RecipeRefused(
            f"the estimator {quoted(path)} is not a path to a class of scikit-learn: "
            "write it like sklearn.ensemble.RandomForestClassifier"
        )
    import sklearn

    module_name, _, class_name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as missing:
        raise RecipeRefused(f"scikit-learn {sklearn.__version__} has no module {module_name}") from missing
    chosen = getattr(module, class_name, None)
    if not isinstance(chosen, type):
        classifiers = [name for name, value in vars(module).items() if _is_classifier(value)]
        raise RecipeRefused(
            f"{module_name} of scikit-learn {sklearn.__version__} has no class {class_name}"
            + did_you_mean(class_name, classifiers)
        )
    if not _is_classifier(chosen):
        raise RecipeRefused(f"{path} is not a classifier: a recipe predicts up or not up")
    return chosen


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to a message; empty when nothing known is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _is_classifier(value: object) -> bool:
    from sklearn.base import BaseEstimator, ClassifierMixin

    return isinstance(value, type) and issubclass(value, ClassifierMixin) and issubclass(value, BaseEstimator)


def _parameter_faults(estimator: type[Any], parameters: object) -> Iterator[str]:
    if not isinstance(parameters, Mapping):
        yield f"parameters are {quoted(parameters)}: write a table of names and values"
        return
    too_large = list(_size_faults(parameters))
    if too_large:
        yield from too_large
        return
    try:
        json.dumps(dict(parameters), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as wrong:
        yield f"a parameter is no plain value ({wrong}): write numbers, strings, true, false and lists of them"
        return
    try:
        known = estimator().get_params(deep=False)
    except TypeError as wrong:
        yield f"{estimator.__name__} is built around other estimators, which a recipe cannot name ({wrong})"
        return
    unknown = [name for name in parameters if name not in known]
    for name in unknown:
        yield f"{estimator.__name__} has no parameter {shortened(name, 120)}{did_you_mean(name, known)}"
    if "n_jobs" in known and "n_jobs" in parameters:
        yield "n_jobs is not part of a recipe: leave it out, training uses the cores there are"
    seed = parameters.get("random_state", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        yield f"random_state is {quoted(seed)}: write a whole number, or leave it out to take the run's seed"
    if not unknown:
        yield from _value_faults(estimator(**parameters))


def _size_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Whole numbers that would ask for more memory or time than a night has; a seed may be any that fits 32 bits."""
    for name, value in parameters.items():
        most = 2**32 - 1 if name == "random_state" else MOST.get(name, MOST_OF_OTHERS)
        numbers = value if isinstance(value, list | tuple) else [value]
        if any(isinstance(number, int) and abs(number) > most for number in numbers):
            yield f"{quoted(name)} is {quoted(value)}: a recipe may ask for at most {most:,}, so that a night ends"


def quoted(value: object) -> str:
    """``value`` as Python writes it, short enough for a message."""
    try:
        return shortened(repr(value), 120)
    except (ValueError, RecursionError):  # a number of more digits than Python writes, or lists in lists without end
        return f"a {type(value).__name__} too large to write"


def _value_faults(model: Any) -> Iterator[str]:
    try:
        model._validate_params()  # scikit-learn's own rules; otherwise they speak only when it is fitted
    except ValueError as wrong:
        yield str(wrong)
        return
    if not hasattr(model, "predict_proba"):
        yield f"{type(model).__name__} with these parameters gives no probabilities (predict_proba): choose another"
    elif not storable(type(model)):
        yield (
            f"{type(model).__name__} is none of the classifiers that the registry stores, since a stored one must be "
            "safe to load: choose a forest, a tree, HistGradientBoostingClassifier, LogisticRegression, GaussianNB "
            "(registry.archive.vetting lists all)"
        )
