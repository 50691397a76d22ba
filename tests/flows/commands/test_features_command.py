"""``retrain features`` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from flows.bars import load_bars
from flows.cli import app, main
from flows.settings import load_settings
from tests.flows.bars.raw import exports

BARS = exports.minutes("2024-01-02 00:00", "2024-01-10 16:50")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "raw.csv"
    path.write_bytes(exports.histdata(BARS))
    return path


def test_a_build_and_a_day_added_say_what_came_of_them(raw: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "bars")
    said = CliRunner().invoke(app, ["features", str(raw), "--out", out]).stdout
    assert "raw.csv: HistData, 1" in said and "500 bars warmed the indicators up" in said and "bars held back" in said
    day = tmp_path / "day.csv"
    day.write_bytes(exports.histdata(exports.minutes("2024-01-10 16:51", "2024-01-11 16:59", missing=0)))
    said = CliRunner().invoke(app, ["features", str(day), "--out", out, "--add", "--json"]).stdout
    told = json.loads(said)
    assert told["added"] == 1 + 24 * 4 and told["held_back"] == 0
    assert told["bars"] == len(load_bars(out).frame)


def test_files_are_written_by_the_clock_that_nights_read(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_CLOCK", "UTC")
    done = CliRunner().invoke(
        app, ["features", str(raw), "--out", str(tmp_path / "bars"), "--clock", "America/New_York+7h"]
    )
    assert done.exit_code == 0
    bars = load_bars(tmp_path / "bars", clock="UTC")
    assert bars.last_close.isoformat() == "2024-01-10T14:45:00+00:00"  # 16:45 on the server's clock


def test_what_was_detected_of_each_export_is_one_line(raw: Path, tmp_path: Path) -> None:
    raw.write_bytes(b"# by hand\n" + exports.histdata(BARS[::-1]))
    done = CliRunner().invoke(app, ["features", str(raw), "--out", str(tmp_path / "bars")])
    line = done.stdout.splitlines()[0]
    assert line.startswith("raw.csv: HistData, ") and "times by london-5h" in line
    assert line.endswith("; 1 line of comment skipped; newest first, turned round")
    assert "repaired" not in done.stdout
    told = CliRunner().invoke(app, ["features", str(raw), "--out", str(tmp_path / "more"), "--json"]).stdout
    assert json.loads(told)["exports"] == [line]


def test_a_clock_beside_times_with_an_offset_is_refused(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.write_bytes(exports.plain(BARS, "+00:00"))
    command = ["retrain", "features", str(raw), "--out", str(tmp_path / "bars")]
    monkeypatch.setattr("sys.argv", [*command, "--clock", "UTC-5"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--clock UTC-5 contradicts raw.csv" in capsys.readouterr().err
    assert CliRunner().invoke(app, command[1:]).exit_code == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--definitions", "wilder"], 2, "choose among notebook, textbook"),
        (["--years", "both"], 2, "choose among continuous, apart"),
        (["--last", "yes"], 2, "choose among auto, keep, drop"),
        (["--bars", "H1"], 2, "choose among auto, M1, M5, M15"),
        (["--clock", "Mars"], 2, "is not a clock"),
        (["--columns", "x=y"], 2, "there is no part x"),
        (["--delimiter", ","], 3, "the layout is not known"),
        (["--time-format", "%Q"], 2, "%Q is no directive"),
        (["--bars", "M15"], 3, "bars must all be of one length"),
        (["--add"], 2, "nothing was built"),
    ],
)
def test_what_makes_no_sense_ends_with_one_message(
    raw: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    status: int,
    said: str,
) -> None:
    monkeypatch.setattr("sys.argv", ["retrain", "features", str(raw), "--out", str(tmp_path / "bars"), *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == status
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("bars/*"))


def test_an_export_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr("sys.argv", ["retrain", "features", str(tmp_path / "no.csv"), "--out", str(tmp_path / "bars")])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert "no.csv" in said and said == snapshot


@pytest.mark.parametrize("step", [1, 5, 15])
def test_bars_stamped_at_their_close_are_those_stamped_at_their_open(tmp_path: Path, step: int) -> None:
    bars = exports.minutes("2024-01-08 00:00", "2024-01-17 16:45", missing=0, step=step)
    late = bars.set_axis(bars.index + pd.Timedelta(minutes=step), axis=0)
    for name, frame, stamped in (("open", bars, "open"), ("close", late, "close")):
        (tmp_path / f"{name}.csv").write_bytes(exports.plain(frame))
        words = ["features", str(tmp_path / f"{name}.csv"), "--out", str(tmp_path / name), "--stamped", stamped]
        assert CliRunner().invoke(app, [*words, "--bars", f"M{step}"]).exit_code == 0
    assert load_bars(tmp_path / "close").frame.equals(load_bars(tmp_path / "open").frame)


def test_files_of_a_setting_stamped_at_the_close_are_read_as_they_were_written(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["features", str(raw), "--out"]
    assert CliRunner().invoke(app, [*words, str(tmp_path / "usual")]).exit_code == 0
    monkeypatch.setenv("RETRAIN_STAMPED", "close")
    assert CliRunner().invoke(app, [*words, str(tmp_path / "late")]).exit_code == 0
    usual, late = load_bars(tmp_path / "usual"), load_bars(tmp_path / "late", clock=load_settings().file_clock)
    assert late.frame.equals(usual.frame) and (late.file_time - usual.file_time == pd.Timedelta(minutes=15)).all()
