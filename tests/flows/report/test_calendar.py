"""The calendar of daily results: each day in its week and month, its sums those of the running sum."""

from __future__ import annotations

import pytest

from flows.report.calendar import STEPS, calendar
from flows.report.data import DailyLine

LINE = DailyLine("net", ("2024-01-30", "2024-01-31", "2024-02-01", "2024-02-05"), (4.0, 1.0, 1.0, 11.0))


def test_a_month_holds_its_days_and_their_sum() -> None:
    january, february = calendar(LINE)
    assert (january.name, january.pips, february.name, february.pips) == ("Jan 2024", 1.0, "Feb 2024", 10.0)
    assert len(january.weeks) == 5 and all(len(week) == 5 for week in january.weeks)
    last = january.weeks[-1]
    assert [None if day is None else (day.day[-2:], day.pips) for day in last] == [
        *(("29", None), ("30", 4.0), ("31", -3.0)),
        *(None, None),
    ]


def test_shades_go_by_size_and_side() -> None:
    days = {day.day: day.shade for month in calendar(LINE) for week in month.weeks for day in week if day is not None}
    assert days["2024-02-05"] == STEPS
    assert -STEPS <= days["2024-01-31"] < 0 and days["2024-02-01"] == 0
    assert days["2024-02-02"] == 0, "nothing was traded"


def test_a_market_that_is_open_on_weekends_has_seven_columns() -> None:
    (month,) = calendar(DailyLine("net", ("2024-06-01", "2024-06-02"), (1.0, 2.0)))
    assert len(month.weeks[0]) == 7 and month.weeks[0][5] is not None


@pytest.mark.parametrize("values", [(), (0.0,)])
def test_nothing_earned_has_no_shade(values: tuple[float, ...]) -> None:
    found = calendar(DailyLine("net", ("2024-06-03",)[: len(values)], values))
    assert all(day is None or day.shade == 0 for month in found for week in month.weeks for day in week)
