"""The record of a nightly decision: JSON there and back, and nothing else taken for one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import GateRefused
from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import choose_first
from flows.gate.nightly.policy import GatePolicy
from tests.flows.gate.nightly_cases import bars, candidate, judged, ledger

MADE = bars(60)
OLD = MADE.said(0.0, 0)
LEDGER = ledger(
    MADE, {"recipe:old": OLD, "version:v1": OLD, "recipe:a": MADE.said(0.3, 1), "recipe:b": MADE.said(0, 2)}
)
BROKEN = candidate("a", guards=(Guard("continuity", False, "agrees on 41 %"),))

DECISIONS = {
    "promoted": judged(LEDGER, "a", "b"),
    "held": judged(LEDGER, "b"),
    "held back": judged(LEDGER, BROKEN),
    "too few days": judged(LEDGER, "nowhere"),
    "identical": judged(LEDGER, "old"),
    "first": choose_first(LEDGER, candidates=[candidate("a"), candidate("b")], policy=GatePolicy()),
    "empty": choose_first(LEDGER, candidates=[candidate("nowhere")], policy=GatePolicy()),
}


@pytest.mark.parametrize("decision", DECISIONS.values(), ids=list(DECISIONS))
def test_a_decision_comes_back_from_json_with_every_digit(decision: NightlyDecision) -> None:
    text = json.dumps(decision.to_dict(), allow_nan=False)
    assert NightlyDecision.from_dict(json.loads(text)) == decision


def test_the_record_holds_all_that_was_looked_at() -> None:
    record = DECISIONS["promoted"].to_dict()
    assert record["rule"] == "nightly" and record["policy"]["windows"] == [125, 250]
    assert record["calibration"] == {"recipes": 2, "paths": 20_000, "seed": 1, "nights": 250, "young": 0}
    assert [window["days"] for window in record["rows"][0]["windows"]] == [50]
    assert [guard["name"] for guard in record["rows"][0]["guards"]] == ["no_skill", "accuracy"]


def test_the_best_window_is_that_of_the_largest_z() -> None:
    row = DECISIONS["promoted"].rows[0]
    assert row.best is not None and row.best.z == row.largest_z == max(window.z for window in row.windows)
    assert DECISIONS["too few days"].rows[0].best is None


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"action": "sold"}, "action"),
        ({"rule": "holdout"}, "rule"),
        ({"threshold": float("nan")}, "threshold"),
        ({"rows": [{}]}, "rows.0"),
        ({"rows": None}, "rows"),
        ({"days": "many"}, "days"),
        ({"policy": {}}, "policy.score"),
    ],
)
def test_what_is_no_decision_is_refused_by_the_field(values: dict[str, Any], says: str) -> None:
    with pytest.raises(GateRefused, match=says):
        NightlyDecision.from_dict({**DECISIONS["held"].to_dict(), **values})


@pytest.mark.parametrize("values", [{}, {"action": "held"}])
def test_half_a_decision_is_refused(values: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    with pytest.raises(GateRefused) as refused:
        NightlyDecision.from_dict(values)
    assert str(refused.value) == snapshot(name=f"{len(values)} fields")


def test_the_same_evidence_gives_the_same_record() -> None:
    assert np.array_equal(LEDGER.label, MADE.label)
    assert judged(LEDGER, "a", "b").to_dict() == DECISIONS["promoted"].to_dict()
