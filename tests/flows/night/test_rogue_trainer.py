"""What a training job can do to production with a trainer's rights alone, used without this package: nothing. And what
who may write evidence can do: no more than its archives say.

Each test is an attack that was done: it plants what a night would find, and looks at what the night makes of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.arrays import Floats
from flows.evidence import collect
from flows.evidence.recomputation import recompute
from flows.gate.nightly.calibration import Calibration
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import NightScores, StreamScores, to_bytes
from flows.night import nightly_rule
from registry import Model, Night
from registry.errors import RegisteredOtherwise
from registry.format.entries import Entry, digest
from registry.log.log import Draft, Log
from registry.model import transitions
from tests.flows.nights import Nights, at

pytestmark = pytest.mark.usefixtures("quickly_calibrated")


def test_a_version_planted_under_the_nights_own_keys_is_not_promoted(
    tmp_path: Path, june: Path, snapshot: SnapshotAssertion
):
    """The keys are found by the same night in a registry of one's own; the archive is another recipe's."""
    scratch = Nights(tmp_path / "scratch", june)
    scratch(at(3), accept_unskilled=True)
    found = [entry for entry in scratch.model.versions.walk() if entry.kind == "registered"][::-1]
    nights = Nights(tmp_path / "production", june)
    other = scratch.model.version("v2").record
    planted = scratch.model.store.get(str(other.artifact))
    record = scratch.model.version("v1").record
    nights.model.register(planted, record, author="night", key=found[0].key, as_of=at(3))
    with pytest.raises(RegisteredOtherwise) as refused:
        nights(at(3), accept_unskilled=True)
    assert nights.model.champion() is None
    assert str(refused.value) == snapshot


SHORT = GatePolicy(score="accuracy", windows=(3, 5))
"""Three days are enough to decide on."""

CALIBRATED = Calibration(1.5, None, 2, SHORT.windows, 1, 0.05, 250, 1000, 1)
"""What ``bayes`` leads by is far below it, and what is forged here above."""


@pytest.fixture(scope="module")
def three_held(first_night: Nights, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """``line`` is champion, and three nights held. Tests continue from a copy."""
    nights = first_night.copy(tmp_path_factory.mktemp("held"))
    nights.model.set_policy(SHORT.to_dict(), author="ann", reason="a short test")
    with pytest.MonkeyPatch.context() as patch:
        calibrate_quickly(patch)
        for day in (4, 5, 6):
            assert nights(at(day)).action == "held"
    return nights


def calibrate_quickly(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("flows.gate.nightly.judge.calibrate", lambda *given, **values: CALIBRATED)


@pytest.fixture
def judged(three_held: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """The same, continued: honest nights go on holding."""
    calibrate_quickly(monkeypatch)
    return three_held.copy(tmp_path)


def append(model: Model, draft: Callable[[Entry | None, int], Draft], **values: Any) -> Entry:
    """An entry of the versions log as a trainer's credentials can write it: chained, canonical, of whatever content."""

    def build(head: Entry | None, n: int, time: datetime) -> Draft:
        return draft(head, n)

    return Log(model.access, model.name, "versions").append(build, author="night", **values)


def nudged(sheets: list[NightScores], stream: str) -> list[NightScores]:
    """The scores with those of a stream moved a little towards the labels: it is right on nine bars of ten."""

    def moved(scores: StreamScores, label: Floats) -> StreamScores:
        if scores.stream != stream:
            return scores
        wrong = (np.arange(label.size) % 10) == 0
        p = np.where((label == 1.0) ^ wrong, scores.cut + 0.01, scores.cut - 0.01)
        return dataclasses.replace(scores, p=np.where(np.isnan(scores.p), np.nan, p))

    return [
        dataclasses.replace(sheet, streams=tuple(moved(each, sheet.label) for each in sheet.streams))
        if sheet.live
        else sheet
        for sheet in sheets
    ]


def forge_evidence(nights: Nights) -> Entry:
    """A ``scored`` entry in the log that a trainer writes: ``bayes`` is right on nine bars of ten."""
    model, live = nights.model, [sheet for sheet in nights.sheets if sheet.live]
    data = to_bytes(nudged(live, nights.stream("bayes")))
    name = f"evidence/{digest(data)}-forged"
    model.store.create(f"models/{model.name}/{name}", data)
    through = str(model.manifest().through)
    manifest = {"through": through, "backfill": [], "months": {}, "nights": {live[-1].night: name}}

    def draft(head: Entry | None, n: int) -> Draft:
        body = {"night": live[-1].night, "bars": 0, "manifest": manifest}
        return Draft("scored", body, {"watermark": {"through": through, "entry": n}})

    return append(model, draft)


