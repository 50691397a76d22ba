"""The watch over several nights: what the champion is compared with, and whether there is anything to compare."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import BarsRejected
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.monitoring.health import ScoreHistory, health_now, score_history
from registry import Model
from tests.flows.nights import YEAR_FILE, Nights, at


def judged(nights: Nights) -> ScoreHistory:
    champion = nights.model.champion()
    assert champion is not None
    ledger = nights.ledger
    return score_history(nights.model, champion, ledger, StreamScorer(ledger, GatePolicy().score))


def test_a_champion_that_a_person_went_back_to_is_compared_with_the_days_before_it_was_chosen(
    second: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.monitoring.health.FIRST_DAYS", 10)
    before = judged(second).before.day
    second(at(4))
    second.model.force("v3", author="ann", reason="looks better")
    second(at(5))
    second.model.rollback(author="ann", reason="it was not")
    second(at(6))
    found = judged(second)
    assert [str(day) for day in found.since.day] == ["2024-06-06"]
    assert str(found.earlier.day[-1]) == "2024-06-05"
    assert np.array_equal(found.before.day, before) and str(before[-1]) < "2024-05-22"


@pytest.mark.parametrize(("refreshed", "left_out"), [(False, 3), (True, 12)])
def test_a_refreshed_champion_is_not_compared_with_the_days_that_it_was_found_not_worse_on(
    second: Nights, monkeypatch: pytest.MonkeyPatch, refreshed: bool, left_out: int
) -> None:
    row = {"version": "v1", "best_window": 3}
    told = {"rule": "nightly", "champion": "v0", "rows": [row], "refreshed": refreshed, "refresh": {"days": 12}}
    monkeypatch.setattr(Model, "decision_record", lambda model, entry: told)
    found = judged(second)
    assert found.before.day.size == found.earlier.day.size - left_out


def test_a_champion_whose_artifact_is_gone_is_told_by_the_watch(second: Nights, snapshot: SnapshotAssertion) -> None:
    """Its evidence stands still, and the gate would hold for good."""
    second(at(4))
    (second.registry / str(second.model.version("v1").record.artifact)).unlink()
    second(at(5))
    assert not unscored(second, 5)  # one day may be that of a person's act
    second(at(6))
    (alarm,) = unscored(second, 6)
    assert alarm.startswith("v1 ") and "2 trading days since 2024-06-05" in alarm and "`registry rollback`" in alarm
    assert alarm == snapshot


def test_a_champion_that_is_scored_or_new_is_not_told_to_be_unscored(second: Nights) -> None:
    for day in (4, 5, 6):
        second(at(day))
    assert not unscored(second, 6)
    second.model.force("v6", author="ann", reason="looks better")
    assert not unscored(second, 6)


def unscored(nights: Nights, day: int) -> list[str]:
    found = health_now(nights.job(at(day)), nights.model, date(2024, 6, day))
    assert found is not None
    return [alarm.sentence for alarm in found.alarms if alarm.kind == "unscored"]


def test_bars_without_a_column_that_only_the_champion_needs_are_rejected_by_its_name(
    second: Nights, tmp_path: Path
) -> None:
    for day in (4, 5, 6, 7, 10):
        second(at(day))
    second.data = Path(shutil.copytree(second.data, tmp_path / "bars"))
    file = second.data / YEAR_FILE
    with file.open(newline="") as text:
        head, *rows = csv.reader(text)
    gone = head.index("adx_14")
    with file.open("w", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows([row[:gone] + row[gone + 1 :] for row in (head, *rows)])
    says = r"v1 \(line\) cannot score the new bars: .*column adx_14 is missing"
    with pytest.raises(BarsRejected, match=says):
        health_now(second.job(at(11)), second.model, date(2024, 6, 11))
    before = second.content()
    with pytest.raises(BarsRejected, match=says):
        second(at(11), recipes=("bayes",))
    assert second.content() == before
    second.model.force("v2", author="ann", reason="it does without")
    second(at(11), recipes=("bayes",))  # the former champion lacks it too, and has no say any more
    assert [each.stream for each in second.sheets[-1].streams] == [second.stream("bayes"), "version:v2"]
