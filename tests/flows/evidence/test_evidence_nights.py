"""Evidence over several nights: every new bar scored once, by versions that had not seen it, killed or not."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import NightRefused
from flows.evidence import collect as evidence
from flows.evidence.reading import read_ledger
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import NightScores, minutes
from registry.clock import read_time, write_time
from registry.errors import StaleDecision
from tests.flows.nights import Nights, at, killed_at


@pytest.fixture
def nights(fresh: Nights) -> Nights:
    return fresh


def labelled_between(nights: Nights, first: int, last: int) -> np.ndarray:
    """Opens, in minutes, of the bars that got their label between the closes of these days of June."""
    known = nights.dataset(at(last))
    new = np.asarray(known.known_at > pd.Timestamp(at(first)))
    return minutes(pd.DatetimeIndex(known.bars.frame.index)[new])


def test_each_new_bar_is_scored_exactly_once_per_stream(second: Nights) -> None:
    for day in (4, 5, 6, 7, 10):
        second(at(day))
    live = [sheet for sheet in second.sheets if sheet.live]
    opens = np.concatenate([sheet.opens for sheet in live])
    assert opens.tolist() == labelled_between(second, 3, 10).tolist()  # all of them, each once, in order
    for sheet in live[1:]:
        assert sorted(each.stream for each in sheet.streams) == sorted(
            [second.stream("line"), second.stream("bayes"), "version:v1"]
        )
        assert not any(np.isnan(each.p).any() for each in sheet.streams)
    assert [[each.version for each in sheet.streams] for sheet in live[1:]] == [
        [f"v{2 * night - 1}", f"v{2 * night}", "v1"] for night in range(1, 6)
    ]


def test_no_bar_is_scored_by_a_version_that_was_trained_on_it(second: Nights) -> None:
    for day in (4, 5, 10):
        second(at(day))
    model = second.model
    for sheet in second.sheets:
        for each in sheet.streams if sheet.live else ():
            known_at = pd.Timestamp(read_time(str(model.version(str(each.version)).record.known_at)))
            first = pd.Timestamp(int(sheet.opens[0]), unit="m", tz="UTC")
            assert first + pd.Timedelta(minutes=30) > known_at


def test_a_version_that_no_night_registered_scores_nothing(second: Nights) -> None:
    """Registered by a job of its own, between two nights, under a recipe's fingerprint."""
    model = second.model
    first = model.version("v1").record
    newer = replace(first, night="2024-06-05", known_at=write_time(at(5)))
    model.register(model.store.get(str(first.artifact)), newer, author="by hand")
    second(at(6))
    sheet = second.sheets[-1]
    [line] = [each for each in sheet.streams if each.stream == second.stream("line")]
    assert (line.version, line.entry) == ("v1", 1)
    assert sheet.opens[~np.isnan(line.p)].tolist() == labelled_between(second, 3, 6).tolist()


