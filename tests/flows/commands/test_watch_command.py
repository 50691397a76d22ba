"""``retrain watch`` and ``doctor`` from a cron line that lacks a variable: what is not looked at is not well."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.errors import BarsMissing
from flows.monitoring.health import Health
from flows.operations.doctor.bars import examine_bars
from flows.operations.settings import Operations
from flows.operations.status.watching import champion_health
from flows.settings import SIMULATED_MODEL, Settings
from registry import Night, Registry, VersionRecord
from registry.errors import ModelNotFound
from tests.clocks import FixedClock

NOW = datetime(2024, 12, 31, 22, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def a_line_of_cron(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sample: Path) -> None:
    """No variable but those of places; nothing is examined beyond whose turn it is."""
    for name in ("DATA", "MODEL", "ALERT_URL", "FLEET"):
        monkeypatch.delenv(f"RETRAIN_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETRAIN_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("RETRAIN_SAMPLE", str(sample))
    monkeypatch.setitem(champion_health.__kwdefaults__, "examine", lambda *_, **__: Health("v1", 30, 500, False, ()))


def champion(tmp_path: Path, name: str, *, simulated: bool | None = None) -> None:
    model = Registry(tmp_path / "registry", clock=FixedClock(NOW)).model(name)
    version = model.register(b"archive", VersionRecord(recipe="rf", simulated=simulated), author="night")
    body = {"sentence": "promoted: v1 is first"}
    model.promote(version, expected=None, author="night", body=body, night=Night("2024-12-31", NOW))


def watch(*words: str) -> Result:
    return CliRunner().invoke(app, ["watch", *words])


def test_an_empty_registry_is_nothing_to_watch_and_no_success() -> None:
    refused = watch()
    assert refused.exit_code != 0 and isinstance(refused.exception, ModelNotFound)
    assert "nothing to watch" in str(refused.exception)


def test_the_samples_model_alone_is_looked_at_and_named(tmp_path: Path) -> None:
    champion(tmp_path, SIMULATED_MODEL, simulated=True)
    seen = watch()
    assert seen.exit_code == 0 and seen.output.startswith(f"{SIMULATED_MODEL}: v1 is healthy")


def test_a_model_of_real_bars_without_their_place_is_not_green(tmp_path: Path) -> None:
    champion(tmp_path, "gbp")
    refused = watch()
    assert refused.exit_code != 0 and isinstance(refused.exception, BarsMissing)
    assert "gbp was trained on real bars" in str(refused.exception) and "RETRAIN_DATA" in str(refused.exception)


def test_beside_the_samples_model_the_real_one_is_told_of_too(tmp_path: Path) -> None:
    champion(tmp_path, SIMULATED_MODEL, simulated=True)
    champion(tmp_path, "gbp")
    seen = watch()
    assert seen.exit_code == 10
    assert "gbp: not looked at: gbp was trained on real bars" in seen.output
    assert f"{SIMULATED_MODEL}: v1 is healthy" in seen.output


def test_a_model_that_is_not_there_is_nothing_to_watch(tmp_path: Path) -> None:
    champion(tmp_path, "gbp")
    refused = watch("gbp_misspelt")
    assert refused.exit_code != 0 and "no gbp_misspelt" in str(refused.exception)


def test_with_the_place_of_its_bars_the_model_is_looked_at(tmp_path: Path, sample: Path) -> None:
    champion(tmp_path, "gbp")
    seen = watch("gbp", "--data", str(sample))
    assert (seen.exit_code, seen.output) == (0, "gbp: v1 is healthy after 30 trading days (against 500 days before)\n")


def test_the_doctor_says_that_a_real_models_bars_have_no_place(tmp_path: Path) -> None:
    settings = Settings(registry=str(tmp_path / "registry"), data=None)
    assert next(examine_bars(settings, Operations(), NOW)).verdict == "look", "nothing is there: the sample is meant"
    champion(tmp_path, "gbp")
    found = next(examine_bars(settings, Operations(), NOW))
    assert found.verdict == "wrong" and "gbp was trained on real ones" in str(found)
