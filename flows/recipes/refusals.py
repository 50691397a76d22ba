"""Faults of a recipe are found here without training anything; each says how to fix it."""

from __future__ import annotations

import difflib
import importlib
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flows.errors import RecipeRefused
from flows.recipes.baselines import BASELINES
from flows.recipes.building import TRANSFORMERS, built, tables, weighable
from flows.recipes.libraries import LIBRARIES, converted, is_named, library_class, named
from flows.recipes.searching import corners, space_faults
from flows.recipes.threads import importing
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

MOST = {
    "n_estimators": 1_000,
    "max_iter": 10_000,
    "Cs": 100,
    "cv": 100,
    "hidden_layer_sizes": 1_000,
    "iterations": 1_000,
    "depth": 10,
    "num_leaves": 10_000,
    "num_parallel_tree": 10,
}
"""The largest whole number that a parameter of this name may be. A tree grown to its end on a year of bars takes 0.9 MB
(measured: 10,893 nodes), so a thousand of them are what an archive holds at most, 1 GiB; the others bound the time."""

MOST_OF_OTHERS = 1_000_000
"""The largest whole number of all other parameters: forty years of bars."""


def faults(name: object, parts: Mapping[str, object]) -> list[str]:
    """Everything that is wrong with a recipe of this name, one sentence each; empty when nothing is.

    ``parts``: what a recipe has beside its name, as in ``recipes.toml``; what is left out is as it is by default.
    """
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
    scale, parameters = parts.get("scale", False), parts.get("parameters", {})
    if not isinstance(scale, bool):
        wrong_parts.append(f"scale is {quoted(scale)}: write true or false")
    try:
        InputSchema(parts.get("features"))  # type: ignore[arg-type]  # from a file: it says itself what it refuses
    except InvalidRequest as wrong:
        wrong_parts.append(str(wrong))
    try:
        chosen = estimator_class(parts.get("estimator"))
        of_parameters = list(_parameter_faults(str(parts["estimator"]), chosen, parameters))
        wrong_parts.extend(of_parameters)
        if not of_parameters and isinstance(parameters, Mapping):
            wrong_parts.extend(_estimator_faults(str(parts["estimator"]), parameters))
            wrong_parts.extend(weight_faults(parts.get("weights", {}), str(parts["estimator"]), parameters))
            wrong_parts.extend(_search_faults(parts.get("search", {}), str(parts["estimator"]), parameters))
    except RecipeRefused as wrong:
        wrong_parts.append(str(wrong))
    return wrong_parts


def estimator_class(path: object) -> type[Any]:
    """The classifier at this import path, of scikit-learn or of :mod:`flows.recipes.libraries`.

    Raises :class:`RecipeRefused` when there is none. Nothing else is ever imported: a recipe file cannot run code.
    """
    if isinstance(path, str) and is_named(path):
        return library_class(path)
    chosen = _of_scikit_learn(path)
    if not _is_classifier(chosen) and chosen.__name__ != "Pipeline":
        raise RecipeRefused(f"{path} is not a classifier: a recipe predicts up or not up")
    return chosen


def part_class(path: object) -> type[Any]:
    """The class of an estimator inside another: a classifier, or a transformer that has a data-only form.

    Raises :class:`RecipeRefused`.
    """
    if isinstance(path, str) and path in TRANSFORMERS:
        return _of_scikit_learn(path)
    return estimator_class(path)


def _of_scikit_learn(path: object) -> type[Any]:
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise RecipeRefused(
            f"the estimator {quoted(path)} is not a path to a class of scikit-learn: "
            f"write it like sklearn.ensemble.RandomForestClassifier, or {' or '.join(named())}"
        )
    with importing:
        import sklearn

    module_name, _, class_name = path.rpartition(".")
    try:
        with importing:
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
    return chosen


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to a message; empty when nothing known is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _is_classifier(value: object) -> bool:
    with importing:
        from sklearn.base import BaseEstimator, ClassifierMixin

    return isinstance(value, type) and issubclass(value, ClassifierMixin) and issubclass(value, BaseEstimator)


