"""The record of a decision: into JSON and back."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from flows.errors import GateRefused
from flows.gate import Decision
from tests.flows.gate.holdout_cases import Holdout, holdout

BARS = holdout()


def decided(bars: Holdout = BARS, candidates: int = 2, crowned: bool = True) -> Decision:
    streams = [bars.right_often(0.55, f"gradient_boosting_{k}", k, f"v{k + 1}") for k in range(candidates)]
    streams = [replace(stream, fingerprint=f"{k:064x}") for k, stream in enumerate(streams)]
    return bars.judge(bars.right_often(0.5, "rf_shallow", 99, "v99") if crowned else None, streams)


def text(decision: Decision) -> str:
    return json.dumps(decision.to_dict(), sort_keys=True, allow_nan=False, ensure_ascii=False)


@pytest.mark.parametrize("crowned", [True, False])
def test_a_decision_comes_back_from_json_as_it_was(crowned):
    decision = decided(crowned=crowned)
    back = Decision.from_dict(json.loads(text(decision)))
    assert back == decision
    assert text(back) == text(decision)


def test_a_record_is_made_of_plain_json_values():
    values = decided().to_dict()
    assert values == json.loads(json.dumps(values))


def test_floats_keep_every_digit():
    decision = decided()
    assert Decision.from_dict(json.loads(text(decision))).rows[0].z.hex() == decision.rows[0].z.hex()


def test_a_decision_on_eight_candidates_fits_in_six_kibibytes():
    assert len(text(decided(candidates=8)).encode()) <= 6 * 1024


def test_a_decision_says_what_it_was_judged_on_and_by():
    values = decided().to_dict()
    assert values["rule"] == "holdout"
    assert values["data"] == {
        "first_day": "2024-01-01",
        "last_day": "2024-02-09",
        "bars": 2000,
        "days": 40,
        "effective_days": 40.0,
    }
    assert values["policy"] == {
        "alpha": 0.05,
        "minimum_days": 20,
        "minimum_bars_a_day": 48,
        "no_skill_margin_points": 0.0,
        "score": "accuracy",
    }
    assert isinstance(values["thresholds"]["candidates"], int)
    assert set(values["thresholds"]) == {"alpha", "candidates", "critical_z", "smallest_difference_points"}


def test_a_decision_says_itself():
    decision = decided()
    assert str(decision) == decision.sentence


def test_a_decision_cannot_be_edited():
    with pytest.raises(FrozenInstanceError):
        decided().winner = "rf_deep"  # type: ignore[misc]  # a record cannot be changed


def test_fields_of_a_later_version_are_left_out():
    decision = decided()
    later: dict[str, Any] = {**decision.to_dict(), "calibration": "later"}
    later["rows"][0]["edge"] = 0.01
    assert Decision.from_dict(later) == decision


@pytest.mark.parametrize("field", ["action", "rule", "rows", "sentence", "thresholds", "data", "policy"])
def test_a_record_without_a_field_is_refused_by_its_name(field):
    values = decided().to_dict()
    del values[field]
    with pytest.raises(GateRefused, match=f"{field}: Field required"):
        Decision.from_dict(values)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("action",), "frozen"),
        (("rows", 0, "z"), "high"),
        (("rows", 1, "accuracy"), float("nan")),
        (("rows", 0, "guards"), 3),
        (("references", "no_skill"), None),
        (("data", "bars"), 1.5),
    ],
    ids=str,
)
def test_a_damaged_record_is_refused_with_the_place(path, value):
    values: Any = decided().to_dict()
    place = values
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(GateRefused, match=r"\.".join(str(part) for part in path)):
        Decision.from_dict(values)


@pytest.mark.parametrize("values", [[], "held", None])
def test_what_is_no_record_at_all_is_refused(values):
    with pytest.raises(GateRefused, match="the record: "):
        Decision.from_dict(values)


def test_every_fault_of_a_record_is_named():
    values = decided().to_dict()
    del values["rule"]
    values["rows"][0]["days"] = "many"
    with pytest.raises(GateRefused, match=r"rule: .*rows\.0\.days: "):
        Decision.from_dict(values)
