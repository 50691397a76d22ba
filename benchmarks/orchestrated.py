"""One night in this process, and its time beyond loading, training, scoring, judging and reporting.

``python -m benchmarks.orchestrated prefect|plain AS_OF``, with the variables of the night: the last line printed is the
seconds from the night's start to its end, less those of the work itself. Imports come before.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import Console

from flows.job.plan import Job
from flows.job.request import Advanced, RetrainRequest, moment
from flows.night.outcome import Outcome
from flows.night.run import Steps, run_night
from flows.operations.runs import local

WORK = ("load", "gather", "train", "judge", "write_report")
"""The tasks that are the work itself; whatever talks to the registry alone, and Prefect's own doing, is the rest."""

PLAIN_WORK = ("load", "gather", "train_all", "judge", "report")
"""The same as steps of a night without Prefect."""


class Stopwatch:
    """The time in which any of the functions that it stands around was at work; they may overlap."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []

    @property
    def seconds(self) -> float:
        total, end = 0.0, float("-inf")
        for begun, ended in sorted(self._spans):
            total += max(ended - max(begun, end), 0.0)
            end = max(end, ended)
        return total

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(work)
        def timed(*values: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return work(*values, **named)
            finally:
                self._spans.append((begun, time.perf_counter()))

        return timed


def through_prefect(watch: Stopwatch) -> Callable[[RetrainRequest], Any]:
    from flows.operations.orchestrator import tasks
    from flows.retrain import retrain

    for name in WORK:
        task = getattr(tasks, name)
        task.fn = watch.around(task.fn)
    return retrain


def without(watch: Stopwatch) -> Callable[[RetrainRequest], Any]:
    def timed(job: Job, steps: Steps) -> Outcome:
        return run_night(job, replace(steps, **{name: watch.around(getattr(steps, name)) for name in PLAIN_WORK}))

    local.run_night = timed
    return functools.partial(local.run_local, scheduled=False, console=Console(quiet=True))


def main() -> None:
    how, as_of = sys.argv[1:]
    watch = Stopwatch()
    run = through_prefect(watch) if how == "prefect" else without(watch)
    request = RetrainRequest(as_of=moment(as_of), advanced=Advanced(backfill_days=60))
    begun = time.perf_counter()
    run(request)
    print(time.perf_counter() - begun - watch.seconds)


if __name__ == "__main__":
    main()