def test_evidence_that_a_trainer_forged_is_not_judged_by(judged: Nights, tmp_path: Path) -> None:
    honest = judged.copy(tmp_path / "honest")
    forge_evidence(judged)
    expected, found = honest(at(7)), judged(at(7))
    assert (found.action, found.sentence) == ("held", expected.sentence)
    assert judged.ledger.streams[judged.stream("bayes")].p.tolist() == pytest.approx(
        honest.ledger.streams[honest.stream("bayes")].p.tolist(), nan_ok=True
    )


def test_evidence_forged_before_the_first_night_chooses_no_champion(
    fresh: Nights, first_night: Nights, tmp_path: Path
) -> None:
    """Where no night is decided yet, nothing but the walk-forward of the first one counts."""
    scores = [dataclasses.replace(sheet, live=True) for sheet in first_night.sheets if sheet.opens.size]
    data = to_bytes(nudged(scores, fresh.stream("bayes")))
    name = f"evidence/{digest(data)}-forged"
    fresh.model.store.create(f"models/m/{name}", data)
    through = str(first_night.model.manifest().through)
    manifest = {"through": through, "backfill": [name], "months": {}, "nights": {}}

    def draft(head: Entry | None, n: int) -> Draft:
        body = {"night": "2024-05-31", "bars": 0, "manifest": manifest}
        return Draft("scored", body, {"watermark": {"through": through, "entry": n}})

    append(fresh.model, draft)
    outcome = fresh(at(3))
    assert outcome.champion is not None and outcome.champion.recipe == "line"
    assert outcome.sentence == str(next(first_night.model.acts()))


def test_a_version_planted_under_a_recipes_fingerprint_scores_no_bar(judged: Nights, tmp_path: Path) -> None:
    honest = judged.copy(tmp_path / "honest")
    model = judged.model
    record = next(version.record for version in model.history()[::-1] if version.record.recipe == "bayes")
    other = model.version("v1").record
    model.register(model.store.get(str(other.artifact)), dataclasses.replace(record, cut=0.3), author="night")
    expected, found = honest(at(7)), judged(at(7))
    assert found.sentence == expected.sentence
    [mine, theirs] = [nights.ledger.streams[nights.stream("bayes")] for nights in (judged, honest)]
    assert np.array_equal(mine.p, theirs.p, equal_nan=True) and np.array_equal(mine.cut, theirs.cut, equal_nan=True)


def second_v2(model: Model) -> Entry:
    """Another version that calls itself ``v2``, and says in its state that it is the newest of two."""
    record, other = model.version("v2").record, model.version("v1").record
    forged = dataclasses.replace(record, artifact=other.artifact, sha256=other.sha256, size=other.size, cut=0.3)

    def draft(head: Entry | None, n: int) -> Draft:
        return Draft("registered", {"version": forged.to_dict()}, {"latest": {"version": "v2", "entry": n}})

    return append(model, draft)


