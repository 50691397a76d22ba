"""A replay decides as the nights did; a decision judged again comes out the same; the watch speaks plainly."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from flows.bars import write_sample
from flows.cli import app
from flows.errors import GateRefused, RequestRefused
from flows.evidence.reading import read_ledger
from flows.gate.nightly.decision import NightlyDecision, PooledLead
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import assemble, recipe_stream
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.monitoring.health import health_now
from flows.night.rejudge import judge_again
from flows.night.run import run_night
from flows.replay import FitCache, NightSpan, fill_cache, replay_rule
from flows.replay.table import compare_rules
from flows.settings import Settings
from registry import Registry
from tests.clocks import FixedClock

FAST = ("logistic", "hist_gradient_boosting")
WINDOWS = (4, 8)
POLICY = GatePolicy(windows=WINDOWS, budget=0.3)
REQUEST = RetrainRequest(recipes=FAST, train_days=40, backfill_days=40, accept_unskilled=True)  # eight days show none
NIGHTS = [date(2022, 6, day) for day in (6, 7, 8, 9, 10, 13, 14, 15, 16, 17)]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("short") / "bars", first=date(2022, 1, 3), last=date(2022, 6, 17))


@pytest.fixture(scope="module")
def job(short: Path) -> Job:
    import dataclasses

    return dataclasses.replace(plan(REQUEST, Settings(data=str(short), model="m", cores=2)), gate=POLICY)


@pytest.fixture(scope="module")
def tape(job: Job, tmp_path_factory: pytest.TempPathFactory) -> FitCache:
    data = job.load_dataset()
    return fill_cache(job, data, NightSpan(NIGHTS[0], NIGHTS[-1]), tmp_path_factory.mktemp("tape"))


@pytest.fixture(scope="module")
def lived(short: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registry in which the same nights were run one by one."""
    place = str(tmp_path_factory.mktemp("lived") / "registry")
    numbers = itertools.count(1)
    clock = FixedClock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.night.nightly_rule.policy_of", lambda job, head: POLICY)
        for night in NIGHTS:
            as_of = datetime(night.year, night.month, night.day, 21, tzinfo=UTC)  # 17:00 New York in summer
            request = REQUEST.model_copy(update={"as_of": as_of})
            settings = Settings(data=str(short), registry=place, model="m", cores=2)
            run_night(plan(request, settings), clock=clock, new_id=lambda: f"{next(numbers):032x}")
    return place


def test_a_replay_decides_as_the_nights_did(tape: FitCache, lived: str) -> None:
    model = Registry(lived).model("m")
    entries = sorted(model.acts(), key=lambda entry: entry.n)
    played = replay_rule(tape, POLICY)
    assert len(played.decisions) == len(entries) == len(NIGHTS)
    for decision, entry in zip(played.decisions, entries, strict=True):
        recorded = dict(model.decision_record(entry) or {})
        assert decision.to_dict() == recorded, entry


def test_a_tape_says_what_the_nights_said_bit_for_bit(tape: FitCache, lived: str) -> None:
    model = Registry(lived).model("m")
    nights = read_ledger(model)
    taped = assemble([*tape.backfill, *(night.scores for night in tape.nights)])
    for recipe in tape.job.recipes:
        key = recipe_stream(recipe.fingerprint)
        assert nights.streams[key].live.sum() > 500
        assert np.array_equal(nights.streams[key].p, taped.streams[key].p, equal_nan=True)


def test_each_decision_judged_again_comes_out_the_same(lived: str) -> None:
    model = Registry(lived).model("m")
    for entry in model.acts():
        again = judge_again(model, entry.n)
        assert again.same
        assert again.again.sentence == again.recorded.sentence


