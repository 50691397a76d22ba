"""Bars and clocks for tests of nights."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.bars import write_sample

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@dataclass
class FixedClock:
    """A clock that moves one second each time it is asked, and does not wait."""

    moment: datetime = field(default=datetime(2026, 1, 5, 22, 20, tzinfo=UTC))

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def fixed_clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def counted_ids() -> Callable[[], str]:
    """Ids 1, 2, 3, … as 32 hexadecimal digits."""
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


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
