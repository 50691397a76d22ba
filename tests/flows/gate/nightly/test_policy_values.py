"""The gate's policy: what it refuses, and that a recorded one comes back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import RequestRefused
from flows.gate.nightly.calibration import BEYOND, SMALLEST_BUDGET, simulation_of
from flows.gate.nightly.policy import GatePolicy
from flows.pnl.trading_rules import TradingRule

OWN = GatePolicy(score="accuracy", budget=0.1, cadence=5, windows=(20, 60), accuracy_margin_points=0.5, cut="half")


@pytest.mark.parametrize("policy", [GatePolicy(), OWN])
def test_a_recorded_policy_comes_back(policy: GatePolicy) -> None:
    assert GatePolicy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy


def test_what_a_recorded_policy_does_not_set_is_the_default() -> None:
    assert GatePolicy.from_dict({"score": "brier"}) == GatePolicy(score="brier", net_margin_errors=None)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"score": "profit"}, "no score 'profit'"),
        ({"cut": "mean"}, "no cut 'mean'"),
        ({"budget": 0.0}, "budget of 0.0"),
        ({"budget": 1.0}, "budget of 1.0"),
        ({"budget": 0.00009}, "budget of 9e-05 is out of range: .* at least 0.0001"),
        ({"budget": float("nan")}, "budget of nan"),
        ({"accuracy_margin_points": -0.1}, "margin of -0.1"),
        ({"accuracy_margin_points": float("nan")}, "margin of nan"),
        ({"cadence": 0}, "look every 0 nights"),
        ({"cadence": 251}, "look every 251 nights"),
        ({"windows": []}, "windows"),
        ({"windows": [40, 40]}, "windows"),
        ({"windows": [2, 40]}, "from 3 up"),
        ({"suspicious_percent": 54.9}, "suspicious accuracy of 54.9 % is out of range: give 55 to 100"),
        ({"suspicious_percent": 100.1}, "suspicious accuracy of 100.1 %"),
        ({"suspicious_percent": float("nan")}, "suspicious accuracy of nan %"),
        ({"windows": 40}, "is no policy"),
        ({"windows": ["many"]}, "is no policy"),
        ({"budget": "small"}, "is no policy"),
        ({"refresh_margin": []}, "is no policy"),
        ({"score": {}}, "no score"),
        ({"net_margin_errors": -1.0}, "margin of -1.0 errors"),
        ({"net_margin_errors": float("nan")}, "margin of nan errors"),
        ({"trading_rule": {"high": 2.0}}, "quantiles from 0 to 1"),
        ({"trading_rule": "always"}, "is no (trading rule|policy)"),
        ({"patience": 3}, "sets patience, which this version does not know"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestRefused, match=says):
        GatePolicy.from_dict(values)


def test_a_policy_that_would_judge_by_net_pips_is_refused_with_what_to_do_instead(snapshot: SnapshotAssertion) -> None:
    with pytest.raises(RequestRefused) as refused:
        GatePolicy.from_dict({"score": "net"})
    assert str(refused.value) == snapshot


def test_a_policy_recorded_before_costs_held_anybody_back_still_holds_nobody_back() -> None:
    assert GatePolicy().net_margin_errors == 1.64
    old = {name: value for name, value in GatePolicy().to_dict().items() if name != "net_margin_errors"}
    assert not GatePolicy.from_dict(old).counts_costs and GatePolicy.from_dict(old).to_dict() == old
    assert not GatePolicy.from_dict({"score": "brier"}).counts_costs


def test_a_trading_rule_is_written_only_where_it_is_not_always() -> None:
    assert "trading_rule" not in GatePolicy().to_dict()
    own = GatePolicy(trading_rule=TradingRule.parse("enter 0.8 leave 0.5, hours 03:00-12:00"))
    assert own.to_dict()["trading_rule"] == {"low": 0.2, "high": 0.8, "leave": 0.5, "hours": "03:00-12:00"}
    assert GatePolicy.from_dict(json.loads(json.dumps(own.to_dict()))) == own


def test_the_suspicious_accuracy_is_written_only_where_a_person_changed_it() -> None:
    assert GatePolicy().suspicious_percent == 60.0
    assert "suspicious_percent" not in GatePolicy().to_dict() and "suspicious_percent" not in OWN.to_dict()
    own = GatePolicy(suspicious_percent=65.0)
    assert own.to_dict() == {**GatePolicy().to_dict(), "suspicious_percent": 65.0}
    assert GatePolicy.from_dict(own.to_dict()) == own


@pytest.mark.parametrize("windows", [(3,), (4,), (3, 4)])
def test_windows_by_which_no_night_can_be_judged_are_refused_when_made_and_readable_where_recorded(
    windows: tuple[int, ...], snapshot: SnapshotAssertion
) -> None:
    with pytest.raises(RequestRefused) as refused:
        GatePolicy(windows=windows)
    assert str(list(windows)) in str(refused.value)
    old = GatePolicy.from_dict({"windows": list(windows)})
    assert old.to_dict() == {**GatePolicy(net_margin_errors=None).to_dict(), "windows": list(windows)}
    with pytest.raises(RequestRefused, match="set-policy"):
        old.check_longest_window()
    with pytest.raises(RequestRefused):
        replace(old, cadence=2)
    assert replace(old, windows=(3, 5)).windows == (3, 5)
    if windows == (3,):
        assert str(refused.value) == snapshot


def test_the_smallest_budget_that_can_be_set_has_years_enough_for_a_threshold() -> None:
    policy = GatePolicy(budget=SMALLEST_BUDGET, windows=(3, 5))
    assert simulation_of(policy.budget).paths * policy.budget >= BEYOND
