"""The sentence a person reads in the morning."""

from __future__ import annotations

import numpy as np
import pytest

from flows.gate import Predictions
from flows.gate.holdout.sentence import number
from tests.flows.gate.holdout_cases import Holdout, alternating, days_of


def counted(bars: Holdout, per_day: list[int], name: str, version: str | None = None) -> Predictions:
    """A stream that is right on the first so many bars of each day."""
    right = np.concatenate([np.arange(48) < count for count in per_day])
    return bars.right_on(right, name, version)


BARS = alternating(days=20)
SHALLOW = counted(BARS, [26, 28] * 10, "rf_shallow", "v1")  # 56.25 %
DEEP = counted(BARS, [27, 25] * 10, "rf_deep", "v2")  # 54.17 %
STRONG = counted(BARS, [40, 41] * 10, "logistic", "v3")
POOR = counted(BARS, [20, 21] * 10, "extra_trees", "v4")


def test_a_first_champion_and_its_runner_up(snapshot):
    decision = BARS.judge(None, [SHALLOW, DEEP])
    assert (decision.action, decision.winner) == ("promoted", "rf_shallow")
    for figure in ("56.25 % on 960 bars of 20 days", "50.00 %", "6.25 points", "z 13.08", "2.08 points", "1.00 points"):
        assert figure in str(decision)
    assert str(decision) == snapshot


def test_a_held_candidate(snapshot):
    decision = BARS.judge(SHALLOW, [DEEP])
    assert (decision.action, decision.winner, decision.champion) == ("held", None, "v1")
    for figure in (
        "54.17 %",
        "56.25 % (v1) on 960 bars of 20 days",
        "2.08 points",
        "z −2.18",
        "z ≥ 1.73",
        "1.65 points",
    ):
        assert figure in str(decision)
    assert str(decision) == snapshot


def test_a_promoted_candidate_beside_one_that_is_held(snapshot):
    decision = BARS.judge(SHALLOW, [DEEP, STRONG])
    assert (decision.action, decision.winner, decision.champion) == ("promoted", "logistic", "v1")
    for figure in ("84.38 %", "28.12 points", "z 117.69", "z ≥ 2.09 with 2", "30.21 points", "z −2.18", "0.50 points"):
        assert figure in str(decision)
    assert str(decision) == snapshot


def test_production_that_stays_empty(snapshot):
    decision = BARS.judge(None, [POOR])
    assert (decision.action, decision.winner) == ("empty", None)
    for figure in ("50.00 %", "42.71 % on 960 bars of 20 days", "7.29 points", "z −30.51", "0.41 points"):
        assert figure in str(decision)
    assert str(decision) == snapshot


def test_an_unskilled_champion_accepted_by_request(snapshot):
    decision = BARS.judge(None, [POOR], accept_unskilled=True)
    assert (decision.winner, decision.accept_unskilled) == ("extra_trees", True) and "50.00 %" in str(decision)
    assert str(decision) == snapshot


def test_a_better_candidate_held_by_a_guard_says_which(snapshot):
    sentence = str(BARS.judge(counted(BARS, [10, 12] * 10, "old", "v9"), [POOR]))
    assert "points better" in sentence and "50.00 % of the majority (no_skill)" in sentence
    assert sentence == snapshot


def test_a_candidate_that_fails_both_ways_is_not_excused(snapshot):
    champion = counted(BARS, [20, 21] * 10, "old", "v9")
    slightly_better = counted(BARS, [19, 23] * 10, "extra_trees", "v4")
    sentence = str(BARS.judge(champion, [slightly_better]))
    assert "z 1.45" in sentence and "50.00 % of the majority" in sentence
    assert sentence == snapshot


def test_a_more_accurate_candidate_stopped_by_a_guard_is_told_as_ahead(snapshot):
    mostly_up = Holdout(np.tile([1, 1, 0, 1], 240), BARS.day)
    skilled, stuck = mostly_up.right_on(np.arange(960) % 48 < 30, "rf_shallow"), mostly_up.always(0.6, "stuck")
    sentence = str(mostly_up.judge(None, [skilled, stuck], no_skill=mostly_up.always(0.4, "no_skill")))
    assert sentence.startswith("promoted: rf_shallow ") and "stuck held: 12.50 points ahead" in sentence
    assert sentence == snapshot


@pytest.mark.parametrize(("value", "written"), [(-0.004, "0.00"), (-0.8, "−0.80"), (0.0, "0.00"), (1.966, "1.97")])
def test_a_z_is_written_with_a_true_minus_and_never_as_minus_nothing(value, written):
    assert number(value) == written


def test_a_twin_of_the_champion_has_no_difference(snapshot):
    sentence = str(BARS.judge(SHALLOW, [SHALLOW]))
    assert "z 0.00" in sentence and sentence == snapshot
    assert "cannot be seen" not in sentence  # there is no error to tell it from


def test_a_lead_alike_on_every_day_says_why_it_is_no_evidence(snapshot):
    flat, higher = counted(BARS, [26] * 20, "flat"), counted(BARS, [28] * 20, "higher")
    sentence = str(BARS.judge(flat, [higher]))
    assert "4.17 points better" in sentence and sentence == snapshot


def test_a_tiny_difference_is_not_written_as_nothing():
    day = days_of(*[2_000] * 20)
    bars = Holdout(np.tile([0, 1], 20_000), day)
    right = np.arange(40_000) % 5 < 3
    one_less = right.copy()
    one_less[0] = False
    sentence = str(bars.judge(bars.right_on(right, "rf_shallow", "v1"), [bars.right_on(one_less, "rf_deep")]))
    assert "under 0.01 points worse" in sentence


@pytest.mark.parametrize(("count", "told"), [(4, 0), (5, 1), (8, 4)])
def test_only_the_next_three_are_named_and_the_rest_counted(count, told):
    candidates = [counted(BARS, [26 + k, 27 + k] * 10, f"recipe_{k}") for k in range(count)]
    decision = BARS.judge(None, candidates)
    assert decision.winner == f"recipe_{count - 1}"
    named = [k for k in range(count) if f"recipe_{k} held" in decision.sentence]
    assert named == [count - 4, count - 3, count - 2]
    assert (f"and {told} more;" in decision.sentence) == bool(told)


def test_candidates_that_are_level_say_so(snapshot):
    twin = counted(BARS, [26, 28] * 10, "rf_twin")
    sentence = str(BARS.judge(None, [SHALLOW, twin]))
    assert "rf_twin held: level" in sentence and sentence == snapshot
