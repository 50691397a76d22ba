"""The command ``registry`` read with: versions shown, compared and listed; what goes out and comes in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from registry import Registry, VersionRecord
from registry.trust.keyring import write_new_key
from registry.trust.signing import Trusted
from tests.paths import ROOT
from tests.registry.actors import NAME

WHY = ["--reason", "the feed was wrong"]


def test_a_version_is_shown_on_a_card_and_whole_as_json(url, run):
    status, out, _ = run("show", NAME)
    assert status == 0 and out.splitlines()[0].strip() == f"{NAME} v2: logistic, the champion"
    lines = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in out.splitlines()[1:]}
    assert lines["measured on"] == "24,926 bars, 2024-01-01 to 2024-12-31"
    assert (lines["figures"], lines["parameters"]) == ("accuracy 0.5130", "C 1.0")
    assert "by trainer" in lines["registered"] and "SHA-256" in lines["archive"]
    row = json.loads(run("show", NAME, "v3", "--json")[1])
    assert (row["version"], row["author"], row["champion"]) == ("v3", "trainer", False)
    assert row["measured_on"]["fingerprint"] == "abc"


def test_a_card_says_whose_figures_they_are(url, run):
    measured = {"rule": "stream", "bars": 10, "first": "2024-01-01T00:00:00Z", "last": "2024-01-01T02:15:00Z"}
    measured["no_skill"] = 0.5064
    Registry(url).model(NAME).register(None, VersionRecord(recipe="rf", measured_on=measured), author="ann")
    out = run("show", NAME, "v4")[1]
    assert "10 bars, 2024-01-01 00:00 to 2024-01-01 02:15, the walk-forward of its recipe" in out
    assert "no_skill 0.5064" in out


def test_a_version_of_another_instrument_says_of_which(url, run):
    instrument = {"symbol": "USDJPY", "bar": "H1", "pip": 0.01}
    Registry(url).model(NAME).register(None, VersionRecord(recipe="rf", instrument=instrument), author="ann")
    lines = [line.split() for line in run("show", NAME, "v4")[1].splitlines()]
    assert ["instrument", "USDJPY_H1"] in lines and ["archive", "none", "is", "kept"] in lines
    assert json.loads(run("show", NAME, "v4", "--json")[1])["instrument"] == instrument
    assert "instrument" not in run("show", NAME, "v3")[1]


def test_versions_are_compared(url, run):
    status, out, _ = run("compare", NAME, "v1", "v3")
    assert status == 0 and "better" in out and "+0.0400" in out and "+7.84" in out and "C: 0.0 → 2.0" in out
    assert "within noise" in run("compare", NAME, "v1", "v2")[1]
    found = json.loads(run("compare", NAME, "v3", "champion", "--json")[1])
    assert (found["a"], found["b"], found["metrics"][0]["status"]) == ("v3", "v2", "worse")


def test_what_a_person_wrote_is_not_taken_for_markup(url, run):
    record = VersionRecord(recipe="[bold]rf[/]", metrics={"[red]": 0.5}, parameters={"[x]": "[/]"})
    Registry(url).model(NAME).register(None, record, author="[link]ann")
    for command, told in (
        (["history", NAME], ("[bold]rf[/]", "[link]ann", "[red]")),
        (["show", NAME, "v4"], ("[bold]rf[/]", "[link]ann", "[red] 0.5", "[x] [/]")),
        (["compare", NAME, "v1", "v4"], ("[red]", "[x]: added ([/])")),
        (["log", NAME], ("[bold]rf[/]", "[link]ann", "[red]")),
    ):
        status, out, _ = run(*command)
        assert status == 0 and [each for each in told if each not in out] == []


# --- out and in -----------------------------------------------------------------------------------------------------


def test_export_and_bundle_write_files_and_say_which(url, run, tmp_path):
    status, out, _ = run("export", NAME, "champion", "--to", tmp_path / "v2")
    assert status == 0 and [Path(line).name for line in out.splitlines()] == [
        "model.zip",
        "version.json",
        "decision.json",
        "README.md",
    ]
    file = tmp_path / "decision.zip"
    told = json.loads(run("bundle", NAME, 2, "--to", file, "--json")[1])
    script = ROOT / "examples" / "check_bundle.py"
    program = [sys.executable, str(script), told["file"], "--digest", told["decision_sha256"]]
    assert "the bundle holds" in subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert "check it:" in run("bundle", NAME, 2, "--to", file)[1], "the same again"
    status, _, err = run("bundle", NAME, 1, "--to", file)
    assert status == 2 and "other content" in err
    assert run("bundle", NAME, 1, "--to", tmp_path / "none" / "x.zip")[0] == 2


def test_a_notebooks_registry_is_imported_once(url, run, tmp_path, snapshot):
    entry = {"version": "v1", "timestamp": "2026-02-11T16:48:58", "author": "eve", "params": {}, "metrics": {"f1": 0.3}}
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"models": {"RF": [entry]}}))
    assert run("import-notebook", path)[0] == 2, "RF may not stand in a key"
    arguments = ("import-notebook", path, "--model", "RF", "--as", "rf", "--zone", "Europe/Paris")
    status, out, _ = run(*arguments)
    assert status == 0 and out.startswith("rf v1: ") and out == snapshot
    assert [row["added"] for row in json.loads(run(*arguments, "--json")[1])] == [False]
    _, told, _ = run("history", "rf")
    assert "eve" in told and "2026-02-11 15:48" in told


def test_what_a_notebook_held_is_signed_by_the_key_that_is_given(url, run, tmp_path, monkeypatch):
    trainer = write_new_key(tmp_path / "night.pem")
    promoter = write_new_key(tmp_path / "approver.pem")
    monkeypatch.setenv("RETRAIN_TRUSTED_TRAINERS", trainer)
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", promoter)
    path = tmp_path / "registry.json"
    entry = {"version": "v1", "timestamp": "2026-02-11T16:48:58", "author": "eve", "params": {}, "metrics": {}}
    path.write_text(json.dumps({"models": {"rf": [entry]}}))
    status, _, err = run("import-notebook", path, "--signing-key", tmp_path / "night.pem")
    assert status == 0, err
    Trusted([promoter], [trainer]).check_entry(Registry(url).model("rf").versions.head())


def test_a_notebook_without_versions_says_so(url, run, tmp_path):
    path = tmp_path / "registry.json"
    path.write_text('{"models": {}}')
    assert "holds no versions" in run("import-notebook", path)[1]


def test_history_marks_what_is_champion_retired_and_tagged(url, run):
    run("retire", NAME, "v3", *WHY)
    run("tag", NAME, "best", "v3")
    rows = [line.split() for line in run("history", NAME)[1].splitlines() if line[2:3].isdigit()]
    assert {row[0]: " ".join(row[6:]) for row in rows} == {"v1": "", "v2": "champion", "v3": "retired, best"}


def test_two_versions_without_metrics_are_compared_without_an_empty_table(url, run, snapshot):
    model = Registry(url).model(NAME)
    for _ in range(2):
        model.register(None, VersionRecord(features=("rsi_14", "adx_14"), dataset_fingerprint="ab" * 32), author="ann")
    status, out, _ = run("compare", NAME, "v2", "v5")
    assert status == 0 and "features: added (rsi_14, adx_14)" in out and "fingerprint: added (abababababab…)" in out
    first = run("compare", NAME, "v4", "v5")[1].splitlines()[0]
    assert first.startswith("gbpusd: v5 beside v4: ") and first == snapshot


def test_a_history_without_room_leaves_columns_out_and_cuts_no_figure(url, run, monkeypatch):
    metrics = {f"metric_{number}": 0.123456 for number in range(8)}
    Registry(url).model(NAME).register(None, VersionRecord(recipe="rf", metrics=metrics), author="ann")
    monkeypatch.setenv("COLUMNS", "80")
    out = run("history", NAME)[1]
    assert max(map(len, out.splitlines()[:-1])) <= 80 and "…" not in out
    assert "0.5500" in out and "metric_0" in out and out.splitlines()[-1].startswith("no room for metric_")
    assert "metric_7, author: a wider window or --json" in out.splitlines()[-1]
    monkeypatch.setenv("COLUMNS", "200")
    assert "no room" not in run("history", NAME)[1]


def test_history_and_log_say_the_baseline_and_whose_figures_they_are(url, run):
    measured = {"bars": 22715, "rule": "stream", "no_skill": 0.5076}
    record = VersionRecord(recipe="rf", metrics={"accuracy": 0.5115, "auc": 0.5134}, measured_on=measured)
    Registry(url).model(NAME).register(None, record, author="ann")
    out = run("history", NAME)[1]
    assert "no_skill" in out and re.search(r"0\.5115\s+0\.5076\s+0\.5134", out) and "each recipe's walk-forward" in out
    said = run("log", NAME)[1]
    assert "v4 (rf) registered by ann" in said and "walk-forward accuracy 0.5115 (no_skill 0.5076), auc 0.5134" in said
