"""A recipe may have a search space: what its parameters may be is tried inside the training window, before each fit.

In ``recipes.toml``; trials, folds and gap may be left out:

    search = { space = { learning_rate = [0.01, 0.2, "log"], num_leaves = [4, 32] }, trials = 20, folds = 3, gap = 96 }

A range is whole numbers where both ends are; ``{ choices = [...] }`` is a list to choose from. Optuna's sampler
(tree-structured Parzen estimator) proposes, seeded by the run's seed. The window is cut into ``folds + 1`` blocks of as
many bars; each but the first is predicted by a fit on those before it, less the last ``gap`` bars (and never fewer than
a label's horizon reaches over), and the trial of the least mean log loss is fitted on the whole window. Nothing after
the window is seen, and the recipe is one stream for the gate, however much it tries. A search is bounded by trials and
not by seconds: the same inputs give the same model.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.errors import BarsMissing
from registry.extras import needing
from registry.format.phrases import shortened

DEFAULTS: Mapping[str, int] = {"trials": 20, "folds": 3, "gap": 96}
"""The gap is a trading day of 15 minutes; of other instruments it is one of theirs, see :class:`SearchedBars`."""

MOST: Mapping[str, int] = {"trials": 200, "folds": 10, "gap": 10_000}
LEAST_OF_A_FOLD = 96
"""Bars to train a fold on, as of any fit: one trading day of 15 minutes, and as many rows of any other length, since
what is too few for an estimator is counted in rows."""

Build = Callable[[Mapping[str, Any]], Any]
"""Makes the unfitted estimator of chosen values."""


@dataclass(frozen=True, eq=False)
class SearchedBars:
    """What a search sees of a training window: features (n, k), labels (n,) of 0 and 1, in the order of time. ``day``:
    bars of a trading day, the gap of a search that names none. ``ahead``: bars that a label looks ahead."""

    features: Floats
    label: npt.NDArray[np.int64]
    weights: Floats | None
    day: int = DEFAULTS["gap"]
    ahead: int = 1


def space_faults(search: object, parameters: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a search, one sentence each; its values are checked as parameters are, see :func:`corners`."""
    if search == {}:
        return
    space = search.get("space") if isinstance(search, Mapping) else None
    if not isinstance(search, Mapping) or set(search) - {"space", *DEFAULTS} or not isinstance(space, Mapping):
        yield f"search is {_short(search)}: write a space, and where you like trials, folds and gap"
        return
    if not space:
        yield "search has an empty space: name at least one parameter, or leave search out"
    for name, most in MOST.items():
        value = search.get(name, DEFAULTS[name])
        if type(value) is not int or not (name != "gap") <= value <= most:
            yield f"search: {name} is {_short(value)}: write a whole number from {int(name != 'gap')} to {most:,}"
    for name, value in space.items():
        if name in parameters:
            yield f"{name} stands in parameters and in the search space: leave one out"
        if not _is_range(value) and not _is_choice(value):
            yield f'search: {name} is {_short(value)}: write [low, high], [low, high, "log"] or {{ choices = […] }}'
    if importlib.util.find_spec("optuna") is None:
        yield "search needs the package optuna, which is not installed here: pip install 'champion-gate[search]'"


def corners(search: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The lowest values of a space and its highest ones; of choices each one in turn."""
    space = search["space"]
    yield {name: value["choices"][0] if isinstance(value, Mapping) else value[0] for name, value in space.items()}
    highest = {name: value["choices"][-1] if isinstance(value, Mapping) else value[1] for name, value in space.items()}
    yield highest
    for name, value in space.items():
        if isinstance(value, Mapping):
            yield from ({**highest, name: each} for each in value["choices"][1:-1])


def searched(search: Mapping[str, Any], build: Build, bars: SearchedBars, seed: int) -> dict[str, Any]:
    """The values of the best trial, its mean log loss (``loss``), that of the first trial, and how many there were.

    ``build`` makes the estimator of a trial's values. Raises :class:`registry.errors.PackageMissing` without Optuna,
    :class:`BarsMissing` where no fold has enough bars behind its gap.
    """
    with needing("search", "a recipe with a search space"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    said = {**DEFAULTS, "gap": bars.day, **search}
    folds = list(_folds(len(bars.label), said["folds"], max(said["gap"], bars.ahead - 1)))
    if not folds:
        raise BarsMissing(
            f"{len(bars.label)} bars are too few to search in: a fold needs {LEAST_OF_A_FOLD} before its gap of "
            f"{said['gap']}; give a longer window, fewer folds or a smaller gap"
        )
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))

    def loss(trial: Any) -> float:
        values = {name: _drawn(trial, name, value) for name, value in search["space"].items()}
        return float(np.mean([_loss(build(values), bars, train, test) for train, test in folds]))

    study.optimize(loss, n_trials=said["trials"])
    first = study.trials[0].value
    return {"values": study.best_params, "loss": study.best_value, "first": first, "trials": len(study.trials)}


def _folds(bars: int, folds: int, gap: int) -> Iterator[tuple[slice, slice]]:
    edges = np.linspace(0, bars, folds + 2).astype(int).tolist()
    for begin, end in pairwise(edges[1:]):
        if begin - gap >= LEAST_OF_A_FOLD:
            yield slice(0, begin - gap), slice(begin, end)


def _loss(model: Any, bars: SearchedBars, train: slice, test: slice) -> float:
    """The log loss of a fit on ``train`` over ``test``; of labels of one kind their share is all there is to say."""
    label = bars.label[train]
    if len(np.unique(label)) == 1:
        up = np.full(test.stop - test.start, float(label[0]))
    else:
        weights = None if bars.weights is None else bars.weights[train]
        model.fit(bars.features[train], label, **weighted(model, weights))
        up = np.asarray(model.predict_proba(bars.features[test])[:, 1], np.float64)
    up = np.clip(up, 1e-6, 1 - 1e-6)
    return float(-np.mean(np.where(bars.label[test] == 1, np.log(up), np.log1p(-up))))


def weighted(model: Any, weights: Floats | None) -> dict[str, Floats]:
    """The arguments that hand weights to ``fit``; a pipeline's go to its last step."""
    if weights is None:
        return {}
    steps = getattr(model, "steps", None)
    return {"sample_weight" if steps is None else f"{steps[-1][0]}__sample_weight": weights}


def _drawn(trial: Any, name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return trial.suggest_categorical(name, value["choices"])
    low, high = value[:2]
    suggest = trial.suggest_int if type(low) is type(high) is int else trial.suggest_float
    return suggest(name, low, high, log=len(value) == 3)


def _is_range(value: object) -> bool:
    if not isinstance(value, list | tuple) or len(value) not in (2, 3) or list(value[2:]) not in ([], ["log"]):
        return False
    low, high = value[:2]
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) and abs(end) < 1e15 for end in (low, high))
    return numbers and low < high and (len(value) == 2 or low > 0)


def _is_choice(value: object) -> bool:
    if not isinstance(value, Mapping) or set(value) != {"choices"} or not isinstance(value["choices"], list):
        return False
    plain = all(isinstance(each, str | int | float | bool) for each in value["choices"])
    return plain and 2 <= len(value["choices"]) <= 20


def _short(value: object) -> str:
    return shortened(repr(value), 120)
