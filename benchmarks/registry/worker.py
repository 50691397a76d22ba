"""Runs in the peers' environment, knows nothing of this project: a JSON request a line in, an answer a line out.

Answers hold ``seconds`` by this process's clock and ``requests``, the HTTP requests made meanwhile.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sqlite3
import sys
import time
import traceback
import uuid
from pathlib import Path

import urllib3.connectionpool

MODEL = "bench"
TREE = ["sklearn.tree._tree.Tree"]
REQUIREMENTS = ["scikit-learn", "skops"]

_count = [0]


def main() -> None:
    """Answer until the input ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _count_requests()
    for line in sys.stdin:
        asked = json.loads(line)
        done = DOES[asked.pop("do")](**asked)
        answers.write(json.dumps(done) + "\n")
        answers.flush()


def _count_requests() -> None:
    original = urllib3.connectionpool.HTTPConnectionPool._make_request

    def counting(*arguments, **named):
        _count[0] += 1
        return original(*arguments, **named)

    urllib3.connectionpool.HTTPConnectionPool._make_request = counting


def _timed(work) -> dict:
    _count[0] = 0
    begun = time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - begun, "requests": _count[0]}


def mlflow_prepare(uri: str) -> dict:
    """Import what registering and loading need, and point at the server or database."""
    import mlflow
    import mlflow.sklearn
    import sklearn.ensemble  # noqa: F401  # imported to be measured
    import skops.io  # noqa: F401  # imported to be measured

    mlflow.set_tracking_uri(uri)
    return {}


def mlflow_experiment(artifacts: str | None = None) -> dict:
    import mlflow

    if mlflow.get_experiment_by_name(MODEL) is None:
        mlflow.create_experiment(MODEL, artifact_location=artifacts)
    mlflow.set_experiment(MODEL)
    return {}


def mlflow_register(rows: str, parameters: dict, metrics: dict) -> dict:
    """Log a model fitted before with its parameters and metrics, register it, set the alias."""
    import mlflow

    model = _fitted(rows)

    def work() -> None:
        with mlflow.start_run():
            mlflow.log_params(parameters)
            mlflow.log_metrics(metrics)
            logged = mlflow.sklearn.log_model(
                model,
                name="model",
                registered_model_name=MODEL,
                pip_requirements=REQUIREMENTS,
                skops_trusted_types=TREE,
            )
        mlflow.MlflowClient().set_registered_model_alias(MODEL, "champion", logged.registered_model_version)

    return _timed(work)


def mlflow_load() -> dict:
    import mlflow

    return _timed(lambda: mlflow.sklearn.load_model(f"models:/{MODEL}@champion"))


def mlflow_cold_load() -> dict:
    """A load in a process that has imported all that it takes and done nothing yet, and ``again`` a second one there.

    The process is a fork of this one, which must not have loaded anything itself.
    """
    if not _imported:
        _imported.extend(_in_child(lambda: [mlflow_load(), _modules()])[1])
        for name in _imported:
            with contextlib.suppress(Exception):  # a module that another one made up
                importlib.import_module(name)
    first, second = _in_child(lambda: [mlflow_load(), mlflow_load()])
    return {**first, "again": second["seconds"]}


_imported: list[str] = []


def _modules() -> list[str]:
    return sorted(sys.modules)


def _in_child(work) -> list:
    """What ``work`` gives, as JSON, in a fork of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, json.dumps(work()).encode())
        except Exception:  # noqa: BLE001  # told in the log; the parent then finds no answer
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        done = json.load(answer)
    os.waitpid(child, 0)
    return done


def mlflow_fill(database: str, count: int) -> dict:
    """Copies of the newest run and version, until there are ``count``: in the database itself, an hour's work else."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        run = connection.execute("select run_uuid from runs order by start_time desc limit 1").fetchone()["run_uuid"]
        here = connection.execute("select count(*) from runs").fetchone()[0]
        tables = {
            name: [dict(row) for row in connection.execute(f"select * from {name} where run_uuid = ?", (run,))]
            for name in ("runs", "latest_metrics", "metrics", "params", "tags")
        }
        versions = [dict(row) for row in connection.execute("select * from model_versions where run_id = ?", (run,))]
        for number in range(here + 1, count + 1):
            fresh = uuid.uuid4().hex
            for name, rows in tables.items():
                for row in rows:
                    _insert(connection, name, {**row, "run_uuid": fresh})
            for row in versions:
                _insert(connection, "model_versions", {**row, "run_id": fresh, "version": number})
    return {}


def _insert(connection: sqlite3.Connection, table: str, row: dict) -> None:
    marks = ", ".join("?" * len(row))
    connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


def mlflow_search(expected: int) -> dict:
    """Every run with its metrics and parameters, as a DataFrame."""
    import mlflow

    found = []
    done = _timed(lambda: found.append(mlflow.search_runs(experiment_names=[MODEL], max_results=50_000)))
    assert len(found[0]) == expected, f"{len(found[0])} rows, not {expected}"
    return done


def modelstore_fill(bucket: str, count: int) -> dict:
    """Metadata of ``count`` models, as modelstore lays it out."""
    import boto3

    client = boto3.client("s3")
    root = "operatorai-model-store"
    client.put_object(Bucket=bucket, Key=f"{root}/domains/{MODEL}.json", Body=b"{}")
    for number in range(count):
        name = f"{number:08d}"
        meta = {"model_id": name, "domain": MODEL, "model_type": {"library": "sklearn"}}
        body = {"model": meta, "code": {"created": f"2024/01/01/00:00:{number % 60:02d}"}}
        key = f"{root}/{MODEL}/versions/{name}.json"
        client.put_object(Bucket=bucket, Key=key, Body=json.dumps(body).encode())
    return {}


def modelstore_list(bucket: str, expected: int) -> dict:
    from modelstore.model_store import ModelStore

    store, found = ModelStore.from_aws_s3(bucket), []
    done = _timed(lambda: found.extend(store.list_models(MODEL)))
    assert len(found) == expected, f"{len(found)} models, not {expected}"
    return done


def pins_register(board: str, rows: str, metrics: dict) -> dict:
    """A model and its metrics as one version of a pin; pins has no champion to set."""
    import pins

    model, place = _fitted(rows), pins.board_folder(board, versioned=True, allow_pickle_read=True)
    return _timed(lambda: place.pin_write(model, MODEL, type="joblib", metadata=metrics))


def pins_load(board: str) -> dict:
    import pins

    place = pins.board_folder(board, versioned=True, allow_pickle_read=True)
    return _timed(lambda: place.pin_read(MODEL))


def _fitted(rows: str, kept: dict = {}):  # noqa: B006  # fitted once a process
    if rows not in kept:
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier

        with np.load(Path(rows)) as found:
            forest = RandomForestClassifier(n_estimators=50, max_depth=3, random_state=42)
            kept[rows] = forest.fit(found["x"], found["y"])
    return kept[rows]


DOES = {name: each for name, each in globals().items() if name.startswith(("mlflow_", "modelstore_", "pins_"))}


if __name__ == "__main__":
    main()
