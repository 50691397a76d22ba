"""A first champion that a rule of thumb outdid on the same bars is not announced without saying so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flows.gate.nightly.first import choose_first
from flows.gate.nightly.policy import GatePolicy
from flows.night.nightly_rule import baselines_ahead
from tests.flows.gate.nightly_cases import bars, candidate, ledger

MADE = bars(60)
LEDGER = ledger(MADE, {"recipe:a": MADE.said(0.3, 1)}, live_from=60)
BARS: Any = SimpleNamespace(opens=LEDGER.opens)


def ahead(score: Any = "edge", accept: bool = False, **predictions: np.ndarray) -> str:
    candidates = [candidate("a")]
    policy = GatePolicy(score=score)
    decision = choose_first(LEDGER, candidates=candidates, policy=policy, accept_unskilled=accept)
    return baselines_ahead(decision, candidates, LEDGER, predictions, BARS)


def test_it_names_the_baselines_that_scored_more_the_best_first() -> None:
    found = ahead(fade_rsi=MADE.said(0.5, 2), time_of_day=MADE.said(0.1, 3), reverse_last_bar=MADE.said(0.9, 4))
    assert found.startswith("; behind baselines on the same bars: reverse_last_bar +0.")
    assert ", fade_rsi +0." in found and "time_of_day" not in found and " edge a bar, it +0.1" in found


def test_one_that_no_baseline_outdid_has_nothing_to_say() -> None:
    assert ahead(fade_rsi=MADE.said(0.0, 2), no_skill=np.full(MADE.label.size, 0.5)) == ""


def test_only_bars_that_the_champion_was_scored_on_are_compared() -> None:
    """Elsewhere the rule is perfect."""
    kept = np.arange(MADE.label.size) < MADE.label.size - 640
    found = ledger(MADE, {"recipe:a": np.where(kept, MADE.said(0.5, 1), np.nan)}, live_from=60)
    decision = choose_first(found, candidates=[candidate("a")], policy=GatePolicy(score="accuracy"))
    rule = np.where(kept, MADE.said(0.3, 2), MADE.label)
    assert decision.winner == "a"
    assert baselines_ahead(decision, [candidate("a")], found, {"fade_rsi": rule}, BARS) == ""


@pytest.mark.parametrize("score", ["accuracy", "brier"])
def test_it_compares_by_the_score_of_the_policy(score: str) -> None:
    assert f" {score} a bar, it " in ahead(score, fade_rsi=MADE.said(0.6, 2))


def test_an_empty_production_is_behind_nobody() -> None:
    candidates = [candidate("nowhere")]
    decision = choose_first(LEDGER, candidates=candidates, policy=GatePolicy())
    assert baselines_ahead(decision, candidates, LEDGER, {"fade_rsi": MADE.said(0.6, 2)}, BARS) == ""
