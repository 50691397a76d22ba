"""The queue of a walk-forward: where its fits are made, in what order, and how true the time that it tells is."""

from __future__ import annotations

import heapq
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.bars import Dataset
from flows.errors import BarsRejected, WorkersLost
from flows.fitting import queue, tasks
from flows.fitting.queue import FitQueue, QueueProgress
from flows.fitting.tasks import DoneFit, FitContext, FitTask
from flows.fitting.workers import WorkerPool
from tests.flows.nights import Nights, at, short_bars

MEND = "give it more memory"
SECONDS = {"slow": 4.75, "middle": 0.45, "quick": 0.02, "other": 0.26}
"""A fit of 25,000 bars on one core: about what the shipped recipes take."""


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    place = tmp_path_factory.mktemp("queue")
    return Nights(place, short_bars(place / "bars"))


@pytest.fixture(scope="module")
def data(nights: Nights) -> Dataset:
    return nights.dataset(at(3))


@pytest.fixture
def some(nights: Nights, data: Dataset) -> list[FitTask]:
    """Five growing windows of two recipes."""
    opens, n = data.bars.frame.index, data.label.size
    ends = [n - 400 * step - 1 for step in range(5, 0, -1)]
    return [
        FitTask(recipe, None, ((end, end + 300),), opens[end]) for end in ends for recipe in nights.job(at(3)).recipes
    ]


def queued(data: Dataset, some: Sequence[FitTask], cores: int, **values: Any) -> FitQueue:
    return FitQueue(FitContext(data, 365, 0), some, cores, MEND, **values)


@dataclass
class Machine:
    """A clock that passes as simulated fits take their time, and ``slower`` than said."""

    now: float = 0.0
    slower: float = 1.0
    start: float = 2.5

    def pool(self, workers: int = 1, dask: str | None = None, mend: str = "") -> SimulatedPool:
        return SimulatedPool(self, workers)


@dataclass
class SimulatedPool:
    machine: Machine
    workers: int

    def run(self, context: FitContext, tasks: Sequence[FitTask]) -> Iterator[DoneFit]:
        rng = np.random.default_rng(len(tasks))
        begun = self.machine.now + (self.machine.start if self.workers > 1 else 0.0)
        free, ends = [begun] * self.workers, []
        for number, task in enumerate(tasks):
            bars = np.count_nonzero(context.data.window(days=context.train_days, end=task.end))
            cpu = SECONDS[task.recipe.name] * bars / 25_000 * rng.uniform(0.85, 1.15)
            seconds = (
                cpu
                * self.machine.slower
                / (0.85 * context.cores if context.cores > 1 and task.recipe.name == "slow" else 1.0)
            )
            started = heapq.heappop(free)
            heapq.heappush(free, started + seconds)
            ends.append((started + seconds, DoneFit(number, np.zeros(1), seconds, cpu)))
        for end, fit in sorted(ends, key=lambda each: each[0]):
            self.machine.now = end
            yield fit


@pytest.mark.parametrize("slower", [1.0, 3.0])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_the_time_that_is_told_is_true_to_a_tenth_of_the_whole(
    nights: Nights, data: Dataset, monkeypatch: pytest.MonkeyPatch, cores: int, slower: float
) -> None:
    machine, told = Machine(slower=slower), list[QueueProgress]()
    monkeypatch.setattr(queue, "WorkerPool", machine.pool)
    base = nights.job(at(3)).recipes[0]
    opens = data.bars.frame.index
    ends = opens[np.linspace(3_000, len(opens) - 300, 25).astype(int)]
    some = [FitTask(replace(base, name=name), None, ((0, 1),), end) for end in ends for name in SECONDS]
    queued(data, some, cores, on_progress=told.append, timer=lambda: machine.now).run()
    whole = told[-1].seconds
    assert (told[0].done, told[0].share, told[-1].done, told[-1].share) == (0, 0.0, 100, 1.0)
    later = [each for each in told if each.seconds > whole / 10]
    first = next(each for each in told if each.left is not None)
    assert (0.6 if cores <= 2 else 0.4) < (first.seconds + (first.left or 0.0)) / whole < 1.5  # of a busy machine too
    assert all(each.left is not None for each in later)
    wrong = max(abs(each.seconds + (each.left or 0.0) - whole) / whole for each in later)
    assert wrong < 0.1
    assert max(abs(each.share - each.seconds / whole) for each in later) < 0.1


