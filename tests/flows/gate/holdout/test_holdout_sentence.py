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


def test_a_first_champion_and_its_runner_up():
    assert str(BARS.judge(None, [SHALLOW, DEEP])) == (
        "promoted: rf_shallow (v1) is the first champion: 56.25 % on 960 bars of 20 days, against 50.00 % for the "
        "majority (no_skill): 6.25 points better (z 13.08), no significance is asked of a first champion; rf_deep "
        "(v2) held: 2.08 points behind; differences under 1.00 points cannot be seen on this holdout, and a "
        "holdout is one look."
    )


def test_a_held_candidate():
    assert str(BARS.judge(SHALLOW, [DEEP])) == (
        "held: rf_deep (v2) scored 54.17 % against the champion's 56.25 % (v1) on 960 bars of 20 days: 2.08 points"
        " worse (z −2.18); promotion asks for z ≥ 1.73 with 1 candidate; differences under 1.65 points cannot be "
        "seen on this holdout, and a holdout is one look: its 5 % error holds once."
    )


def test_a_promoted_candidate_beside_one_that_is_held():
    assert str(BARS.judge(SHALLOW, [DEEP, STRONG])) == (
        "promoted: logistic (v3) scored 84.38 % against the champion's 56.25 % (v1) on 960 bars of 20 days: 28.12 "
        "points better (z 117.69), where promotion asks for z ≥ 2.09 with 2 candidates; rf_deep (v2) held: 30.21 "
        "points behind, not clear of the champion (z −2.18); differences under 0.50 points cannot be seen on this "
        "holdout, and a holdout is one look: its 5 % error holds once."
    )


def test_production_that_stays_empty():
    assert str(BARS.judge(None, [POOR])) == (
        "production stays empty: extra_trees (v4) is below the 50.00 % of the majority (no_skill): 42.71 % on 960 "
        "bars of 20 days, against the majority 7.29 points worse (z −30.51); differences under 0.41 points cannot "
        "be seen on this holdout, and a holdout is one look."
    )


def test_an_unskilled_champion_accepted_by_request():
    assert "accepted by request although it is below the 50.00 % of the majority" in str(
        BARS.judge(None, [POOR], accept_unskilled=True)
    )


def test_a_better_candidate_held_by_a_guard_says_which():
    sentence = str(BARS.judge(counted(BARS, [10, 12] * 10, "old", "v9"), [POOR]))
    assert "points better" in sentence
    assert "but it is below the 50.00 % of the majority (no_skill); promotion asks" in sentence


def test_a_candidate_that_fails_both_ways_is_not_excused():
    champion = counted(BARS, [20, 21] * 10, "old", "v9")
    slightly_better = counted(BARS, [19, 23] * 10, "extra_trees", "v4")
    sentence = str(BARS.judge(champion, [slightly_better]))
    assert "points better (z 1.45), and it is below the 50.00 % of the majority" in sentence


def test_a_more_accurate_candidate_stopped_by_a_guard_is_told_as_ahead():
    mostly_up = Holdout(np.tile([1, 1, 0, 1], 240), BARS.day)
    skilled, stuck = mostly_up.right_on(np.arange(960) % 48 < 30, "rf_shallow"), mostly_up.always(0.6, "stuck")
    sentence = str(mostly_up.judge(None, [skilled, stuck], no_skill=mostly_up.always(0.4, "no_skill")))
    assert "rf_shallow is the first champion" in sentence
    assert "stuck held: 12.50 points ahead, it says 'up' on every bar" in sentence


@pytest.mark.parametrize(("value", "written"), [(-0.004, "0.00"), (-0.8, "−0.80"), (0.0, "0.00"), (1.966, "1.97")])
def test_a_z_is_written_with_a_true_minus_and_never_as_minus_nothing(value, written):
    assert number(value) == written


def test_a_twin_of_the_champion_has_no_difference():
    sentence = str(BARS.judge(SHALLOW, [SHALLOW]))
    assert "no difference on any day (z 0.00)" in sentence
    assert "cannot be seen" not in sentence  # there is no error to tell it from


def test_a_lead_alike_on_every_day_says_why_it_is_no_evidence():
    flat, higher = counted(BARS, [26] * 20, "flat"), counted(BARS, [28] * 20, "higher")
    assert "4.17 points better on every day alike, which leaves no error to judge by" in str(BARS.judge(flat, [higher]))


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


def test_candidates_that_are_level_say_so():
    twin = counted(BARS, [26, 28] * 10, "rf_twin")
    assert "rf_twin held: level with rf_shallow;" in str(BARS.judge(None, [SHALLOW, twin]))
