"""A policy over a ready tape; fits by two processes beside one. From nothing: :mod:`benchmarks.nights`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.taped import guessed
from benchmarks.timing import Work, in_turns
from flows.gate.nightly.policy import GatePolicy
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.replay import WorkerPool, play, record
from flows.settings import Settings

TITLE = "Replay at scale"

NIGHTS = date(2023, 1, 25), date(2024, 12, 31)
"""501 trading days of the real bars."""

FITTED = date(2024, 11, 11), date(2024, 12, 20)
"""Thirty: of fifteen a fifth of the time was the processes' start, of 500 it is nothing."""
FAST = ("logistic", "hist_gradient_boosting", "rf_shallow")


def measure(bench: Bench) -> Iterator[Figure]:
    if not bench.real:
        raise SystemExit("the replay is of 2023 and 2024: give the folder of the real files with --data")
    job = plan(RetrainRequest(), Settings(data=str(bench.data)))
    data = job.load_dataset()
    bench.say("a tape of 500 nights, by guesses")
    tape = guessed(job, data, *NIGHTS, bench.folder("tape"))
    policy = GatePolicy()

    def played() -> None:
        play(tape, policy)

    seconds = in_turns(played, times=bench.times)[:, 0]
    what = f"a policy over a ready ledger of {len(tape.nights)} nights and six recipes, thresholds known"
    yield Figure.value_of(what, seconds, unit="s", bound=2.0)
    bench.say("fits by one process and by two")
    few = plan(RetrainRequest(recipes=FAST, advanced=Advanced(backfill_days=0)), Settings(data=str(bench.data)))
    numbers = count()

    def fits(workers: int) -> Work:
        def work() -> None:
            record(few, data, *FITTED, bench.folder(f"fits-{next(numbers)}"), crew=WorkerPool(workers))

        return work

    both = in_turns(fits(2), fits(1), times=bench.times, warm=0)
    what = "fits of thirty nights by two processes, how many times as fast"
    yield Figure.ratio_of(what, "by one", both[:, 0], both[:, 1], bound=1.7, at_least=True)
