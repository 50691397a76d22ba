"""A queue of fits of several recipes on growing windows: in what order, where, and how long the rest takes.

The first fit of each recipe, on its longest window, is made in this process and measured. Where what is left takes
long enough, it goes to worker processes, the longest first, so that no worker is left with a long one at the end; a
short rest stays here. A fit takes its recipe's seconds a bar, as measured, times the bars that it is fitted on. The
answers are the same bits wherever they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from flows.arrays import Floats
from flows.errors import BarsMissing
from flows.fitting.tasks import DoneFit, FitContext, FitTask
from flows.fitting.workers import WorkerPool
from registry.clock import stopwatch

STARTING = 2.0
"""Seconds until worker processes have begun, as long as it is not measured: they import what fits need."""

WORTH_WORKERS = 15.0
"""Seconds of one core from which on workers are started: forests use several cores without them."""


@dataclass(frozen=True)
class QueueProgress:
    """``done`` of ``total`` fits are made, ``seconds`` have passed, and ``left`` are to come: None until a fit of each
    recipe was measured. ``tasks``: all of them; ``scores``: what those that are made said, by number of the task."""

    done: int
    total: int
    seconds: float = 0.0
    left: float | None = None
    tasks: Sequence[FitTask] = field(default=(), repr=False, compare=False)
    scores: Mapping[int, Floats] = field(default_factory=dict, repr=False, compare=False)

    @property
    def share(self) -> float:
        """Of the whole time, from 0 to 1; 0 while nothing is known of what is left."""
        if self.done == self.total:
            return 1.0
        return 0.0 if self.left is None else self.seconds / max(self.seconds + self.left, 1e-9)


OnQueueProgress = Callable[[QueueProgress], None]


@dataclass(eq=False)
class FitQueue:
    """The fits of ``tasks``, on ``cores``; ``on_progress`` is called before the first and after each.

    ``mend``: what to do where a worker process died. ``timer``: a stopwatch, in seconds.
    """

    context: FitContext
    tasks: Sequence[FitTask]
    cores: int
    mend: str
    on_progress: OnQueueProgress | None = None
    timer: Callable[[], float] = stopwatch

    def __post_init__(self) -> None:
        self._answers: dict[int, Floats] = {}
        self._forecast = Forecast([task.recipe.name for task in self.tasks], [*map(self._bars, self.tasks)])

    def run(self) -> list[Floats]:
        """The scores of each task, in their order; errors as of :meth:`WorkerPool.run`."""
        self._begun = self.timer()
        self._tell(None)
        here = replace(self.context, cores=self.cores)
        first = self._forecast.first_of_each()
        for _ in self._made(WorkerPool(), here, first):
            if len(self._answers) < len(first):
                self._tell(None)
        rest = self._forecast.longest_first(self._answers)
        pool, context = WorkerPool(), here
        if self.cores > 1 and len(rest) > 1 and self._forecast.cpu_seconds(rest) > WORTH_WORKERS:
            self._forecast.many(self.cores)
            pool, context = WorkerPool(self.cores, mend=self.mend), replace(self.context, cores=1)
        self._forecast.begin(self.timer())
        self._tell_left()
        for _ in self._made(pool, context, rest):
            self._tell_left()
        return [self._answers[number] for number in range(len(self.tasks))]

    def _made(self, pool: WorkerPool, context: FitContext, numbers: Sequence[int]) -> Iterator[int]:
        """The numbers of these tasks, as they are done."""
        for fit in pool.run(context, [self.tasks[number] for number in numbers]):
            number = numbers[fit.number]
            self._answers[number] = fit.p
            self._forecast.measured(number, fit, self.timer())
            yield number

    def _tell_left(self) -> None:
        self._tell(self._forecast.left(self._answers, self.timer()))

    def _tell(self, left: float | None) -> None:
        if self.on_progress is not None:
            passed = self.timer() - self._begun
            made = QueueProgress(len(self._answers), len(self.tasks), passed, left, self.tasks, dict(self._answers))
            self.on_progress(made)

    def _bars(self, task: FitTask) -> int:
        """How many bars a task is fitted on; 0 where there are none."""
        try:
            return int(np.count_nonzero(self.context.data.window(days=self.context.train_days, end=task.end)))
        except BarsMissing:
            return 0


class Forecast:
    """How long fits take, by what earlier ones took. ``recipes`` and ``bars`` are of each task, by its number."""

    def __init__(self, recipes: Sequence[str], bars: Sequence[int]) -> None:
        self._recipes, self._bars = recipes, bars
        self._workers, self._begun, self._lost = 1, 0.0, 0.0
        self._spent, self._is_first = 0.0, True
        self._busy = 1.0  # how much longer than their CPU fits take, where others use the machine too
        self._here: dict[str, tuple[float, float]] = {}  # seconds of the clock, and of all its threads, a bar
        self._by_workers: dict[str, list[tuple[int, float]]] = {}

    def first_of_each(self) -> list[int]:
        """The task of each recipe with the most bars, the recipes in their order."""
        return [
            max((n for n, name in enumerate(self._recipes) if name == recipe), key=lambda n: (self._bars[n], n))
            for recipe in dict.fromkeys(self._recipes)
        ]

    def longest_first(self, done: dict[int, Floats]) -> list[int]:
        """The tasks that are not done."""
        return sorted(
            (n for n in range(len(self._recipes)) if n not in done),
            key=lambda n: (-self._here[self._recipes[n]][1] * self._bars[n], n),
        )

    def cpu_seconds(self, numbers: Sequence[int]) -> float:
        """Of one core, for these tasks."""
        return sum(self._here[self._recipes[n]][1] * self._bars[n] for n in numbers)

    def many(self, workers: int) -> None:
        """From now on each fit has one core, and so many are made at once."""
        seconds, cpu_seconds = (sum(each) for each in zip(*self._here.values(), strict=True))
        self._workers, self._busy = workers, max(seconds / max(cpu_seconds, 1e-12), 1.0)

    def begin(self, now: float) -> None:
        """Fits are begun at this moment."""
        self._begun, self._spent, self._is_first = now, 0.0, True
        self._lost = STARTING if self._workers > 1 else 0.0

    def measured(self, number: int, fit: DoneFit, now: float) -> None:
        """A fit was done at this moment."""
        recipe, bars = self._recipes[number], max(self._bars[number], 1)
        if self._is_first:  # what passed before it began: workers had to start
            self._lost, self._is_first = max(now - self._begun - fit.seconds, 0.0), False
        self._spent += fit.seconds
        if not fit.p.size and recipe in self._here:
            return  # too little to train on: it says nothing of the fits that are made
        if self._workers == 1:
            self._here[recipe] = fit.seconds / bars, fit.cpu_seconds / bars
        else:
            self._by_workers.setdefault(recipe, []).append((bars, fit.seconds))

    def left(self, done: dict[int, Floats], now: float) -> float:
        """Seconds until all is done, were all workers busy to the end; a fit of each recipe was measured."""
        rest = sum(self._expected(n) for n in range(len(self._recipes)) if n not in done)
        return max(self._begun + self._lost + (self._spent + rest) / self._workers - now, 0.0)

    def _expected(self, number: int) -> float:
        recipe, bars = self._recipes[number], self._bars[number]
        measured = self._by_workers.get(recipe)
        if measured:
            return bars * sum(seconds for _, seconds in measured) / sum(of for of, _ in measured)
        seconds, cpu_seconds = self._here[recipe]
        return bars * (seconds if self._workers == 1 else cpu_seconds * self._busy)
