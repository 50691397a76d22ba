"""A dossier holds what is recorded of the champion at the moment asked about, and nothing that was typed in."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.cli import main
from flows.gate.nightly.decision import NightlyDecision, WindowFigures
from flows.report.dossier import recorded
from flows.report.dossier.document import NOT_RECORDED, FactTable
from flows.report.dossier.writing import make_dossier
from registry import Model, Registry
from registry.errors import NoChampion
from tests.clocks import FixedClock
from tests.flows.report.lived import HOSTILE, NIGHTS, Lived, as_of

SECTIONS = [
    *("purpose", "data", "training", "baselines", "evidence", "stability", "calibration", "sensitivity"),
    *("economics", "overrides", "monitoring", "changes", "again"),
]


@pytest.fixture(scope="module")
def made(lived: Lived) -> tuple[dict[str, Any], str]:
    dossier, page = make_dossier(lived.job(), lived.model)
    return dossier.to_dict(), page


@pytest.fixture
def copied(lived: Lived, tmp_path: Path) -> Model:
    """The registry once more, to act on."""
    shutil.copytree(lived.registry, tmp_path / "registry")
    clock = FixedClock(as_of(NIGHTS[-1]) + timedelta(hours=1))
    return Registry(str(tmp_path / "registry"), clock=clock).model("m")


def facts(dossier: Mapping[str, Any], section: str) -> dict[str, Any]:
    found: dict[str, Any] = dossier["sections"][section]["facts"]
    return found


def rows(dossier: Mapping[str, Any], section: str, table: int = 0) -> list[list[Any]]:
    found: list[list[Any]] = dossier["sections"][section]["tables"][table]["rows"]
    return found


def test_every_question_of_a_reviewer_has_its_section_and_a_command(made: tuple[dict[str, Any], str]) -> None:
    dossier, page = made
    assert list(dossier["sections"]) == SECTIONS
    assert all(each["how"].split()[0] in ("retrain", "registry") for each in dossier["sections"].values())
    assert all(f'<section id="{key}">' in page for key in SECTIONS)


def test_its_facts_are_the_registrys(lived: Lived, made: tuple[dict[str, Any], str]) -> None:
    dossier, _ = made
    champion, head = lived.model.champion(), lived.model.decisions.head()
    assert champion is not None and head is not None
    record = lived.model.version(champion.version).record
    assert (dossier["version"], dossier["decision"]) == (champion.version, head.n)
    training = facts(dossier, "training")
    assert (training["SHA 256 of the archive"], training["seed"]) == (record.sha256, record.seed)
    assert training["source revision"] == (record.source_revision or NOT_RECORDED)
    assert facts(dossier, "data")["fingerprint of the training data"] == record.dataset_fingerprint
    assert [row[0] for row in rows(dossier, "purpose")] == list(record.features)
    promotion = lived.model.decisions.read(champion.decision)
    decided: Any = lived.model.decision_record(promotion)
    assert facts(dossier, "evidence")["sentence"] == str(promotion)
    assert facts(dossier, "evidence")["threshold of z"] == NightlyDecision.from_dict(decided).threshold
    assert facts(dossier, "again")["SHA-256 of that entry"] == head.digest
    assert [row[3] for row in rows(dossier, "overrides")] == ["<b>Eve</b>"]
    assert {row[0] for row in rows(dossier, "changes")} >= {champion.decision}


def test_the_z_of_a_first_champion_is_the_one_that_was_held_against_the_threshold(lived: Lived) -> None:
    entry = next(each for each in lived.model.acts() if each.kind in ("promoted", "held"))
    decision = NightlyDecision.from_dict(lived.model.decision_record(entry))
    skill = WindowFigures(250, 0.0131, 0.0056, 2.34)  # widened by dependence over weeks; its windows are not
    windows = (WindowFigures(250, 0.0131, 0.0042, 3.15),)
    first = replace(decision.rows[0], skill=skill, windows=windows, best_window=250, largest_z=3.15)
    table = recorded._standings("Candidates", replace(decision, rows=(first,)))
    assert table.rows[0][table.columns.index("z")] == 2.34


def test_what_a_person_promoted_is_made_again_by_the_newest_decision_of_the_gate(lived: Lived, copied: Model) -> None:
    champion = copied.champion()
    assert champion is not None
    night = next(entry.n for entry in copied.acts() if entry.kind in ("promoted", "held", "returned"))
    copied.force("v1" if champion.version != "v1" else "v2", author="ann", reason="to see")
    dossier = make_dossier(lived.job(), copied)[0].to_dict()
    evidence = dossier["sections"]["evidence"]
    assert evidence["facts"]["forced by a person"] is True and evidence["facts"]["decision"] > night
    assert evidence["how"] == f"retrain replay-decision {dossier['model']} {night}"


def test_the_page_is_no_markdown_and_sets_a_column_one_way(made: tuple[dict[str, Any], str]) -> None:
    _, page = made
    assert "`" not in page.split("<body>")[1]
    table = FactTable("", ("what", "value", "pips", "why"), (("a", "x", 12.5, "w" * 60), ("b", 1.0, 1904.5, None)))
    assert table.reads_as == ("word", "word", "figure", "text")
    assert table.digits == (4, 4, 1, 4)


def test_months_and_sessions_each_hold_every_bar_that_was_scored(made: tuple[dict[str, Any], str]) -> None:
    dossier, _ = made
    months, sessions = rows(dossier, "stability", 0), rows(dossier, "stability", 1)
    assert sum(row[1] for row in months) == sum(row[1] for row in sessions) > 0
    weighed = [sum(row[1] * row[2] for row in table) for table in (months, sessions)]
    assert weighed[0] == pytest.approx(weighed[1]), "the bars that were right"


def test_a_feature_that_the_recipe_reads_is_lost_where_it_is_shuffled(made: tuple[dict[str, Any], str]) -> None:
    dossier, _ = made
    found = facts(dossier, "sensitivity")
    table = rows(dossier, "sensitivity")
    features = [row[0] for row in rows(dossier, "purpose")]
    assert [row[0] for row in table] == [*features, f"fitted without {found['best feature']}"]
    assert found["best feature"] == max(table[:-1], key=lambda row: row[1])[0]
    assert np.isfinite([value for row in table for value in row[1:]]).all()


def test_a_past_moment_gives_the_document_of_that_moment(lived: Lived, copied: Model) -> None:
    earlier = lived.model.decisions.read(8)
    then, page = make_dossier(lived.job(), lived.model, earlier.time)
    again, same = make_dossier(lived.job(), copied, earlier.time)
    head = lived.model.decisions.head()
    assert head is not None and then.decision < head.n
    assert (then.at, then.decision, page) == (again.at, again.decision, same)
    assert facts(then.to_dict(), "again")["bars to"] == earlier.state["as_of"]


def test_what_happens_later_changes_no_byte_of_it(lived: Lived, copied: Model) -> None:
    head = copied.decisions.head()
    assert head is not None
    _, before = make_dossier(lived.job(), copied, head.time)
    copied.freeze(author="ann", reason="a holiday")
    _, after = make_dossier(lived.job(), copied, head.time)
    now, _ = make_dossier(lived.job(), copied)
    assert before == after
    assert "ann" in [row[3] for row in rows(now.to_dict(), "overrides")]
    assert "a holiday" in facts(now.to_dict(), "purpose")["frozen"]


def test_hostile_text_is_shown_and_not_obeyed(made: tuple[dict[str, Any], str]) -> None:
    dossier, page = made
    assert any(HOSTILE in row[4] for row in rows(dossier, "overrides"))
    assert "<script" not in page and "<b>Eve" not in page and "&lt;b&gt;Eve" in page


def test_a_model_without_champion_is_refused(lived: Lived, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(NoChampion) as refused:
        make_dossier(lived.job(), lived.model, as_of(NIGHTS[0]) - timedelta(days=30))
    assert str(refused.value) == snapshot


def test_a_recipe_that_is_no_longer_there_is_said(lived: Lived) -> None:
    dossier, page = make_dossier(replace(lived.job(), recipes=()), lived.model)
    found = dossier.to_dict()["sections"]["sensitivity"]
    assert found["facts"]["recipe"] == NOT_RECORDED
    assert found["tables"][0]["rows"] == [] and found["tables"][0]["empty"] in page


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit status of ``retrain dossier …``."""
    monkeypatch.setattr(sys, "argv", ["retrain", "dossier", *words])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_the_command_writes_the_page_and_prints_the_same_as_json(
    lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETRAIN_RECIPES_FILE", lived.recipes)
    out = tmp_path / "dossier.html"
    where = ("--registry", lived.registry, "--data", lived.data, "--html", str(out), "--json")
    assert typed(monkeypatch, "m", *where) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == make_dossier(lived.job(), lived.model)[0].to_dict()
    assert said.err.strip() == f"written to {out}" and out.read_text().startswith("<!doctype html>")
