"""Guessed probabilities stand in for fits, so that the replay of a policy can be measured and tested alone."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flows.arrays import Floats
from flows.bars import Dataset
from flows.fitting.tasks import DoneFit, FitContext, FitTask
from flows.job.plan import Job
from flows.recipes import Recipe
from flows.replay import FitCache, NightSpan, WorkerPool, fill_cache
from flows.replay.fit_cache import ReplayNight


@dataclass(frozen=True)
class GuessingPool(WorkerPool):
    """A pool that fits nothing: a version predicts what comes with a little skill and much noise. The skill of each
    recipe comes and goes at times of its own, so that champions are overtaken and come back."""

    skill: float = 0.5

    def run(self, context: FitContext, tasks: Sequence[FitTask]) -> Any:
        for number, task in enumerate(tasks):
            yield DoneFit(number, guessed_probabilities(context.data, task, self.skill), 0.0, 0.0)


class GuessedCache(FitCache):
    """A cache whose frozen champions go on as they began."""

    def frozen_probabilities(self, night: ReplayNight, recipe: Recipe) -> Floats:
        begin, size = night.bars - 96, self.data.label.size
        guessed = guessed_probabilities(self.data, FitTask(recipe, night.bars, ((begin, size),)), GuessingPool.skill)
        return np.concatenate([np.full(begin, np.nan), guessed])


def guessed_cache(job: Job, data: Dataset, span: NightSpan, folder: Path) -> GuessedCache:
    """The cache of these nights, by guesses; the same every time."""
    cache = fill_cache(job, data, span, folder, pool=GuessingPool())
    return GuessedCache(cache.job, cache.data, cache.backfill, cache.nights, cache.folder)


def guessed_probabilities(data: Dataset, task: FitTask, skill: float) -> Floats:
    """The score of the bars to predict: noise of the recipe, noise of the version, and the label as far as its skill
    goes."""
    at = np.concatenate([np.arange(begin, stop) for begin, stop in task.spans])
    name = zlib.crc32(task.recipe.name.encode())
    own = np.random.default_rng((name, task.bars or data.label.size)).standard_normal(data.label.size)[at]
    common = np.random.default_rng(name).standard_normal(data.label.size)[at]
    wave = np.sin(at / 96 / 3 + name % 7)  # nineteen days from one high to the next
    sign = np.nan_to_num(2.0 * data.label[at] - 1.0)
    return 0.5 + 0.01 * (common + 0.3 * own + skill * (1.0 + 2.0 * wave) * sign)
