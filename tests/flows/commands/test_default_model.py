"""MODEL may be left out of the commands of ``retrain``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from flows import cli
from tests.flows.report.lived import Lived
from tests.registry.commanded import fill


@pytest.fixture
def retrain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lived: Lived):
    """Runs the command ``retrain`` on the registry with ten nights of real bars: (exit status, output, error)."""
    monkeypatch.setenv("RETRAIN_REGISTRY", lived.registry)

    def called(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["retrain", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return end.value.code or 0, told.out, told.err

    return called


@pytest.mark.parametrize("words", [["explain"], ["explain", "--json"]])
def test_the_only_model_is_meant(retrain, words: list[str]) -> None:
    status, out, _ = retrain(*words)
    assert status == 0 and out == retrain(words[0], "m", *words[1:])[1]


def test_of_several_the_one_of_the_settings_is_meant(
    retrain, lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(lived.registry, tmp_path / "registry")
    models = tmp_path / "registry" / "models"
    shutil.copytree(models / "m", models / "gbpusd_m15_direction")
    where = ("--registry", str(tmp_path / "registry"))
    status, _, err = retrain("explain", *where)
    assert status == 2 and "2 models: gbpusd_m15_direction, m. Name one of them" in err
    monkeypatch.setenv("RETRAIN_MODEL", "m")
    assert retrain("explain", *where)[0] == 0


@pytest.mark.parametrize("command", ["report", "dossier"])
def test_bars_that_nobody_named_are_asked_for_before_any_are_simulated(
    retrain, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "registry")
    monkeypatch.chdir(tmp_path)
    status, _, err = retrain(command, "--registry", "registry")
    assert status == 2 and "add --data FOLDER" in err and len(list(tmp_path.iterdir())) == 1
