"""Loading the champion in a process that has just begun, imports apart, until it can predict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.registry.ours import NAME, register, trained
from benchmarks.registry.peer import Done, environment, peer
from benchmarks.registry.servers import BUCKET, bucket, mlflow
from benchmarks.timing import in_turns, run_process
from registry import Registry

TITLE = "Loading the champion, cold process, imports apart"

LOAD = "registry.load(name, url=url).warm()"

_PROGRAM = """
import sys, time
import registry, registry.store.s3, urllib3.connectionpool as pool
name, url = sys.argv[1:]
count, original = [0], pool.HTTPConnectionPool._make_request
def counting(*arguments, **named):
    count[0] += 1
    return original(*arguments, **named)
pool.HTTPConnectionPool._make_request = counting
begun = time.perf_counter()
{load}
print(time.perf_counter() - begun, count[0])
"""


def measure(bench: Bench) -> Iterator[Figure]:
    """From a folder beside MLflow's own folder and from a bucket beside its server."""
    what, python = trained(bench), environment(bench)
    theirs = {"rows": str(what.rows), "parameters": dict(what.record.parameters), "metrics": {}}
    with bucket() as env:
        local, log = bench.folder("local") / "mlflow.db", bench.scratch / "peer.log"
        place = bench.folder("registry")
        register(Registry(place).model(NAME), what)
        with peer(python, log, env) as other:
            other.ask("mlflow_prepare", uri=f"sqlite:///{local}")
            other.ask("mlflow_experiment", artifacts=bench.folder("artifacts").as_uri())
            other.ask("mlflow_register", **theirs)
        bench.say("from a folder, beside MLflow")
        yield from _figures(bench, "folder", str(place), python, env, f"sqlite:///{local}", 0.2)

        with mlflow(python, bench.folder("server") / "mlflow.db", env) as url:
            register(Registry(f"s3://{BUCKET}/loading").model(NAME), what)
            with peer(python, log, env) as other:
                other.ask("mlflow_prepare", uri=url)
                other.ask("mlflow_experiment")
                other.ask("mlflow_register", **theirs)
            bench.say("from a bucket, beside MLflow's server")
            yield from _figures(bench, "S3", f"s3://{BUCKET}/loading", python, env, url, None)


def _figures(
    bench: Bench,
    where: str,
    url: str,
    python: Path,
    env: Mapping[str, str],
    uri: str,
    bound: float | None,
) -> Iterator[Figure]:
    """``bound``: beside MLflow's first load in its process, whatever that imports apart; beside its second one, when
    its store is open, for information. A bucket has none: what a cold process takes there is boto3's, which reads its
    description of S3. Tests bound the requests."""
    loads: list[Done] = []
    ours = _ours(url)
    with peer(python, bench.scratch / "peer.log", env) as other:
        other.ask("mlflow_prepare", uri=uri)

        def theirs() -> float:
            loads.append(other.ask("mlflow_cold_load"))
            return loads[-1].seconds

        seconds = in_turns(lambda: ours().seconds, theirs, times=bench.times)
    asked, requests = loads[-1].requests, ours().requests
    what = f"load the champion, {where}{f': {requests} requests' if requests else ''}"
    against = f"MLflow load_model{f': {asked} requests' if asked else ''}"
    yield Figure.ratio_of(what, against, seconds[:, 0], seconds[:, 1], bound=bound)
    warm = np.array([each.again for each in loads[-len(seconds) :]])
    yield Figure.ratio_of(what, "MLflow's second load_model in a process", seconds[:, 0], warm, bound=None)


def _ours(url: str) -> Callable[[], Done]:
    program = [sys.executable, "-c", _PROGRAM.format(load=LOAD), NAME, url]

    def run() -> Done:
        seconds, requests = run_process(program, cwd=ROOT).output.split()
        return Done(float(seconds), int(requests))

    return run
