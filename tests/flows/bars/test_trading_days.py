"""A trading day runs from 17:00 to 17:00 New York and is named by the date it ends on."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from flows.bars import night_of, rollover, trading_day
from flows.errors import RequestRefused
from flows.instruments import GBPUSD_M15


def new_york(*times: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(times).tz_localize("America/New_York").tz_convert("UTC")


@pytest.mark.parametrize(
    ("opens", "day"),
    [
        ("2024-06-03 16:45", date(2024, 6, 3)),
        ("2024-06-03 17:00", date(2024, 6, 4)),
        ("2024-06-02 17:00", date(2024, 6, 3)),  # Sunday evening belongs to Monday
        ("2024-06-02 12:00", date(2024, 6, 3)),  # and so does what a feed quotes before
        ("2024-05-31 16:45", date(2024, 5, 31)),
        ("2024-05-31 17:00", date(2024, 6, 3)),
        ("2024-06-01 12:00", date(2024, 6, 3)),
        ("2024-03-10 17:00", date(2024, 3, 11)),  # New York on summer time since this morning
        ("2024-11-03 16:45", date(2024, 11, 4)),
        ("2024-11-04 17:00", date(2024, 11, 5)),
        ("2024-12-31 17:00", date(2025, 1, 1)),
    ],
)
def test_sunday_evening_belongs_to_monday_and_17_begins_the_next_day(opens: str, day: date) -> None:
    index = new_york(opens)
    assert trading_day(index)[0] == np.datetime64(day)
    assert night_of(index[0]) == day


def test_the_same_hour_of_utc_is_another_day_in_winter() -> None:
    summer, winter = pd.DatetimeIndex(["2024-07-02 21:00", "2024-01-02 21:00"], tz="UTC")
    assert night_of(summer) == date(2024, 7, 3)
    assert night_of(winter) == date(2024, 1, 2)


def test_there_are_no_trading_days_on_weekends_and_each_day_follows_the_last() -> None:
    days = trading_day(pd.date_range("2023-12-01", "2025-01-31", freq="15min", tz="UTC"))
    assert np.is_busday(days).all()
    assert (np.diff(days) >= np.timedelta64(0)).all()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_the_index_makes_no_difference(unit: str) -> None:
    index = pd.date_range("2024-03-08", periods=1000, freq="15min", tz="UTC", unit="ns")
    assert (trading_day(index.as_unit(unit)) == trading_day(index)).all()  # type: ignore[arg-type]  # pandas' stubs lack the unit
    assert (rollover(index.as_unit(unit)) == rollover(index)).all()  # type: ignore[arg-type]  # pandas' stubs lack the unit


@pytest.mark.parametrize("day", ["2024-01-10", "2024-07-10", "2024-03-12", "2024-10-29"])
def test_the_rollover_is_16_45_to_18_new_york_in_every_season(day: str) -> None:
    times = [f"{day} {time}" for time in ("16:30", "16:45", "17:00", "17:45", "18:00")]
    assert rollover(new_york(*times)).tolist() == [False, True, True, True, False]


def test_a_moment_without_a_zone_has_no_night() -> None:
    with pytest.raises(RequestRefused, match="no time zone"):
        night_of(datetime(2024, 6, 3, 12))  # noqa: DTZ001  # without a zone on purpose


@pytest.mark.parametrize(
    ("opens", "quarter"),
    [
        ("2024-01-15 22:00", 0),  # 17:00 New York in winter
        ("2024-07-15 21:00", 0),  # and in summer
        ("2024-07-15 20:45", 95),
        ("2024-07-15 04:10", 28),
        ("2024-03-10 21:00", 0),  # the Sunday on which summer time begins
    ],
)
def test_a_bar_stands_in_the_same_quarter_of_its_day_in_winter_and_summer(opens: str, quarter: int) -> None:
    assert GBPUSD_M15.slot(pd.DatetimeIndex([opens], tz="UTC")).tolist() == [quarter]
