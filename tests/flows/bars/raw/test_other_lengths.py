"""Exports in bars of the instrument's own length, or of a shorter one, become its files: M5 to D1, shut or never."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import load_bars
from flows.bars.clock import FileClock
from flows.bars.raw import Built, Choices, Export, add, build, read_export
from flows.bars.raw.rules import RawRule
from flows.bars.simulation import simulate
from flows.errors import BarsRejected
from flows.instruments import MINUTES, RAW_NAMES, Instrument, find_instrument
from tests.flows.bars.raw import exports

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SERVER = "America/New_York+7h"
"""The clock of most MetaTrader servers: a day of it is a trading day."""

PRICES = ["open", "high", "low", "close"]
FIRST = {"D1": date(2020, 1, 2), "H4": date(2023, 6, 1)}  # features begin after 500 bars
LAST = date(2024, 3, 29)  # past the weeks in which the summer times of New York and London differ


def clock_of(instrument: Instrument) -> str:
    return "UTC" if instrument.hours.week is None else SERVER


@cache
def simulated(name: str) -> pd.DataFrame:
    """Bars of an instrument, ``open`` … ``close`` by its opens in UTC."""
    instrument = find_instrument(name)
    frame = simulate(FIRST.get(instrument.bar, date(2024, 1, 2)), LAST, seed=7, instrument=instrument)
    prices = frame[list(instrument.columns)].set_axis(PRICES, axis=1)
    prices.index = frame.index.tz_localize(None)
    return prices


def exported(bars: pd.DataFrame, clock: str) -> bytes:
    """As MetaTrader 5 writes them by its server's clock."""
    shown = FileClock.parse(clock).from_utc(bars.index.tz_localize("UTC"))
    return exports.metatrader(bars.set_axis(pd.DatetimeIndex(shown)))


def read(name: str, bars: pd.DataFrame, *, read_by: str | None = None, minutes: int | None = None) -> Export:
    of = find_instrument(name)
    clock = FileClock.parse(read_by or clock_of(of))
    return read_export("x.csv", exported(bars, clock_of(of)), clock=clock, minutes=minutes, instrument=of)


def choices(name: str, clock: str | None = None) -> Choices:
    of = find_instrument(name)
    return Choices(clock=clock or clock_of(of), instrument=of, now=NOW)


def built(folder: Path, name: str, bars: pd.DataFrame) -> Built:
    return build(folder, [read(name, bars)], choices(name))


def prices_in(folder: Path, name: str) -> pd.DataFrame:
    of = find_instrument(name)
    frame = load_bars(folder, clock=clock_of(of), instrument=of).frame
    frame.index = frame.index.tz_localize(None)
    return frame[list(of.columns)].set_axis(PRICES, axis=1)


@pytest.mark.parametrize("bar", MINUTES)
@pytest.mark.parametrize("symbol", ["EURUSD", "XAUUSD", "BTCUSD"])
def test_an_export_of_the_instruments_own_length_becomes_its_files(tmp_path: Path, symbol: str, bar: str) -> None:
    name = f"{symbol}_{bar}"
    bars = simulated(name)
    export = read(name, bars)
    assert (export.faults, export.minutes) == ((), MINUTES[bar])
    done = build(tmp_path, [export], choices(name))
    assert done.files[-1] == f"{name}_2024_features.csv"
    assert (done.questions, done.held_back, done.bars) == ((), 0, len(bars) - 500)
    found = prices_in(tmp_path, name)
    assert (found.index == bars.index[500:]).all()
    assert np.allclose(found, bars[500:].round(5), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "bar"),
    [("EURUSD_H1", "M30"), ("XAUUSD_H4", "H1"), ("EURUSD_D1", "H4"), ("BTCUSD_D1", "H1"), ("XAUUSD_D1", "H1")],
)
def test_shorter_bars_are_put_together_from_the_begin_of_the_trading_day(tmp_path: Path, name: str, bar: str) -> None:
    instrument = find_instrument(name)
    short = find_instrument(f"{instrument.symbol}_{bar}")
    first = FIRST.get(instrument.bar, date(2024, 1, 2))
    frame = simulate(first, LAST, seed=7, instrument=short)
    bars = frame[list(short.columns)].set_axis(PRICES, axis=1).round(5)
    day_begins = instrument.hours.wall(frame.index) - pd.Timedelta(minutes=instrument.hours.close_minute)
    since = pd.DatetimeIndex(day_begins)
    of_bar = since.floor(f"{instrument.minutes}min")
    expected = bars.groupby(of_bar).agg(dict(zip(PRICES, ("first", "max", "min", "last"), strict=True)))
    bars.index = frame.index.tz_localize(None)
    export = read(name, bars)
    assert (export.faults, export.minutes) == ((), short.minutes)
    build(tmp_path, [export], choices(name))
    found = prices_in(tmp_path, name)
    assert len(found) > 60
    assert np.allclose(found, expected[500 : 500 + len(found)], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["EURUSD_H4", "BTCUSD_H4", "EURUSD_D1"])