def test_a_decision_whose_record_was_changed_is_seen(lived: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Registry(lived).model("m")
    entry = next(entry for entry in model.acts() if entry.kind == "held")
    record = dict(model.decision_record(entry) or {})
    rows = [{**row, "bars": row["bars"] + 1} for row in record["rows"]]
    monkeypatch.setattr(model, "decision_record", lambda entry: {**record, "rows": rows})
    assert not judge_again(model, entry.n).same


def test_a_decision_of_before_recipes_that_lead_counted_more_is_judged_by_the_plain_mean(
    lived: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.gate.nightly.judge.RECENT_WINDOWS", WINDOWS)
    model = Registry(lived).model("m")
    held = [(entry, model.decision_record(entry) or {}) for entry in model.acts() if entry.kind == "held"]
    entry, record = max(held, key=lambda each: each[1]["days"])
    said = asdict(PooledLead(2, 8, 0.0, 0.0, 0.0, 3.4, 0.5))
    monkeypatch.setattr(model, "decision_record", lambda entry: {**record, "together": said})
    now = judge_again(model, entry.n).again.to_dict()
    assert now["together"]["largest_share"] == 0.5  # too few days for either to be ahead
    before = {**now, "together": {**now["together"], "largest_share": None}}
    for recorded in (now, before):
        monkeypatch.setattr(model, "decision_record", lambda entry, recorded=recorded: recorded)
        assert judge_again(model, entry.n).same


def test_a_persons_act_is_no_decision_of_the_gate(tmp_path: Path, lived: str, snapshot: SnapshotAssertion) -> None:
    import shutil

    shutil.copytree(lived, tmp_path / "copy")
    model = Registry(tmp_path / "copy").model("m")
    entry = model.suspend(author="ann", reason="looking at something")
    with pytest.raises(GateRefused) as refused:
        judge_again(model, entry.n)
    assert str(refused.value) == snapshot


def test_a_stopped_replay_goes_on_without_fitting_again(job: Job, tape: FitCache, tmp_path: Path) -> None:
    data = job.load_dataset()
    fill_cache(job, data, NightSpan(NIGHTS[0], NIGHTS[1]), tmp_path)
    with pytest.MonkeyPatch.context() as patch:

        def no_fit(*args: Any, **values: Any) -> Any:
            raise AssertionError("fitted again")

        patch.setattr("flows.fitting.tasks.train", no_fit)
        again = fill_cache(job, data, NightSpan(NIGHTS[0], NIGHTS[1]), tmp_path)
    assert [each.night for each in again.nights] == ["2022-06-06", "2022-06-07"]
    for one, other in zip(again.nights, tape.nights, strict=False):
        for name in FAST:
            assert np.array_equal(one.recent[name], other.recent[name])


def test_every_rule_is_compared_on_the_same_bars(tape: FitCache) -> None:
    played = [replay_rule(tape, POLICY, rule=rule) for rule in ("never", "newest", "higher")]
    lines = compare_rules(tape, played)
    assert len({line.bars for line in lines}) == 1
    assert [line.name for line in lines][:3] == ["never", "newest", "higher"]
    assert {line.promotions for line in lines if line.promotions is None} == {None}
    assert next(line for line in lines if line.name == "never").promotions == 1


def test_dates_without_bars_are_refused(job: Job, tmp_path: Path) -> None:
    data = job.load_dataset()
    with pytest.raises(RequestRefused, match="no trading day with bars"):
        fill_cache(job, data, NightSpan(date(2031, 1, 1), date(2031, 2, 1)), tmp_path)


def test_the_watch_says_healthy_or_what_is_wrong(job: Job, lived: str, snapshot: SnapshotAssertion) -> None:
    model = Registry(lived).model("m")
    fresh = health_now(job, model, date(2022, 6, 17))
    assert fresh is not None
    assert not [alarm for alarm in fresh.alarms if alarm.kind == "stale bars"]
    late = health_now(job, model, date(2022, 6, 30))
    assert late is not None
    (stale,) = [alarm.sentence for alarm in late.alarms if alarm.kind == "stale bars"]
    assert "2022-06-17, 9 trading days" in stale and "2022-06-30" in stale and stale in str(late)
    assert stale == snapshot


def test_an_empty_production_has_nothing_to_watch(job: Job, tmp_path: Path) -> None:
    assert health_now(job, Registry(tmp_path / "none").model("m"), date(2022, 6, 17)) is None


def explained(lived: str, *asked: str) -> Any:
    return CliRunner().invoke(app, ["explain", "m", *asked, "--registry", lived], env={"COLUMNS": "80"})


def test_explain_shows_the_evidence_of_last_night_beside_the_threshold(lived: str) -> None:
    model = Registry(lived).model("m")
    head = model.decisions.head()
    assert head is not None
    record = NightlyDecision.from_dict(dict(model.decision_record(head) or {}))
    found = explained(lived)
    assert found.exit_code == 0 and str(head) in found.stdout
    lines = found.stdout.splitlines()
    for row in record.rows:
        [line] = [line for line in lines if line.strip().startswith(f"{row.name} ") and row.version in line.split()]
        assert f"{row.windows[0].z:+.2f}" in line and line.count("│") == 1
        for guard in row.failed:
            assert f"{row.name} ({row.version}) held back by {guard.name}: {guard.words}" in lines
    if record.together is not None:
        assert any(f"{record.together.z:+.2f}" in line for line in lines if f"all {record.together.recipes} to" in line)
    assert max(len(line.rstrip()) for line in lines if "│" in line or "·" in line) <= 80


def test_explain_of_a_version_is_the_decision_that_promoted_it(lived: str) -> None:
    model = Registry(lived).model("m")
    first = explained(lived, "v1") if model.decisions.read(2).body["version"] == "v1" else explained(lived, "v2")
    assert first.exit_code == 0 and "is the first champion" in first.stdout
    as_json = json.loads(explained(lived, model.decisions.read(2).body["version"], "--json").stdout)
    assert as_json["entry"] == 2 and as_json["record"]["champion"] is None
    nobody = explained(lived, "v99")
    assert nobody.exit_code != 0


def test_replay_decision_says_that_it_comes_out_the_same(lived: str) -> None:
    found = CliRunner().invoke(app, ["replay-decision", "m", "6", "--registry", lived])
    assert found.exit_code == 0 and found.stdout.startswith("decision 6 comes out the same: ")
