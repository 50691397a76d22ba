"""``retrain set-policy`` on a model with one decided night; a refresh and the guard on costs over whole nights."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from flows.cli import app
from flows.gate.nightly import candidates as rows
from flows.gate.nightly.calibration import Calibration
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.refresh import not_worse as real_not_worse
from flows.night import nightly_rule
from flows.night.rejudge import judge_again
from flows.pnl.trading_rules import TradingRule
from tests.flows.nights import Nights, at

SHORT = GatePolicy(score="accuracy", windows=(3, 5), refresh_margin=0.5, maximum_age_nights=40)
NEVER = Calibration(99.0, None, 2, SHORT.windows, 1, 0.05, 250, 1000, 1)
"""No lead is ever large enough: what happens is a refresh."""


@pytest.fixture
def nights(second: Nights) -> Nights:
    """One night is decided: v1 of ``line`` is champion, v2 of ``bayes`` is held."""
    return second


@pytest.fixture
def ageing(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """Three days are as good as forty, and a champion of two nights is old."""
    nights.model.set_policy(SHORT.to_dict(), author="ann", reason="a short test")
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", lambda *given, **values: NEVER)
    monkeypatch.setattr("flows.gate.nightly.sequential.FEWEST_DAYS", 3)
    monkeypatch.setattr("flows.gate.nightly.refresh.RECENT_WINDOWS", (3, 5))
    monkeypatch.setattr(rows, "_guards", lambda *given: [])
    monkeypatch.setattr("flows.gate.nightly.judge.nights_since", lambda ledger, after: 41)
    monkeypatch.setattr(
        "flows.gate.nightly.judge.not_worse",
        lambda d, w, **values: real_not_worse(d, w, **{**values, "threshold": 3.0}),
    )
    return nights


def policy(nights: Nights, *options: str) -> Any:
    told = ["--author", "ann", "--reason", "a test", "--registry", str(nights.registry), *options]
    return CliRunner().invoke(app, ["set-policy", "m", *told])


def test_what_is_not_named_stays_as_it_was_recorded(nights: Nights, snapshot: SnapshotAssertion) -> None:
    assert policy(nights, "--score", "accuracy", "--refresh-margin", "0.02", "--spread", "0.5").exit_code == 0
    spreads = ",".join(["0.6"] * 24)
    found = policy(nights, "--budget", "0.1", "--net-margin", "0.05", "--spread", spreads, "--maximum-age", "120")
    assert found.exit_code == 0 and "decision 4" in found.stdout and "by ann: a test" in found.stdout
    assert found.stdout.splitlines()[-1] == snapshot
    head = nights.model.decisions.head()
    assert head is not None
    recorded = GatePolicy.from_dict(head.state["policy"])
    assert (recorded.score, recorded.refresh_margin, recorded.budget) == ("accuracy", 0.02, 0.1)
    assert (recorded.net_margin_pips, recorded.maximum_age_nights) == (0.05, 120)
    assert recorded.spread_pips == (0.6,) * 24
    policy(nights, "--refresh-margin", "never", "--net-margin", "never")
    head = nights.model.decisions.head()
    assert head is not None
    again = GatePolicy.from_dict(head.state["policy"])
    assert (again.refresh_margin, again.net_margin_pips, again.budget) == (None, None, 0.1)


def test_every_field_of_the_policy_can_be_set(nights: Nights) -> None:
    everything = {
        "score": ("brier", "brier"),
        "budget": ("0.1", 0.1),
        "cadence": ("5", 5),
        "windows": ("80,250", (80, 250)),
        "accuracy_margin": ("0.5", 0.5),
        "cut": ("half", "half"),
        "maximum_age": ("300", 300),
        "refresh_margin": ("0.02", 0.02),
        "net_margin": ("0.1", 0.1),
        "spread": ("0.6", (0.6,)),
        "suspicious_accuracy": ("65", 65.0),
        "trading_rule": ("hold 8", TradingRule(hold=8)),
    }
    options = [text for name, (given, _) in everything.items() for text in (f"--{name.replace('_', '-')}", given)]
    assert policy(nights, *options).exit_code == 0
    head = nights.model.decisions.head()
    assert head is not None
    recorded = GatePolicy.from_dict(head.state["policy"]).__dict__
    assert recorded.pop("net_margin_errors") is None  # the margin that is named is the only one
    assert recorded.pop("baseline") == "no_skill"  # there is one; the other is of old decisions
    assert list(recorded.values()) == [value for _, value in everything.values()]
    assert policy(nights, "--net-margin", "2 errors").exit_code == 0
    head = nights.model.decisions.head()
    assert head is not None
    again = GatePolicy.from_dict(head.state["policy"])
    assert (again.net_margin_errors, again.net_margin_pips, again.trading_rule) == (2.0, None, TradingRule(hold=8))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--windows", "a year"), "write numbers of days with commas"),
        (("--windows", "250,125"), "must be increasing"),
        (("--accuracy-margin", "-1"), "margin of -1.0 points"),
        (("--refresh-margin", "much"), "is not a number"),
        (("--refresh-margin", "-0.1"), "refresh margin of -0.1"),
        (("--net-margin", "nan"), "margin of nan pips"),
        (("--spread", "0.8,0.9"), "one number or 24"),
        (("--spread", "never"), "is not a number: write one such as 0.8, or 24 by"),
        (("--net-margin", "much"), "is not a number: write one such as 0.01, or never"),
        (("--net-margin", "11 errors"), "margin of 11.0 errors"),
        (("--trading-rule", "sometimes"), "'sometimes' is no part of one"),
        (("--spread", "-1"), "give pips from 0 to 100"),
        (("--maximum-age", "39"), "at least 40"),
        (("--score", "profit"), "no score 'profit'"),
    ],
)
def test_a_policy_that_makes_no_sense_is_not_recorded(nights: Nights, options: tuple[str, ...], says: str) -> None:
    found = policy(nights, *options)
    assert found.exit_code != 0 and says in str(found.exception)
    head = nights.model.decisions.head()
    assert head is not None and head.n == 2


def test_the_policy_there_is_already_is_not_recorded_again_since_evidence_would_start_afresh(
    nights: Nights, snapshot: SnapshotAssertion
) -> None:
    found = policy(nights)
    assert found.exit_code != 0 and str(found.exception) == snapshot
    assert policy(nights, "--score", "edge").exit_code == 0  # written down for the first time
    found = policy(nights, "--score", "edge", "--cadence", "1")
    assert found.exit_code != 0 and "nothing was written" in str(found.exception)
    head = nights.model.decisions.head()
    assert head is not None and head.n == 3


def test_a_refresh_over_nights_is_logged_as_such_and_evidence_goes_on(ageing: Nights) -> None:
    for day in (4, 5):
        assert ageing(at(day)).action == "held"
    outcome = ageing(at(6))
    assert outcome.action == "promoted" and outcome.champion is not None
    assert outcome.sentence.startswith("refreshed: line (v7)") and "v1 after 41 nights" in outcome.detail
    assert (outcome.champion.version, outcome.champion.recipe) == ("v7", "line")
    entry = ageing.model.decisions.head()
    assert entry is not None and (entry.kind, entry.body["reason"]) == ("promoted", "refreshed")
    assert judge_again(ageing.model, entry.n).same
    ageing(at(7))
    decision = ageing.decision()
    assert (decision.champion, decision.champion_refreshed, decision.champion_since) == ("v7", True, "2024-06-06")
    assert decision.after == "2024-06-03" and decision.days == 4  # the days before the refresh count on
    assert [(row.name, row.former) for row in decision.rows] == [("line", False), ("bayes", False), ("line", True)]
    again = judge_again(ageing.model, entry.n + 2)
    assert again.same and again.again.sentence == again.recorded.sentence


def test_a_frozen_champion_is_not_refreshed(ageing: Nights) -> None:
    ageing.model.freeze(author="ann", reason="a holiday")
    for day in (4, 5):
        ageing(at(day))
    outcome = ageing(at(6))
    assert outcome.action == "held" and outcome.champion is not None and outcome.champion.version == "v1"
    assert "frozen" in outcome.sentence


def test_a_person_starts_the_evidence_afresh_after_a_refresh_too(ageing: Nights) -> None:
    for day in (4, 5, 6):
        ageing(at(day))
    ageing.model.set_policy(SHORT.to_dict(), author="ann", reason="look again")
    ageing(at(7))
    assert (ageing.decision().after, ageing.decision().days) == ("2024-06-06", 1)


def test_a_night_without_new_labels_is_judged_again_as_it_was(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sunday's first bar begins Monday's night, and nothing is known of it yet."""
    weekly = GatePolicy(score="accuracy", windows=(3, 5), cadence=6)
    nights.model.set_policy(weekly.to_dict(), author="ann", reason="a look every six nights")
    easy = Calibration(-100.0, None, 2, weekly.windows, 6, 0.05, 250, 1000, 1)
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", lambda *given, **values: easy)
    monkeypatch.setattr(rows, "_guards", lambda *given: [])
    for day in (4, 5, 6, 7):
        nights(at(day))
    outcome = nights(datetime(2024, 6, 9, 21, 15, tzinfo=UTC))
    assert outcome.night == "2024-06-10" and "in 2 nights" in outcome.detail
    head = nights.model.decisions.head()
    assert head is not None
    again = judge_again(nights.model, head.n)
    assert again.again.sentence == again.recorded.sentence


