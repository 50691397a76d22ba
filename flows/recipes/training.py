"""Recipes are fitted on bars here: the same inputs give the same bytes, on one core or many.

A forest is spread over the cores tree by tree; every other estimator is given one core and recipes share the cores.
Measured on the 24,918 bars of 2022 on 2 shared cores, the two notebook forests take 0.51 to 0.62 of their time on one.
What the caller makes of a fit is made beside the next ones: the largest forest comes first and the smallest last, since
nothing is fitted beside what is made of the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Bars, Dataset
from flows.errors import BarsMissing, BarsRejected, RecipeRefused, RequestRefused
from flows.instruments import Instrument
from flows.recipes.libraries import refusals_of_libraries
from flows.recipes.recipe import Recipe, check_columns
from flows.recipes.searching import SearchedBars, searched, weighted
from flows.recipes.threads import importing, one_thread
from flows.recipes.weighing import weights_of
from registry.archive import portable
from registry.archive.input_schema import RowsOf
from registry.clock import stopwatch
from registry.errors import NotPortable
from registry.format.phrases import plural
from registry.log.parallel import threads

if TYPE_CHECKING:
    from registry.archive.portable import PortableModel
    from registry.archive.portable.program import Program

LARGEST = float(np.finfo(np.float32).max)
"""A feature beyond it is infinite to a tree, which reads floats of 32 bits."""

MINIMUM_ROWS = 96
"""One trading day of 15-minute bars, and as many rows of any other length; a model of fewer is a mistake in the window,
not a model."""

Timer = Callable[[], float]


@dataclass(frozen=True)
class Fit:
    """A fitted recipe and what it was fitted on.

    ``trained_from`` and ``trained_to`` are the opens of the first and last training bar, ``known_at`` the moment when
    the last label used was known (all UTC); ``rows`` counts the bars. The estimator predicts on one core. ``seconds``
    is how long fitting took and no part of what makes two fits equal. Says "up" where the score is above ``cut``.
    """

    recipe: Recipe
    estimator: Any = field(repr=False, compare=False)
    seed: int
    rows: int
    trained_from: pd.Timestamp
    trained_to: pd.Timestamp
    known_at: pd.Timestamp
    dataset_fingerprint: str
    seconds: float = field(compare=False)
    cut: float = 0.5
    found: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What a search found, see :func:`flows.recipes.searching.searched`; empty without one."""

    @cached_property
    def form(self) -> PortableModel | Program | None:
        """What its archive will predict from; None where the estimator does, or says the same bits (forests)."""
        if is_forest(self.estimator):
            return None
        features = len(self.recipe.signature.features)
        try:
            with one_thread():
                return portable.read(portable.write(self.estimator, features), features)
        except NotPortable:
            return None


@dataclass(frozen=True, eq=False)
class _TrainingSet:
    """One recipe's part of a training window: features (n, k), labels (n,) of 0 and 1, and where they come from."""

    recipe: Recipe
    features: Floats
    label: npt.NDArray[np.int64]
    weights: Floats | None
    source: dict[str, Any]
    instrument: Instrument
    ahead: int


@dataclass(frozen=True)
class Machine:
    """What fits run on: its ``cores`` (all there are by default), and the ``timer`` that measures how long each takes.

    Raises :class:`RequestRefused` for no core.
    """

    cores: int | None = None
    timer: Timer = stopwatch

    def __post_init__(self) -> None:
        if self.cores is not None and self.cores < 1:
            raise RequestRefused(f"training on {self.cores} cores is not possible: give at least 1")

    @property
    def core_count(self) -> int:
        if self.cores is not None:
            return self.cores
        from joblib import cpu_count

        return int(cpu_count())


ONE_CORE, ALL_CORES = Machine(1), Machine()


def is_forest(estimator: Any) -> bool:
    """Whether its trees are fitted and predict independently, so that threads change nothing in the result."""
    with importing:
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    return isinstance(estimator, RandomForestClassifier | ExtraTreesClassifier)


def train(recipe: Recipe, dataset: Dataset, mask: Mask, *, seed: int, machine: Machine = ONE_CORE) -> Fit:
    """``recipe`` fitted on the bars of ``dataset`` where ``mask`` (n,) holds, the label is known and is trained on.

    Raises :class:`BarsMissing` for fewer than 96 such bars or labels of one kind, :class:`BarsRejected` for a bar of
    which a feature cannot be computed, :class:`RecipeRefused` for a column
    that the bars lack or parameters that scikit-learn refuses together, :class:`RequestRefused` for a wrong mask or
    seed.
    """
    [fit] = train_all([recipe], dataset, mask, seed=seed, machine=machine)
    return fit


def train_all(
    recipes: Sequence[Recipe],
    dataset: Dataset,
    mask: Mask,
    *,
    seed: int,
    machine: Machine = ALL_CORES,
    on_done: Callable[[Fit], None] | None = None,
) -> list[Fit]:
    """Every recipe as by :func:`train`, in the order given.

    ``on_done`` is called with each fit as it is ready, in the calling thread. Errors as of :func:`train`; what can be
    checked is checked for all recipes before the first is fitted.
    """
    cores = machine.core_count
    training_sets = _training_sets(recipes, dataset, mask)
    models = [recipe.build(seed) for recipe in recipes]
    forests = [place for place, model in enumerate(models) if is_forest(model)]
    forests.sort(key=lambda place: -models[place].n_estimators)
    others = [place for place in range(len(models)) if place not in forests]
    first = max(len(forests) - 1, 1) if others else len(forests)
    fits: dict[int, Fit] = {}

    def fit_one(place: int, jobs: int) -> Fit:
        return _fit(training_sets[place], models[place], seed, jobs, machine.timer)

    def finished() -> Iterator[tuple[int, Fit]]:
        for place in forests[:first]:
            yield place, fit_one(place, cores)
        with threads(cores) as workers:
            waiting = {workers.submit(fit_one, place, 1): place for place in others}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        for place in forests[first:]:
            yield place, fit_one(place, cores)

    for place, fit in finished():
        fits[place] = fit
        if on_done is not None:
            on_done(fit)
    return [fits[place] for place in range(len(recipes))]


