"""When nights are due, over weekends, holidays and both changes of summer time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.bars import night_of
from flows.errors import RequestRefused
from flows.operations.calendar import TradingCalendar

CALENDAR = TradingCalendar()
MOMENTS = st.integers(0, 9 * 365 * 24 * 60).map(
    lambda minutes: datetime(2022, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "close"),
    [
        ("2024-06-05 21:20", "2024-06-05 21:00"),  # Wednesday, summer: 17:00 New York is 21:00 UTC
        ("2024-06-05 20:59", "2024-06-04 21:00"),
        ("2024-01-10 22:20", "2024-01-10 22:00"),  # winter
        ("2024-03-11 21:20", "2024-03-11 21:00"),  # the US is in summer time, London is not
        ("2024-11-01 21:20", "2024-11-01 21:00"),  # London is out of it, the US is not
        ("2024-06-09 23:00", "2024-06-07 21:00"),  # Sunday evening: Friday's close
        ("2024-12-25 22:20", "2024-12-24 22:00"),  # no trading day on Christmas
        ("2025-01-01 22:20", "2024-12-31 22:00"),
    ],
)
def test_a_scheduled_night_looks_as_far_as_the_last_close_in_new_york(now: str, close: str) -> None:
    assert CALENDAR.last_close(at(now)) == at(close)


def test_mondays_night_has_mondays_name_although_a_bar_of_tuesday_is_there() -> None:
    seventeen_twenty = at("2024-06-03 21:20")
    newest_bar_opens = at("2024-06-03 21:00")
    assert night_of(newest_bar_opens) == date(2024, 6, 4)
    assert night_of(CALENDAR.last_close(seventeen_twenty) - timedelta(minutes=15)) == date(2024, 6, 3)


@pytest.mark.parametrize(
    ("now", "grace", "night"),
    [
        ("2024-06-05 21:20", 0, "2024-06-05"),
        ("2024-06-05 21:19", 0, "2024-06-04"),
        ("2024-06-05 23:00", 6, "2024-06-04"),
        ("2024-06-10 12:00", 6, "2024-06-07"),  # Monday noon: Friday's
        ("2024-12-26 12:00", 6, "2024-12-24"),
    ],
)
def test_a_night_is_expected_once_it_was_due_and_its_grace_is_over(now: str, grace: int, night: str) -> None:
    assert CALENDAR.expected_night(at(now), timedelta(hours=grace)).isoformat() == night


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2024-06-07 21:20", "2024-06-10T17:20:00-04:00"),  # Friday's has begun: Monday's is next
        ("2024-12-24 22:20", "2024-12-26T17:20:00-05:00"),
        ("2024-06-07 21:19", "2024-06-07T17:20:00-04:00"),
    ],
)
def test_the_next_night_is_told_in_new_yorks_time(now: str, due: str) -> None:
    assert CALENDAR.next_due(at(now)).isoformat() == due


def test_a_persons_own_holidays_and_short_days_count() -> None:
    calendar = TradingCalendar.of("2026-04-03, 07-04", "11-27")
    assert not calendar.trades(date(2026, 4, 3)) and calendar.trades(date(2025, 4, 3))
    assert not calendar.trades(date(2025, 7, 4)) and not calendar.trades(date(2025, 12, 25))
    assert calendar.ends_early(date(2026, 11, 27)) and calendar.ends_early(date(2026, 12, 24))


@pytest.mark.parametrize("text", ["tomorrow", "13-01", "2026-02-30", "4-7", "20260403", "12-25;01-01"])
def test_what_is_no_date_is_refused_by_name(text: str) -> None:
    with pytest.raises(RequestRefused, match=text):
        TradingCalendar.of(text)


def test_missing_nights_are_counted_without_weekends_and_holidays() -> None:
    assert CALENDAR.nights_between(date(2024, 12, 23), date(2024, 12, 27)) == 3
    assert CALENDAR.nights_between(date(2024, 6, 7), date(2024, 6, 10)) == 1


@given(MOMENTS)
def test_the_last_close_is_past_is_a_trading_days_and_none_lies_between(now: datetime) -> None:
    close = CALENDAR.last_close(now)
    day = night_of(close - timedelta(minutes=15))
    assert close <= now and CALENDAR.hours.close_of(day) == close and CALENDAR.trades(day)
    later = day + timedelta(days=1)
    while CALENDAR.hours.close_of(later) <= now:
        assert not CALENDAR.trades(later)
        later += timedelta(days=1)
