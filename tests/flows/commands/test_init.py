"""``retrain init`` writes a settings file that every command then reads."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import cli
from flows.operations.doctor.found_bars import raw_exports, yearly_files
from registry.commands.variables import VARIABLES

Retrain = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # a settings file sets them, and monkeypatch puts back what was there
        monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def retrain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Retrain:
    def called(*arguments: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["retrain", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return end.value.code or 0, told.out, told.err

    return called


def settings(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "retrain.toml").read_text(encoding="utf-8"))


def test_yes_takes_the_bars_that_lie_here_and_their_clock(retrain: Retrain, folder: Path, june: Path) -> None:
    shutil.copytree(june, folder / "bars")
    status, out, _ = retrain("init", "--yes")
    assert status == 0 and "yearly files of GBPUSD_M15" in out and "weekends fit it" in out and "retrain run" in out
    assert settings(folder) == {
        "data": "bars",
        "instrument": "GBPUSD",
        "clock": "london-5h",
        "stamped": "open",
        "registry": ".retrain/registry",
    }
    assert stat.S_IMODE((folder / "retrain.toml").stat().st_mode) != 0o600


def test_options_win_over_what_is_found(retrain: Retrain, folder: Path, june: Path) -> None:
    alerts = "https://example.org/hook"
    words = ("--data", str(june), "--registry", "kept", "--clock", "UTC", "--alert-url", alerts)
    assert retrain("init", *words)[0] == 0
    found = settings(folder)
    assert (found["data"], found["registry"], found["clock"]) == (str(june), "kept", "UTC")
    assert found["alert_url"] == alerts and stat.S_IMODE((folder / "retrain.toml").stat().st_mode) == 0o600


def test_where_nothing_is_found_the_sample_is_used_and_exports_are_named(retrain: Retrain, folder: Path) -> None:
    (folder / "DAT_ASCII_GBPUSD_M1_2024.csv").write_text("20240101 170000;1.2;1.2;1.2;1.2;0\n")
    status, out, _ = retrain("init", "--yes")
    assert status == 0 and "retrain features DAT_ASCII_GBPUSD_M1_2024.csv --out features" in out
    assert "data" not in settings(folder) and settings(folder)["instrument"] == "GBPUSD"


def test_a_file_is_never_overwritten_unasked(retrain: Retrain, folder: Path) -> None:
    (folder / "retrain.toml").write_text('author = "Ann"\n')
    status, _, err = retrain("init", "--yes")
    assert status == 2 and "--force replaces it" in err and settings(folder) == {"author": "Ann"}
    assert retrain("init", "--yes", "--force")[0] == 0 and "author" not in settings(folder)


def test_without_a_terminal_or_options_it_says_what_is_missing(
    retrain: Retrain, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Path(os.devnull).open(encoding="utf-8"))  # noqa: SIM115  # until the test ends
    status, _, err = retrain("init")
    assert status == 2 and "give --data FOLDER" in err and not (folder / "retrain.toml").exists()


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--data", "nowhere"), 3, "nowhere"),
        (("--yes", "--clock", "Mars"), 2, "is not a clock"),
        (("--yes", "--instrument", "XXX"), 2, "is no instrument"),
        (("--yes", "--registry", "s3:/models"), 2, "two slashes"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(
    retrain: Retrain, folder: Path, words: tuple[str, ...], status: int, told: str
) -> None:
    ended, out, err = retrain("init", *words)
    assert ended == status and told in out + err and not (folder / "retrain.toml").exists()


def test_files_are_found_here_and_one_folder_below(folder: Path) -> None:
    for name in ("a/USDJPY_H1_2023_features.csv", "a/USDJPY_H1_2024_features.csv", "b/GBPUSD_M15_2024_features.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "b" / "NOSUCH_M15_2024_features.csv").touch()
    (folder / "a" / "GBPUSD_M1.csv").touch()
    assert [(each.folder.name, each.instrument, each.years) for each in yearly_files(folder)] == [
        ("a", "USDJPY_H1", (2023, 2024)),
        ("b", "GBPUSD_M15", (2024,)),
    ]
    assert [path.name for path in raw_exports(folder)] == ["GBPUSD_M1.csv"]
    assert yearly_files(folder / "nowhere") == []
