"""What is measured of the registry: one night's ``rf_shallow``, and logs as long as years make them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bench import Bench
from benchmarks.registry.servers import BUCKET, client
from flows.recipes.catalogue import shipped
from registry import Model, Registry, Version, VersionRecord
from registry.archive.archive import pack
from registry.archive.input_schema import InputSchema
from registry.format import keys
from registry.format.entries import Entry, digest, remember
from registry.log import segments

NAME = "bench"
RECIPE = "rf_shallow"
METRICS = {"accuracy": 0.5134, "f1": 0.3426, "auc": 0.5181, "brier": 0.2498, "log_loss": 0.6927}

_FIRST = datetime(2023, 1, 2, 22, 0, tzinfo=UTC)
_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted ``rf_shallow`` with its record; ``rows``: a file with the ``x`` and ``y`` it was fitted on."""

    estimator: Any
    signature: InputSchema
    record: VersionRecord
    rows: Path


def trained(bench: Bench) -> Trained:
    """Fitted on the bars of 2022, or of the sample."""
    year = pd.read_csv(sorted(bench.data.glob("*_features.csv"))[0])
    up = (year.close_15m.shift(-1) > year.close_15m).astype(int)
    recipe = shipped()[RECIPE]
    x = recipe.signature.matrix(year)
    rows = bench.scratch / "rows.npz"
    np.savez(rows, x=x, y=up)
    record = VersionRecord(
        recipe=RECIPE,
        recipe_fingerprint=recipe.fingerprint,
        parameters={"n_estimators": 50, "max_depth": 3, "min_samples_leaf": 1, "random_state": 42},
        metrics=METRICS,
        features=recipe.signature.features,
        columns=recipe.signature.columns,
        dtypes=recipe.signature.dtypes,
        dataset_fingerprint="0" * 64,
        trained_from="2022-01-02T21:45:00.000000Z",
        trained_to="2022-12-30T16:45:00.000000Z",
        rows=len(year),
        seed=42,
        environment={"python": "3.11.7", "numpy": "2.4.6", "scikit-learn": "1.9.1"},
        measured_on={"rule": "stream", "bars": 22_000, "fingerprint": "0" * 64, "no_skill": 0.506},
    )
    return Trained(recipe.build(seed=42).fit(x, up), recipe.signature, record, rows)


def register(model: Model, what: Trained) -> None:
    """What a night does with a version that wins: pack it, register it, make it champion."""
    data = pack(what.estimator, what.signature)
    version = model.register(data, what.record, author="bench")
    crown(model, version)


def crown(model: Model, version: Version) -> None:
    body = {"sentence": f"promoted: {version}"}
    model.promote(version, expected=model.champion(), author="bench", body=body)


def long_folder(place: Path, count: int, what: Trained) -> Path:
    """A registry of ``count`` versions: all but the newest, which is the champion, without artifact and written
    directly, as through the protocol it would take minutes. Folded, as a registry of that age is."""
    model = Registry(place).model(NAME)
    model.register(None, what.record, author="bench")  # writes format.json too
    newest = model.versions.head()
    assert newest is not None
    for _ in range(count - 2):
        newest = _next(newest, what.record)
        path = place / keys.entry_key(NAME, "versions", newest.n)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(newest.to_bytes())
    register(Registry(place).model(NAME), what)  # an object that has not seen the log before
    Registry(place).model(NAME).fold()
    return place


def _next(before: Entry, record: VersionRecord) -> Entry:
    """The entry after ``before``, of one more version a night; its state holds as many keys as a real one's."""
    n = before.n + 1
    name = keys.version_name(n)
    key = digest(name.encode())[:32]
    metrics = {metric: value + n % 97 / 1e4 for metric, value in METRICS.items()}
    body = {"version": dataclasses.replace(record, version=name, metrics=metrics).to_dict()}
    latest = {"version": name, "entry": n}
    return Entry(
        model=NAME,
        log="versions",
        n=n,
        kind="registered",
        time=max(before.time, _FIRST) + timedelta(microseconds=1),
        author="bench",
        operation=key,
        body=body,
        state={**before.state, "latest": latest, "keys": remember(before.state, key, n)},
        previous=before.digest,
        key=key,
        registry=before.registry,
    )


def upload(folder: Path, prefix: str) -> str:
    """The registry in a folder copied to the bucket; its url there.

    Entries that a segment holds are left out: moto lists slower the more keys there are, S3 does not, and no reader
    asks for them.
    """
    s3 = client()
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        for _ in workers.map(
            lambda key: s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{key}", Body=(folder / key).read_bytes()),
            _wanted(folder),
        ):
            pass
    return f"s3://{BUCKET}/{prefix}"


def _wanted(folder: Path) -> Iterator[str]:
    found = sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_relative_to(folder / ".incoming")
    )
    folded = max((each.last for each in segments.stored(Registry(folder).model(NAME).versions)), default=0)
    for key in found:
        n = keys.entry_number(NAME, "versions", key)
        if n is None or n > folded:
            yield key
