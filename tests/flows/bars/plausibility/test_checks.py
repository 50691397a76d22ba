"""What each check says, of which rows, and from how much evidence on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.bars.clock import FileClock
from flows.bars.indicators import FEATURES
from flows.bars.plausibility import CHECKS, BarFinding, Check, CheckName, SeenBars, examine, judge
from flows.bars.simulation import simulate
from flows.errors import BarsRejected
from tests.flows.bars.plausibility.corpus import NOW, PRICES, sound


def seen(frame: pd.DataFrame, *, by: str = "london-5h", read_as: str | None = None) -> SeenBars:
    """``frame`` written ``by`` one clock and read as by another; the bar at position 0 stands in row 2."""
    file_time = FileClock.parse(by).from_utc(pd.DatetimeIndex(frame.index))
    clock = FileClock.parse(read_as or by)
    columns = {name: frame[name].to_numpy(np.float64) for name in frame}
    return SeenBars(clock.to_utc(file_time)[0], file_time, clock, columns, lambda at: ("bars.csv", at + 2), NOW)


def change(frame: pd.DataFrame, row: int, name: str, to: Callable[[float], float]) -> None:
    """Another value in one row, in place."""
    values = frame[name].to_numpy(np.float64, copy=True)
    values[row] = to(float(values[row]))
    frame[name] = values


def of(findings: Iterable[BarFinding], name: str) -> BarFinding:
    (one,) = (each for each in findings if each.check.label == name)
    return one


def at(frame: pd.DataFrame, moment: str) -> int:
    """Position of the bar that opens then (UTC)."""
    return int(frame.index.get_loc(pd.Timestamp(moment, tz="UTC")))  # type: ignore[arg-type]  # pandas' stubs are narrower than pandas


def test_every_check_has_a_name_that_can_be_allowed() -> None:
    assert [check.label for check in Check] == list(get_args(CheckName))
    assert len(CHECKS) == len(Check)


# ---- the clock ---------------------------------------------------------------------------------------------------


def test_a_wrong_clock_is_named_with_the_one_that_fits(snapshot: SnapshotAssertion) -> None:
    (found,) = examine(seen(sound(), by="UTC", read_as="london-5h"))
    assert (found.weight, found.count) == ("refuse", 17)
    assert str(found) == snapshot


def test_for_a_part_of_the_year_its_first_and_last_day_are_named() -> None:
    frame = sound()
    late = frame.index >= "2024-03-03"
    wrong = seen(frame, by="UTC", read_as="london-5h")
    right = seen(frame)
    opens, file_time = (
        np.where(late, *pair) for pair in ((wrong.opens, right.opens), (wrong.file_time, right.file_time))
    )
    found = of(examine(SeenBars(opens, file_time, right.clock, right.columns, right.place, NOW)), "clock")
    assert "bars from 2024-03-08 to 2024-04-" in found.found and found.found.endswith("would fit UTC")
    assert found.weight == "refuse"


@pytest.mark.parametrize(
    ("first", "last", "weight"),
    [
        ("2024-01-08 00:00", "2024-01-12 10:00", None),  # no weekend, so nothing to see
        ("2024-01-08 00:00", "2024-01-16 10:00", "question"),
        ("2024-01-08 00:00", "2024-01-23 10:00", "question"),
        ("2024-01-08 00:00", "2024-01-30 10:00", "refuse"),
    ],
)
def test_a_clock_is_refused_from_three_weekends_on(first: str, last: str, weight: str | None) -> None:
    found = examine(seen(sound().loc[first:last], by="UTC", read_as="london-5h"))
    assert [each.weight for each in found if each.check is Check.CLOCK] == ([] if weight is None else [weight])


@pytest.mark.parametrize("by", ["london-5h", "UTC", "America/New_York+7h", "UTC-5", "Europe/Berlin", "UTC+9"])
def test_bars_stamped_at_the_close_are_told_from_another_clock(by: str) -> None:
    found = of(examine(seen(sound(), by=f"{by} at close", read_as=by)), "clock")
    assert found.found.endswith(f"would fit {by}, stamped at the close (RETRAIN_STAMPED=close)")


def test_a_stray_bar_before_a_week_opens_is_no_wrong_clock() -> None:
    prices = simulate(date(2023, 1, 2), date(2024, 4, 5), seed=3)[PRICES]
    friday = prices.loc["2023-06-09"].iloc[[-1]]  # type: ignore[index]  # pandas' stubs are narrower than pandas
    stray = friday.set_axis(pd.DatetimeIndex(["2023-06-11 20:30"], tz="UTC"), axis=0)
    change(stray, 0, "high_15m", lambda price: price + 1e-4)
    with_stray = pd.concat([prices, stray]).sort_index()
    (found,) = examine(seen(with_stray))
    assert (found.check, found.weight, found.count) == (Check.SHUT_MARKET, "question", 1)
    assert found.row == at(with_stray, "2023-06-11 20:30") + 2


def test_where_no_clock_fits_it_is_a_question() -> None:
    frame = sound()
    opens = frame.index + pd.to_timedelta(np.where(np.arange(len(frame)) // 700 % 2, 3, 0), unit="h")
    moved = frame.set_axis(opens, axis=0)
    found = of(examine(seen(moved[~moved.index.duplicated()].sort_index())), "clock")
    assert found.weight == "question" and found.found.endswith("no clock fits")


@pytest.mark.parametrize("name", ["london-5h at close", "UTC at close", "America/New_York+7h at close"])
def test_a_clock_at_the_close_reads_what_it_writes(name: str) -> None:
    clock = FileClock.parse(name)
    index = pd.DatetimeIndex(["2024-01-02 10:00", "2024-07-02 10:15"], tz="UTC")
    shown = clock.from_utc(index)
    assert (shown == FileClock.parse(clock.unstamped).from_utc(index + pd.Timedelta(minutes=15))).all()
    assert (clock.to_utc(shown)[0] == index.tz_localize(None).to_numpy()).all()


# ---- length, gaps, prices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bars", "speaks"), [(10, False), (11, True)])
def test_the_length_of_bars_shows_from_ten_steps_on(bars: int, speaks: bool) -> None:
    hourly = sound().iloc[: 4 * bars : 4]
    assert any(each.check is Check.BAR_LENGTH for each in examine(seen(hourly))) == speaks


def test_longer_bars_among_others_are_counted_and_placed() -> None:
    frame = sound()
    begin, end = at(frame, "2024-02-06 00:00"), at(frame, "2024-02-08 00:00")
    rest = np.ones(len(frame), np.bool_)
    rest[begin:end] = np.arange(end - begin) % 4 == 0
    found = of(examine(seen(frame[rest])), "bar_length")
    assert (found.count, found.row, found.weight) == (rest[begin:end].sum(), begin + 2 + 1, "refuse")
    assert "60 minutes (H1)" in found.found


def test_twenty_three_longer_steps_in_a_row_are_holes_of_a_feed() -> None:
    frame = sound()
    begin = at(frame, "2024-02-06 00:00")
    rest = np.ones(len(frame), np.bool_)
    rest[begin : begin + 92] = np.arange(92) % 4 == 0
    assert not any(each.check is Check.BAR_LENGTH for each in examine(seen(frame[rest])))


def test_a_fall_that_stays_is_no_slip_however_large() -> None:
    prices = sound()[PRICES].copy()
    fallen = at(prices, "2024-02-06 00:00")
    prices.iloc[fallen:] -= 0.0355
    change(prices, fallen, "open_15m", lambda price: price + 0.0355)
    change(prices, fallen, "high_15m", lambda price: price + 0.0355)
    prices["high_15m"] = prices.max(axis=1).clip(upper=prices[["open_15m", "close_15m"]].max(axis=1) + 1e-3)
    assert examine(seen(prices)) == ()


def test_one_that_comes_back_is() -> None:
    prices = sound()[PRICES].copy()
    slip = at(prices, "2024-02-06 00:00")
    change(prices, slip, "close_15m", lambda price: price - 0.03)
    change(prices, slip, "low_15m", lambda price: price - 0.035)
    found = of(examine(seen(prices)), "price_jump")
    assert (found.count, found.row, found.weight) == (1, slip + 2, "question")


@pytest.mark.parametrize(("still", "weight"), [(11, None), (12, "question"), (95, "question"), (96, "refuse")])
def test_closes_that_stand_still_weigh_by_how_long(still: int, weight: str | None) -> None:
    prices = sound()[PRICES].copy()
    begin = at(prices, "2024-02-06 00:00")
    closes = prices["close_15m"].to_numpy(np.float64, copy=True)
    closes[begin : begin + still + 1] = closes[begin]
    prices["close_15m"] = closes
    prices["high_15m"], prices["low_15m"] = prices.max(axis=1), prices.min(axis=1)
    found = [each for each in examine(seen(prices)) if each.check is Check.FROZEN_FEED]
    assert [each.weight for each in found] == ([] if weight is None else [weight])
    assert [(each.count, each.row) for each in found] == ([] if weight is None else [(still, begin + 2 + 1)])


@pytest.mark.parametrize(("late", "speaks"), [(60, False), (61, True)])
def test_a_bar_may_close_a_minute_after_now_and_no_later(late: int, speaks: bool) -> None:
    bars = seen(sound())
    last = pd.Timestamp(bars.opens[-1], tz="UTC").to_pydatetime() + timedelta(minutes=15)
    now = last - timedelta(seconds=late)
    found = examine(SeenBars(bars.opens, bars.file_time, bars.clock, bars.columns, bars.place, now))
    assert [each.check for each in found] == ([Check.FUTURE] if speaks else [])


def test_the_real_clock_may_be_left_out() -> None:
    bars = seen(sound())
    assert examine(SeenBars(bars.opens, bars.file_time, bars.clock, bars.columns, bars.place)) == ()


# ---- features ----------------------------------------------------------------------------------------------------


def test_a_slip_in_one_close_breaks_one_step_of_its_averages() -> None:
    frame = sound().copy()
    slip = at(frame, "2024-02-06 00:00")
    change(frame, slip, "close_15m", lambda close: close + 5e-5)
    change(frame, slip, "high_15m", lambda high: high + 5e-5)
    found = examine(seen(frame))
    averages = [each for each in found if each.check is Check.MOVING_AVERAGE]
    assert [(each.count, each.row, each.weight) for each in averages] == [(1, slip + 2, "question")] * 2
    assert "1 of 8" in averages[0].found and "ema_20" in averages[0].found
    strength = of(found, "relative_strength")
    assert strength.weight == "question" and slip + 2 <= strength.row <= slip + 5


@pytest.mark.parametrize("name", FEATURES)
def test_a_value_that_is_changed_in_one_row_is_found_there(name: str) -> None:
    frame = sound().copy()
    row = at(frame, "2024-03-06 00:00")
    change(frame, row, name, lambda value: 1.5 * value)
    (found,) = examine(seen(frame))
    assert found.weight == "question" and found.row == row + 2 and found.count <= 5
    assert name in found.found


@pytest.mark.parametrize(
    ("name", "makes", "says"),
    [
        ("ema_20", lambda f: f["ema_20"].shift(-1), "holds the value of the next bar, which is the future"),
        ("rsi_14", lambda f: f["rsi_14"].shift(-2), "the second next bar, which is the future"),
        ("atr_14", lambda f: f["atr_14"].shift(1), "holds the value of the bar before"),
        ("adx_14", lambda f: f["rsi_14"], "holds rsi_14: the names of the columns are mixed up"),
        ("ema_50", lambda f: f["close_15m"].shift(-1), "holds the next close, which is the future"),
        ("ema_50", lambda f: f["open_15m"], "holds open_15m: the names of the columns are mixed up"),
        ("atr_14", lambda f: 1e4 * f["atr_14"], "in other units in 2024, 10000 times as large"),
        ("rsi_14", lambda f: f["rsi_14"] / 100, "in other units in 2024, 0.01 times as large"),
    ],
)
def test_what_a_column_holds_instead_is_said(name: str, makes: Callable[[pd.DataFrame], pd.Series], says: str) -> None:
    frame = sound().copy()
    frame[name] = makes(frame)
    found = [each for each in examine(seen(frame.dropna())) if name in each.found and each.check is not Check.FORESIGHT]
    assert [each.weight for each in found] == ["refuse"] and says in found[0].found


@pytest.mark.parametrize(("bars", "speaks"), [(30, False), (31, True)])
def test_features_are_judged_from_thirty_steps_on(bars: int, speaks: bool) -> None:
    frame = sound().loc["2024-02-06":"2024-02-08"].iloc[:bars].copy()  # type: ignore[misc]  # pandas' stubs are narrower than pandas
    frame[list(FEATURES)] = frame[list(FEATURES)].to_numpy()[::-1]
    named = {each.check for each in examine(seen(frame))}
    judged = {Check.MOVING_AVERAGE, Check.AVERAGE_RANGE, Check.RELATIVE_STRENGTH, Check.DIRECTIONAL_INDEX}
    assert (judged & named == judged - {Check.DIRECTIONAL_INDEX}) if speaks else not judged & named


@given(st.integers(0, 7_000), st.integers(50, 1_000), st.sampled_from(["UTC", "london-5h", "UTC+3"]))
def test_no_part_of_sound_bars_gives_a_finding(begin: int, count: int, clock: str) -> None:
    assert examine(seen(sound().iloc[begin : begin + count], by=clock)) == ()


# ---- weights -----------------------------------------------------------------------------------------------------


def finding(check: Check, weight: str) -> BarFinding:
    return BarFinding(check, weight, 3, "bars.csv", 7, "3 rows")  # type: ignore[arg-type]  # a weight of the table


def test_every_finding_that_refuses_is_in_one_message(snapshot: SnapshotAssertion) -> None:
    found = [finding(Check.FUTURE, "refuse"), finding(Check.CLOCK, "question"), finding(Check.PERCENTAGES, "refuse")]
    with pytest.raises(BarsRejected) as refused:
        judge(found)
    assert str(refused.value) == snapshot


def test_what_is_allowed_is_a_note_and_named_once() -> None:
    found = [finding(Check.PERCENTAGES, "refuse"), finding(Check.PERCENTAGES, "question"), finding(Check.GAPS, "note")]
    left = judge(found, allow=("percentages", "clock"))
    assert left.allowed == ("percentages",) and left.questions == ()
    assert [each.check for each in left.notes] == [Check.GAPS, Check.PERCENTAGES, Check.PERCENTAGES]


def test_a_note_that_is_allowed_is_named_too() -> None:
    assert judge([finding(Check.GAPS, "note")], allow=("gaps",)).allowed == ("gaps",)
