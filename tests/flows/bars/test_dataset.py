"""Labels, windows, and what counts as evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.bars import Bars, Dataset, load_bars, prepare
from flows.errors import BarsMissing, LabelRefused, RequestRefused
from tests.flows.bars.bar_files import bar, rows, write


def made(opens: pd.DatetimeIndex, close: list[float] | None = None) -> Bars:
    """Bars at ``opens`` (UTC) with these closes, without a file."""
    values = np.asarray(close if close is not None else 1.25 + np.arange(len(opens)) * 1e-5)
    frame = pd.DataFrame({"close_15m": values}, index=opens.rename("timestamp"))
    as_of = opens[-1] + pd.Timedelta(minutes=15)
    return Bars(frame, opens.tz_localize(None).to_numpy(), "made", False, as_of, "UTC", ())


def opens(*times: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(times, tz="UTC")


def test_a_label_says_whether_the_next_close_is_higher_and_unmoved_is_not_up() -> None:
    dataset = prepare(
        made(pd.date_range("2024-06-03 10:00", periods=4, freq="15min", tz="UTC"), [1.25, 1.2503, 1.2503, 1.2])
    )
    assert dataset.label.tolist()[:3] == [1.0, 0.0, 0.0]
    assert dataset.move_pips[:3] == pytest.approx([3.0, 0.0, -503.0])


@pytest.mark.parametrize("gap", ["10:30", "10:16", "11:15", "22:15"])
def test_a_label_never_crosses_a_gap(gap: str) -> None:
    times = [f"2024-06-03 {time}" for time in ("09:45", "10:00", gap)]
    dataset = prepare(made(opens(*times)))
    assert np.isnan(dataset.label).tolist() == [False, True, True]
    assert np.isnan(dataset.move_pips).tolist() == [False, True, True]
    assert dataset.known_at.isna().tolist() == [False, True, True]
    assert dataset.counted.tolist() == [False] * 3


def test_a_label_does_not_cross_the_weekend() -> None:
    dataset = prepare(made(opens("2024-05-31 20:45", "2024-06-02 21:00", "2024-06-02 21:15")))
    assert np.isnan(dataset.label).tolist() == [True, False, True]


def test_notebook_labels_cross_everything_but_the_end() -> None:
    bars = made(opens("2024-05-31 20:45", "2024-06-02 21:00", "2024-06-05 21:15"), [1.2, 1.3, 1.1])
    dataset = prepare(bars, labels="notebook")
    assert dataset.label.tolist()[:2] == [1.0, 0.0]
    assert np.isnan(dataset.label[2])
    assert dataset.counted.tolist() == [True, True, False]
    assert dataset.known_at[1] == pd.Timestamp("2024-06-05 21:30", tz="UTC")


def test_labels_of_another_kind_are_refused() -> None:
    with pytest.raises(LabelRefused, match="'next_day' is no label: write next_bar, horizon 16"):
        prepare(made(opens("2024-06-03 10:00")), labels="next_day")


@given(st.sets(st.integers(0, 400), min_size=1, max_size=80))
def test_a_known_label_is_that_of_the_bar_15_minutes_later(steps: set[int]) -> None:
    at = sorted(steps)
    index = pd.DatetimeIndex([pd.Timestamp("2024-06-03", tz="UTC") + pd.Timedelta(minutes=15) * step for step in at])
    close = [1.25 + (step * 37 % 11) * 1e-4 for step in at]
    label = prepare(made(index.as_unit("ns"), close)).label
    by_step = dict(zip(at, close, strict=True))
    for step, found in zip(at, label.tolist(), strict=True):
        if step + 1 in by_step:
            assert found == float(by_step[step + 1] > by_step[step])
        else:
            assert np.isnan(found)


@pytest.mark.parametrize(("bars_of_the_day", "evidence"), [(47, False), (48, True)])
def test_a_day_of_fewer_than_48_bars_is_no_evidence(bars_of_the_day: int, evidence: bool) -> None:
    dataset = prepare(made(pd.date_range("2024-06-04 04:00", periods=bars_of_the_day, freq="15min", tz="UTC")))
    assert len(np.unique(dataset.trading_day)) == 1
    assert dataset.counted[:-1].all() == dataset.counted[:-1].any() == evidence
    assert not dataset.counted[-1], "its label is not known"


def test_sunday_evening_and_monday_are_one_day_of_evidence() -> None:
    sunday = pd.date_range(
        "2024-06-02 21:00", "2024-06-03 02:45", freq="15min", tz="UTC"
    )  # 24 bars from 17:00 New York
    monday = pd.date_range("2024-06-03 08:00", periods=24, freq="15min", tz="UTC")
    assert not prepare(made(sunday)).counted.any()
    assert prepare(made(sunday.append(monday))).counted.any()


def test_the_rollover_is_marked_and_left_out_of_evidence() -> None:
    dataset = prepare(made(pd.date_range("2024-06-03 21:00", periods=96 * 2, freq="15min", tz="UTC")))
    assert dataset.rollover.sum() == 4 + 1 + 4 + 1
    assert not (dataset.counted & dataset.rollover).any()
    known = ~np.isnan(dataset.label)
    assert (dataset.counted == (known & ~dataset.rollover)).all()


@pytest.fixture
def week() -> Dataset:
    return prepare(made(pd.date_range("2024-06-03 00:00", "2024-06-07 20:45", freq="15min", tz="UTC")))


def test_a_window_holds_labels_that_were_known_at_its_end(week: Dataset) -> None:
    end = datetime(2024, 6, 5, 12, 0, tzinfo=UTC)
    inside = week.bars.frame.index[week.window(days=1, end=end)]
    assert inside[0] == pd.Timestamp("2024-06-04 12:00", tz="UTC")
    assert inside[-1] == pd.Timestamp("2024-06-05 11:30", tz="UTC"), "the bar of 11:45 got its label at 12:15"


def test_a_window_ends_at_the_as_of_unless_told_otherwise(week: Dataset) -> None:
    assert (week.window(days=2) == week.window(days=2, end=week.bars.as_of)).all()
    assert week.window().sum() == len(week.label) - 1


def test_a_window_in_the_past_is_the_window_of_that_past(sample: Path) -> None:
    end = datetime(2023, 9, 6, 21, tzinfo=UTC)
    then, now = prepare(load_bars(sample, as_of=end)), prepare(load_bars(sample))
    assert then.fingerprint(then.window(90)) == now.fingerprint(now.window(90, end))
    assert (then.label[then.window(90)] == now.label[now.window(90, end)]).all()


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_a_window_of_no_days_is_refused(week: Dataset, days: float) -> None:
    with pytest.raises(RequestRefused, match="give more than 0"):
        week.window(days)


def test_a_window_without_bars_is_missing_not_empty(week: Dataset) -> None:
    with pytest.raises(BarsMissing, match="take a longer window"):
        week.window(days=1, end=week.bars.as_of + timedelta(days=30))


def test_the_end_of_a_window_needs_a_zone(week: Dataset) -> None:
    with pytest.raises(RequestRefused, match="no time zone"):
        week.window(end=datetime(2024, 6, 5))  # noqa: DTZ001  # without a zone on purpose


def test_years_are_those_of_the_files_clock(tmp_path: Path) -> None:
    write(tmp_path, [*rows("2023-12-29 10:00:00"), bar("2023-12-31 23:30:00"), bar("2023-12-31 23:45:00")], year=2023)
    dataset = prepare(load_bars(write(tmp_path, [bar("2024-01-01 00:00:00"), *rows()])))
    assert dataset.years(2023).sum() == 11 + 2
    assert dataset.years(2024).sum() == 11
    assert dataset.years(2023, 2024).sum() == 24
    assert dataset.bars.frame.index[13].year == 2024, "by UTC the last bar of the file of 2023 is of 2024"


@pytest.mark.parametrize("years", [(2023,), (2024, 2025), ()])
def test_years_that_hold_no_bar_are_missing(tmp_path: Path, years: tuple[int, ...]) -> None:
    dataset = prepare(load_bars(write(tmp_path, rows())))
    with pytest.raises(BarsMissing, match="are of 2024"):
        dataset.years(*years)


def test_notebook_labels_on_2022_and_2024_have_the_notebooks_shapes(real_bars: Path) -> None:
    dataset = prepare(load_bars(real_bars, years=(2022, 2024)), labels="notebook")
    frame = dataset.bars.frame[["rsi_14", "ema_20", "ema_50", "atr_14", "adx_14"]]
    assert frame[dataset.years(2022)].shape == (24918, 5)
    assert frame[dataset.years(2024)].shape == (24926, 5)
    last_of_2022 = np.flatnonzero(dataset.years(2022))[-1]
    first_of_2024 = dataset.bars.frame["close_15m"].iloc[last_of_2022 + 1]
    assert dataset.label[last_of_2022] == float(first_of_2024 > dataset.bars.frame["close_15m"].iloc[last_of_2022])
    assert 1 - dataset.label[dataset.years(2024)].mean() == pytest.approx(0.5064, abs=5e-5)


def test_on_real_bars_every_gap_costs_one_label(real_bars: Path) -> None:
    dataset = prepare(load_bars(real_bars))
    gaps = (np.diff(dataset.bars.frame.index.as_unit("ns").asi8) != 15 * 60 * 10**9).sum()
    assert np.isnan(dataset.label).sum() == gaps + 1
    assert len(dataset.label) == 24918 + 21544 + 24927
    up_by_hour = pd.Series(dataset.label).groupby(dataset.rollover).mean()
    assert up_by_hour[True] > up_by_hour[False]
