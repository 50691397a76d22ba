"""One night: its time beside the time of its fits alone, and its memory beside that of the notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.timing import in_turns, run_process
from flows.bars import load_bars, prepare
from flows.job.plan import Job, plan
from flows.job.request import Advanced, RetrainRequest
from flows.night.run import run_night
from flows.recipes import train
from flows.settings import Settings

TITLE = "A night"


def measure(bench: Bench) -> Iterator[Figure]:
    yield _time(bench)
    yield _memory(bench)


def _time(bench: Bench) -> Figure:
    """Nights of the newest days, one after the other, each beside the fits that it makes, on one core."""
    data = prepare(load_bars(bench.data))
    days = sorted(set(data.trading_day[data.counted].tolist()))[-bench.times - 3 :]
    registry = str(bench.folder("registry"))

    def job(at: int) -> Job:
        last = data.bars.frame.index[data.trading_day == days[at]][-1]
        request = RetrainRequest(
            as_of=(last + timedelta(minutes=15)).to_pydatetime(), advanced=Advanced(backfill_days=60)
        )
        return plan(request, Settings(data=str(bench.data), registry=registry))

    numbers = count()

    def one_night() -> None:
        at = next(numbers)
        bench.say(f"the night of {days[at]}")
        run_night(job(at))

    one_night()  # the backfill, and the first champion

    def fits() -> None:
        work = job(len(days) - 1)
        for recipe in work.recipes:
            train(recipe, data, data.window(days=365), seed=0)

    seconds = in_turns(one_night, fits, times=bench.times, warm=1)
    return Figure.ratio_of(
        "a night with the shipped recipes, ledger warm, without start and imports",
        "its six fits one after the other on one core",
        seconds[:, 0],
        seconds[:, 1],
        bound=0.6,
    )


def _memory(bench: Bench) -> Figure:
    """The most memory that a process held: a night with the ledger warm, and the notebook's job; three turns each, as
    memory hardly varies."""
    bench.say("memory of a night and of the notebook's job")
    numbers = count()
    registry = str(bench.scratch / "registry")
    command = [sys.executable, "-m", "flows.cli", "run", "--no-prefect", "--data", str(bench.data)]

    def a_night() -> float:
        return run_process([*command, "--registry", registry, "--dry-run"], cwd=ROOT).peak_mib

    def notebook() -> float:
        place = bench.scratch / f"notebook-{next(numbers)}"
        return run_process([sys.executable, "benchmarks/notebook.py", str(bench.data), str(place)], cwd=ROOT).peak_mib

    peaks = in_turns(a_night, notebook, times=3, warm=0)
    what = "peak memory of a night's process, three years of bars"
    return Figure.ratio_of(what, "the notebook's script", peaks[:, 0], peaks[:, 1], bound=1.2, unit="MiB")
