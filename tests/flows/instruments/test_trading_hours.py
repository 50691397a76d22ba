"""Trading hours: which day a moment belongs to, when the market is shut, which bars close in the rollover."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from flows.bars import rollover, trading_day
from flows.errors import InstrumentRefused
from flows.instruments import GBPUSD_M15, TradingHours, find_instrument
from flows.instruments.holidays import check_rule, is_named
from registry.errors import PackageMissing


def new_york(*moments: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(list(moments)).tz_localize("America/New_York").tz_convert("UTC")


def utc(*moments: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(list(moments)).tz_localize("UTC")


EVERY_QUARTER = pd.date_range("2023-12-20", "2025-01-10", freq="15min", tz="UTC")


def test_gbpusd_has_the_days_and_rollovers_that_it_always_had() -> None:
    wall = EVERY_QUARTER.tz_convert("America/New_York").tz_localize(None)
    minute = np.asarray(wall.hour * 60 + wall.minute)
    days = pd.DatetimeIndex(np.asarray(wall + pd.Timedelta(hours=7)).astype("datetime64[D]"))
    days = days + pd.to_timedelta(np.array([0, 0, 0, 0, 0, 2, 1])[np.asarray(days.day_of_week)], unit="D")
    assert (GBPUSD_M15.hours.trading_day(EVERY_QUARTER) == np.asarray(days).astype("datetime64[D]")).all()
    assert (GBPUSD_M15.rollover(EVERY_QUARTER) == ((minute >= 16 * 60 + 45) & (minute < 18 * 60))).all()
    weekday = np.asarray(wall.day_of_week)
    weekend = ((weekday == 4) & (minute >= 17 * 60)) | (weekday == 5) | ((weekday == 6) & (minute < 17 * 60))
    assert (GBPUSD_M15.shut(EVERY_QUARTER) == weekend).all() and (GBPUSD_M15.hours.shut(EVERY_QUARTER) == weekend).all()
    assert (trading_day(EVERY_QUARTER) == GBPUSD_M15.hours.trading_day(EVERY_QUARTER)).all()
    assert (rollover(EVERY_QUARTER) == GBPUSD_M15.rollover(EVERY_QUARTER)).all()


def test_a_market_that_is_never_shut_has_a_day_for_every_date() -> None:
    hours = find_instrument("BTCUSD").hours
    days = hours.trading_day(utc("2024-06-07 23:45", "2024-06-08 00:00", "2024-06-09 12:00"))
    assert days.astype(str).tolist() == ["2024-06-07", "2024-06-08", "2024-06-09"]
    assert not hours.shut(EVERY_QUARTER).any()
    assert all(hours.trades(date(2024, 12, day)) for day in range(20, 32))
    assert hours.close_of(date(2024, 6, 7)) == datetime(2024, 6, 8, tzinfo=UTC)


def test_a_currency_is_shut_from_friday_to_sunday() -> None:
    moments = new_york("2024-06-07 16:45", "2024-06-07 17:00", "2024-06-09 16:45", "2024-06-09 17:00")
    assert GBPUSD_M15.hours.shut(moments).tolist() == [False, True, True, False]
    assert GBPUSD_M15.hours.close_of(date(2024, 6, 7)) == datetime(2024, 6, 7, 21, tzinfo=UTC)


def test_gold_pauses_an_hour_a_day() -> None:
    gold = find_instrument("XAUUSD")
    moments = new_york("2024-06-05 16:45", "2024-06-05 17:00", "2024-06-05 17:45", "2024-06-05 18:00")
    assert gold.hours.shut(moments).tolist() == [False, True, True, False]
    assert gold.hours.trading_day(moments).astype(str).tolist() == ["2024-06-05", *["2024-06-06"] * 3]


@pytest.mark.parametrize(
    ("bar", "inside"),
    [
        ("M5", [f"16:{minute}" for minute in (45, 50, 55)] + [f"17:{minute:02}" for minute in range(0, 60, 5)]),
        ("M15", ["16:45", "17:00", "17:15", "17:30", "17:45"]),
        ("M30", ["16:30", "17:00", "17:30"]),
        ("H1", ["16:00", "17:00"]),
        ("H4", ["13:00"]),
        ("D1", []),  # all of them close there, so none stands apart
    ],
)
def test_a_bar_is_of_the_rollover_where_it_closes_in_it(bar: str, inside: list[str]) -> None:
    instrument = find_instrument(f"EURUSD_{bar}")
    day = pd.date_range("2024-06-04 17:00", "2024-06-05 17:00", freq="5min", inclusive="left", tz="America/New_York")
    opens = day[instrument.on_grid(day)]
    assert len(opens) == instrument.slots
    found = opens[instrument.rollover(opens)]
    assert sorted(found.strftime("%H:%M")) == inside
    assert instrument.slot(opens).tolist() == list(range(instrument.slots))


@pytest.mark.parametrize(
    ("day", "rules", "named"),
    [
        (date(2024, 3, 29), ("easter-2",), True),
        (date(2025, 4, 21), ("easter+1",), True),
        (date(2025, 4, 20), ("easter",), True),
        (date(2024, 3, 28), ("easter-2",), False),
        (date(2024, 12, 25), ("12-25",), True),
        (date(2026, 4, 3), ("2026-04-03",), True),
        (date(2025, 4, 3), ("2026-04-03",), False),
    ],
)
def test_rules_name_days(day: date, rules: tuple[str, ...], named: bool) -> None:
    assert is_named(day, rules) is named


def test_a_day_of_the_weekend_is_shut_in_the_night_of_summer_time_too() -> None:
    saturdays = pd.DatetimeIndex(["2024-03-02 17:00", "2024-03-09 17:00", "2024-11-02 17:00"])
    days = find_instrument("EURUSD_D1")
    assert days.shut(saturdays.tz_localize("America/New_York")).all()
    assert not days.shut((saturdays + pd.Timedelta(days=1)).tz_localize("America/New_York")).any()


def test_the_calendar_of_an_exchange_names_its_holidays_and_its_short_days() -> None:
    hours = find_instrument("XAUUSD").hours
    of_exchange = TradingHours.model_validate(
        hours.model_dump() | {"holidays": ["exchange:XNYS"], "short_days": ["exchange:XNYS"]}
    )
    shut = [date(2024, 1, 1), date(2024, 3, 29), date(2024, 7, 4), date(2024, 11, 28), date(2024, 12, 25)]
    assert not any(of_exchange.trades(day) for day in shut)
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(366)]
    assert sum(map(of_exchange.trades, days)) == 252
    assert [day.isoformat() for day in days if of_exchange.ends_early(day)] == [
        "2024-07-03",
        "2024-11-29",
        "2024-12-24",
    ]


def test_an_exchange_is_written_by_its_code_and_one_that_is_none_is_named() -> None:
    check_rule("exchange:XNYS")
    for rule in ("exchange:", "exchange:xnys", "exchange:X NYS", "exchange"):
        with pytest.raises(ValueError, match="names no day"):
            check_rule(rule)
    with pytest.raises(InstrumentRefused, match="exchange:XXXX is no exchange"):
        is_named(date(2024, 1, 1), ["exchange:XXXX"])


def test_without_its_package_an_exchange_is_refused_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(PackageMissing, match=r"champion-gate\[exchanges\]"):
        is_named(date(2019, 1, 1), ["exchange:XLON"])


def test_who_names_no_exchange_imports_none() -> None:
    code = (
        "import sys; from datetime import date; from flows.instruments import SHIPPED, find_instrument\n"
        "print([find_instrument(name).hours.trades(date(2024, 1, 2)) for name in SHIPPED], "
        "'exchange_calendars' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("] False")