def _parameter_faults(path: str, estimator: type[Any], parameters: object) -> Iterator[str]:
    """What is wrong with the parameters of one estimator, and of those inside it; nothing is built."""
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
    library = LIBRARIES.get(path)
    known = list(library.takes) if library is not None else list(parameter_names(estimator))
    for name in parameters:
        if library is not None and name in library.refused:
            yield f"{estimator.__name__} cannot be stored with {name}: {library.refused[name]}"
        elif library is not None and name in library.always:
            yield f"{name} is not part of a recipe: leave it out, training sets it"
        elif name not in known:
            yield f"{estimator.__name__} has no parameter {shortened(name, 120)}{did_you_mean(name, known)}"
    if "n_jobs" in known and "n_jobs" in parameters:
        yield "n_jobs is not part of a recipe: leave it out, training uses the cores there are"
    seed = parameters.get("random_state", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        yield f"random_state is {quoted(seed)}: write a whole number, or leave it out to take the run's seed"
    for inner in tables(parameters):
        yield from _inner_faults(inner)


def _inner_faults(table: Mapping[str, Any]) -> Iterator[str]:
    strange = sorted(set(table) - {"estimator", "parameters"})
    if strange:
        yield f"an estimator inside another has a key {strange[0][:60]}: it has an estimator and parameters"
        return
    try:
        chosen = part_class(table["estimator"])
    except RecipeRefused as wrong:
        yield f"inside it, {wrong}"
        return
    path = str(table["estimator"])
    if path not in TRANSFORMERS and not converted(chosen):
        yield f"{chosen.__name__} has no data-only form, so it stands inside no other: docs/estimators.md lists all"
        return
    for wrong_part in _parameter_faults(path, chosen, table.get("parameters", {})):
        yield f"{chosen.__name__} inside it: {wrong_part}"


def parameter_names(estimator: type[Any]) -> Iterator[str]:
    """The names that a class takes when it is made."""
    for name, parameter in inspect.signature(estimator).parameters.items():
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            yield name


def _estimator_faults(path: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the estimator that is built of parameters which are known and plain."""
    try:
        model = built(path, parameters, seed=None)
    except TypeError as wrong:
        yield (
            f"{path.rpartition('.')[2]} is built around other estimators ({wrong}): write each as "
            '{ estimator = "sklearn.…", parameters = {…} }'
        )
        return
    yield from _value_faults(model)


def _search_faults(search: object, path: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a search space, its lowest and highest values and its choices among them."""
    of_space = list(space_faults(search, parameters))
    yield from of_space
    if of_space or not isinstance(search, Mapping) or not search:
        return
    for values in corners(search):
        wrong = list(_parameter_faults(path, estimator_class(path), values))
        wrong = wrong or list(_estimator_faults(path, {**parameters, **values}))
        if wrong:
            yield from (f"search: {each}" for each in wrong)
            return


def weight_faults(weights: object, path: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the weights of training bars; see :mod:`flows.recipes.weighing`."""
    if weights == {}:
        return
    if not isinstance(weights, Mapping) or set(weights) - {"half_life_days", "up"}:
        yield f"weights are {quoted(weights)}: write half_life_days, up or both"
        return
    for name, value in weights.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_OF_OTHERS
        if not number and not (name == "up" and value == "balanced"):
            yield f"weights: {name} is {quoted(value)}: write a number above 0" + ", or balanced" * (name == "up")
    if not weighable(path, parameters):
        yield f"{path.rpartition('.')[2]} with these parameters cannot be trained with weights: leave weights out"


def _size_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Whole numbers that would ask for more memory or time than a night has; a seed may be any that fits 32 bits."""
    for name, value in parameters.items():
        most = 2**32 - 1 if name == "random_state" else MOST.get(name, MOST_OF_OTHERS)
        most = 2**32 - 1 if name == "random_seed" else most
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
        if hasattr(model, "_parameter_constraints"):
            model._validate_params()  # scikit-learn's own rules; otherwise they speak only when it is fitted
    except ValueError as wrong:
        yield str(wrong)
        return
    stacked = type(model).__name__ == "StackingClassifier" and model.final_estimator is None  # said when it is fitted
    if not hasattr(model, "predict_proba") and not stacked:
        yield f"{type(model).__name__} with these parameters gives no probabilities (predict_proba): choose another"
    elif not storable(type(model)) and not converted(type(model)):
        yield (
            f"{type(model).__name__} is none of the classifiers that the registry stores, since a stored one must be "
            "safe to load: choose a forest, a tree, boosting, LogisticRegression, MLPClassifier, GaussianNB "
            "(docs/estimators.md lists all)"
        )
