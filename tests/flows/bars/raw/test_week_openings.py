"""When weeks open says which clock an export has, and that is said of each file by itself."""

from __future__ import annotations

import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars.clock import FileClock
from flows.bars.raw.weeks import CANDIDATES, weeks_of


def market(first: str = "2024-01-01", last: str = "2024-12-20", minutes: int = 60) -> pd.DatetimeIndex:
    """The bars of a market that opens on Sunday and closes on Friday at 17:00 New York, in UTC."""
    index = pd.date_range(first, last, freq=f"{minutes}min", tz="UTC")
    wall = index.tz_convert("America/New_York") + pd.Timedelta(hours=7)
    return index[wall.day_of_week < 5].tz_localize(None)


def said(clock: str, read_by: str | None) -> str:
    """What is said of a year of ``clock`` that is read by ``read_by``; None: it carries offsets."""
    utc = market()
    shown = FileClock.parse(clock).from_utc(utc.tz_localize("UTC"))
    as_read = FileClock.parse(read_by or clock).to_utc(shown)[0]
    return weeks_of(as_read, None if read_by is None else FileClock.parse(read_by))


@pytest.mark.parametrize("clock", CANDIDATES)
def test_the_right_clock_is_confirmed(clock: str) -> None:
    assert said(clock, clock) == "weeks open Sunday 17:00 New York"
    assert said(clock, None) == "weeks open Sunday 17:00 New York"


@pytest.mark.parametrize("read_by", CANDIDATES)
@pytest.mark.parametrize("clock", CANDIDATES)
def test_a_wrong_clock_is_told_with_the_one_that_fits(clock: str, read_by: str) -> None:
    assert (f"by --clock {clock} it would be 50" in said(clock, read_by)) == (clock != read_by)


def test_a_week_or_two_that_fit_another_clock_better_are_not_told() -> None:
    summer_to_spring = market("2024-03-25", "2025-03-13").to_numpy("datetime64[ns]")  # two weeks differ
    london, new_york = FileClock.parse("london-5h"), FileClock.parse("America/New_York")
    shown = new_york.from_utc(pd.DatetimeIndex(summer_to_spring, tz="UTC"))
    assert (london.to_utc(shown)[0] != summer_to_spring).any()
    assert weeks_of(london.to_utc(shown)[0], london) == "weeks open Sunday 17:00 New York"


def test_what_is_said_of_a_wrong_clock(snapshot: SnapshotAssertion) -> None:
    assert said("America/New_York+7h", "london-5h") == snapshot


def test_a_false_offset_is_doubtful() -> None:
    shifted = market() + pd.Timedelta(hours=2)
    assert "the clock is doubtful" in weeks_of(shifted.to_numpy("datetime64[ns]"), None)


def test_a_market_that_never_closes_and_a_few_days_show_no_clock() -> None:
    never = pd.date_range("2024-01-01", "2024-03-01", freq="1h").to_numpy("datetime64[ns]")
    days = never[:48]
    for times in (never, days, days[:1], days[:0]):
        assert weeks_of(times, FileClock.parse("UTC")) == "no weekend in it that would show the clock"
