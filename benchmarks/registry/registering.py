"""Registering one ``rf_shallow`` (50 trees, depth 3) with its record, and making it champion."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.registry.ours import METRICS, NAME, register, trained
from benchmarks.registry.peer import environment, peer
from benchmarks.registry.servers import BUCKET, bucket, mlflow, requests_counted
from benchmarks.timing import in_turns
from registry import Registry

TITLE = "Registering a version and making it champion"


def measure(bench: Bench) -> Iterator[Figure]:
    """In a folder beside MLflow's database and folder, in a bucket beside MLflow's server; pins writes and no more."""
    what, python = trained(bench), environment(bench)
    theirs = {"rows": str(what.rows), "parameters": dict(what.record.parameters), "metrics": METRICS}
    database = bench.folder("mlflow") / "mlflow.db"
    with bucket() as env, peer(python, bench.scratch / "peer.log", env) as other:
        bench.say("in a folder, beside MLflow and pins")
        other.ask("mlflow_prepare", uri=f"sqlite:///{database}")
        other.ask("mlflow_experiment", artifacts=bench.folder("artifacts").as_uri())
        here = Registry(bench.folder("registry")).model(NAME)
        board = {"board": str(bench.folder("pins")), "rows": str(what.rows), "metrics": METRICS}
        seconds = in_turns(
            lambda: register(here, what),
            lambda: other.ask("mlflow_register", **theirs).seconds,
            lambda: other.ask("pins_register", **board).seconds,
            times=bench.times,
        )
        name = "register one rf_shallow with its record, folder"
        yield Figure.ratio_of(name, "MLflow, local: log, register, set alias", seconds[:, 0], seconds[:, 1], bound=0.2)
        yield Figure.ratio_of(name, "pins: one file, no champion", seconds[:, 0], seconds[:, 2], bound=None)

        with mlflow(python, bench.folder("server") / "mlflow.db", env) as url:
            bench.say("in a bucket, beside MLflow's server")
            other.ask("mlflow_prepare", uri=url)
            other.ask("mlflow_experiment")
            there = Registry(f"s3://{BUCKET}/registering").model(NAME)
            seconds = in_turns(
                lambda: register(there, what),
                lambda: other.ask("mlflow_register", **theirs).seconds,
                times=bench.times,
            )
            with requests_counted() as ours:
                register(there, what)
            asked = other.ask("mlflow_register", **theirs).requests
        name = f"register one rf_shallow with its record, S3: {ours[0]} requests"
        against = f"MLflow through its server, same S3: {asked} requests"
        yield Figure.ratio_of(name, against, seconds[:, 0], seconds[:, 1], bound=0.1)
