"""Each guard by itself."""

from __future__ import annotations

import pytest

from flows.gate.guards import above_no_skill, says_both_classes


@pytest.mark.parametrize(
    ("hits", "margin_points", "passed"),
    [(507, 0.0, True), (506, 0.0, True), (505, 0.0, False), (511, 0.5, True), (510, 0.5, False)],
)
def test_a_candidate_is_not_below_no_skill(hits, margin_points, passed, snapshot):
    found, words = above_no_skill(hits=hits, no_skill_hits=506, bars=1000, margin_points=margin_points)
    assert found == passed and "50.60 %" in words and ("0.50 points" in words) == bool(margin_points)
    assert words == snapshot(name=f"{hits} of 1000, margin {margin_points}")


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
