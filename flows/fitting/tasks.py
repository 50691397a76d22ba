"""One fit of many: the bars to train on and the bars to predict. It gives the same bits on every worker."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats
from flows.bars import Dataset
from flows.errors import BarsMissing
from flows.recipes import Fit, Machine, Recipe, probabilities, train
from registry.archive.input_schema import RowsOf
from registry.clock import cpu_stopwatch, stopwatch


@dataclass(frozen=True, eq=False)
class FitContext:
    """What all fits have in common, sent once to each worker. ``cores``: to use for one fit."""

    data: Dataset
    train_days: int
    seed: int
    cores: int = 1


@dataclass(frozen=True, eq=False)
class FitTask:
    """One fit: ``recipe`` on the window that ends at ``end``, seen at the close of the first ``bars`` bars (default:
    then); None: as all bars are seen. ``spans``: the bars to predict, as positions of the data from … to before.

    ``early``: a walk-forward's first windows may hold too little to train on, and then nothing is predicted.
    """

    recipe: Recipe
    bars: int | None
    spans: tuple[tuple[int, int], ...]
    end: pd.Timestamp | None = None
    early: bool = False


@dataclass(frozen=True, eq=False)
class DoneFit:
    """What the fit of the task of this ``number`` said, and how long it took: ``seconds`` by the clock, and
    ``cpu_seconds`` of all threads of its process."""

    number: int
    p: Floats
    seconds: float
    cpu_seconds: float


def fit_measured(context: FitContext, number: int, task: FitTask) -> DoneFit:
    """:func:`fit_and_predict`, with what it cost."""
    started, cpu_started = stopwatch(), cpu_stopwatch()
    p = fit_and_predict(context, task)
    return DoneFit(number, p, stopwatch() - started, cpu_stopwatch() - cpu_started)


def fit_and_predict(context: FitContext, task: FitTask) -> Floats:
    """The score of each bar to predict, span by span: shape (bars of all spans,); empty where nothing is predicted.

    Raises :class:`~flows.errors.BarsMissing` where a task that is not early has too little to train on.
    """
    try:
        fit = _fit(context, task)
    except BarsMissing:
        if task.early:
            return np.empty(0)
        raise
    positions = np.concatenate([np.arange(begin, stop) for begin, stop in task.spans])
    rows = RowsOf(context.data.bars.frame, positions)
    return probabilities(fit, task.recipe.signature, rows, cores=context.cores)


def _fit(context: FitContext, task: FitTask) -> Fit:
    seen = context.data if task.bars is None else dataset_at(context.data, task.bars)
    window = seen.window(days=context.train_days, end=task.end)
    return train(task.recipe, seen, window, seed=context.seed, machine=Machine(context.cores))


def dataset_at(data: Dataset, bars: int) -> Dataset:
    """The dataset of the first ``bars`` bars, up to the end of a trading day, as it was when the last of them closed.

    Equal to preparing these bars anew: only the labels of the newest bars were not known yet.
    """
    whole = data.bars
    frame = whole.frame.iloc[:bars]
    known = replace(whole, frame=frame, file_time=whole.file_time[:bars], as_of=frame.index[-1] + data.instrument.step)
    unknown = ~np.asarray(data.known_at[:bars] <= known.as_of, np.bool_)
    return Dataset(
        bars=known,
        label=np.where(unknown, np.nan, data.label[:bars]),
        move_pips=np.where(np.arange(bars) == bars - 1, np.nan, data.move_pips[:bars]),
        known_at=pd.DatetimeIndex(data.known_at[:bars].where(~unknown)),
        trading_day=data.trading_day[:bars],
        rollover=data.rollover[:bars],
        counted=data.counted[:bars] & ~unknown,
        trained=data.trained[:bars] & ~unknown,
        question=data.question,
    )


def runs(positions: npt.NDArray[np.intp]) -> tuple[tuple[int, int], ...]:
    """Ascending positions as runs, each from … to before."""
    if not positions.size:
        return ()
    breaks = np.flatnonzero(np.diff(positions) > 1)
    begins = positions[np.concatenate([[0], breaks + 1])]
    stops = positions[np.concatenate([breaks, [positions.size - 1]])] + 1
    return tuple((int(begin), int(stop)) for begin, stop in zip(begins, stops, strict=True))
