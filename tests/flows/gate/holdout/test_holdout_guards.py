"""Each guard by itself."""

from __future__ import annotations

import pytest

from flows.gate.guards import above_no_skill, says_both_classes


@pytest.mark.parametrize(
    ("hits", "margin_points", "passed", "words"),
    [
        (507, 0.0, True, "is not below the 50.60 % of the majority (no_skill)"),
        (506, 0.0, True, "is not below the 50.60 % of the majority (no_skill)"),
        (505, 0.0, False, "is below the 50.60 % of the majority (no_skill)"),
        (511, 0.5, True, "is at least 0.50 points above the 50.60 % of the majority (no_skill)"),
        (510, 0.5, False, "is less than 0.50 points above the 50.60 % of the majority (no_skill)"),
    ],
)
def test_a_candidate_is_not_below_no_skill(hits, margin_points, passed, words):
    assert above_no_skill(hits=hits, no_skill_hits=506, bars=1000, margin_points=margin_points) == (passed, words)


@pytest.mark.parametrize(
    ("ups", "passed", "words"),
    [
        (0, False, "says 'not up' on every bar"),
        (1, True, "says both classes"),
        (9, True, "says both classes"),
        (10, False, "says 'up' on every bar"),
    ],
)
def test_a_candidate_says_both_classes(ups, passed, words):
    assert says_both_classes(ups=ups, bars=10) == (passed, words)
