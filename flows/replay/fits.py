"""One fit of a replay: what is learnt from, and which bars it is asked about. The same bits wherever it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars import Dataset
from flows.bars.loading import BAR
from flows.errors import BarsMissing
from flows.recipes import Fit, Machine, Recipe, probabilities, train

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FitContext:
    """What every fit of a replay needs, sent once to whoever fits. ``cores``: to use for one fit."""

    data: Dataset
    train_days: int
    seed: int
    cores: int = 1


@dataclass(frozen=True, eq=False)
class FitTask:
    """One fit: ``recipe`` on the window that ends at ``end``, seen at the close of the first ``bars`` bars (default:
    then). ``asked``: runs of bars, places of the data from … to before, that it is asked about.

    ``early``: a walk-forward's first windows may hold too little to train on, and then nothing is said.
    """

    recipe: Recipe
    bars: int
    asked: tuple[tuple[int, int], ...]
    end: pd.Timestamp | None = None
    early: bool = False


def ask(past: FitContext, lesson: FitTask) -> Floats:
    """Fit, and say P(up) of each bar asked about, run by run: shape (bars of all runs,); empty where nothing is said.

    Raises :class:`~flows.errors.BarsMissing` where a lesson that is not early has too little to train on.
    """
    try:
        made = _fit(past, lesson)
    except BarsMissing:
        if lesson.early:
            return np.empty(0)
        raise
    places = np.concatenate([np.arange(begin, stop) for begin, stop in lesson.asked])
    frame = past.data.bars.frame.iloc[places]
    return probabilities(made, lesson.recipe.signature, frame, cores=past.cores)


def _fit(past: FitContext, lesson: FitTask) -> Fit:
    seen = known(past.data, lesson.bars)
    window = seen.window(days=past.train_days, end=lesson.end)
    return train(lesson.recipe, seen, window, seed=past.seed, machine=Machine(past.cores))


def known(data: Dataset, bars: int) -> Dataset:
    """The dataset of the first ``bars`` bars, up to the end of a trading day, as it was when the last of them closed.

    Equal to preparing these bars anew: only the newest bar's label was not known yet.
    """
    whole = data.bars
    frame = whole.frame.iloc[:bars]
    cut = replace(whole, frame=frame, file_time=whole.file_time[:bars], as_of=frame.index[-1] + BAR)
    unknown = np.arange(bars) == bars - 1
    return Dataset(
        bars=cut,
        label=np.where(unknown, np.nan, data.label[:bars]),
        move_pips=np.where(unknown, np.nan, data.move_pips[:bars]),
        known_at=pd.DatetimeIndex(data.known_at[:bars].where(~unknown)),
        trading_day=data.trading_day[:bars],
        rollover=data.rollover[:bars],
        counted=data.counted[:bars] & ~unknown,
    )


def runs(places: npt.NDArray[np.intp]) -> tuple[tuple[int, int], ...]:
    """Ascending places as runs, each from … to before."""
    if not places.size:
        return ()
    breaks = np.flatnonzero(np.diff(places) > 1)
    begins = places[np.concatenate([[0], breaks + 1])]
    stops = places[np.concatenate([breaks, [places.size - 1]])] + 1
    return tuple((int(begin), int(stop)) for begin, stop in zip(begins, stops, strict=True))
