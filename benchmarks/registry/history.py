"""The history of a model with metrics and parameters, as a DataFrame."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import registry
from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.registry.ours import METRICS, NAME, Trained, long_folder, trained, upload
from benchmarks.registry.peer import Peer, environment, peer
from benchmarks.registry.servers import BUCKET, bucket, mlflow, requests_counted
from benchmarks.timing import Work, in_turns

TITLE = "History as a DataFrame"

SIZES = (100, 1_000)
"""Longer ones, beside which nobody else stands: :mod:`~.growth`."""

COMPARED = 1_000


def measure(bench: Bench) -> Iterator[Figure]:
    """From a folder, from a bucket for the first time and again; peers at a hundred and a thousand."""
    what, python = trained(bench), environment(bench)
    server = bench.folder("server") / "mlflow.db"
    with bucket() as env, peer(python, bench.scratch / "peer.log", env) as other:
        bench.say("filling modelstore and MLflow")
        other.ask("modelstore_fill", bucket=BUCKET, count=COMPARED)
        with mlflow(python, server, env) as url:
            other.ask("mlflow_prepare", uri=url)
            other.ask("mlflow_experiment")
            metrics, parameters = METRICS, dict(what.record.parameters)
            other.ask("mlflow_register", rows=str(what.rows), parameters=parameters, metrics=metrics)
            for size in SIZES:
                yield from _figures(bench, size, what, other, server)


def _figures(bench: Bench, size: int, what: Trained, other: Peer, server: Path) -> Iterator[Figure]:
    bench.say(f"writing {size:,} versions")
    folder = long_folder(bench.scratch / f"long-{size}", size, what)
    url = upload(folder, f"history-{size}")
    warm, numbers = bench.folder(f"warm-{size}"), itertools.count()
    works: dict[str, Work] = {
        "folder": lambda: read(str(folder), size),
        "S3 cold": lambda: read(url, size, bench.folder(f"cold-{size}-{next(numbers)}")),
        "S3 warm": lambda: read(url, size, warm),
    }
    other.ask("mlflow_fill", database=str(server), count=size)
    works["MLflow search_runs through its server"] = lambda: other.ask("mlflow_search", expected=size).seconds
    if size == COMPARED:
        works["modelstore list_models, names alone"] = lambda: (
            other.ask("modelstore_list", bucket=BUCKET, expected=size).seconds
        )
    bench.say(f"history of {size:,} versions")
    seconds = dict(zip(works, in_turns(*works.values(), times=bench.times).T, strict=True))
    peers = list(works)[3:]
    better = min(peers, key=lambda name: float(sorted(seconds[name])[bench.times // 2]), default=None)
    for place in ("S3 cold", "S3 warm", "folder"):
        with requests_counted() as counted:
            works[place]()
        name = f"history of {size:,} versions, {place}{f': {counted[0]} requests' if counted[0] else ''}"
        for each in peers:
            bound = 0.5 if size == COMPARED and place == "S3 cold" and each == better else None
            yield Figure.ratio_of(name, each, seconds[place], seconds[each], bound=bound)


def read(url: str, size: int, cache: Path | None = None) -> None:
    """``registry.analysis.history`` by a process that has not read it before, but for what lies in ``cache``."""
    found = registry.history(NAME, url=url, cache=cache)
    assert len(found) == size, f"{len(found)} rows, not {size}"
