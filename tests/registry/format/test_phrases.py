"""Counts in messages: one thing has no plural, and thousands are grouped unless a record must keep its bytes."""

from __future__ import annotations

import pytest

from registry.format.phrases import listed, plural
from registry.format.sentences import sentence


@pytest.mark.parametrize(("n", "text"), [(0, "0 days"), (1, "1 day"), (3, "3 days"), (1234567, "1,234,567 days")])
def test_a_count_is_said_with_its_noun(n: int, text: str) -> None:
    assert plural(n, "day") == text


def test_digits_are_not_grouped_where_that_is_asked_for() -> None:
    assert plural(1234, "night", thousands="") == "1234 nights"


def test_a_list_says_how_many_more_and_cuts_what_is_long() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(2_000)), 3, sign="; ") == "0; 1; 2 and 1,997 more"
    assert len(listed(["x" * 1_000_000] * 100)) < 20_000


@pytest.mark.parametrize(
    ("bars", "months", "nights", "says"),
    [
        (0, {}, ["2024-12-24"], "evidence: the past to 2024-12-24 21:30 UTC scored by walk-forward by ann"),
        (96, {}, ["2024-12-24"], "evidence of night 2024-12-24 scored by ann: 96 bars"),
        (0, {}, ["2024-12-23", "2024-12-24"], "evidence of night 2024-12-24 scored by ann: 0 bars"),
        (0, {"2024-11": "evidence/m"}, ["2024-12-24"], "evidence of night 2024-12-24 scored by ann: 0 bars"),
    ],
)
def test_the_first_nights_walk_forward_is_not_told_as_no_bars(bars, months, nights, says):
    manifest = {
        "through": "2024-12-24T21:30:00.000000Z",
        "backfill": ["evidence/b"],
        "months": months,
        "nights": {night: f"evidence/{night}" for night in nights},
    }
    body = {"night": "2024-12-24", "bars": bars, "manifest": manifest}
    assert sentence("scored", body, "ann").startswith(says)