def test_the_time_is_not_told_before_each_recipe_was_measured(data: Dataset, some: list[FitTask]) -> None:
    told: list[QueueProgress] = []
    queued(data, some, 1, on_progress=told.append).run()
    assert [each.left is None for each in told] == [True, True, *([False] * 9)]
    assert [each.done for each in told] == list(range(11))


def test_worker_processes_say_the_same_bits(
    data: Dataset, some: list[FitTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = queued(data, some, 1).run()
    asked: list[int] = []

    class WatchedPool(WorkerPool):
        def run(self, context: FitContext, tasks: Sequence[FitTask]) -> Any:
            asked.append(self.workers)
            return super().run(context, tasks)

    monkeypatch.setattr(queue, "WORTH_WORKERS", 0.0)
    monkeypatch.setattr(queue, "WorkerPool", WatchedPool)
    together = queued(data, some, 2).run()
    assert asked == [1, 2]
    assert [p.tobytes() for p in together] == [p.tobytes() for p in alone]
    assert [p.size for p in together] == [300] * 10
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(("cores", "worth"), [(1, 0.0), (2, queue.WORTH_WORKERS)])
def test_one_core_and_what_is_short_stay_in_this_process(
    data: Dataset, some: list[FitTask], monkeypatch: pytest.MonkeyPatch, cores: int, worth: float
) -> None:
    here: list[str] = []
    fit = tasks.train
    monkeypatch.setattr(queue, "WORTH_WORKERS", worth)
    monkeypatch.setattr(tasks, "train", lambda *given, **named: here.append(given[0].name) or fit(*given, **named))
    queued(data, some, cores).run()
    assert here == ["line", "bayes", *sorted(here[2:], key=here[2:].index)]
    assert len(here) == 10


def test_the_longest_go_first(nights: Nights, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, order = Machine(), list[list[tuple[str, pd.Timestamp]]]()

    def pool(*given: Any, **named: Any) -> Any:
        class Noting(SimulatedPool):
            def run(self, context: FitContext, tasks: Sequence[FitTask]) -> Iterator[DoneFit]:
                order.append([(task.recipe.name, task.end) for task in tasks])  # type: ignore[misc]  # it has an end
                return super().run(context, tasks)

        return Noting(machine, *(given or (1,)))

    monkeypatch.setattr(queue, "WorkerPool", pool)
    base, opens = nights.job(at(3)).recipes[0], data.bars.frame.index
    ends = list(opens[[3_000, 5_000, 7_000]])
    some = [FitTask(replace(base, name=name), None, ((0, 1),), end) for end in ends for name in ("quick", "slow")]
    queued(data, some, 2, timer=lambda: machine.now).run()
    assert order[0] == [("quick", ends[2]), ("slow", ends[2])]
    assert order[1] == [("slow", ends[1]), ("slow", ends[0]), ("quick", ends[1]), ("quick", ends[0])]


def test_a_dead_worker_ends_it_with_what_to_do(
    data: Dataset, some: list[FitTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WORTH_WORKERS", 0.0)
    with pytest.raises(WorkersLost, match=MEND):
        queued(data, [*some, Deadly(**some[0].__dict__)], 2).run()
    assert multiprocessing.active_children() == []


class Deadly(FitTask):
    """A task that ends the worker which takes it, as the kernel does when memory is short."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def test_what_a_fit_refuses_in_a_worker_is_said_here(
    data: Dataset, some: list[FitTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar that only an early window holds, of a feature that divides by zero there."""
    frame = data.bars.frame.copy()
    frame.iloc[100, frame.columns.get_loc("atr_14")] = 0.0
    broken = replace(data, bars=replace(data.bars, frame=frame))
    monkeypatch.setattr(queue, "WORTH_WORKERS", 0.0)
    context = FitContext(broken, 30, 0)
    early = replace(some[1], end=data.bars.frame.index[400], spans=((400, 500),))
    with pytest.raises(BarsRejected, match="recipe bayes cannot be trained"):
        FitQueue(context, [*some, early], 2, MEND).run()
    assert multiprocessing.active_children() == []
