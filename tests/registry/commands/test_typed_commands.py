"""A command is given as it can be typed from here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from registry.commands import typed as module
from registry.commands.typed import typed


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