def test_bars_added_one_by_one_give_the_bytes_of_one_build(tmp_path: Path, name: str) -> None:
    bars = simulated(name)
    built(tmp_path / "once", name, bars)
    built(tmp_path / "daily", name, bars[:-4])
    for at in range(len(bars) - 4, len(bars)):  # a file of one bar does not show how long it is
        add(tmp_path / "daily", [read(name, bars[at : at + 1])], choices(name))
    once, daily = (
        {file.name: file.read_bytes() for file in (tmp_path / folder).glob("*.csv")} for folder in ("once", "daily")
    )
    assert once == daily


@pytest.mark.parametrize(("name", "read_by"), [("EURUSD_D1", "UTC"), ("EURUSD_H4", "UTC"), ("BTCUSD_D1", "UTC+3")])
def test_days_and_hours_by_a_wrong_clock_are_refused_and_not_taken_for_shorter_bars(
    tmp_path: Path, name: str, read_by: str
) -> None:
    export = read(name, simulated(name), read_by=read_by)
    of = find_instrument(name)
    (fault,) = export.faults
    assert fault.rule is RawRule.LENGTH and f"opens no {of.bar} bar" in fault.found
    assert f"{of.hours.day_closes} {of.hours.place}: is --clock right?" in fault.found
    with pytest.raises(BarsRejected, match="one length, 1, 5, 15, 30, 60"):
        build(tmp_path, [export], choices(name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "longer"), [("EURUSD_H1", "H4"), ("EURUSD_M5", "M15"), ("EURUSD_H4", "D1")])
def test_bars_longer_than_the_instruments_are_refused(name: str, longer: str) -> None:
    (fault,) = read(name, simulated(f"EURUSD_{longer}")).faults
    assert fault.rule is RawRule.LENGTH and f"is {MINUTES[longer]} minutes" in fault.found


def test_what_bars_can_be_made_of() -> None:
    assert [RAW_NAMES[minutes] for minutes in find_instrument("EURUSD_H4").made_of] == [
        *("M1", "M5", "M15", "M30", "H1", "H4")
    ]
    assert find_instrument("GBPUSD").made_of_words == "1, 5 or 15 minutes"
    assert find_instrument("GBPUSD_M5").made_of_words == "1 or 5 minutes"


@pytest.mark.parametrize("bar", MINUTES)
def test_weeks_of_gold_open_an_hour_later(bar: str) -> None:
    name = f"XAUUSD_{bar}"
    opens = "17:00" if bar in ("H4", "D1") else "18:00"  # such a bar begins with the trading day
    assert read(name, simulated(name)).clock.endswith(f"weeks open Sunday {opens} New York")


def test_a_wrong_clock_of_gold_is_named() -> None:
    said = read("XAUUSD_H1", simulated("XAUUSD_H1"), read_by="UTC").clock
    assert "at Sunday 18:00; by --clock America/New_York+7h it would be" in said


def test_flat_bars_of_the_daily_pause_are_left_out_as_those_of_the_weekend() -> None:
    of = find_instrument("XAUUSD_M15")
    whole = pd.date_range("2024-01-08 00:00", "2024-01-12 00:00", freq="15min")
    flat = pd.DataFrame(2000.0, index=whole, columns=PRICES)
    shut = of.hours.shut(whole.tz_localize("UTC"))
    moving = flat + np.where(shut, 0.0, 1.0 + np.arange(len(whole)) % 7)[:, None]
    moving.loc[~shut, "high"] += 1
    export = read_export("x.csv", exports.dukascopy(moving), clock=FileClock.parse("UTC"), instrument=of)
    assert shut.sum() == 16 and export.time.size == len(whole) - 16
    assert "16 flat bars without trades left out" in str(export)


def test_what_is_implausible_in_bars_of_hours_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    bars = simulated("EURUSD_H1")
    stands_still = (np.arange(len(bars)) >= 700) & (np.arange(len(bars)) < 900)
    frozen = bars.mask(np.repeat(stands_still[:, None], 4, axis=1), 1.1)
    with pytest.raises(BarsRejected, match="frozen_feed"):
        built(tmp_path, "EURUSD_H1", frozen)
    with pytest.raises(BarsRejected, match="price_level"):
        built(tmp_path, "EURUSD_H1", simulated("EURUSD_H1") * 150)
    assert list(tmp_path.iterdir()) == []
