"""``retrain`` alone says where things stand and what comes next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flows import cli
from registry.commands.variables import VARIABLES
from tests.registry.actors import NAME
from tests.registry.commanded import fill


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What ``retrain`` alone prints in the folder ``tmp_path``."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # a settings file sets them, and monkeypatch puts back what was there
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["retrain"])

    def called() -> str:
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
        return capsys.readouterr().out

    return called


def commands(told: str) -> list[str]:
    return [line.split("retrain ")[1].split()[0] for line in told.splitlines() if line.startswith("  ")]


def test_before_there_is_a_model_it_says_how_to_begin(said, tmp_path: Path) -> None:
    told = said()
    assert told.startswith("There is no model in .retrain/registry yet")
    assert commands(told) == ["init", "run", "doctor"] and "--help lists all" in told
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "retrain.toml").write_text("")
    assert commands(said()) == ["run", "doctor", "up"]


def test_with_a_model_it_is_the_status_and_what_to_read(said, tmp_path: Path) -> None:
    fill(tmp_path / ".retrain/registry")
    told = said()
    assert told.startswith("champion v2 (logistic)") and f"Model:    {NAME}" in told
    assert commands(told) == ["explain", "report", "run"]
