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
from registry.model import transitions

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
    first = model.versions.head()
    assert first is not None
    run = {size: [first.to_bytes()] for size in segments.SIZES}
    for n, data in _later(first, what.record, count - 1):
        _put(place / keys.entry_key(NAME, "versions", n), data)
        for size, lines in run.items():
            lines.append(data)
            if n % size == 0:
                if size == max(run) or n > (count - 1) // max(run) * max(run):  # small ones where no large one ends
                    _put_segment(place, n - size + 1, b"".join(lines))
                lines.clear()
    register(Registry(place).model(NAME), what)  # an object that has not seen the log before
    added = Registry(place).model(NAME).fold().segments
    assert not added, f"{len(added)} segments are not as folding makes them"
    return place


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _put_segment(place: Path, first: int, data: bytes) -> None:
    last = first + data.count(b"\n") - 1
    _put(place / segments.Segment(NAME, "versions", first, last, digest(data)).key, data)


def _later(before: Entry, record: VersionRecord, last: int) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of the entries after ``before`` up to ``last``, each of one more version a night, with the state
    that registering it makes; as many keys as real ones."""
    previous = before.digest
    for n in range(before.n + 1, last + 1):
        key = digest(keys.version_name(n).encode())[:32]
        metrics = {metric: value + n % 97 / 1e4 for metric, value in METRICS.items()}
        time = max(before.time, _FIRST) + timedelta(microseconds=1)
        draft = transitions.registered(dataclasses.replace(record, metrics=metrics))(before, n, time)
        before = dataclasses.replace(
            before,
            n=n,
            time=time,
            operation=key,
            body=draft.body,
            state={**before.state, **draft.changes, "keys": remember(before.state, key, n)},
            previous=previous,
            key=key,
        )
        data = before.to_bytes()
        previous = digest(data)
        yield n, data


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
