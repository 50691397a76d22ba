"""``retrain.toml`` is found as git finds its own, loses against the environment, and says what is wrong with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from registry import Registry
from registry.commands.settings_file import (
    USUAL,
    find_settings_file,
    named,
    read_settings_file,
    use_settings_file,
)
from registry.commands.variables import VARIABLES
from registry.errors import SettingsRefused
from tests.registry.actors import NAME
from tests.registry.commanded import fill


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; no variable of ours is set."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def written(folder: Path, text: str) -> Path:
    path = folder / "retrain.toml"
    path.write_text(text)
    return path


def test_each_key_is_a_variable_and_the_environment_wins(folder: Path) -> None:
    path = written(
        folder, 'author = "Ann"\ncores = 2\nalert_held = true\ntrusted_trainers = ["a", "b"]\nclock = "UTC"\n'
    )
    environ = {"RETRAIN_CLOCK": "UTC-5", "RETRAIN_AUTHOR": ""}  # an empty one is as if it were not set
    assert use_settings_file(environ) == path
    assert environ == {
        "RETRAIN_AUTHOR": "Ann",
        "RETRAIN_CORES": "2",
        "RETRAIN_ALERT_HELD": "true",
        "RETRAIN_TRUSTED_TRAINERS": "a,b",
        "RETRAIN_CLOCK": "UTC-5",
        "RETRAIN_SETTINGS": str(path),
    }
    before = dict(environ)
    assert use_settings_file(environ) == path and environ == before


def test_the_nearest_file_above_is_taken_and_its_paths_are_of_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder.parent, 'author = "farther"')
    written(
        folder, 'data = "bars"\nregistry = "s3://models/registry"\ninstrument = "mine.toml"\nrecipes_file = "~/r.toml"'
    )
    (folder / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(folder / "a" / "b")
    monkeypatch.setenv("HOME", "/home/ann")
    environ: dict[str, str] = {}
    assert use_settings_file(environ) == folder / "retrain.toml"
    assert environ["RETRAIN_DATA"] == str(folder / "bars")
    assert environ["RETRAIN_REGISTRY"] == "s3://models/registry"
    assert environ["RETRAIN_INSTRUMENT"] == str(folder / "mine.toml")
    assert environ["RETRAIN_RECIPES_FILE"] == "/home/ann/r.toml"
    assert environ["RETRAIN_SAMPLE"] == str(folder / ".retrain/sample")  # one registry and one sample, wherever called
    assert "RETRAIN_AUTHOR" not in environ


def test_the_usual_places_are_the_defaults_of_the_settings() -> None:
    from flows.operations.settings import Operations
    from flows.settings import Settings

    fields = Settings.model_fields | Operations.model_fields
    assert {key: fields[key].default for key in USUAL} == USUAL


def test_without_a_file_nothing_is_set(folder: Path) -> None:
    environ: dict[str, str] = {}
    assert use_settings_file(environ) is None and environ == {}


def test_a_file_can_be_named(folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path, 'data = "bars"')
    written(folder, 'data = "other"')
    environ = {"RETRAIN_SETTINGS": str(path)}
    use_settings_file(environ)
    assert environ["RETRAIN_DATA"] == str(tmp_path / "bars")
    with pytest.raises(SettingsRefused, match=r"RETRAIN_SETTINGS is absent\.toml, and there is no such file"):
        find_settings_file({"RETRAIN_SETTINGS": "absent.toml"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('dta = "bars"', "nothing reads dta (did you mean data?)"),
        ('RETRAIN_REGISTRY = "x"', "nothing reads RETRAIN_REGISTRY (did you mean registry?)"),
        ("settings = 'other.toml'", "nothing reads settings"),
        ('[data]\nfolder = "bars"', "data is {'folder': 'bars'}: give a text"),
        ("clock = 2024-01-01", "clock is datetime.date(2024, 1, 1): give a text"),
        ("data = [1, 2]", "data is [1, 2]: give a text"),
        ('cores = 2\ndata = "bars\n', "line 2"),
        ("data = bars", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(folder: Path, text: str, words: str) -> None:
    path = written(folder, text)
    with pytest.raises(SettingsRefused) as refused:
        read_settings_file(path)
    assert words in str(refused.value) and str(path) in str(refused.value)


def test_a_file_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "retrain.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsRefused, match="cannot be read"):
        use_settings_file({})


def test_a_file_above_of_another_user_is_not_taken_unasked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(folder.parent, 'feed = "rm -rf ."')
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    if path.stat().st_uid == 0:
        os.chown(path, 4321, -1)
    with pytest.raises(SettingsRefused, match="belongs to another user"):
        find_settings_file({})
    assert find_settings_file({"RETRAIN_SETTINGS": str(path)}) == path


def test_a_message_names_the_key_of_the_file_or_the_variable(folder: Path) -> None:
    path = written(folder, "cores = 2\n")
    environ = {"RETRAIN_LABEL": "x"}
    use_settings_file(environ)
    assert named("RETRAIN_CORES", environ) == f"cores in {path}"
    assert named("RETRAIN_LABEL", environ) == "RETRAIN_LABEL"
    assert named("RETRAIN_CORES", {**environ, "RETRAIN_CORES": "3"}) == "RETRAIN_CORES"


def called(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))


def test_a_command_finds_the_registry_of_the_file(folder: Path, importable: None) -> None:
    fill(folder / "kept")
    written(folder, 'registry = "kept"\n')
    listed = called("registry.cli", "models", "--json")
    assert json.loads(listed.stdout) == [NAME]
    elsewhere = called("registry.cli", "models", "--registry", "nothing", "--json")  # the command line wins
    assert NAME not in elsewhere.stdout


def test_a_command_says_what_is_wrong_with_the_file_and_ends_with_2(folder: Path, importable: None) -> None:
    written(folder, 'dat = "x"\n')
    refused = called("registry.cli", "models")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and "did you mean data?" in refused.stderr
    assert called("registry.cli", "--help").returncode == 0


def test_the_library_reads_no_file(folder: Path) -> None:
    written(folder, 'dat = "x"\n')
    assert Registry(folder / "kept").models() == []
