"""A walk-forward over the past: what each recipe's stream would have said before there was a first night.

It chooses the first champion, warms the ranks and gives the watch a baseline. It is marked as not live: once there is a
champion, a recipe tuned on the days that it is judged on would be selection, not evidence.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars import Dataset
from flows.errors import BarsMissing
from flows.gate.ledger import Series, Sheet, minutes, recipe_stream
from flows.gate.policy import GatePolicy
from flows.gate.scores import TRAILING_MINIMUM, stream_cut
from flows.plan import Job
from flows.recipes import Fit, Recipe, probabilities, train_all

REFIT_DAYS = 20
"""Trading days scored by one fit: retrains a month apart differ little, and one for each night would take hours."""

FIRST_TRAINING_DAYS = 60
"""Calendar days of bars before the first day that is scored; the first fits see less than a full window."""

Progress = Callable[[int, int], None]
"""Told how many refits are done, and of how many."""


def walk_forward(job: Job, data: Dataset, *, night: str, progress: Progress | None = None) -> list[Sheet]:
    """Sheets of the past, oldest first: every recipe refitted each 20 trading days, for the last ``backfill_days``.

    Nothing is scored on bars it was trained on. Bars fewer than 60 days after the first have no score, nor have days
    with too little before them to train on. An empty list where the bars do not reach back that far.
    """
    opens = pd.DatetimeIndex(data.bars.frame.index)
    chunks = _chunks(data, opens, job.request.advanced.backfill_days)
    said: dict[str, list[npt.NDArray[np.float64]]] = {recipe.name: [] for recipe in job.recipes}
    sheets = []
    for done, days in enumerate(chunks):
        asked = np.isin(data.trading_day, days) & ~np.isnan(data.label)
        fits = _fits(job, data, opens[asked][0])
        frame = data.bars.frame[asked]
        series = []
        for fit in fits:
            p = probabilities(fit, fit.recipe.signature, frame, cores=job.cores)
            series.append(_series(job, fit.recipe, said[fit.recipe.name], p))
            said[fit.recipe.name].append(p)
        if fits:
            sheets.append(
                Sheet(night, False, minutes(opens[asked]), data.label[asked], marks(data, asked), tuple(series))
            )
        if progress is not None:
            progress(done + 1, len(chunks))
    return sheets


def _fits(job: Job, data: Dataset, end: pd.Timestamp) -> list[Fit]:
    """Every recipe on the window that ends there; none where it holds too little to train on."""
    try:
        trained = data.window(days=job.request.advanced.train_days, end=end)
        return train_all(job.recipes, data, trained, seed=job.request.advanced.seed, cores=job.cores)
    except BarsMissing:
        return []


def marks(data: Dataset, scored: npt.NDArray[np.bool_]) -> dict[str, str]:
    """The fingerprint of the scored bars of each trading day."""
    days = data.trading_day
    return {str(day): data.fingerprint(scored & (days == day)) for day in np.unique(days[scored])}


def cut_of(policy: GatePolicy, said: npt.NDArray[np.float64]) -> float:
    """The cut that a version trained now is served with, from what its stream said before: shape (n_bars,)."""
    if policy.cut == "half" or said.size < TRAILING_MINIMUM:
        return 0.5
    return stream_cut(said)


def _series(job: Job, recipe: Recipe, before: list[npt.NDArray[np.float64]], p: npt.NDArray[np.float64]) -> Series:
    cut = cut_of(job.gate, np.concatenate(before) if before else np.empty(0))
    return Series(recipe_stream(recipe.fingerprint), recipe.name, None, cut, p)


def _chunks(data: Dataset, opens: pd.DatetimeIndex, days: int) -> list[npt.NDArray[np.datetime64]]:
    """The last ``days`` trading days that may be scored, in runs of :data:`REFIT_DAYS`, oldest first."""
    early = opens < opens[0] + pd.Timedelta(days=FIRST_TRAINING_DAYS)
    chosen = np.unique(data.trading_day[data.counted & ~early])[-days:] if days else np.empty(0, "datetime64[D]")
    return [chosen[at : at + REFIT_DAYS] for at in range(0, chosen.size, REFIT_DAYS)]
