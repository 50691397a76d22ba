"""Bars and clocks for tests of nights."""

from __future__ import annotations

from pathlib import Path

import pytest
from clocks import FixedClock
from nights import Nights, at, quick_calibration, short_bars

from flows.bars import write_sample

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"


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


@pytest.fixture(scope="session")
def june(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated bars to the middle of June 2024; a test that changes bars copies them first."""
    return short_bars(tmp_path_factory.mktemp("june") / "bars")


@pytest.fixture(scope="session")
def first_night(june: Path, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """One night, decided: v1 of ``line`` is champion, v2 of ``bayes`` is held. Tests continue from a copy."""
    nights = Nights(tmp_path_factory.mktemp("first"), june)
    nights(at(3))
    return nights


@pytest.fixture
def quickly_calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.gate.nightly.calibrate", quick_calibration)


@pytest.fixture
def fresh(june: Path, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """A registry in which nothing happened yet."""
    return Nights(tmp_path, june)


@pytest.fixture
def second(first_night: Nights, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """A registry in which the first night is decided."""
    return first_night.copy(tmp_path)
