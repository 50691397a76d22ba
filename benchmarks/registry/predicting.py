"""Predicting from arrays alone, beside scikit-learn: the shipped recipes fitted on the first year of bars, asked for
the last one, on one core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.timing import Work, in_turns
from flows.recipes.catalogue import shipped
from flows.recipes.threads import one_thread
from registry.archive.archive import pack, unpack
from registry.archive.input_schema import InputSchema
from registry.format.entries import digest

TITLE = "Predicting from arrays, beside scikit-learn"

ROW_BOUND, YEAR_BOUND = 0.1, 6.0
LARGEST = 1e-12
_ROWS = 200

Floats = npt.NDArray[np.float64]


def measure(bench: Bench) -> Iterator[Figure]:
    """One row, as a serving process does; the year; how far scores are apart at most."""
    files = sorted(bench.data.glob("*_features.csv"))
    trained, asked = pd.read_csv(files[0]), pd.read_csv(files[-1])
    up = (trained.close_15m.shift(-1) > trained.close_15m).astype(int)
    for name, recipe in shipped().items():
        bench.say(name)
        model = recipe.build(seed=1).fit(recipe.signature.matrix(trained), up)
        bound = ROW_BOUND if name == "rf_deep" else None
        yield from _figures(bench, name, model, recipe.signature, recipe.signature.matrix(asked), bound)


def _figures(
    bench: Bench,
    name: str,
    model: Any,
    signature: InputSchema,
    x: Floats,
    bound: float | None,
) -> Iterator[Figure]:
    data = pack(model, signature)
    archive = unpack(data, sha256=digest(data), where=name)
    assert archive.form is not None, f"{name} has no data-only form"
    row = x[1000:1001]

    def ours(rows: Floats) -> Work:
        return lambda: _done(archive.up(rows))

    def theirs(rows: Floats) -> Work:
        return lambda: _done(model.predict_proba(rows))

    with one_thread():
        one = in_turns(ours(row), theirs(row), times=_ROWS, warm=10)
        arrays = in_turns(ours(x), theirs(x), times=bench.times)
        apart = float(np.abs(archive.up(x) - model.predict_proba(x)[:, 1]).max())
    yield Figure.ratio_of(f"{name}, one row", "predict_proba", one[:, 0], one[:, 1], bound=bound)
    line = f"{name}, a year of {len(x):,} rows"
    yield Figure.ratio_of(line, "predict_proba", arrays[:, 0], arrays[:, 1], bound=YEAR_BOUND)
    yield Figure.value_of(f"{name}, largest difference of a score", apart, unit="", bound=LARGEST)


def _done(said: Floats) -> None:
    """What was said is not a figure: the clock's seconds count."""