def test_the_last_bar_of_a_day_gets_its_label_the_next_night(second: Nights) -> None:
    second(at(4))
    last = minutes(pd.DatetimeIndex(["2024-06-03T20:45", "2024-06-04T20:45"], tz="UTC"))
    assert np.isin(last, second.ledger.opens.as_unit("s").asi8 // 60).tolist() == [True, False]
    second(at(5))
    [found] = np.flatnonzero(minutes(second.ledger.opens) == last[1])
    assert second.ledger.streams[second.stream("line")].p[found] > 0
    assert str(second.ledger.day[found]) == "2024-06-04"


def test_a_missed_week_is_scored_in_one_run_by_the_versions_before_it(second: Nights) -> None:
    second(at(12))
    sheet = second.sheets[-1]
    assert sheet.opens.tolist() == labelled_between(second, 3, 12).tolist()
    assert [each.version for each in sheet.streams] == ["v1", "v2", "v1"]
    assert len([*second.model.acts()]) == 2
    assert second.decision().days == 2  # the others were scored too late to be live


def test_a_new_recipe_has_no_live_day_before_it_was_registered_and_no_backfill(nights: Nights) -> None:
    nights(at(3), recipes=("line",))
    for day in (4, 5, 6):
        nights(at(day))
    ledger = nights.ledger
    bayes = ledger.streams[nights.stream("bayes")]
    registered = nights.model.version("v3").record
    assert registered.recipe == "bayes" and registered.night == "2024-06-04"
    assert minutes(ledger.opens)[bayes.scored].tolist() == labelled_between(nights, 4, 6).tolist()
    assert bayes.live[bayes.scored].all()
    decision = nights.decision()
    assert {row.name: row.days for row in decision.rows} == {"line": 3, "bayes": 0}


def test_the_champion_is_scored_beside_although_its_recipe_is_trained_no_more(second: Nights) -> None:
    second(at(4), recipes=("bayes",))
    assert [each.stream for each in second.sheets[-1].streams] == [second.stream("bayes"), "version:v1"]


def test_the_months_before_are_one_file_each_and_say_the_same(nights: Nights) -> None:
    days = [at(30, month=5), at(31, month=5), at(3), at(4)]
    seen = []
    for moment in days:
        nights(moment)
        seen.append(nights.sheets)
    manifest = nights.model.manifest()
    assert [*manifest.months] == ["2024-05"] and [*manifest.nights] == ["2024-06-03", "2024-06-04"]
    assert [sheet.night for sheet in seen[-1] if sheet.live] == ["2024-05-30", "2024-05-31", "2024-06-03", "2024-06-04"]
    ledger = nights.ledger
    for night, sheets in enumerate(seen):
        part = evidence.assemble(sheets)
        same = np.isin(minutes(ledger.opens), minutes(part.opens))
        for key, stream in part.streams.items():
            assert np.array_equal(stream.p, ledger.streams[key].p[same], equal_nan=True), night


def test_the_evidence_of_a_past_decision_is_found_again(second: Nights) -> None:
    second(at(4))
    then = second.ledger
    second(at(5))
    again = read_ledger(second.model, second.model.scored_by(second.model.decisions.read(4)))
    assert again.opens.equals(then.opens) and again.live_nights == then.live_nights


def test_a_night_killed_at_any_write_is_completed_without_doubling(second: Nights, tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(second.registry, before)
    second(at(4))
    kinds, sizes = kinds_of(second), [sheet.opens.size for sheet in second.sheets]
    kept = []
    for write in itertools.count(2):
        copy = Nights(tmp_path / f"{write}", second.data)
        shutil.copytree(before, copy.registry)
        copy.numbers = itertools.count(1000)
        with killed_at(write) as ended:
            copy(at(4))
        kept += ended
        copy(at(4))
        assert kinds_of(copy) == kinds, ended
        assert [sheet.opens.size for sheet in copy.sheets] == sizes, ended
        for key, stream in second.ledger.streams.items():
            assert np.array_equal(stream.p, copy.ledger.streams[key].p, equal_nan=True)
        assert copy.decision() == second.decision(), ended
        if not ended:
            break
    assert [key.split("/")[2] for key in kept] == ["evidence", "decisions", *["artifacts", "versions"] * 2, "decisions"]


def kinds_of(nights: Nights) -> list[list[str]]:
    return [[entry.kind for entry in log.walk()] for log in (nights.model.versions, nights.model.decisions)]


def test_a_night_killed_at_noon_and_run_again_at_the_close_has_every_bar_once(second: Nights) -> None:
    with killed_at(3):
        second(at(4, hour=12))
    assert second.model.champion().night == "2024-06-03" and next(second.model.acts()).n == 2
    noon = second.sheets[-1].opens.size
    second(at(4))
    live = [sheet for sheet in second.sheets if sheet.live]
    assert np.concatenate([sheet.opens for sheet in live]).tolist() == labelled_between(second, 3, 4).tolist()
    assert [*second.model.manifest().nights] == ["2024-06-03", "2024-06-04"]
    assert [sheet.opens.size for sheet in live[1:]] == [noon, 96 - noon]


def test_a_night_before_the_evidence_ends_is_refused_whoever_was_killed(
    second: Nights, snapshot: SnapshotAssertion
) -> None:
    with killed_at(3):
        second(at(6))
    before = second.keys()
    for values in ({}, {"dry_run": True}):
        with pytest.raises(NightRefused, match=r"evidence of m .* 2024-06-06T20:30") as refused:
            second(at(5), **values)
        assert str(refused.value) == snapshot
    assert second.keys() == before


def test_of_two_runs_at_once_one_is_told_to_run_again(
    second: Nights, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    scoring = evidence.to_bytes

    def overtaken(sheets: Sequence[NightScores]) -> bytes:
        monkeypatch.setattr(evidence, "to_bytes", scoring)
        second(at(4, hour=12))
        return scoring(sheets)

    monkeypatch.setattr(evidence, "to_bytes", overtaken)
    with pytest.raises(StaleDecision, match="nothing was written") as refused:
        second(at(4))
    assert str(refused.value) == snapshot
    assert [sheet.opens.tolist() for sheet in second.sheets if sheet.live][1:] == [
        [at for at in labelled_between(second, 3, 4).tolist() if at < minutes(noon())[0]]
    ]


def noon() -> pd.DatetimeIndex:
    """The bar of 4 June that has closed at noon but has no label yet."""
    return pd.DatetimeIndex(["2024-06-04T11:45"], tz="UTC")


def test_a_dry_run_scores_tonights_bars_and_writes_nothing(second: Nights, snapshot: SnapshotAssertion) -> None:
    before = second.content()
    outcome = second(at(4), dry_run=True)
    assert outcome.dry_run and outcome.decision is None
    assert "v1 was judged on 1 trading day " in outcome.detail and outcome.sentence == snapshot
    assert second.content() == before


def test_a_dry_run_on_nothing_walks_forward_and_writes_nothing(nights: Nights) -> None:
    outcome = nights(at(3), dry_run=True)
    assert outcome.action == "promoted" and "would be promoted" in [row.status for row in outcome.rows]
    assert nights.keys() == []


def test_a_retired_artifact_means_no_score_and_no_crash(second: Nights) -> None:
    second(at(4))
    model = second.model
    model.retire(["v3"], author="ann", reason="space")
    (second.registry / str(model.version("v3").record.artifact)).unlink()
    outcome = second(at(5))
    assert [each.stream for each in second.sheets[-1].streams] == [second.stream("bayes"), "version:v1"]
    assert outcome.decision == 6
    second(at(6))
    assert [each.version for each in second.sheets[-1].streams] == ["v5", "v6", "v1"]


def test_without_backfill_production_stays_empty_and_the_night_says_so(
    nights: Nights, snapshot: SnapshotAssertion
) -> None:
    outcome = nights(at(3), backfill=False)
    assert (outcome.action, outcome.champion) == ("empty", None)
    assert "40 scored days" in outcome.detail and "--no-backfill" in outcome.detail
    assert outcome.detail == snapshot
    assert [sheet.opens.size for sheet in nights.sheets] == [0]
    assert all(version.record.metrics == {} for version in nights.model.history())
    nights(at(4))  # there is no second first night
    assert [sheet.live for sheet in nights.sheets] == [True, True]
    assert minutes(nights.ledger.opens).tolist() == labelled_between(nights, 3, 4).tolist()


@pytest.mark.parametrize("act", ["force", "rollback", "unfreeze", "policy"])
def test_after_an_act_of_a_person_only_later_nights_count(second: Nights, act: str) -> None:
    second(at(4))
    second(at(5))
    assert (second.decision().after, second.decision().days) == ("2024-06-03", 2)
    model = second.model
    if act in ("force", "rollback"):
        model.force("v3", author="ann", reason="looks better")
    if act == "rollback":
        model.rollback(author="ann", reason="it was not")
    if act == "unfreeze":
        model.freeze(author="ann", reason="holiday")
        model.unfreeze(author="ann", reason="back")
    if act == "policy":
        model.set_policy(GatePolicy(score="accuracy").to_dict(), author="ann", reason="plainer")
    second(at(6))
    decision = second.decision()
    assert (decision.after, decision.first_day, decision.days) == ("2024-06-05", "2024-06-06", 1)
    assert decision.champion == ("v3" if act == "force" else "v1")
    assert decision.policy["score"] == ("accuracy" if act == "policy" else "edge")


def test_a_recorded_policy_sets_the_cut_that_versions_are_served_with(nights: Nights) -> None:
    nights.model.set_policy(GatePolicy(cut="half").to_dict(), author="ann", reason="as the notebook did")
    nights(at(3))
    assert [version.record.cut for version in nights.model.history()] == [0.5, 0.5]
    assert {each.cut for sheet in nights.sheets for each in sheet.streams} == {0.5}
    nights.model.set_policy(GatePolicy().to_dict(), author="ann", reason="not so good")
    nights(at(4))
    assert all(version.record.cut != 0.5 for version in nights.model.history()[2:])
