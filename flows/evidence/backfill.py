"""Walking forward over the past: what each recipe's stream would have predicted before there was a first night.

The scores of this backfill choose the first champion, warm the ranks and give the watch a baseline. They are marked as
not live: once there is a champion, a recipe tuned on the days that it is judged on would be selection, not evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.errors import BarsMissing
from flows.fitting.queue import FitQueue, OnQueueProgress
from flows.fitting.tasks import FitContext, FitTask, runs
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import NightScores, StreamScores, minutes, recipe_stream
from flows.gate.scoring.scores import stream_threshold
from flows.instruments import GBPUSD_M15, DayCounts
from flows.job.plan import Job
from flows.recipes import Fit, Machine, Recipe, train_all
from registry.format.phrases import plural

REFIT_DAYS = 20
"""Trading days scored by one fit: retrains a month apart differ little, and one for each night would take hours."""

FIRST_TRAINING_DAYS = 60
"""Calendar days of bars before the first day that is scored; the first fits see less than a full window."""

FEWER = "set RETRAIN_CORES=1 and run the night again: then it is fitted in one process"


def walk_forward(job: Job, data: Dataset, *, night: str, progress: OnQueueProgress | None = None) -> list[NightScores]:
    """Scores of the past, oldest first: every recipe refitted each 20 trading days, for the last ``backfill_days``.

    Nothing is scored on bars it was trained on. Bars fewer than 60 days after the first have no score, nor have days
    with too little before them to train on. An empty list where the bars do not reach back that far. The same bits for
    any number of cores.
    """
    steps = refits(data, job.request.advanced.backfill_days)
    if not steps:
        return []
    context = FitContext(data, job.request.advanced.train_days, job.request.advanced.seed)
    tasks = [
        FitTask(recipe, None, runs(np.flatnonzero(evaluated)), end, early=True)
        for end, evaluated in steps
        for recipe in job.recipes
    ]
    answers = FitQueue(context, tasks, job.cores, FEWER, progress).run()
    size = len(job.recipes)
    by_step = (answers[at : at + size] for at in range(0, len(answers), size))
    # A step of which a recipe has too little to train on is left out for all: they are compared on the same bars.
    predictions = [of_recipes if all(p.size for p in of_recipes) else [] for of_recipes in by_step]
    return night_scores(job, data, night, [evaluated for _, evaluated in steps], predictions)


def cost_sentence(fits: int) -> str:
    """What begins before a first night, for whoever waits for it."""
    return (
        f"Before the first night the recipes walk forward over the past, once, to choose a first champion by: "
        f"{plural(fits, 'fit')} (--no-backfill leaves it out)."
    )


def left_sentence(seconds: float) -> str:
    """How much longer it takes, by what the first fits took."""
    left = plural(round(seconds / 60), "minute") if seconds >= 90 else plural(max(round(seconds), 1), "second")
    return f"By the first fits, that takes about {left} more on this machine."


def refits(data: Dataset, days: int) -> list[tuple[pd.Timestamp, Mask]]:
    """The walk-forward's steps over the last ``days`` trading days, oldest first: when each training window ends, and
    the bars that its fits are evaluated on, shape (n_bars,)."""
    opens = pd.DatetimeIndex(data.bars.frame.index)
    steps = []
    for chunk in _chunks(data, opens, days):
        evaluated = np.isin(data.trading_day, chunk) & ~np.isnan(data.label)
        steps.append((opens[evaluated][0], evaluated))
    return steps


def night_scores(
    job: Job, data: Dataset, night: str, evaluated: Sequence[Mask], predictions: Sequence[Sequence[Floats]]
) -> list[NightScores]:
    """The scores of a walk-forward. ``evaluated``: the bars of each step; ``predictions``: each step's scores of these
    bars by every recipe, in recipe order, or nothing where there was too little to train on."""
    opens = pd.DatetimeIndex(data.bars.frame.index)
    before: dict[str, list[Floats]] = {recipe.name: [] for recipe in job.recipes}
    scores = []
    for bars, of_recipes in zip(evaluated, predictions, strict=True):
        streams = []
        for recipe, p in zip(job.recipes, of_recipes, strict=False):
            streams.append(_stream_scores(job, recipe, before[recipe.name], p))
            before[recipe.name].append(p[~np.isnan(p)])  # NaN where its features have too few bars to look back on
        if streams:
            days = day_fingerprints(data, bars)
            made = NightScores(night, False, minutes(opens[bars]), data.label[bars], days, tuple(streams))
            scores.append(replace(made, instrument=data.instrument, question=data.question))
    return scores


def fits_before(job: Job, data: Dataset, end: pd.Timestamp) -> list[Fit]:
    """Every recipe on the window that ends there; none where it holds too little to train on."""
    try:
        trained = data.window(days=job.request.advanced.train_days, end=end)
        return train_all(job.recipes, data, trained, seed=job.request.advanced.seed, machine=Machine(job.cores))
    except BarsMissing:
        return []


def day_fingerprints(data: Dataset, scored: Mask) -> dict[str, str]:
    """The fingerprint of the scored bars of each trading day."""
    days = data.trading_day
    return {str(day): data.fingerprint(scored & (days == day)) for day in np.unique(days[scored])}


def decision_threshold(policy: GatePolicy, predictions: Floats, counts: DayCounts = GBPUSD_M15.counts) -> float:
    """Above what a version trained now says "up", by its stream's earlier predictions: shape (n_bars,)."""
    if policy.cut == "half" or predictions.size < counts.week:
        return 0.5
    return stream_threshold(predictions, counts)


def _stream_scores(job: Job, recipe: Recipe, before: list[Floats], p: Floats) -> StreamScores:
    threshold = decision_threshold(job.gate, np.concatenate(before) if before else np.empty(0), job.instrument.counts)
    return StreamScores(recipe_stream(recipe.fingerprint), recipe.name, None, threshold, p)


def _chunks(data: Dataset, opens: pd.DatetimeIndex, days: int) -> list[npt.NDArray[np.datetime64]]:
    """The last ``days`` trading days that may be scored, in runs of :data:`REFIT_DAYS`, oldest first."""
    early = opens < opens[0] + pd.Timedelta(days=FIRST_TRAINING_DAYS)
    chosen = np.unique(data.trading_day[data.counted & ~early])[-days:] if days else np.empty(0, "datetime64[D]")
    return [chosen[at : at + REFIT_DAYS] for at in range(0, chosen.size, REFIT_DAYS)]
