"""The tape: what every recipe's version of every night said about the bars that came next.

One file a fit in a folder, written whole or not at all, so that a replay that was killed goes on where it stopped, and
one with a recipe more fits that recipe alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars import Dataset
from flows.errors import BarsMissing, RequestRefused
from flows.evidence.backfill import Progress, night_scores, refits
from flows.gate.scoring.ledger import NightScores, StreamScores, minutes, recipe_stream
from flows.job.plan import Job
from flows.night.nightly_rule import last_days
from flows.recipes import Recipe, environment
from flows.replay.fits import FitContext, FitTask, Floats, ask, known, runs
from flows.replay.workers import WorkerPool
from registry import key_digest

AHEAD = 5 * 96
"""Bars after a night that its versions are asked about: five trading days, so that a long weekend is bridged."""


@dataclass(frozen=True, eq=False)
class Taped:
    """One night. ``sheet``: the bars that got their label this night, as each recipe's version of the night before
    said. ``asked``: recipe name -> what tonight's version says on the last 20 days' bars, shape (asked bars,), which
    stand at ``places`` of the data; ``coming``: what it says on the bars from ``through`` on."""

    night: str
    bars: int
    sheet: NightScores
    asked: dict[str, Floats]
    places: npt.NDArray[np.intp]
    coming: dict[str, Floats]
    through: int

    def said(self, recipe: str, at: npt.NDArray[np.intp]) -> Floats:
        """What this night's version says on bars at these places of the data, recent or coming ones."""
        later = at >= self.through
        p = np.empty(at.size)
        p[later] = self.coming[recipe][at[later] - self.through]
        p[~later] = self.asked[recipe][np.searchsorted(self.places, at[~later])]
        return p


@dataclass(frozen=True, eq=False)
class FitCache:
    """All nights of a replay, oldest first, and the backfill before the first of them."""

    job: Job
    data: Dataset
    backfill: tuple[NightScores, ...]
    nights: tuple[Taped, ...]
    folder: Path

    def as_of(self, night: Taped) -> Dataset:
        """The dataset as the night saw it."""
        return known(self.data, night.bars)

    def later(self, night: Taped, recipe: Recipe) -> Floats:
        """What the recipe's version of a night says of every bar from then on, NaN before: shape (n_bars,).

        Fitted again where it was never asked; what it said is kept beside the fits.
        """
        frame, begin = self.data.bars.frame, night.bars - 96
        path = self.folder / f"later-{night.night}-{_short(recipe)}.npy"
        lesson = FitTask(recipe, night.bars, ((begin, len(frame)),))
        if not path.exists():
            _keep(path, ask(_past(self.job, self.data, cores=self.job.cores), lesson))
        return np.concatenate([np.full(begin, np.nan), _kept(path, lesson)])


@dataclass(frozen=True, eq=False)
class _Night:
    """A night before anything was fitted: what its versions are asked about."""

    name: str
    seen: Dataset
    places: npt.NDArray[np.intp]
    through: int

    @classmethod
    def of(cls, data: Dataset, name: str, bars: int) -> _Night:
        seen = known(data, bars)
        return cls(name, seen, np.flatnonzero(last_days(seen)), int(np.flatnonzero(~np.isnan(seen.label))[-1]) + 1)

    def lesson(self, recipe: Recipe, of: int) -> FitTask:
        """Asked about: the last 20 days, then the bars that come, of the ``of`` bars there are."""
        bars = self.seen.label.size
        return FitTask(recipe, bars, (*runs(self.places), (self.through, min(bars + AHEAD, of))))


def record(
    job: Job,
    data: Dataset,
    first: date,
    last: date,
    folder: Path,
    progress: Progress | None = None,
    *,
    crew: WorkerPool = WorkerPool(),  # noqa: B008  # frozen
) -> FitCache:
    """The tape of the nights from ``first`` to ``last``; a fit that is in ``folder`` already is not made again.
    ``progress`` is told how many fits are there, and of how many.

    Raises :class:`RequestRefused` where no trading day lies between them, :class:`BarsMissing` where nothing lies
    before them to train on, and as :meth:`WorkerPool.ask` does.
    """
    nights = [_Night.of(data, name, bars) for name, bars in _nights(data, first, last)]
    begun = nights[0].seen
    steps = refits(begun, job.request.advanced.backfill_days)
    place = _folder(job, data, folder)
    past_lessons = {
        place / f"before-{nights[0].name}-{end.date()}-{_short(recipe)}.npy": FitTask(
            recipe, begun.label.size, runs(np.flatnonzero(asked)), end, early=True
        )
        for end, asked in steps
        for recipe in job.recipes
    }
    lessons = {
        place / f"{night.name}-{_short(recipe)}.npy": night.lesson(recipe, data.label.size)
        for night in nights
        for recipe in job.recipes
    }
    fitted = _fitted(crew, _past(job, data), {**past_lessons, **lessons}, progress)
    said = list(_by_recipes(job, (fitted[path] for path in past_lessons)))
    answers = [[each for each in one if each.size] for one in said]
    backfill = night_scores(job, begun, nights[0].name, [asked for _, asked in steps], answers)
    taped: list[Taped] = []
    for night, one in zip(nights, _by_recipes(job, (fitted[path] for path in lessons)), strict=True):
        taped.append(_taped(job, night, one, taped[-1] if taped else None))
    return FitCache(job, data, tuple(backfill), tuple(taped), place)


