"""The cache of a replay's fits: the scores that each recipe's version of each night gives the bars after it.

Each fit is one file in a folder, written whole or not at all. A replay that was killed therefore goes on where it
stopped, and one with one recipe more fits that recipe alone.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats
from flows.bars import NEXT_BAR, Dataset
from flows.errors import BarsMissing, RequestRefused
from flows.evidence.backfill import night_scores, refits
from flows.fitting.tasks import FitContext, FitTask, dataset_at, fit_and_predict, runs
from flows.fitting.workers import WorkerPool
from flows.gate.scoring.ledger import NightScores, StreamScores, minutes, recipe_stream
from flows.job.plan import Job
from flows.night.nightly_rule import last_days
from flows.recipes import Recipe, environment
from registry import key_digest
from registry.errors import StoreFull, StoreUnavailable
from registry.store.files import write_atomically

DAYS_AHEAD = 5
"""Trading days after a night that its versions predict, so that a long weekend is bridged."""

Progress = Callable[[int, int], None]
"""Called with how many fits there are, and of how many."""


@dataclass(frozen=True)
class NightSpan:
    """The nights from ``first`` to ``last``, both included."""

    first: date
    last: date


@dataclass(frozen=True, eq=False)
class ReplayNight:
    """One night. ``scores``: the bars that got their label this night, with the scores of the night before's
    versions. ``recent``: recipe name -> the probabilities that tonight's version gives the last 20 days' bars, shape
    (recent bars,), which stand at ``positions`` of the data; ``coming``: those that it gives the bars from ``through``
    on."""

    night: str
    bars: int
    scores: NightScores
    recent: dict[str, Floats]
    positions: npt.NDArray[np.intp]
    coming: dict[str, Floats]
    through: int

    def probabilities(self, recipe: str, at: npt.NDArray[np.intp]) -> Floats:
        """Scores by this night's version of bars at these positions of the data, recent or coming ones."""
        later = at >= self.through
        p = np.empty(at.size)
        p[later] = self.coming[recipe][at[later] - self.through]
        p[~later] = self.recent[recipe][np.searchsorted(self.positions, at[~later])]
        return p


@dataclass(frozen=True, eq=False)
class FitCache:
    """All nights of a replay, oldest first, and the backfill before the first of them."""

    job: Job
    data: Dataset
    backfill: tuple[NightScores, ...]
    nights: tuple[ReplayNight, ...]
    folder: Path

    def as_of(self, night: ReplayNight) -> Dataset:
        """The dataset as the night saw it."""
        return dataset_at(self.data, night.bars)

    def frozen_probabilities(self, night: ReplayNight, recipe: Recipe) -> Floats:
        """Scores by the recipe's version of a night of every bar from then on, NaN before: shape (n_bars,).

        The version is fitted again where that was never needed before; the result is kept beside the other fits.
        """
        frame, begin = self.data.bars.frame, night.bars - self.data.instrument.slots
        path = self.folder / f"later-{night.night}-{_short(recipe)}.npy"
        task = FitTask(recipe, night.bars, ((begin, len(frame)),))
        if not path.exists():
            _save(path, fit_and_predict(_fit_context(self.job, self.data, cores=self.job.cores), task))
        return np.concatenate([np.full(begin, np.nan), _load(path, task)])


@dataclass(frozen=True, eq=False)
class _PlannedNight:
    """A night before its fits are made: which bars its versions will predict."""

    name: str
    seen: Dataset
    positions: npt.NDArray[np.intp]
    through: int

    @classmethod
    def of(cls, data: Dataset, name: str, bars: int) -> _PlannedNight:
        seen = dataset_at(data, bars)
        return cls(name, seen, np.flatnonzero(last_days(seen)), int(np.flatnonzero(~np.isnan(seen.label))[-1]) + 1)

    def task(self, recipe: Recipe, of: int) -> FitTask:
        """Predicts the last 20 days, then the bars that come, of the ``of`` bars there are."""
        bars = self.seen.label.size
        return FitTask(
            recipe,
            bars,
            (*runs(self.positions), (self.through, min(bars + DAYS_AHEAD * self.seen.instrument.slots, of))),
        )


def fill_cache(
    job: Job,
    data: Dataset,
    span: NightSpan,
    folder: Path,
    progress: Progress | None = None,
    *,
    pool: WorkerPool = WorkerPool(),  # noqa: B008  # frozen
) -> FitCache:
    """The cache of these nights; a fit that is in ``folder`` already is not made again. ``progress`` is called with
    how many fits are there, and of how many.

    Raises :class:`RequestRefused` where ``span`` has no trading day or labels are not of the next bar,
    :class:`BarsMissing` where nothing lies before it to train on, :class:`~registry.errors.StoreFull` where a fit finds
    no room and :class:`~registry.errors.StoreUnavailable` where it cannot be written, and as :meth:`WorkerPool.run`
    does.
    """
    if data.question != NEXT_BAR:
        raise RequestRefused(
            f"a replay is of labels of the next bar, and these are {data.question}: over a longer horizon the bars of "
            "a night are scored by versions of several nights, which a replay does not follow; run nights instead"
        )
    nights = [_PlannedNight.of(data, name, bars) for name, bars in _nights(data, span)]
    first = nights[0]
    steps = refits(first.seen, job.request.advanced.backfill_days)
    place = _folder(job, data, folder)
    backfill_tasks = {
        place / f"before-{first.name}-{end.date()}-{_short(recipe)}.npy": FitTask(
            recipe, first.seen.label.size, runs(np.flatnonzero(scored)), end, early=True
        )
        for end, scored in steps
        for recipe in job.recipes
    }
    tasks = {
        place / f"{night.name}-{_short(recipe)}.npy": night.task(recipe, data.label.size)
        for night in nights
        for recipe in job.recipes
    }
    fitted = _fitted(pool, _fit_context(job, data), {**backfill_tasks, **tasks}, progress)
    by_step = _by_recipes(job, (fitted[path] for path in backfill_tasks))
    answers = [step if all(p.size for p in step) else [] for step in by_step]  # as live
    backfill = night_scores(job, first.seen, first.name, [scored for _, scored in steps], answers)
    replayed: list[ReplayNight] = []
    for night, predicted in zip(nights, _by_recipes(job, (fitted[path] for path in tasks)), strict=True):
        replayed.append(_replay_night(job, night, predicted, replayed[-1] if replayed else None))
    return FitCache(job, data, tuple(backfill), tuple(replayed), place)