def _training_sets(recipes: Sequence[Recipe], dataset: Dataset, mask: Mask) -> list[_TrainingSet]:
    frame = dataset.bars.frame
    if mask.shape != dataset.label.shape or mask.dtype != np.bool_:
        raise RequestRefused(f"the training mask is {mask.dtype} of shape {mask.shape}: give one bool for each bar")
    check_columns(recipes, list(frame.columns))
    rows = mask & dataset.trained
    count = int(rows.sum())
    if count < MINIMUM_ROWS:
        known = "a known label" if dataset.question.kind != "dead_zone" else "a move beyond the dead zone"
        raise BarsMissing(f"{count} bars with {known} to train on: choose a window of at least {MINIMUM_ROWS}")
    if len(np.unique(dataset.label[rows])) == 1:
        raise BarsMissing(
            f"all {count} training labels are {dataset.label[rows][0]:.0f}: choose a window in which the price moves "
            "both ways"
        )
    fingerprint = dataset.fingerprint(mask)
    for recipe in recipes:
        _check_features(recipe, dataset.bars, rows & recipe.signature.known(frame))
    return [_training_set(recipe, dataset, rows, fingerprint) for recipe in recipes]


def _training_set(recipe: Recipe, dataset: Dataset, rows: Mask, fingerprint: str) -> _TrainingSet:
    """Of the bars with a known label those that have behind them what the recipe looks back on."""
    frame = dataset.bars.frame
    known = rows & recipe.signature.known(frame)
    count, label = int(known.sum()), dataset.label[known].astype(np.int64)
    if count < MINIMUM_ROWS or len(np.unique(label)) == 1:
        raise BarsMissing(
            f"recipe {recipe.name} looks back on {recipe.signature.bars} bars, which leaves {plural(count, 'bar')} to "
            f"train on: give a longer window of at least {MINIMUM_ROWS} in which the price moves both ways"
        )
    opens = frame.index[known]
    source = {
        "rows": count,
        "trained_from": opens[0],
        "trained_to": opens[-1],
        "known_at": dataset.known_at[known].max(),
        "dataset_fingerprint": fingerprint,
    }
    weights = weights_of(recipe.weights, opens, label)
    x, ahead = recipe.signature.matrix(RowsOf(frame, known)), dataset.question.bars
    return _TrainingSet(recipe, x, label, weights, source, dataset.instrument, ahead)


def _check_features(recipe: Recipe, bars: Bars, rows: Mask) -> None:
    """Raises :class:`BarsRejected` naming file and time of the first bar with a feature that no model can read."""
    frame = bars.frame[rows]
    values = recipe.signature.unchecked(RowsOf(bars.frame, rows))
    for feature, of_feature in zip(recipe.signature.parsed, values.T, strict=True):
        wrong = np.flatnonzero(~(np.abs(of_feature) <= LARGEST))
        if not wrong.size:
            continue
        first = np.datetime_as_string(bars.file_time[rows][wrong[0]], "s").replace("T", " ")
        read = ", ".join(f"{name} = {frame[name].iloc[wrong[0]]:g}" for name in feature.columns)
        raise BarsRejected(
            f"recipe {recipe.name} cannot be trained: {feature} is no usable number in {plural(wrong.size, 'bar')}, "
            f"the first at {first} in {bars.file_of(int(first[:4]))} of {bars.source} ({read}): correct or remove "
            "the bar, or leave the recipe out"
        )


def _fit(training_set: _TrainingSet, model: Any, seed: int, jobs: int, timer: Timer) -> Fit:
    recipe, found = training_set.recipe, dict[str, Any]()
    started = timer()
    try:
        with one_thread():
            if recipe.search:
                day, ahead = training_set.instrument.counts.bars, training_set.ahead
                bars = SearchedBars(training_set.features, training_set.label, training_set.weights, day, ahead)
                found = searched(recipe.search, lambda values: recipe.chosen(values).build(seed), bars, seed)
                model = recipe.chosen(found["values"]).build(seed)
            if is_forest(model):
                model.set_params(n_jobs=jobs)
            model.fit(training_set.features, training_set.label, **weighted(model, training_set.weights))
    except refusals_of_libraries() as refused:
        library = (*training_set.recipe.packages, "scikit-learn")[0]
        raise RecipeRefused(
            f"recipe {training_set.recipe.name} cannot be trained, {library} says: {refused}; change its parameters"
        ) from refused
    seconds = timer() - started
    # Inside a pipeline too: on one row two hundred trees are four times slower with threads, and machines differ.
    jobs_set = {name: 1 for name in model.get_params() if name.split("__")[-1] == "n_jobs"}
    if jobs_set:  # CatBoost lets nothing be set once it is fitted, not even nothing
        model.set_params(**jobs_set)
    return Fit(recipe=recipe, estimator=model, seed=seed, seconds=seconds, found=found, **training_set.source)