def test_costs_are_a_guard_of_the_night_and_taken_from_its_record(nights: Nights) -> None:
    costly = GatePolicy(score="accuracy", windows=(3, 5), net_margin_pips=0.0)
    nights.model.set_policy(costly.to_dict(), author="ann", reason="costs count")
    for day in (4, 5, 6):
        nights(at(day))
    guards = {row.name: [guard for guard in row.guards if guard.name == "costs"] for row in nights.decision().rows}
    assert set(guards) == {"line", "bayes"}
    for [guard] in guards.values():
        assert guard.words.startswith("earned ") and "the champion " in guard.words
    head = nights.model.decisions.head()
    assert head is not None and judge_again(nights.model, head.n).same
    assert nightly_rule.policy_of(nights.job(at(6)), head) == costly


def test_a_share_of_a_fleet_makes_the_recorded_budget_smaller_and_never_larger(nights: Nights) -> None:
    old = GatePolicy.from_dict({"windows": [3]})  # would be refused today
    nights.model.set_policy(old.to_dict(), author="ann", reason="as it was")
    head, job = nights.model.decisions.head(), nights.job(at(6))
    assert nightly_rule.policy_of(replace(job, most_budget=0.2), head) == old
    assert nightly_rule.policy_of(replace(job, most_budget=0.01), head).budget == 0.01
    assert nightly_rule.policy_of(replace(job, most_budget=0.01), head).windows == (3,)
    assert nightly_rule.policy_of(replace(job, most_budget=0.01), None).budget == 0.01
