"""A walk-forward over the past: what each recipe's stream would have said before there was a first night.

It chooses the first champion, warms the ranks and gives the watch a baseline. It is marked as not live: once there is a
champion, a recipe tuned on the days that it is judged on would be selection, not evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.errors import BarsMissing
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import NightScores, StreamScores, minutes, recipe_stream
from flows.gate.scoring.scores import TRAILING_MINIMUM, stream_cut
from flows.job.plan import Job
from flows.recipes import Fit, Recipe, probabilities, train_all

REFIT_DAYS = 20
"""Trading days scored by one fit: retrains a month apart differ little, and one for each night would take hours."""

SECONDS_A_REFIT = 4.0
"""Of all shipped recipes on two free cores: 97 s for the 25 refits of the first night on the sample (`make run`)."""

FIRST_TRAINING_DAYS = 60
"""Calendar days of bars before the first day that is scored; the first fits see less than a full window."""


Progress = Callable[[int, int], None]
"""Told how many refits are done, and of how many: before the first of them too."""


def walk_forward(job: Job, data: Dataset, *, night: str, progress: Progress | None = None) -> list[NightScores]:
    """Sheets of the past, oldest first: every recipe refitted each 20 trading days, for the last ``backfill_days``.

    Nothing is scored on bars it was trained on. Bars fewer than 60 days after the first have no score, nor have days
    with too little before them to train on. An empty list where the bars do not reach back that far.
    """
    chunks = refits(data, job.request.advanced.backfill_days)
    said = []
    if progress is not None and chunks:
        progress(0, len(chunks))
    for done, (end, asked) in enumerate(chunks):
        frame = data.bars.frame[asked]
        said.append([probabilities(fit, fit.recipe.signature, frame, cores=job.cores) for fit in _fits(job, data, end)])
        if progress is not None:
            progress(done + 1, len(chunks))
    return sheets(job, data, night, [asked for _, asked in chunks], said)


def cost(steps: int) -> str:
    """What a person is told before so many refits begin."""
    minutes = max(round(steps * SECONDS_A_REFIT / 60), 1)
    return (
        f"Before the first night every recipe is fitted {steps} times on the past, to choose a first champion by: "
        f"about {minutes} minute{'' if minutes == 1 else 's'} for the shipped recipes on two free cores, once "
        "(--no-backfill leaves it out)."
    )


def refits(data: Dataset, days: int) -> list[tuple[pd.Timestamp, Mask]]:
    """The walk-forward's steps over the last ``days`` trading days, oldest first: when each training window ends, and
    the bars that its fits are asked about, shape (n_bars,)."""
    opens = pd.DatetimeIndex(data.bars.frame.index)
    steps = []
    for chunk in _chunks(data, opens, days):
        asked = np.isin(data.trading_day, chunk) & ~np.isnan(data.label)
        steps.append((opens[asked][0], asked))
    return steps


def sheets(
    job: Job, data: Dataset, night: str, asked: Sequence[Mask], said: Sequence[Sequence[Floats]]
) -> list[NightScores]:
    """The sheets of a walk-forward. ``said``: of each step what every recipe said of its bars, in recipe order, or
    nothing where there was too little to train on."""
    opens = pd.DatetimeIndex(data.bars.frame.index)
    before: dict[str, list[Floats]] = {recipe.name: [] for recipe in job.recipes}
    found = []
    for bars, answers in zip(asked, said, strict=True):
        series = []
        for recipe, p in zip(job.recipes, answers, strict=False):
            series.append(_series(job, recipe, before[recipe.name], p))
            before[recipe.name].append(p)
        if series:
            found.append(
                NightScores(night, False, minutes(opens[bars]), data.label[bars], marks(data, bars), tuple(series))
            )
    return found


def _fits(job: Job, data: Dataset, end: pd.Timestamp) -> list[Fit]:
    """Every recipe on the window that ends there; none where it holds too little to train on."""
    try:
        trained = data.window(days=job.request.advanced.train_days, end=end)
        return train_all(job.recipes, data, trained, seed=job.request.advanced.seed, cores=job.cores)
    except BarsMissing:
        return []


def marks(data: Dataset, scored: Mask) -> dict[str, str]:
    """The fingerprint of the scored bars of each trading day."""
    days = data.trading_day
    return {str(day): data.fingerprint(scored & (days == day)) for day in np.unique(days[scored])}


def cut_of(policy: GatePolicy, said: Floats) -> float:
    """The cut that a version trained now is served with, from what its stream said before: shape (n_bars,)."""
    if policy.cut == "half" or said.size < TRAILING_MINIMUM:
        return 0.5
    return stream_cut(said)


def _series(job: Job, recipe: Recipe, before: list[Floats], p: Floats) -> StreamScores:
    cut = cut_of(job.gate, np.concatenate(before) if before else np.empty(0))
    return StreamScores(recipe_stream(recipe.fingerprint), recipe.name, None, cut, p)


def _chunks(data: Dataset, opens: pd.DatetimeIndex, days: int) -> list[npt.NDArray[np.datetime64]]:
    """The last ``days`` trading days that may be scored, in runs of :data:`REFIT_DAYS`, oldest first."""
    early = opens < opens[0] + pd.Timedelta(days=FIRST_TRAINING_DAYS)
    chosen = np.unique(data.trading_day[data.counted & ~early])[-days:] if days else np.empty(0, "datetime64[D]")
    return [chosen[at : at + REFIT_DAYS] for at in range(0, chosen.size, REFIT_DAYS)]