def _fit_context(job: Job, data: Dataset, *, cores: int = 1) -> FitContext:
    return FitContext(data, job.request.advanced.train_days, job.request.advanced.seed, cores)


def _folder(job: Job, data: Dataset, folder: Path) -> Path:
    """Where fits on these bars, with these settings and these versions of the libraries, are kept."""
    libraries = sorted({package for recipe in job.recipes for package in recipe.packages})
    trained_with = environment(libraries)
    key = key_digest([data.fingerprint(), job.request.advanced.train_days, job.request.advanced.seed, trained_with])
    place = folder / key[:16]
    place.mkdir(parents=True, exist_ok=True)
    return place


def _short(recipe: Recipe) -> str:
    return recipe.fingerprint[:16]


def _nights(data: Dataset, span: NightSpan) -> list[tuple[str, int]]:
    """Each trading day with enough bars, and how many bars there were at its end."""
    days, start, count = np.unique(data.trading_day, return_index=True, return_counts=True)
    chosen = (
        (days >= np.datetime64(span.first))
        & (days <= np.datetime64(span.last))
        & (count >= data.instrument.counts.half_day)
    )
    if not chosen.any():
        raise RequestRefused(f"there is no trading day with bars from {span.first} to {span.last}: choose other dates")
    return [
        (str(day), int(begin + size))
        for day, begin, size in zip(days[chosen], start[chosen], count[chosen], strict=True)
    ]


def _fitted(
    pool: WorkerPool, context: FitContext, tasks: dict[Path, FitTask], progress: Progress | None
) -> dict[Path, Floats]:
    """The scores of each task: from its file where there is one, else fitted by the pool and saved."""
    missing = [path for path in tasks if not path.exists()]
    done = len(tasks) - len(missing)
    if progress is not None:
        progress(done, len(tasks))
    with closing(pool.run(context, [tasks[path] for path in missing])) as fits:
        for fitted in fits:
            _save(missing[fitted.number], fitted.p)
            done += 1
            if progress is not None:
                progress(done, len(tasks))
    return {path: _load(path, task) for path, task in tasks.items()}


def _save(path: Path, p: Floats) -> None:
    content = io.BytesIO()
    np.save(content, p, allow_pickle=False)
    try:
        write_atomically(path, content.getvalue())
    except OSError as failed:
        full = failed.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (StoreFull if full else StoreUnavailable)(
            f"a fit cannot be kept in {path.parent} ({failed.strerror or failed}): "
            f"{'free some space' if full else 'see to the folder'}, or choose another by --tape; "
            "all fits before it are kept, and the same command goes on from them"
        ) from failed


def _load(path: Path, task: FitTask) -> Floats:
    size = sum(stop - begin for begin, stop in task.spans)
    try:
        p: Floats = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as unreadable:
        raise RequestRefused(f"{path} is damaged: remove it, and the replay fits it again") from unreadable
    if p.dtype != np.float64 or (p.shape != (size,) and not (task.early and p.shape == (0,))):
        raise RequestRefused(f"{path} does not hold {size} probabilities: remove it, and the replay fits it again")
    return p


def _by_recipes(job: Job, fits: Iterable[Floats]) -> Iterable[list[Floats]]:
    """One list a step, in recipe order."""
    everything = list(fits)
    size = len(job.recipes)
    return (everything[at : at + size] for at in range(0, len(everything), size))


def _replay_night(
    job: Job, night: _PlannedNight, predicted: Sequence[Floats], before: ReplayNight | None
) -> ReplayNight:
    size = night.positions.size
    recent = {recipe.name: p[:size] for recipe, p in zip(job.recipes, predicted, strict=True)}
    coming = {recipe.name: p[size:] for recipe, p in zip(job.recipes, predicted, strict=True)}
    if before is None:
        empty = np.empty(0)
        scores = NightScores(night.name, True, empty.astype(np.int64), empty, {}, (), instrument=night.seen.instrument)
    else:
        scores = _night_scores(job, night, before)
    return ReplayNight(night.name, night.seen.label.size, scores, recent, night.positions, coming, night.through)


def _night_scores(job: Job, night: _PlannedNight, before: ReplayNight) -> NightScores:
    """The bars labelled since the night before, with the scores of its versions; the decision thresholds are
    set when a policy is replayed."""
    label = night.seen.label
    at = np.arange(before.through, night.through)
    at = at[~np.isnan(label[at])]
    if at.size and at[-1] - before.through >= min(p.size for p in before.coming.values()):
        raise BarsMissing(f"more than five days of bars lie between the nights of {before.night} and {night.name}")
    opens = pd.DatetimeIndex(night.seen.bars.frame.index)[at]
    streams = tuple(
        StreamScores(
            recipe_stream(recipe.fingerprint), recipe.name, before.night, 0.5, before.probabilities(recipe.name, at)
        )
        for recipe in job.recipes
    )
    return NightScores(night.name, True, minutes(opens), label[at], {}, streams, instrument=night.seen.instrument)
