"""Bars to train on: a small simulated dataset, and the real years where the data folder is there."""

from __future__ import annotations

import numpy as np
import pytest

from flows.bars import Dataset, load_bars, prepare
from tests.flows.recipes.simulated_bars import dataset_of, simulated_frame
from tests.paths import SHARED_DATA

REAL = SHARED_DATA


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return dataset_of(simulated_frame(700))


@pytest.fixture(scope="session")
def everything(dataset: Dataset) -> np.ndarray:
    return np.ones(len(dataset.label), dtype=bool)


@pytest.fixture(scope="session")
def notebook_years() -> Dataset:
    """2022 and 2024 side by side, labelled as the notebook did."""
    if not (REAL / "GBPUSD_M15_2022_features.csv").exists():
        pytest.skip("the real bars are not beside the repository (../shared/data)")
    return prepare(load_bars(REAL, years=(2022, 2024)), labels="notebook")
