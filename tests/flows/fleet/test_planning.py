"""The plan of a fleet: which nights come, when each starts, and that scheduled ones begin when it says."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from flows.cli import app
from flows.fleet import nights
from flows.fleet.members import Fleet, FleetRefused, read_fleet
from flows.fleet.nights import FleetNight, run_nights
from flows.fleet.planning import plan_nights
from flows.instruments import SHIPPED
from flows.operations.settings import Operations
from flows.settings import Settings
from tests.clocks import FixedClock

NOON = datetime(2024, 6, 5, 16, tzinfo=UTC)


def fleet_of(folder: Path, models: Sequence[tuple[str, str]], head: str = "") -> Fleet:
    """A fleet of models by name, with their instruments."""
    tables = "".join(f'[models.{name}]\ninstrument = "{instrument}"\n' for name, instrument in models)
    path = folder / "fleet.toml"
    path.write_text(f"{head}\n{tables}")
    return read_fleet(path, Settings(registry=str(folder / "registry")))


def test_each_night_starts_after_its_own_close_and_those_of_one_close_spread(tmp_path: Path) -> None:
    models = [("pound", "GBPUSD"), ("coin", "BTCUSD"), ("yen", "USDJPY_H1"), ("gold", "XAUUSD")]
    planned = plan_nights(fleet_of(tmp_path, models, "spread_minutes = 8"), Operations(), NOON)
    starts = {night.member.name: night.starts.isoformat() for night in planned}
    assert starts == {
        "pound": "2024-06-05T17:20:00-04:00",
        "yen": "2024-06-05T17:24:00-04:00",
        "gold": "2024-06-05T17:26:00-04:00",
        "coin": "2024-06-06T00:22:00+00:00",
    }
    assert [night.member.name for night in planned] == ["pound", "yen", "gold", "coin"]


def test_a_hundred_instruments_are_planned_in_a_moment(tmp_path: Path) -> None:
    models = [(f"model_{number:03}", f"{SHIPPED[number % 8]}_H1") for number in range(100)]
    tracemalloc.start()
    began = time.perf_counter()
    planned = plan_nights(fleet_of(tmp_path, models, "at_once = 4\nspread_minutes = 50"), Operations(), NOON)
    took, most = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    first = [night for night in planned if night.instrument.symbol != "BTCUSD"]
    assert len(planned) == 100 and len({night.starts for night in planned}) == 100
    assert max(night.starts for night in first) - min(night.starts for night in first) <= timedelta(minutes=50)
    assert took < 20 and most < 64 << 20


def test_scheduled_nights_begin_over_the_minutes_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = fleet_of(tmp_path, [(f"m{number}", "GBPUSD") for number in range(4)], "spread_minutes = 6")
    slept: list[float] = []
    clock = FixedClock()
    monkeypatch.setattr(clock, "sleep", slept.append)
    monkeypatch.setattr(nights, "_night_in_process", lambda member, options: FleetNight(member, 1, "not run"))
    assert len(list(run_nights(fleet, ("--scheduled",), clock))) == 4
    assert sorted(slept) == pytest.approx([90.0, 180.0, 270.0], abs=8)  # this clock ticks whenever it is read
    slept.clear()
    assert len(list(run_nights(fleet, (), clock))) == 4 and slept == []


@pytest.mark.parametrize(
    "head",
    [
        "spread_minutes = -1",
        "spread_minutes = 241",
        'spread_minutes = "10"',
        "spread_minutes = true",
        "spread_minutes = nan",
        *['dask = "scheduler"', "dask = 8786", 'dask = "tcp://user @host:8786"'],
    ],
)
def test_what_is_no_span_and_no_address_is_refused_with_its_key(head: str, tmp_path: Path) -> None:
    with pytest.raises(FleetRefused, match=head.partition(" ")[0]):
        fleet_of(tmp_path, [("pound", "GBPUSD")], head)


def test_the_command_shows_the_plan_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("registry.SystemClock.now", lambda clock: NOON)
    fleet_of(Path(), [("pound", "GBPUSD"), ("coin", "BTCUSD_H4")], "spread_minutes = 8\nat_once = 2")
    done = CliRunner().invoke(app, ["run", "--all", "--plan"])
    assert done.exit_code == 0 and done.output == snapshot
    as_json = CliRunner().invoke(app, ["run", "--all", "--plan", "--json"])
    assert [night["model"] for night in json.loads(as_json.stdout)] == ["pound", "coin"]
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.toml"]


@pytest.mark.parametrize(
    "options", [["--plan"], ["--all", "--plan", "--dry-run"], ["--all", "--plan", "--as-of", "2024-06-05"]]
)
def test_a_plan_is_of_all_models_and_of_no_option(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleet_of(Path(), [("pound", "GBPUSD")])
    done = CliRunner().invoke(app, ["run", *options])
    assert done.exit_code != 0 and "--plan" in str(done.exception)
