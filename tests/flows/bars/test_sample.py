"""The simulated sample: same bytes every time, the habits of the real bars, a signal that is weak and can be learnt."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from flows.bars import FEATURES, MARKER, Dataset, load_bars, prepare, write_sample
from flows.errors import BarsMissing, RequestRefused
from tests.flows.bars.bar_files import rows, write

SHORT = {"first": date(2023, 12, 18), "last": date(2024, 1, 10)}


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def dataset(sample: Path) -> Dataset:
    return prepare(load_bars(sample))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = write_sample(tmp_path / "one", **SHORT), write_sample(tmp_path / "two", **SHORT)
    assert digests(one) == digests(two)
    assert len(digests(one)) == 3


def test_another_seed_gives_another_market(tmp_path: Path) -> None:
    one, two = write_sample(tmp_path / "one", **SHORT), write_sample(tmp_path / "two", seed=8, **SHORT)
    assert not set(digests(one).values()) & set(digests(two).values())


def test_a_second_call_writes_nothing(tmp_path: Path) -> None:
    folder = write_sample(tmp_path, **SHORT)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_sample(tmp_path, **SHORT)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_what_a_killed_call_left_is_completed(tmp_path: Path) -> None:
    whole = digests(write_sample(tmp_path, **SHORT))
    (tmp_path / "GBPUSD_M15_2024_features.csv").unlink()
    assert digests(write_sample(tmp_path, **SHORT)) == whole
    (tmp_path / "GBPUSD_M15_2023_features.csv").write_text("cut")
    assert digests(write_sample(tmp_path, **SHORT)) == whole
    (tmp_path / MARKER).write_text("{")
    assert digests(write_sample(tmp_path, **SHORT)) == whole


def test_a_sample_of_other_days_replaces_the_one_that_is_there(tmp_path: Path) -> None:
    write_sample(tmp_path, **SHORT)
    write_sample(tmp_path, first=date(2024, 1, 8), last=date(2024, 1, 10))
    assert sorted(digests(tmp_path)) == ["GBPUSD_M15_2024_features.csv", MARKER]


def test_real_bars_are_never_overwritten_by_a_sample(tmp_path: Path) -> None:
    before = digests(write(tmp_path, rows()))
    with pytest.raises(RequestRefused, match="may be real bars"):
        write_sample(tmp_path, **SHORT)
    assert digests(tmp_path) == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestRefused, match=r"cannot be written to .*file"):
        write_sample(tmp_path / "file" / "sample", **SHORT)


def test_a_sample_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestRefused, match="must not end before it begins"):
        write_sample(tmp_path, first=date(2024, 1, 2), last=date(2024, 1, 1))


def test_the_marker_makes_bars_simulated_and_its_absence_does_not(tmp_path: Path) -> None:
    folder = write_sample(tmp_path, **SHORT)
    assert load_bars(folder).simulated
    assert json.loads((folder / MARKER).read_text())["simulated"] is True
    (folder / MARKER).unlink()
    assert not load_bars(folder).simulated


def test_the_sample_has_the_layout_of_the_real_files_and_ends_mid_week(sample: Path, dataset: Dataset) -> None:
    prices = ["open_15m", "high_15m", "low_15m", "close_15m"]
    assert list(dataset.bars.frame.columns) == [*prices, *FEATURES]
    assert [path.name[11:15] for path in sorted(sample.glob("*.csv"))] == ["2022", "2023", "2024", "2025"]
    assert dataset.bars.repairs == ()
    assert dataset.bars.night == date(2025, 5, 21)
    assert pd.Timestamp(dataset.bars.night).day_name() == "Wednesday"
    assert dataset.bars.last_close == pd.Timestamp("2025-05-21 17:00", tz="America/New_York")
    assert pd.Timedelta(days=3 * 365) < dataset.bars.last_close - dataset.bars.frame.index[0]


def test_the_sample_keeps_the_hours_of_the_market(dataset: Dataset) -> None:
    new_york = dataset.bars.frame.index.tz_convert("America/New_York")
    weekday, hour = np.asarray(new_york.day_of_week), np.asarray(new_york.hour)
    assert not ((weekday == 5) | ((weekday == 4) & (hour >= 17)) | ((weekday == 6) & (hour < 17))).any()
    days = pd.DatetimeIndex(dataset.trading_day)
    assert not ((days.month == 12) & (days.day == 25)).any()
    assert not ((days.month == 1) & (days.day == 1)).any()


def test_the_sample_has_holes_and_labels_that_are_not_known(dataset: Dataset) -> None:
    steps = np.diff(dataset.bars.frame.index) / pd.Timedelta(minutes=15)
    holes = (steps > 1) & (steps <= 9)
    assert 100 < holes.sum() < 400
    assert np.isnan(dataset.label).sum() == (steps > 1).sum() + 1
    assert 0.9 < dataset.counted.mean() < 0.97


def test_the_sample_has_the_rollover_that_looks_like_signal(dataset: Dataset) -> None:
    frame = dataset.bars.frame
    hour = np.asarray(frame.index.tz_convert("America/New_York").hour)
    up = (frame["close_15m"] > frame["open_15m"]).to_numpy()
    assert up[hour == 16].mean() < 0.45
    assert up[hour == 17].mean() > 0.54
    assert 0.47 < up[(hour < 16) | (hour > 17)].mean() < 0.52


def test_the_planted_signal_is_weak_and_can_be_learnt(dataset: Dataset) -> None:
    """Out of sample a shallow forest beats the majority by a point or two, and chance by far more than its error."""
    features = dataset.bars.frame[["rsi_14", "adx_14", "atr_14"]].to_numpy()
    train, test = dataset.years(2022, 2023) & dataset.counted, dataset.years(2024, 2025) & dataset.counted
    forest = RandomForestClassifier(30, max_depth=3, random_state=0).fit(features[train], dataset.label[train])
    accuracy = forest.score(features[test], dataset.label[test])
    majority = max(dataset.label[test].mean(), 1 - dataset.label[test].mean())
    assert 0.502 < majority < 0.515
    assert 0.515 < accuracy < 0.535
    assert accuracy > majority + 0.008


def test_sample_years_that_are_not_there_are_missing(sample: Path) -> None:
    with pytest.raises(BarsMissing, match="no file of 2026"):
        load_bars(sample, years=(2025, 2026))
