"""`retrain report`, and the report after a night: where it is written, what is refused, what never fails a night."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import load_bars
from flows.cli import main
from flows.errors import BarsMissing, ReportFailed, RequestRefused
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.report.writing import after_night, write_report
from flows.settings import Settings
from registry.errors import ModelNotFound
from tests.flows.report.lived import NIGHTS, Lived, as_of

AS_OF = f"{NIGHTS[-1]}T21:00Z"


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit status of ``retrain report …``."""
    monkeypatch.setattr(sys, "argv", ["retrain", "report", *words])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_it_writes_the_file_it_is_asked_for(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "report.html"
    where = ("--registry", lived.registry, "--data", lived.data)
    assert typed(monkeypatch, "m", *where, "--as-of", AS_OF, "--out", str(out)) == 0
    assert capsys.readouterr().out.strip() == f"written to {out}"
    assert out.read_text().startswith("<!doctype html>")
    assert [path.name for path in out.parent.iterdir()] == ["report.html"], "no half-written file is left"


def test_a_model_that_is_not_there_is_named(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, "nobody", "--registry", lived.registry) == 3
    assert "there is no model nobody" in capsys.readouterr().err
    assert typed(monkeypatch, "m", "--registry", str(tmp_path / "empty")) == 3
    assert list(tmp_path.iterdir()) == [], "neither sample nor report was written"


def test_the_registry_module_refuses_it_too(lived: Lived) -> None:
    job = lived.job(model="nobody")
    with pytest.raises(ModelNotFound):
        write_report(job, job.open_model())


def test_bars_of_another_kind_are_refused(lived: Lived, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    for file in Path(lived.data).glob("*.csv"):  # without the mark beside them they pass for real ones
        shutil.copy(file, tmp_path)
    job = replace(lived.job(), source=str(tmp_path))
    with pytest.raises(RequestRefused, match=r"real and m .* simulated") as refused:
        write_report(job, job.open_model())
    assert str(refused.value) == snapshot


def test_bars_that_are_gone_are_an_error_of_bars(lived: Lived, tmp_path: Path) -> None:
    job = replace(lived.job(), source=str(tmp_path))
    with pytest.raises(BarsMissing):
        write_report(job, job.open_model())


def test_a_place_that_cannot_be_written_is_said(lived: Lived, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportFailed, match="RETRAIN_REPORTS"):
        write_report(lived.job(), lived.model, out=tmp_path / "file" / "report.html")


def test_a_report_stands_beside_the_registry_by_default(tmp_path: Path) -> None:
    def reports(**values: str) -> str:
        return plan(RetrainRequest(), Settings(data="bars", **values)).reports

    assert reports(registry=str(tmp_path / "registry")) == str(tmp_path / "report")
    assert reports(registry=".retrain/registry") == ".retrain/report"
    assert reports(registry="s3://bucket/prefix") == ".retrain/report"
    assert reports(registry="s3://bucket/prefix", reports="elsewhere") == "elsewhere"


def test_after_a_night_its_report_is_there(lived: Lived, tmp_path: Path) -> None:
    job = replace(lived.job(), reports=str(tmp_path))
    told = after_night(job, lived.outcome)
    assert told.report == str(tmp_path / "m.html")
    assert f"as of {as_of(NIGHTS[-1]):%Y-%m-%d %H:%M} UTC" in (tmp_path / "m.html").read_text()
    assert replace(told, report=None) == lived.outcome


def test_the_nights_bars_are_not_read_again_unless_others_are_scored(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(lived.job(), reports=str(tmp_path))
    data = job.load_dataset()
    read: list[object] = []
    monkeypatch.setattr(
        "flows.job.plan.load_bars", lambda *where, **how: read.append(where) or load_bars(*where, **how)
    )
    after_night(job, lived.outcome, data=data)
    assert read == []
    once = (tmp_path / "m.html").read_bytes()
    named = Advanced(train=(2021,), holdout=(2022,))  # such a night loads no other years, the evidence may be of any
    job = replace(job, request=job.request.model_copy(update={"advanced": named}))
    after_night(job, lived.outcome, data=data)
    assert len(read) == 1 and (tmp_path / "m.html").read_bytes() == once


def test_a_report_that_fails_is_told_and_fails_no_night(
    lived: Lived, tmp_path: Path, caplog: pytest.LogCaptureFixture, snapshot: SnapshotAssertion
) -> None:
    (tmp_path / "file").write_text("")
    told = after_night(replace(lived.job(), reports=str(tmp_path / "file")), lived.outcome)
    assert (told.report or "").startswith("none: ") and told.report == snapshot
    assert replace(told, report=None) == lived.outcome
    assert any("the night is decided" in record.getMessage() for record in caplog.records)


def test_a_dry_run_has_no_report(lived: Lived, tmp_path: Path) -> None:
    job = replace(lived.job(), reports=str(tmp_path / "reports"))
    assert after_night(job, replace(lived.outcome, dry_run=True)).report is None
    assert not (tmp_path / "reports").exists()
