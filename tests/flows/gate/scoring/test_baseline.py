"""One baseline, ``no_skill``, wherever accuracy is held against who knows nothing; old decisions keep the majority."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from flows.gate.nightly.first import choose_first
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.scores import base_so_far
from flows.gate.scoring.stream_scorer import StreamScorer
from tests.flows.gate.nightly_cases import bars, candidate, ledger

MADE = bars(120)
MADE.label[:] = np.random.default_rng(3).random(MADE.label.size) < 0.45
MADE.label[-2_500:] = np.random.default_rng(4).random(2_500) < 0.55  # for a month the other side is in the lead
FOUND = ledger(MADE, {"recipe:a": MADE.said(1.0, 1)}, live_from=120)


def test_it_says_the_side_of_all_bars_before_and_nothing_of_later_ones() -> None:
    base = base_so_far(MADE.label)
    assert np.isnan(base[:500]).all() and not np.isnan(base[500:]).any()
    for at in (500, 3_000, MADE.label.size - 1):
        assert base[at] == pytest.approx(np.mean(2 * MADE.label[:at] - 1))
    changed = MADE.label.copy()
    changed[4_000:] = 1 - changed[4_000:]
    assert np.array_equal(base_so_far(changed)[:4_001], base[:4_001], equal_nan=True)


def test_a_month_that_goes_the_other_way_does_not_turn_it() -> None:
    new, old = StreamScorer(FOUND, "edge"), StreamScorer(FOUND, "edge", "majority")
    assert not new.baseline_up[-1] and old.baseline_up[-1]
    stream = FOUND.streams["recipe:a"]
    everything = np.ones(FOUND.label.size, np.bool_)
    counted = FOUND.counted
    assert new.figures(stream, everything)[2] == pytest.approx(np.mean(FOUND.label[counted] == 0.0))
    edge, same = (each.of("recipe:a", "recipe:a") for each in (new, old))
    assert np.array_equal(edge, same, equal_nan=True)  # edge is held against the last month's drift, as ever


def test_a_decision_says_which_baseline_and_an_old_one_is_judged_by_its_own() -> None:
    new = choose_first(FOUND, candidates=[candidate("a")], policy=GatePolicy())
    old = choose_first(FOUND, candidates=[candidate("a")], policy=GatePolicy(baseline="majority"))
    assert new.policy["baseline"] == "no_skill" and "baseline" not in old.policy
    assert ", no_skill " in str(new) and ", the majority " in str(old)
    guards = [next(guard for guard in each.rows[0].guards if guard.name == "no_skill") for each in (new, old)]
    assert "no_skill" in guards[0].words and "the majority" in guards[1].words
    assert new.rows[0].majority_accuracy != old.rows[0].majority_accuracy
    assert replace(GatePolicy(), baseline="majority") == GatePolicy.from_dict({"baseline": "majority", **old.policy})
