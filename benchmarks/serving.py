"""How fast the data-only form is beside scikit-learn: ``python -m benchmarks.serving FOLDER`` (of yearly files).

Fits the shipped recipes on 2022 and asks them for 2024, on one core: one row again and again, as a serving process
does, and the year in turns, so that a busy machine slows both down alike.
"""

from __future__ import annotations

import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import registry
from flows.recipes.catalogue import shipped
from flows.recipes.threads import one_thread
from registry import Registry, VersionRecord
from registry.artifact import pack, unpack
from registry.entries import digest


def main(folder: Path) -> None:
    trained, asked = (pd.read_csv(folder / f"GBPUSD_M15_{year}_features.csv") for year in (2022, 2024))
    up = (trained.close_15m.shift(-1) > trained.close_15m).astype(int)
    print(f"{len(asked)} rows; one row: median of 200, in µs; batch: best of 5, in ms; load: median of 15, in ms")
    print(f"{'recipe':24} {'one row':>8} {'sklearn':>8} {'batch':>7} {'sklearn':>8} {'ratio':>6} {'largest':>9} "
          f"{'load':>6} {'archive':>9} {'arrays':>8}")  # fmt: skip
    for name, recipe in shipped().items():
        model = recipe.build(seed=1).fit(recipe.signature.matrix(trained), up)
        data = pack(model, recipe.signature)
        form = unpack(data, sha256=digest(data), where=name).form
        assert form is not None
        x = recipe.signature.matrix(asked)
        with one_thread():
            one = [np.median(taken(200, x[1000:1001], work)) * 1e6 for work in (form.up, model.predict_proba)]
            many = taken(5, x, form.up, model.predict_proba).min(axis=0) * 1e3
        largest = np.abs(form.up(x) - model.predict_proba(x)[:, 1]).max()
        print(f"{name:24} {one[0]:8.0f} {one[1]:8.0f} {many[0]:7.1f} {many[1]:8.1f} {many[0] / many[1]:6.2f} "
              f"{largest:9.1e} {loading(data, asked[:1]):6.1f} {len(data):9,} {of_arrays(data):8,}")  # fmt: skip


def taken(times: int, x: npt.NDArray[np.float64], *works: Callable[[Any], Any]) -> npt.NDArray[np.float64]:
    """Seconds of each work on ``x``, taken in turns: (times, number of works)."""
    found = np.empty((times, len(works)))
    for turn in range(times):
        for place, work in enumerate(works):
            started = time.perf_counter()
            work(x)
            found[turn, place] = time.perf_counter() - started
    return found


def loading(data: bytes, bar: pd.DataFrame) -> float:
    """Milliseconds from nothing to the first prediction of a champion in a folder."""
    with tempfile.TemporaryDirectory() as place:
        model = Registry(place).model("benchmark")
        version = model.register(data, VersionRecord(), author="benchmark")
        model.promote(version, expected=None, author="benchmark", body={"sentence": "promoted: v1"})
        seconds = taken(15, np.empty(0), lambda _: registry.load("benchmark", url=place).predict(bar, pick=True))
        return float(np.median(seconds)) * 1e3


def of_arrays(data: bytes) -> int:
    """How many bytes of an archive the data-only form takes."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return sum(info.compress_size for info in archive.infolist() if info.filename.startswith("arrays/"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
