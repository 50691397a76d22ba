"""A command is given as it can be typed from here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from registry.commands import typed as module
from registry.commands.typed import as_typed, typed


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs of this environment, in a project's ``.venv`` that PATH does not name."""
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("python", "registry"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    return programs


def test_a_program_that_is_not_on_the_path_is_named_by_its_own(ours: Path) -> None:
    assert typed("registry", "log", "my model") == ".venv/bin/registry log 'my model'"


def test_from_another_folder_the_whole_path_is_given(
    ours: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert typed("registry", "log") == f"{ours}/registry log"


def test_a_program_that_the_shell_finds_goes_by_its_name(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(ours))
    assert typed("registry", "log") == "registry log"


def test_that_of_another_environment_is_not_taken_for_ours(
    ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "registry").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert typed("registry") == ".venv/bin/registry"


def test_what_is_not_installed_beside_python_goes_by_its_name(ours: Path) -> None:
    assert module.program_here("retrain") == "retrain"


SENTENCE = "a night (`retrain run`) makes one, then retrain status, and `registry log m`; my retrain run is not yours"


def test_commands_of_a_sentence_get_their_path_where_one_was_called_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / ".venv" / "bin"
    place.mkdir(parents=True)
    for name in ("python", "retrain", "registry"):
        (place / name).touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(place / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", [".venv/bin/retrain", "run"])
    assert as_typed(SENTENCE) == (
        "a night (`.venv/bin/retrain run`) makes one, then .venv/bin/retrain status, and `.venv/bin/registry log m`; "
        "my retrain run is not yours"
    )
    assert as_typed("retrain deploy") == ".venv/bin/retrain deploy"
    for called in ("retrain", "/usr/lib/python3/flows/cli.py"):
        monkeypatch.setattr(sys, "argv", [called])
        assert as_typed(SENTENCE) == SENTENCE
    monkeypatch.setattr(sys, "argv", [str(place / "retrain")])
    monkeypatch.setenv("PATH", str(place))
    assert as_typed(SENTENCE) == SENTENCE
