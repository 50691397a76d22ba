"""Counts in messages: one thing has no plural, and thousands are grouped unless a record must keep its bytes."""

from __future__ import annotations

import pytest

from registry.format.phrases import listed, plural


@pytest.mark.parametrize(("n", "text"), [(0, "0 days"), (1, "1 day"), (3, "3 days"), (1234567, "1,234,567 days")])
def test_a_count_is_said_with_its_noun(n: int, text: str) -> None:
    assert plural(n, "day") == text


def test_digits_are_not_grouped_where_that_is_asked_for() -> None:
    assert plural(1234, "night", thousands="") == "1234 nights"


def test_a_list_says_how_many_more_and_cuts_what_is_long() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(2_000)), 3, sign="; ") == "0; 1; 2 and 1,997 more"
    assert len(listed(["x" * 1_000_000] * 100)) < 20_000
