"""Bars and clocks for tests of nights."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import pytest

from flows.bars import write_sample
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.run import run_night
from flows.settings import Settings
from registry import Registry
from tests.clocks import FixedClock
from tests.flows.nights import FAST, RECIPES, Nights, at, quick_calibration, short_bars
from tests.flows.report.lived import HOSTILE, NIGHTS, POLICY, Lived, as_of
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


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """A registry with ten nights, made once."""
    place = tmp_path_factory.mktemp("report")
    data = str(write_sample(place / "bars", first=date(2022, 1, 3), last=date(2022, 6, 15)))
    recipes = place / "recipes.toml"
    recipes.write_text(RECIPES)
    registry, clock, numbers = str(place / "registry"), FixedClock(), itertools.count(1)
    settings = Settings(data=data, registry=registry, model="m", cores=1, recipes_file=str(recipes))
    outcome = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
        for at, night in enumerate(NIGHTS):
            clock.moment = as_of(night)
            request = RetrainRequest(recipes=FAST, train_days=60, backfill_days=60, as_of=as_of(night))
            outcome = run_night(plan(request, settings), clock=clock, new_id=lambda: f"{next(numbers):032x}")
            if at == 0:
                model = Registry(registry, clock=clock).model("m")
                model.set_policy(POLICY.to_dict(), author="<b>Eve</b>", reason=HOSTILE)
    assert outcome is not None
    return Lived(registry, data, str(recipes), outcome)


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
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)


@pytest.fixture
def fresh(june: Path, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """A registry in which nothing happened yet."""
    return Nights(tmp_path, june)


@pytest.fixture
def second(first_night: Nights, tmp_path: Path, quickly_calibrated: None) -> Nights:
    """A registry in which the first night is decided."""
    return first_night.copy(tmp_path)
