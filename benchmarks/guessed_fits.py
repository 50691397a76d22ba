"""A tape without fits: what recipes of given skill would say, so that playing a policy can be measured and checked."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.bars import Dataset
from flows.job.plan import Job
from flows.recipes import Recipe
from flows.replay import FitCache, WorkerPool, fill_cache
from flows.replay.fit_cache import ReplayNight
from flows.replay.fits import FitContext, FitTask

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GuessingPool(WorkerPool):
    """A crew that fits nothing: a version says what comes, a little, and much else. Skill comes and goes, of
    each recipe at times of its own, so that champions are overtaken and come back."""

    skill: float = 0.5

    def ask(self, past: FitContext, lessons: Sequence[FitTask]) -> Any:
        return ((place, guessed_probabilities(past.data, lesson, self.skill)) for place, lesson in enumerate(lessons))


class GuessedCache(FitCache):
    """A tape whose frozen champions go on as they began."""

    def later(self, night: ReplayNight, recipe: Recipe) -> Floats:
        begin, size = night.bars - 96, self.data.label.size
        guessed = guessed_probabilities(self.data, FitTask(recipe, night.bars, ((begin, size),)), GuessingPool.skill)
        return np.concatenate([np.full(begin, np.nan), guessed])


def guessed_cache(job: Job, data: Dataset, first: date, last: date, folder: Path) -> GuessedCache:
    """The tape of these nights, by guesses; the same every time."""
    tape = fill_cache(job, data, first, last, folder, crew=GuessingPool())
    return GuessedCache(tape.job, tape.data, tape.backfill, tape.nights, tape.folder)


def guessed_probabilities(data: Dataset, lesson: FitTask, skill: float) -> Floats:
    """P(up) of the bars asked about: noise common to the recipe, the version's own, and the label as its skill goes."""
    at = np.concatenate([np.arange(begin, stop) for begin, stop in lesson.asked])
    name = zlib.crc32(lesson.recipe.name.encode())
    own = np.random.default_rng((name, lesson.bars)).standard_normal(data.label.size)[at]
    common = np.random.default_rng(name).standard_normal(data.label.size)[at]
    wave = np.sin(at / 96 / 3 + name % 7)  # nineteen days from one high to the next
    sign = np.nan_to_num(2.0 * data.label[at] - 1.0)
    return 0.5 + 0.01 * (common + 0.3 * own + skill * (1.0 + 2.0 * wave) * sign)
