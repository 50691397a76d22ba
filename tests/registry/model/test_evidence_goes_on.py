"""A night's manifest goes on from the one before it; whatever else changed is told."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.model.evidence import Manifest, ScoredNight, broken_by
from registry.model.roles import Model
from tests.registry.actors import a_model


def score(model: Model, day: str, **options: Any) -> Manifest:
    model.score(ScoredNight(day.encode(), day, f"{day}T20:45:00+00:00", 90, **options), fold=b"".join, author="night")
    return model.manifest()


@given(st.lists(st.dates(), min_size=1, max_size=8, unique=True).map(sorted), st.booleans())
def test_what_nights_write_goes_on(days, again):
    model = a_model()
    before = Manifest()
    for number, day in enumerate(f"{2000 + each.year % 20}-{each:%m-%d}" for each in days):
        if before.nights and day < max(before.nights):
            continue
        after = score(model, day, backfill=[b"past"] if number == 0 else [])
        assert broken_by(before, after, day) is None
        if again:
            before, after = after, score(model, day)
            assert broken_by(before, after, day) is None
        before = after


FILE = f"evidence/{'0' * 64}-other"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"backfill": ()}, "its backfill"),
        ({"backfill": (FILE,)}, "its backfill"),
        ({"months": {}}, "which months there are"),
        ({"months": {"2024-04": FILE, "2024-05": FILE}}, "the month 2024-04"),
        ({"months": {"2024-03": FILE, "2024-04": FILE, "2024-05": FILE}}, "which months there are"),
        ({"nights": {"2024-05-31": FILE, "2024-06-03": FILE}}, "the night of 2024-05-31"),
        ({"nights": {"2024-06-03": FILE, "2024-06-04": FILE}}, "nights that are not its own"),
    ],
)
def test_what_no_night_does_is_told(changes, told):
    model = a_model()
    score(model, "2024-04-30", backfill=[b"past"])
    before = score(model, "2024-05-31")
    after = score(model, "2024-06-03")
    assert broken_by(before, after, "2024-06-03") is None
    assert broken_by(before, dataclasses.replace(after, **changes), "2024-06-03") == told


def test_a_night_of_this_month_that_was_exchanged_is_told():
    model = a_model()
    before = score(model, "2024-06-03")
    after = score(model, "2024-06-04")
    forged = dataclasses.replace(after, nights={**after.nights, "2024-06-03": FILE})
    assert broken_by(before, forged, "2024-06-04") == "the night of 2024-06-03"
