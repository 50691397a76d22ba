"""What took seconds to simulate is simulated once: kept by its settings, and safe to delete or to spoil."""

import pytest

from flows.gate.nightly import calibration
from flows.gate.nightly.calibration import Simulation, YearOfNights, calibrate
from flows.gate.nightly.thresholds import GROWN

WEEKLY = YearOfNights(cadence=5)


@pytest.fixture
def simulations(monkeypatch):
    """Which simulations were asked for; none is run."""
    asked = []

    def simulated(recipes, year, simulation):
        asked.append((recipes, year, simulation))
        return 3.0 + recipes / 100, None if recipes == 1 else 2.5

    monkeypatch.setattr(calibration, "simulated", simulated)
    return asked


def test_the_next_night_simulates_nothing(simulations):
    assert calibrate(len(GROWN) + 1) == calibrate(len(GROWN) + 1)
    assert calibrate(1, WEEKLY) == calibrate(1, WEEKLY)
    assert calibrate(1, WEEKLY).together is None
    assert len(simulations) == 2


def test_other_settings_are_simulated_apart(simulations):
    asked = [(2, WEEKLY), (3, WEEKLY), (2, YearOfNights(cadence=4)), (2, YearOfNights(cadence=5, budget=0.1))]
    asked += [(2, YearOfNights(cadence=5, young=True)), (2, YearOfNights(cadence=5, young_together=True))]
    for recipes, year in asked:
        calibrate(recipes, year)
    calibrate(2, WEEKLY, simulation=Simulation(seed=1))
    calibrate(2, WEEKLY, simulation=Simulation(paths=10_000))
    assert len(simulations) == len(asked) + 2


def test_what_is_deleted_or_spoiled_is_simulated_again(simulations, cache_of_thresholds):
    first = calibrate(2, WEEKLY)
    (file,) = cache_of_thresholds.iterdir()
    whole = file.read_bytes()
    foreign = whole.replace(b"3.02", b"1.00").replace(rb"\"cadence\": 5", rb"\"cadence\": 6")
    assert foreign != whole
    for spoiled in (b"", whole[:-9], b"[1, 2]", b'{"settings": "?", "thresholds": [1.0, 1.0]}', foreign):
        file.write_bytes(spoiled)
        assert calibrate(2, WEEKLY) == first
        assert file.read_bytes() == whole
    file.unlink()
    assert calibrate(2, WEEKLY) == first
    assert len(simulations) == 7


def test_a_cache_that_cannot_be_written_costs_time_alone(simulations, cache_of_thresholds):
    cache_of_thresholds.parent.mkdir()
    cache_of_thresholds.write_text("a file where the folder belongs")
    assert calibrate(2, WEEKLY) == calibrate(2, WEEKLY)
    assert len(simulations) == 2


def test_a_user_without_a_home_simulates(simulations, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert calibrate(2, WEEKLY) == calibrate(2, WEEKLY)
    assert len(simulations) == 2
