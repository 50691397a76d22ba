"""Archives: unpacked, and predicted from by their data-only form."""

from __future__ import annotations

import json
import warnings
from functools import cache
from random import Random
from typing import Any

import numpy as np

from registry.archive.archive import MODEL, pack
from registry.errors import InputMismatch
from tests.fuzz.mutating import of_bytes, of_json, of_npy, unzipped, zipped
from tests.fuzz.target import Target
from tests.registry.archives import PORTABLE, PROGRAMS, SIGNATURE, lesson, opened

ROWS = lesson()[0][:20]


@cache
def seeds() -> list[bytes]:
    """One small archive of each estimator that has a data-only form."""
    return [pack(_small(make()).fit(*lesson()), SIGNATURE) for make in (PORTABLE | PROGRAMS).values()]


def _small(estimator: Any) -> Any:
    """Of few trees: more are no other case, and take longer."""
    parameters = estimator.get_params()
    for name in ("n_estimators", "max_iter", "randomforestclassifier__n_estimators"):
        if parameters.get(name) in (5, 15, 20):
            estimator.set_params(**{name: 2})
    return estimator


def mutate(random: Random, data: bytes) -> bytes:
    members = unzipped(data)
    if members is None or random.random() < 0.03:
        return of_bytes(random, data)
    name = random.choice([name for name in members if name != MODEL] or [*members])
    members[name] = changed(random, name, members[name])
    return zipped(members)


def changed(random: Random, name: str, data: bytes) -> bytes:
    """A member of another content, by what its name says that it is."""
    if name.endswith(".npy"):
        return of_npy(random, data)
    try:
        value = of_json(random, json.loads(data))
        return json.dumps(value).encode()
    except (ValueError, TypeError, RecursionError):
        return of_bytes(random, data)


def run(data: bytes) -> None:
    archive = opened(data)
    form = archive.form
    if form is None:
        return
    if len(archive.signature.features) != ROWS.shape[1]:
        return
    try:
        sound(archive.up(ROWS))
        sound(archive.up(ROWS * 1e300))
    except InputMismatch:
        return  # rows that are too large for float32


def sound(p: np.ndarray) -> None:
    assert p.shape == (len(ROWS),) and ((p >= 0) & (p <= 1)).all(), "what was predicted is no probability"


def target() -> Target:
    warnings.simplefilter("ignore")
    return Target("archives", seeds, mutate, run, native=True)
