"""The time of a night beyond its work: through Prefect on a running server, and without Prefect."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import count

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.job import prefect_server
from benchmarks.timing import Work, in_turns, run_process
from flows.bars import load_bars, prepare

TITLE = "Orchestration: a night's time beyond loading, training, scoring, judging and report"


def measure(bench: Bench) -> Iterator[Figure]:
    """Nights of the newest days, each in a process of its own; from the night's start to its end, imports apart."""
    data = prepare(load_bars(bench.data))
    days = sorted(set(data.trading_day[data.counted].tolist()))[-bench.times - 2 :]
    closes = [data.bars.frame.index[data.trading_day == day][-1] + timedelta(minutes=15) for day in days]

    def nights(how: str, env: Mapping[str, str]) -> Work:
        numbers = count()
        place = {"RETRAIN_DATA": str(bench.data), "RETRAIN_REGISTRY": str(bench.folder(how)), **env}

        def work() -> float:
            at = next(numbers)
            bench.say(f"the night of {days[at]}, {how}")
            command = [sys.executable, "-m", "benchmarks.orchestrated", how, closes[at].isoformat()]
            return float(run_process(command, env=place, cwd=ROOT).output.splitlines()[-1])

        return work

    with prefect_server(bench.folder("server")) as server:
        works = nights("prefect", server), nights("plain", {"PREFECT_API_URL": ""})
        seconds = in_turns(*works, times=bench.times)
    yield Figure.value_of("a night through Prefect on a running server", seconds[:, 0], unit="s", bound=5.0)
    yield Figure.value_of("a night by `retrain run` without a server", seconds[:, 1], unit="s", bound=3.0)