def _past(job: Job, data: Dataset, *, cores: int = 1) -> FitContext:
    return FitContext(data, job.request.advanced.train_days, job.request.advanced.seed, cores)


def _folder(job: Job, data: Dataset, folder: Path) -> Path:
    """Where fits on these bars, with these settings and these versions of the libraries, are kept."""
    key = key_digest([data.fingerprint(), job.request.advanced.train_days, job.request.advanced.seed, environment()])
    place = folder / key[:16]
    place.mkdir(parents=True, exist_ok=True)
    return place


def _short(recipe: Recipe) -> str:
    return recipe.fingerprint[:16]


def _nights(data: Dataset, first: date, last: date) -> list[tuple[str, int]]:
    """Each trading day with enough bars, and how many bars were there at its end."""
    days, start, count = np.unique(data.trading_day, return_index=True, return_counts=True)
    chosen = (days >= np.datetime64(first)) & (days <= np.datetime64(last)) & (count >= 48)
    if not chosen.any():
        raise RequestRefused(f"there is no trading day with bars from {first} to {last}: choose other dates")
    return [
        (str(day), int(begin + size))
        for day, begin, size in zip(days[chosen], start[chosen], count[chosen], strict=True)
    ]


def _fitted(
    crew: WorkerPool, past: FitContext, lessons: dict[Path, FitTask], progress: Progress | None
) -> dict[Path, Floats]:
    """What each lesson's fit says, from its file where there is one, else fitted by the crew and kept."""
    missing = [path for path in lessons if not path.exists()]
    done = len(lessons) - len(missing)
    if progress is not None:
        progress(done, len(lessons))
    for place, said in crew.ask(past, [lessons[path] for path in missing]):
        _keep(missing[place], said)
        done += 1
        if progress is not None:
            progress(done, len(lessons))
    return {path: _kept(path, lesson) for path, lesson in lessons.items()}


def _keep(path: Path, said: Floats) -> None:
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.save(file, said, allow_pickle=False)
    partial.replace(path)


def _kept(path: Path, lesson: FitTask) -> Floats:
    size = sum(stop - begin for begin, stop in lesson.asked)
    try:
        said: Floats = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as unreadable:
        raise RequestRefused(f"{path} is damaged: remove it, and the replay fits it again") from unreadable
    if said.dtype != np.float64 or (said.shape != (size,) and not (lesson.early and said.shape == (0,))):
        raise RequestRefused(f"{path} does not hold {size} probabilities: remove it, and the replay fits it again")
    return said


def _by_recipes(job: Job, said: Iterable[Floats]) -> Iterable[list[Floats]]:
    """One list a step, in recipe order."""
    everything = list(said)
    size = len(job.recipes)
    return (everything[at : at + size] for at in range(0, len(everything), size))


def _taped(job: Job, night: _Night, said: Sequence[Floats], before: Taped | None) -> Taped:
    size = night.places.size
    asked = {recipe.name: p[:size] for recipe, p in zip(job.recipes, said, strict=True)}
    coming = {recipe.name: p[size:] for recipe, p in zip(job.recipes, said, strict=True)}
    if before is None:
        empty = np.empty(0)
        sheet = NightScores(night.name, True, empty.astype(np.int64), empty, {}, ())
    else:
        sheet = _sheet(job, night, before)
    return Taped(night.name, night.seen.label.size, sheet, asked, night.places, coming, night.through)


def _sheet(job: Job, night: _Night, before: Taped) -> NightScores:
    """The bars labelled since the night before, as its versions said them; cuts are set when a policy plays."""
    label = night.seen.label
    at = np.arange(before.through, night.through)
    at = at[~np.isnan(label[at])]
    if at.size and at[-1] - before.through >= min(p.size for p in before.coming.values()):
        raise BarsMissing(f"more than five days of bars lie between the nights of {before.night} and {night.name}")
    opens = pd.DatetimeIndex(night.seen.bars.frame.index)[at]
    series = tuple(
        StreamScores(recipe_stream(each.fingerprint), each.name, before.night, 0.5, before.said(each.name, at))
        for each in job.recipes
    )
    return NightScores(night.name, True, minutes(opens), label[at], {}, series)