def test_a_former_champion_that_returns_is_the_one_that_was_champion(
    second: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second ``v2``, registered after the first was champion, does not come back in its place."""
    model = second.model
    model.force("v2", author="ann", reason="a try")
    model.force("v1", author="ann", reason="enough")
    before = model.version("v2").record
    forged = second_v2(model)
    real = nightly_rule.judge_nightly

    def returning(*given: Any, **values: Any) -> Any:
        found = real(*given, **values)
        return dataclasses.replace(
            found, action="promoted", returned=True, winner="bayes", winner_version="v2", reason="better"
        )

    monkeypatch.setattr(nightly_rule, "judge_nightly", returning)
    champion = second(at(4)).champion
    assert champion is not None and champion.how == "returned" and champion.version == "v2"
    assert (champion.entry, champion.sha256) == (2, before.sha256) and champion.entry != forged.n


def forge_as_a_judge(nights: Nights, sheets: list[NightScores]) -> Entry:
    """A ``scored`` entry in the decisions log, as who may write there can: all the evidence is what it names."""
    model = nights.model
    data = to_bytes(sheets)
    name = f"evidence/{digest(data)}-forged"
    model.store.create(f"models/{model.name}/{name}", data)
    manifest = {"through": model.manifest().through, "backfill": [name], "months": {}, "nights": {}}
    body = {"night": sheets[-1].night, "bars": 0, "manifest": manifest}
    return model.decisions.append(transitions.scored(body), author="night")


def test_forged_scores_that_would_promote_are_found_by_the_archives(
    judged: Nights, snapshot: SnapshotAssertion
) -> None:
    """Who may write evidence itself moves the scores of ``bayes`` towards the labels, by a hundredth."""
    forge_as_a_judge(judged, nudged(judged.sheets, judged.stream("bayes")))
    outcome = judged(at(7))
    assert judged.decision().action == "promoted", "the record says what the gate said"
    assert (outcome.action, outcome.suspicious) == ("held", ("scores:bayes",))
    assert outcome.sentence == snapshot
    entry = judged.model.decisions.head()
    assert entry is not None and entry.body["reason"] == "suspicious"
    recomputed = entry.body["recomputed"]
    assert (recomputed["first"], recomputed["last"], recomputed["count"]) == ("2024-06-03", "2024-06-06", 4)
    [wire] = entry.body["suspicious"]
    assert wire["figure"] > 0.001 and wire["bars"] > 200


def test_a_person_releases_scores_that_differ_by_their_name(judged: Nights) -> None:
    forge_as_a_judge(judged, nudged(judged.sheets, judged.stream("bayes")))
    release = {"wires": "scores:bayes", "author": "ann", "reason": "another library, see the ticket"}
    outcome = judged(at(7), release=release)
    assert (
        outcome.action == "promoted"
        and "released by ann (scores:bayes)" in outcome.detail
        and "released by ann" in outcome.sentence
    )
    entry = judged.model.decisions.head()
    assert entry is not None and entry.body["release"]["wires"] == ["scores:bayes"]


def left_out(sheet: NightScores, nights: Nights) -> NightScores:
    """Without the bars on which ``bayes`` was wrong."""

    def part(scores: StreamScores) -> StreamScores:
        wrong = (scores.p > scores.cut) != (sheet.label == 1.0)
        p = np.where(wrong, np.nan, scores.p) if scores.stream == nights.stream("bayes") else scores.p
        return dataclasses.replace(scores, p=p)

    return dataclasses.replace(sheet, streams=tuple(map(part, sheet.streams))) if sheet.live else sheet


def another_cut(sheet: NightScores, nights: Nights) -> NightScores:
    return dataclasses.replace(
        sheet,
        streams=tuple(
            dataclasses.replace(scores, cut=0.1) if scores.stream == nights.stream("bayes") and sheet.live else scores
            for scores in sheet.streams
        ),
    )


@pytest.mark.parametrize("forge", [left_out, another_cut])
def test_bars_left_out_and_other_thresholds_are_found_too(
    judged: Nights, forge: Callable[[NightScores, Nights], NightScores], snapshot: SnapshotAssertion
) -> None:
    forge_as_a_judge(judged, [forge(sheet, judged) for sheet in judged.sheets])
    data = judged.dataset(at(7))
    evidence = collect.gather(judged.job(at(7)), judged.model, data, Night("2024-06-07", at(7)))
    again = recompute(evidence, data, "2024-06-07", every=True)
    assert again is not None and len(again.days) == 4
    assert {(each.of, each.largest) for each in again.differences} == {("bayes", 1.0)}
    assert [each.words for each in again.differences] == snapshot(name=forge.__name__)


def test_honest_scores_come_out_the_same_on_every_day(judged: Nights) -> None:
    data = judged.dataset(at(7))
    evidence = collect.gather(judged.job(at(7)), judged.model, data, Night("2024-06-07", at(7)))
    again = recompute(evidence, data, "2024-06-07", every=True)
    assert again is not None and again.differences == ()
    live = [sheet for sheet in evidence.nights if sheet.live and sheet.night != "2024-06-07"]
    assert again.scores == sum(int((~np.isnan(each.p)).sum()) for sheet in live for each in sheet.streams) > 500


def test_which_days_are_looked_at_nobody_knows_before_the_night_wrote_its_scores(judged: Nights) -> None:
    data = judged.dataset(at(7))
    evidence = collect.gather(judged.job(at(7)), judged.model, data, Night("2024-06-07", at(7)))
    assert evidence.scored is not None and evidence.chance == evidence.scored.operation
    looked = [
        recompute(dataclasses.replace(evidence, chance=f"{number:032x}"), data, "2024-06-07", every=False)
        for number in range(30)
    ]
    assert {each.days for each in looked if each is not None} == {(f"2024-06-0{day}",) for day in (3, 4, 5, 6)}
    judged(at(7))
    entry = judged.model.decisions.head()
    again = recompute(evidence, data, "2024-06-07", every=False)
    assert entry is not None and again is not None and entry.body["recomputed"] == again.to_dict()


def test_a_version_that_is_retired_and_collected_is_not_made_again(judged: Nights) -> None:
    model = judged.model
    model.retire(["v2"], author="ann", reason="space")
    (judged.registry / str(model.version("v2").record.artifact)).unlink()
    data = judged.dataset(at(7))
    evidence = collect.gather(judged.job(at(7)), judged.model, data, Night("2024-06-07", at(7)))
    again = recompute(evidence, data, "2024-06-07", every=True)
    assert again is not None and again.differences == ()
