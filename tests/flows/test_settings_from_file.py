"""Nights, the watch and their workers take their settings from ``retrain.toml``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.errors import RequestRefused
from flows.operations.api import prepare_environment
from flows.operations.doctor.checks import examine
from flows.operations.orchestrator.up import Place, environment
from flows.operations.runs.feed import run_feed
from flows.operations.settings import Operations, load_operations
from flows.operations.status.status import read_status
from flows.settings import Settings, load_settings
from tests.clocks import FixedClock


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, with none of our variables set; the file fills the environment, restored afterwards."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("RETRAIN_", "PREFECT_")):
            del os.environ[name]
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield tmp_path / "work"
    os.environ.clear()
    os.environ.update(before)


def test_the_settings_of_a_night_stand_in_the_file(folder: Path) -> None:
    (folder / "retrain.toml").write_text('data = "bars"\ncores = 2\nfeed = "./fetch"\nalert_held = true\n')
    settings, operations = load_settings(), load_operations()
    assert (settings.data, settings.cores) == (str(folder / "bars"), 2)
    assert (operations.feed, operations.alert_held) == ("./fetch", True)


def test_a_setting_of_no_sense_is_named_by_its_file(folder: Path) -> None:
    path = folder / "retrain.toml"
    path.write_text('cores = "many"\n')
    with pytest.raises(RequestRefused, match=f"cores in {path}: Input should be a valid integer"):
        load_settings()
    path.write_text('alert_ur = "https://x"\n')
    with pytest.raises(RequestRefused, match=r"did you mean alert_url\?"):
        load_operations()


def test_the_feed_of_the_file_runs_in_its_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "retrain.toml").write_text('feed = "pwd"\n')
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    feed = load_operations().feed
    assert feed is not None and run_feed(feed, seconds=20) == str(folder)
    os.environ["RETRAIN_FEED"] = "echo; pwd"  # what the environment says is of the working folder
    assert run_feed("echo; pwd", seconds=20) == str(folder / "below")


def test_a_worker_has_the_settings_of_who_started_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "retrain.toml").write_text('data = "bars"\nauthor = "Ann"\n')
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    load_operations()
    env = environment(Place(folder / "home"), os.environ)
    assert env["RETRAIN_DATA"] == str(folder / "bars") and env["RETRAIN_AUTHOR"] == "Ann"
    assert env["RETRAIN_REGISTRY"] == str(folder / ".retrain/registry")
    assert env["RETRAIN_SETTINGS"] == str(folder / "retrain.toml")


def test_prefects_database_lies_beside_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "retrain.toml").write_text('author = "Ann"\n')
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    monkeypatch.setenv("HOME", str(folder))  # no profile is there
    load_settings()
    prepare_environment()
    assert os.environ["PREFECT_HOME"] == str(folder / ".retrain/prefect")


def test_status_and_doctor_say_which_file_is_in_use(folder: Path) -> None:
    def asked() -> tuple[str, list[str]]:
        now = FixedClock().now()
        status = read_status(Settings(), Operations(), now=now, grace=now - now)
        findings = examine(Settings(), Operations(), now=now)
        return "\n".join(status.lines), [finding.statement for finding in findings if finding.about == "settings"]

    assert "Settings:" not in asked()[0] and asked()[1] == []
    path = folder / "retrain.toml"
    path.write_text('author = "Ann"\n')
    screen, findings = asked()
    assert f"Settings: {path}" in screen
    assert findings == [f"from {path}; the environment wins over it"]
