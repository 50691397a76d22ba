"""What walked in once is refused or questioned by name wherever bars come in: `run`, `doctor` and `features`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.bars.clock import FileClock
from flows.bars.raw import Choices, build, read_export
from flows.bars.raw.layouts import column_map, described
from flows.cli import app
from flows.errors import BarsMissing, BarsRejected
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.steps import load
from flows.operations.doctor.bars import examine_bars
from flows.operations.settings import Operations
from flows.settings import Settings
from tests.clocks import FixedClock
from tests.flows.bars.plausibility.corpus import FAULTS, NOW, Fault, run

REPORTED = [fault for fault in FAULTS if fault.reported]

COLUMNS = "time=timestamp,open=open_15m,high=high_15m,low=low_15m,close=close_15m"

OF_FEATURES = re.compile("under the name|early|rsi_14|ema_20|names of the features|adx_14")
"""`retrain features` reads prices alone and computes its own features, so these faults are gone in what it writes."""


def ids(fault: Fault) -> str:
    return fault.name


@pytest.fixture(params=REPORTED, ids=ids)
def fault(request: pytest.FixtureRequest) -> Fault:
    chosen: Fault = request.param
    return chosen


@pytest.fixture
def data(fault: Fault, tmp_path: Path) -> Path:
    (tmp_path / "bars").mkdir()
    for name, content in fault.make().items():
        (tmp_path / "bars" / name).write_bytes(content)
    return tmp_path / "bars"


def test_it_is_met_in_run_doctor_and_features(fault: Fault, data: Path, tmp_path: Path) -> None:
    by = run(fault, tmp_path / "again").by

    settings = Settings(data=str(data), registry=str(tmp_path / "registry"), model="m", cores=1)
    job = plan(RetrainRequest(train_days=30, recipes=("logistic",)), settings)
    try:
        said = "\n".join(map(str, load(job, FixedClock(NOW)).findings.questions))
        assert all(name in said for name in by)
    except BarsRejected as refused:
        said = str(refused)
        assert by == ("form",) or all(f"--allow {name}" in said for name in by)
    assert said

    told = [each for each in examine_bars(settings, Operations(), NOW) if each.verdict != "fine"]
    about = [each.statement.split(":")[0] for each in told if each.about == "bars"]
    assert (by == ("form",) and told[0].about == "data") or set(by) <= set(about)

    try:
        questions = _features(data, tmp_path / "built")
    except (BarsRejected, BarsMissing) as refused:
        questions = (str(refused),)
    assert bool(questions) != bool(OF_FEATURES.search(fault.name)), questions


def _features(data: Path, out: Path) -> tuple[str, ...]:
    """What `retrain features` asks about these files as exports."""
    layout, clock = described(column_map(COLUMNS), None, None), FileClock.parse("london-5h")
    exports = [
        read_export(file.name, file.read_bytes(), clock=clock, layout=layout) for file in sorted(data.glob("*.csv"))
    ]
    built = build(out, exports, Choices(now=NOW))
    assert {file.name for file in out.glob("*.csv")} == set(built.files)
    return built.questions


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Bars with flat ones while the market is shut."""
    chosen = next(fault for fault in REPORTED if fault.name == "flat bars while the market is shut")
    (tmp_path / "flat").mkdir()
    for name, content in chosen.make().items():
        (tmp_path / "flat" / name).write_bytes(content)
    return tmp_path / "flat"


def test_as_it_is_typed(flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setenv("RETRAIN_DATA", str(flat))
    monkeypatch.setenv("RETRAIN_REGISTRY", str(tmp_path / "registry"))
    typed = CliRunner().invoke(app, ["run", "--no-prefect", "--recipe", "logistic", "--allow", "frozen_feed"])
    assert isinstance(typed.exception, BarsRejected) and "--allow shut_market" in str(typed.exception)
    assert "--allow frozen_feed" not in str(typed.exception), "that one was allowed"
    assert not (tmp_path / "registry" / "models").exists(), "nothing was trained"

    told = CliRunner().invoke(app, ["doctor", "--json"])
    assert told.exit_code == 1
    assert [each["verdict"] for each in json.loads(told.stdout) if each["about"] == "bars"] == ["wrong", "wrong"]
    told = CliRunner().invoke(app, ["doctor", "--json", "--allow", "shut_market", "--allow", "frozen_feed"])
    assert [each["verdict"] for each in json.loads(told.stdout) if each["about"] == "bars"] == ["fine", "fine"]

    raw = [str(file) for file in sorted(flat.glob("*.csv"))]
    words = ["features", *raw, "--columns", COLUMNS, "--out", str(tmp_path / "built")]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, BarsRejected) and "GBPUSD_M15_2023_features.csv row " in str(refused.exception)
    assert list((tmp_path / "built").glob("*.csv")) == [], "nothing is written before it is looked at"
    allowed = CliRunner().invoke(app, [*words, "--allow", "shut_market", "--allow", "frozen_feed", "--json"])
    assert allowed.exit_code == 0 and json.loads(allowed.stdout)["questions"] == []


@pytest.mark.parametrize("command", ["run", "doctor", "features"])
def test_a_check_that_is_not_known_cannot_be_allowed(command: str, tmp_path: Path) -> None:
    words = {"run": [], "doctor": [], "features": ["raw.csv", "--out", str(tmp_path / "built")]}
    done = CliRunner().invoke(app, [command, *words[command], "--allow", "everything"])
    assert "allow" in str(done.exception) and "shut_market" in str(done.exception)
