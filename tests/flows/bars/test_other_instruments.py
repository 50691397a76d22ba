"""Bars of other instruments and lengths: files by their names, labels, days, plausible prices; as CSV or Parquet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import Dataset, load_bars, prepare, write_sample
from flows.bars.clock import default_clock
from flows.bars.plausibility import SeenBars, examine
from flows.errors import BarsMissing, BarsRejected
from flows.instruments import MINUTES, SHIPPED, Instrument, find_instrument

FIRST, LAST = date(2024, 1, 2), date(2024, 5, 31)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def simulated(folder: Path, instrument: Instrument, last: date = LAST) -> Dataset:
    """Simulated bars of the instrument, written and loaded again."""
    write_sample(folder, first=FIRST, last=last, instrument=instrument)
    return prepare(load_bars(folder, instrument=instrument, clock=default_clock(instrument)))


def year(folder: Path, name: str, rows: dict[str, float], *, suffix: str = "1h") -> Path:
    """A file of one price a row; RSI stands at 50."""
    header = ",".join(["timestamp", *(f"{price}_{suffix}" for price in ("open", "high", "low", "close")), "rsi_14"])
    lines = [f"{time},{price},{price},{price},{price},50.0" for time, price in rows.items()]
    (folder / name).write_text("\n".join([header, *lines, ""]))
    return folder


@pytest.mark.parametrize("name", [*SHIPPED, *(f"USDJPY_{bar}" for bar in MINUTES), "BTCUSD_H1", "XAUUSD_H4"])
def test_simulated_bars_of_every_instrument_are_plausible_and_have_days(tmp_path: Path, name: str) -> None:
    instrument = find_instrument(name)
    data = simulated(tmp_path, instrument)
    assert [path.name for path in tmp_path.glob("*.csv")] == [f"{instrument.name}_2024_features.csv"]
    assert list(data.bars.frame.columns[:4]) == list(instrument.columns)
    real = SeenBars.of(data.bars, NOW)
    assert [str(found) for found in examine(real) if found.weight != "note"] == []
    days, bars = np.unique(data.trading_day[data.counted], return_counts=True)
    week_days = len(instrument.hours.weekdays)
    assert days.size > (80 if instrument.bar == "D1" else 95) * week_days / 5
    assert bars.min() >= 1 and bars.max() <= instrument.counts.bars
    assert {day.weekday() for day in days.tolist()} <= set(instrument.hours.weekdays)
    level = float(np.median(data.bars.close))
    assert instrument.lowest < level < instrument.highest
    assert abs(level / instrument.simulated.price - 1) < 0.35


def test_usdjpy_moves_in_pips_of_a_hundredth(tmp_path: Path) -> None:
    rows = {"2024-01-03 10:00:00": 145.0, "2024-01-03 11:00:00": 145.25, "2024-01-03 12:00:00": 145.1}
    year(tmp_path, "USDJPY_H1_2024_features.csv", rows)
    data = prepare(load_bars(tmp_path, clock="UTC", instrument=find_instrument("USDJPY_H1")))
    assert data.move_pips[:2] == pytest.approx([25.0, -15.0])
    assert data.label[:2].tolist() == [1.0, 0.0]
    assert data.known_at[0] == pd.Timestamp("2024-01-03 12:00", tz="UTC")
    assert data.bars.last_close == pd.Timestamp("2024-01-03 13:00", tz="UTC")


def test_an_hour_that_is_missing_takes_the_label_before_it(tmp_path: Path) -> None:
    rows = {"2024-01-03 10:00:00": 145.0, "2024-01-03 12:00:00": 145.25, "2024-01-03 13:00:00": 145.1}
    year(tmp_path, "USDJPY_H1_2024_features.csv", rows)
    data = prepare(load_bars(tmp_path, clock="UTC", instrument=find_instrument("USDJPY_H1")))
    assert np.isnan(data.label).tolist() == [True, False, True]


def test_nothing_later_than_the_as_of_is_read_of_bars_of_an_hour(tmp_path: Path) -> None:
    rows = {f"2024-01-03 {hour}:00:00": 145.0 for hour in (10, 11, 12)}
    year(tmp_path, "USDJPY_H1_2024_features.csv", rows)
    as_of = datetime(2024, 1, 3, 12, 45, tzinfo=UTC)
    bars = load_bars(tmp_path, as_of=as_of, clock="UTC", instrument=find_instrument("USDJPY_H1"))
    assert len(bars.frame) == 2


def test_bitcoin_has_weekends(tmp_path: Path) -> None:
    data = simulated(tmp_path, find_instrument("BTCUSD"))
    of_week = pd.DatetimeIndex(data.trading_day).day_of_week
    assert {*range(7)} == set(of_week[data.counted])
    assert not data.rollover.any()


@pytest.mark.parametrize(
    ("name", "clock", "opens", "sound"),
    [
        ("EURUSD_H1", "UTC", "2024-01-03 10:00:00", True),
        ("EURUSD_H1", "UTC", "2024-01-03 10:15:00", False),
        ("EURUSD_H4", "America/New_York+7h", "2024-01-03 08:00:00", True),  # 01:00 New York
        ("EURUSD_H4", "UTC", "2024-01-03 08:00:00", False),  # 03:00 New York: days begin at 17:00
        ("EURUSD_D1", "America/New_York+7h", "2024-01-03 00:00:00", True),
        ("EURUSD_D1", "UTC", "2024-01-03 00:00:00", False),
        ("BTCUSD_D1", "UTC", "2024-01-03 00:00:00", True),
    ],
)
def test_bars_open_on_the_grid_that_begins_with_the_trading_day(
    tmp_path: Path, name: str, clock: str, opens: str, sound: bool
) -> None:
    instrument = find_instrument(name)
    suffix = instrument.columns.close.removeprefix("close_")
    year(tmp_path, f"{name}_2024_features.csv", {opens: instrument.simulated.price}, suffix=suffix)
    if sound:
        assert len(load_bars(tmp_path, clock=clock, instrument=instrument).frame) == 1
        return
    with pytest.raises(BarsRejected, match=f"bars must open at a full {instrument.full}"):
        load_bars(tmp_path, clock=clock, instrument=instrument)


def test_files_of_another_instrument_are_named(tmp_path: Path) -> None:
    year(tmp_path, "USDJPY_H1_2024_features.csv", {"2024-01-03 10:00:00": 145.0})
    with pytest.raises(BarsMissing, match=r"no file named GBPUSD_M15_\{year\}.*USDJPY_H1.*RETRAIN_INSTRUMENT"):
        load_bars(tmp_path)


def test_two_instruments_share_a_folder(tmp_path: Path) -> None:
    year(tmp_path, "USDJPY_H1_2024_features.csv", {"2024-01-03 10:00:00": 145.0})
    year(tmp_path, "EURUSD_H1_2024_features.csv", {"2024-01-03 10:00:00": 1.1, "2024-01-03 11:00:00": 1.1})
    for name, count in (("USDJPY_H1", 1), ("EURUSD_H1", 2)):
        assert len(load_bars(tmp_path, clock="UTC", instrument=find_instrument(name)).frame) == count


def test_columns_of_another_bar_length_are_refused_by_name(tmp_path: Path) -> None:
    year(tmp_path, "USDJPY_H1_2024_features.csv", {"2024-01-03 10:00:00": 145.0}, suffix="15m")
    with pytest.raises(BarsRejected, match="no column close_1h"):
        load_bars(tmp_path, clock="UTC", instrument=find_instrument("USDJPY_H1"))


@pytest.mark.parametrize(("mine", "theirs"), [("GBPUSD", "USDJPY"), ("USDJPY", "GBPUSD")])
def test_prices_of_another_instrument_are_refused_by_their_level(tmp_path: Path, mine: str, theirs: str) -> None:
    other = find_instrument(theirs)
    write_sample(tmp_path, first=FIRST, last=date(2024, 2, 9), instrument=other)
    instrument = find_instrument(mine)
    (tmp_path / f"{other.name}_2024_features.csv").rename(tmp_path / f"{instrument.name}_2024_features.csv")
    found = examine(SeenBars.of(load_bars(tmp_path, instrument=instrument), None))
    (level,) = (one for one in found if one.check.label == "price_level")
    assert level.weight == "refuse" and instrument.symbol in level.found


def test_bars_of_euros_among_those_of_pounds_are_questioned(tmp_path: Path) -> None:
    data = simulated(tmp_path, find_instrument("GBPUSD"), date(2024, 3, 1))
    frame = data.bars.frame.copy()
    frame.iloc[2_000:, :4] *= 1.10 / 1.35
    (found,) = (
        one for one in examine(SeenBars.of(replace(data.bars, frame=frame), None)) if one.check.label == "price_level"
    )
    assert found.weight == "question"


@pytest.mark.parametrize("name", ["GBPUSD", "USDJPY_H1"])
def test_parquet_holds_the_bars_of_the_csv(tmp_path: Path, name: str) -> None:
    instrument = find_instrument(name)
    data = simulated(tmp_path / "csv", instrument, date(2024, 2, 9))
    (path,) = (tmp_path / "csv").glob("*.csv")
    frame = pd.read_csv(path, parse_dates=["timestamp"])
    (tmp_path / "parquet").mkdir()
    frame.to_parquet(tmp_path / "parquet" / path.with_suffix(".parquet").name)
    again = load_bars(tmp_path / "parquet", instrument=instrument)
    assert again.line is not None and again.line[0] == 2
    assert prepare(again).fingerprint() == data.fingerprint()


def test_a_bad_value_in_parquet_is_named_with_its_file(tmp_path: Path) -> None:
    data = simulated(tmp_path, find_instrument("GBPUSD"), date(2024, 1, 12))
    (path,) = tmp_path.glob("*.csv")
    frame = pd.read_csv(path, parse_dates=["timestamp"])
    frame.loc[7, "close_15m"] = np.nan
    path.unlink()
    frame.to_parquet(path.with_suffix(".parquet"))
    with pytest.raises(BarsRejected, match=r"GBPUSD_M15_2024_features\.parquet row 9: close_15m"):
        load_bars(tmp_path)
    assert data.label.size


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"PAR1", b"not parquet at all"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "GBPUSD_M15_2024_features.parquet").write_bytes(content)
    with pytest.raises(BarsRejected, match=r"GBPUSD_M15_2024_features\.parquet"):
        load_bars(tmp_path)


def test_without_its_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> pd.DataFrame:
        raise ImportError("no engine")

    monkeypatch.setattr(pd, "read_parquet", missing)
    (tmp_path / "GBPUSD_M15_2024_features.parquet").write_bytes(b"PAR1")
    with pytest.raises(BarsRejected, match=r"champion-gate\[parquet\]"):
        load_bars(tmp_path)


def test_where_a_year_is_there_twice_the_csv_is_read_and_the_other_named(tmp_path: Path) -> None:
    simulated(tmp_path, find_instrument("GBPUSD"), date(2024, 1, 12))
    (tmp_path / "GBPUSD_M15_2024_features.parquet").write_bytes(b"PAR1")
    bars = load_bars(tmp_path)
    assert "GBPUSD_M15_2024_features.parquet: not read, GBPUSD_M15_2024_features.csv is" in bars.repairs
