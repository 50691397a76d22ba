"""Bars and clocks for tests of nights."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.bars import write_sample
from tests.clocks import FixedClock
from tests.paths import SHARED_DATA

REAL = SHARED_DATA


@pytest.fixture
def fixed_clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="session")
def real_bars() -> Path:
    """The folder with the real yearly files; the test is skipped where it is not there."""
    if not (REAL / "GBPUSD_M15_2024_features.csv").exists():
        pytest.skip("real bars are not there: expected beside the checkout, in shared/data")
    return REAL


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated sample, written once."""
    return write_sample(tmp_path_factory.mktemp("bars") / "sample")
