"""The time of a replay: a policy over finished fits, and fits by two processes beside one.

A replay from nothing is measured by :mod:`benchmarks.nights`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.guessed_fits import guessed_cache
from benchmarks.timing import Work, in_turns
from flows.gate.nightly.policy import GatePolicy
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.replay import NightSpan, WorkerPool, fill_cache, replay_rule
from flows.settings import Settings

TITLE = "Replay at scale"

NIGHTS = NightSpan(date(2023, 1, 25), date(2024, 12, 31))
"""501 trading days of the real bars."""

FITTED = NightSpan(date(2024, 11, 11), date(2024, 12, 20))
"""Thirty: of fifteen a fifth of the time was the processes' start, of 500 it is nothing."""
FAST = ("logistic", "hist_gradient_boosting", "rf_shallow")


def measure(bench: Bench) -> Iterator[Figure]:
    if not bench.real:
        raise SystemExit("the replay is of 2023 and 2024: give the folder of the real files with --data")
    job = plan(RetrainRequest(), Settings(data=str(bench.data)))
    data = job.load_dataset()
    bench.say("500 nights with guessed fits")
    cache = guessed_cache(job, data, NIGHTS, bench.folder("cache"))
    policy = GatePolicy()

    def replayed() -> None:
        replay_rule(cache, policy)

    seconds = in_turns(replayed, times=bench.times)[:, 0]
    what = f"a policy over a ready ledger of {len(cache.nights)} nights and six recipes, thresholds known"
    yield Figure.value_of(what, seconds, unit="s", bound=0.5)
    bench.say("fits by one process and by two")
    few = plan(RetrainRequest(recipes=FAST, advanced=Advanced(backfill_days=0)), Settings(data=str(bench.data)))
    numbers = count()

    def fits(workers: int) -> Work:
        def work() -> None:
            fill_cache(few, data, FITTED, bench.folder(f"fits-{next(numbers)}"), pool=WorkerPool(workers))

        return work

    both = in_turns(fits(2), fits(1), times=bench.times, warm=0)
    what = "fits of thirty nights by two processes, how many times as fast"
    yield Figure.ratio_of(what, "by one", both[:, 0], both[:, 1], bound=1.8, at_least=True)
