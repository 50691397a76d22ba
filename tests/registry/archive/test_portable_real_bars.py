"""The shipped recipes on real bars: the data-only form says what scikit-learn says, one row far faster."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import registry
from flows.recipes.catalogue import shipped
from flows.recipes.training import is_forest
from registry import Registry, VersionRecord
from registry.archive.archive import Archive, pack, unpack
from registry.archive.input_schema import InputSchema
from registry.format.entries import digest
from tests.paths import SHARED_DATA

REAL = SHARED_DATA
RECIPES = list(shipped())


def bars(year: int) -> pd.DataFrame:
    return pd.read_csv(REAL / f"GBPUSD_M15_{year}_features.csv")


@pytest.fixture(scope="module")
def packed() -> dict[str, tuple[Any, InputSchema, bytes]]:
    """Every shipped recipe fitted on 2022 (estimator, signature), and its archive."""
    if not REAL.exists():
        pytest.skip("real bars are not there: expected beside the checkout, in shared/data")
    year = bars(2022)
    up = (year.close_15m.shift(-1) > year.close_15m).astype(int)
    made = {}
    for name, recipe in shipped().items():
        model = recipe.build(seed=1)
        parallel = {"n_jobs": 2} if is_forest(model) else {}
        model.set_params(**parallel).fit(recipe.signature.matrix(year), up)
        model.set_params(**dict.fromkeys(parallel, 1))
        made[name] = model, recipe.signature, pack(model, recipe.signature)
    return made


@pytest.fixture(scope="module")
def next_year() -> pd.DataFrame:
    return bars(2024)


def opened(data: bytes) -> Archive:
    return unpack(data, sha256=digest(data), where="here")


def seconds(times: int, work: Callable[..., Any], *arguments: Any) -> np.ndarray:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work(*arguments)
        taken.append(time.perf_counter() - started)
    return np.array(taken)


@pytest.mark.parametrize("name", RECIPES)
def test_all_of_2024_is_said_as_scikit_learn_says_it(packed, next_year, name):
    model, signature, data = packed[name]
    x = signature.matrix(next_year)
    said, expected = opened(data).form.up(x), model.predict_proba(x)[:, 1]
    assert np.abs(said - expected).max() <= 1e-12
    assert ((said > 0.5) == (expected > 0.5)).all()


def test_one_row_takes_a_tenth_of_scikit_learns_time_or_less(packed, next_year):
    model, signature, data = packed["rf_deep"]
    form, x = opened(data).form, signature.matrix(next_year[1000:1001])
    ours, theirs = (np.median(seconds(50, work, x)) for work in (form.up, model.predict_proba))
    assert ours <= theirs / 10


@pytest.mark.parametrize("name", RECIPES)
def test_a_year_takes_six_times_scikit_learns_time_or_less(packed, next_year, name):
    model, signature, data = packed[name]
    form, x = opened(data).form, signature.matrix(next_year)
    ours, theirs = (seconds(3, work, x).min() for work in (form.up, model.predict_proba))
    assert ours <= 6 * theirs


def test_a_champion_is_loaded_and_parsed_within_seven_milliseconds(packed, next_year, tmp_path):
    _, signature, data = packed["rf_shallow"]
    model = Registry(tmp_path).model("gbpusd")
    version = model.register(data, VersionRecord(recipe="rf_shallow"), author="trainer")
    model.promote(version, expected=None, author="gate", body={"sentence": "promoted: v1"})
    row = next_year[list(signature.columns)][:1].astype("float64")
    taken = seconds(9, lambda: registry.load("gbpusd", url=str(tmp_path)).predict(row))
    assert taken.min() <= 0.007
