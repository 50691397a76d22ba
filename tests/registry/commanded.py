"""The registry that the tests of the command ``registry`` call it on: three fitted versions, two of them champions."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from registry import Registry, VersionRecord
from registry.archive.archive import pack
from registry.archive.input_schema import InputSchema
from tests.registry.actors import NAME

SIGNATURE = InputSchema(("rsi_14", "adx_14"))
BARS = {"bars": 24926, "fingerprint": "abc", "first": "2024-01-01", "last": "2024-12-31"}


def fitted(seed):
    x = np.random.default_rng(seed).normal(size=(60, 2))
    return LogisticRegression().fit(x, (x[:, 0] + seed * x[:, 1] > 0).astype(int))


@functools.cache
def archive(seed: int) -> bytes:
    return pack(fitted(seed), SIGNATURE)


def fill(place: Path) -> None:
    """v1, v2 and v3, of which v1 and then v2 were champions."""
    model = Registry(place).model(NAME)
    for seed, accuracy in ((0, 0.51), (1, 0.513), (2, 0.55)):
        record = VersionRecord(
            recipe="logistic", metrics={"accuracy": accuracy}, parameters={"C": float(seed)}, measured_on=BARS
        )
        model.register(archive(seed), record, author="trainer")
    for version in ("v1", "v2"):
        model.force(version, author="ann", reason="to begin with")
