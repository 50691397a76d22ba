"""Where a run through Prefect is longer than a plain one: imports, requests by kind, and how it ends."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.job import job_command, prefect_server
from benchmarks.timing import ProcessFailed, in_turns, run_process

TITLE = "What Prefect adds to the whole job, one by one"


def measure(bench: Bench) -> Iterator[Figure]:
    """The runs of ``job``, and beside them the same with every request to Prefect's server written down."""
    if not bench.real:
        raise ProcessFailed("the whole job is that of 2022 and 2024: give the folder of the real files with --data")
    reports: list[dict[str, Any]] = []

    def run(*program: str) -> float:
        place = bench.folder(f"registry-{len(list(bench.scratch.iterdir()))}")
        how = "--no-prefect" if program == ("flows.cli",) else "--prefect"
        return run_process(job_command(program, how, bench.data, place), env=server, cwd=ROOT).cpu_seconds

    def plain() -> float:
        return run("flows.cli")

    def asked() -> float:
        report = bench.scratch / "asked.json"
        seconds = run("benchmarks.asked", str(report))
        reports.append(json.loads(report.read_text()))
        return seconds

    with prefect_server(bench.folder("prefect")) as server:
        bench.say("the whole job, without Prefect and through it, its requests written down")
        cpu = in_turns(plain, asked, times=bench.times)
    yield from figures(reports[-bench.times :], cpu[:, 1] - cpu[:, 0])


def figures(reports: list[dict[str, Any]], cpu_more: Any) -> Iterator[Figure]:
    """Of one report a run, as :mod:`benchmarks.asked` writes it, and the seconds of CPU that each took beyond a plain
    run, shape (n_runs,)."""

    def seconds(what: str, values: Any, bound: float | None = None) -> Figure:
        return Figure.value_of(what, np.asarray(values, dtype=float), unit="s", bound=bound)

    def waited(report: dict[str, Any], *, ours: bool) -> float:
        return sum(each["seconds"] for each in report["requests"] if each["waits"] and each["ours"] is ours)

    yield seconds("processor time of its process beyond a plain run", cpu_more)
    yield seconds("of it importing Prefect", [report["imports"] for report in reports])
    yield seconds("waiting for answers to requests of Prefect's engine", [waited(each, ours=False) for each in reports])
    yield seconds("waiting for answers to requests of ours", [waited(each, ours=True) for each in reports])
    yield seconds("after the run's last state, for the thread of its heartbeats", [each["ending"] for each in reports])
    requests = reports[-1]["requests"]
    yield Figure.value_of("requests, all", float(len(requests)), unit="requests", bound=None)
    for ours in (True, False):
        kinds = Counter(each["what"] for each in requests if each["ours"] is ours)
        for what, times in sorted(kinds.items()):
            whose = "ours" if ours else "Prefect's"
            yield Figure.value_of(f"{whose}: {what}", float(times), unit="requests", bound=None)
