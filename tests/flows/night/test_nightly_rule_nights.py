"""The nightly rule over several nights: who is judged against whom, and what a version is served with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import Dataset
from flows.errors import BarsMissing, RequestRefused
from flows.gate.nightly import candidates as rows
from flows.gate.nightly.calibration import Calibration
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import NightScores, StreamScores, assemble
from flows.night import nightly_rule
from flows.night.nightly_rule import candidate, last_days
from flows.recipes import Recipe
from tests.flows.nights import Nights, at

SHORT = GatePolicy(score="accuracy", windows=(3, 5))
"""Three days are enough to decide on and no ranks are asked for: a handful of nights shows what months would."""

EASY = Calibration(-100.0, None, 2, SHORT.windows, 1, 0.05, 250, 1000, 1)


@pytest.fixture
def nights(second: Nights) -> Nights:
    """One night is decided, v1 of ``line`` is champion; a short policy holds since."""
    second.model.set_policy(SHORT.to_dict(), author="ann", reason="a short test")
    return second


@pytest.fixture
def easy(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """Any lead promotes, and a guard holds nothing back: what they ask is tested with the gate."""
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", lambda *given, **values: EASY)
    monkeypatch.setattr(rows, "_guards", lambda *given: [])
    return nights


def only(monkeypatch: pytest.MonkeyPatch, **chosen: Any) -> None:
    """The gate is shown these candidates alone."""
    real = nightly_rule.judge_nightly

    def judged(ledger: Any, *, candidates: Any, **values: Any) -> Any:
        kept = [each for each in candidates if all(getattr(each, name) == value for name, value in chosen.items())]
        return real(ledger, candidates=kept or candidates, **values)

    monkeypatch.setattr(nightly_rule, "judge_nightly", judged)


def test_a_better_stream_promotes_tonights_version_of_its_recipe(easy: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, name="bayes")
    for day in (4, 5):
        assert easy(at(day)).action == "held"
    outcome = easy(at(6))
    assert outcome.action == "promoted" and outcome.champion is not None
    assert (outcome.champion.version, outcome.champion.night, outcome.champion.recipe) == ("v8", "2024-06-06", "bayes")
    assert [(row.name, row.version, row.status) for row in outcome.rows[:3]] == [
        ("line", "v1", "held"),
        ("line", "v7", "held"),
        ("bayes", "v8", "promoted"),
    ]
    assert easy.model.decisions.head().body["against"] == ["v1", 2]  # type: ignore[union-attr]  # None would fail


def test_the_former_champion_stays_in_the_race_and_returns(easy: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, name="bayes", former=False)
    for day in (4, 5, 6):
        easy(at(day))
    only(monkeypatch, former=True)
    for day in (7, 10):
        easy(at(day))
        former = easy.decision().rows[-1]
        assert (former.name, former.version, former.former) == ("line", "v1", True)
    outcome = easy(at(11))
    assert outcome.sentence.startswith("returned: line (v1)")
    assert outcome.champion is not None and (outcome.champion.version, outcome.champion.how) == ("v1", "returned")
    assert "promoted" not in [row.status for row in outcome.rows]  # none of tonight's
    assert easy.decision().tried == 3
    easy(at(12))
    assert (easy.decision().champion, easy.decision().after, easy.decision().days) == ("v1", "2024-06-11", 1)
    assert easy.decision().rows[-1].version == "v8"


def test_both_champions_are_scored_on_every_new_bar_by_what_they_were(nights: Nights) -> None:
    nights(at(4))
    nights.model.force("v4", author="ann", reason="looks better")
    nights(at(5))
    streams = {each.stream: each.version for each in nights.sheets[-1].streams}
    assert streams["version:v4"] == "v4" and streams["version:v1"] == "v1"
    assert [row.version for row in nights.decision().rows] == ["v5", "v6", "v1"]


def test_a_champion_that_a_person_rolled_back_from_is_no_challenger(nights: Nights) -> None:
    nights(at(4))
    nights.model.force("v4", author="ann", reason="looks better")
    nights.model.rollback(author="ann", reason="it was not")
    nights(at(5))
    assert [row.version for row in nights.decision().rows] == ["v5", "v6"]
    assert nights.decision().champion == "v1"


@pytest.mark.parametrize(("shown", "rows"), [(2, 2), (3, 3)])
def test_the_former_champion_leaves_the_race_after_250_nights(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, shown: int, rows: int
) -> None:
    """Of a champion that a person forced the night is that of the act."""
    monkeypatch.setattr(nightly_rule, "NIGHTS_A_YEAR", shown)
    nights.model.force("v2", author="ann", reason="looks better")
    for day in (4, 5, 6):
        nights(at(day))
    assert len(nights.decision().rows) == rows


def test_a_version_is_registered_with_what_its_stream_earned_and_its_cut(nights: Nights) -> None:
    nights(at(4))
    record = nights.model.version("v3").record
    ledger = nights.ledger
    stream = ledger.streams[nights.stream("line")]
    counted = stream.scored & ledger.counted
    right = (stream.p[counted] > stream.cut[counted]) == (ledger.label[counted] == 1.0)
    assert record.metrics["accuracy"] == pytest.approx(right.mean())
    assert record.measured_on is not None
    assert (record.measured_on["rule"], record.measured_on["bars"]) == ("stream", int(counted.sum()))
    assert record.cut == np.median(stream.p[stream.scored][-2000:])
    assert record.known_at is not None and record.known_at > record.measured_on["last"]


def test_a_retrain_that_broke_is_held_whatever_its_stream_earned(easy: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, name="bayes")
    for day in (4, 5):
        easy(at(day))
    real = nightly_rule.candidate

    def broken(policy: Any, recipe: Any, ledger: Any, p: Any, last: Any, version: Any) -> Any:
        return real(policy, recipe, ledger, 1.0 - p, last, version)

    monkeypatch.setattr(nightly_rule, "candidate", broken)
    outcome = easy(at(6))
    assert outcome.action == "held" and "held back by continuity (" in outcome.detail


def test_a_policy_of_a_newer_version_is_refused_before_anything_is_written(nights: Nights) -> None:
    nights.model.set_policy({"score": "edge", "patience": 3}, author="ann", reason="from the future")
    before = nights.keys()
    with pytest.raises(RequestRefused, match="sets patience"):
        nights(at(4))
    assert nights.keys() == before


RECIPE = Recipe("a", "sklearn.naive_bayes.GaussianNB", {}, ("rsi_14",))
SAID = np.linspace(0.2, 0.8, 100)


def a_ledger(version: str | None) -> Any:
    opens = 28_623_480 + 15 * np.arange(600)
    p = np.linspace(0.0, 1.0, 600)
    series = (StreamScores(f"recipe:{RECIPE.fingerprint}", "a", version, 0.5, p),)
    return assemble([NightScores("2024-06-03", version is not None, opens, np.zeros(600), {}, series)])


@pytest.mark.parametrize(
    ("last", "passed", "says"),
    [
        ((SAID, 0.5), True, "agrees with its stream's last version on 100% of 100 bars"),
        ((SAID + 0.3, 0.8), True, "on 100% of 100 bars"),
        ((SAID, 0.6), True, "on 8"),
        ((1 - SAID, 0.5), False, "on 0% of 100 bars"),
        (None, False, "v3, its stream's last version, is gone: no comparison"),
    ],
)
def test_tonights_version_must_say_what_its_streams_last_one_says(last: Any, passed: bool, says: str) -> None:
    [guard] = candidate(GatePolicy(), RECIPE, a_ledger("v3"), SAID, last, "v5").guards
    assert (guard.name, guard.passed) == ("continuity", passed) and says in guard.words


def test_a_version_that_says_one_class_is_held(snapshot: SnapshotAssertion) -> None:
    low = np.full(100, 0.1)
    [guard] = candidate(GatePolicy(), RECIPE, a_ledger("v3"), low, (low, 0.5), "v5").guards
    assert not guard.passed and "100 bars" in guard.words and "20 days" in guard.words
    assert guard.words == snapshot


def test_before_the_first_live_night_there_is_no_version_to_agree_with() -> None:
    assert candidate(GatePolicy(), RECIPE, a_ledger(None), SAID, None, "v1").guards == ()
    assert candidate(GatePolicy(), RECIPE, assemble([]), SAID, None, "v1").guards == ()


def test_a_version_is_asked_about_the_last_twenty_days_that_count(nights: Nights) -> None:
    data = nights.dataset(at(4))
    asked = last_days(data)
    days = np.unique(data.trading_day[asked])
    assert days.size == 20 and str(days[-1]) == "2024-06-04"
    assert (asked <= data.counted).all()


def test_bars_without_a_trading_day_are_refused(nights: Nights) -> None:
    data = nights.dataset(at(4))
    nothing = Dataset(**{**vars(data), "counted": np.zeros_like(data.counted)})
    with pytest.raises(BarsMissing, match="no trading day with 48 bars"):
        last_days(nothing)
