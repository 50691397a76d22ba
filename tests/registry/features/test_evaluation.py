"""What expressions compute: pandas' own figures, the same bits for any rows around a bar, and nothing of the future."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.archive.input_schema import InputSchema, RowsOf
from registry.errors import InputMismatch, InvalidRequest
from registry.features.trading_clock import TradingClock


def bars(count: int = 2_000, start: str = "2024-03-04 22:00", seed: int = 1, missing: float = 0.03) -> pd.DataFrame:
    """Quarters of an hour with weekends out and some bars missing; prices that wander around 1.25."""
    random = np.random.default_rng(seed)
    opens = pd.date_range(start, periods=count * 2, freq="15min", tz="UTC")
    wall = opens.tz_convert("America/New_York")
    day, late = wall.day_of_week, wall.hour >= 17
    week = (day < 4) | ((day == 4) & ~late) | ((day == 6) & late)
    opens = opens[week & (random.random(opens.size) >= missing)][:count]
    close = 1.25 + np.cumsum(random.normal(0, 3e-4, opens.size))
    spread = np.abs(random.normal(0, 2e-4, (2, opens.size)))
    columns = {
        "open_15m": close + random.normal(0, 1e-4, opens.size),
        "high_15m": close + spread[0] + 2e-4,
        "low_15m": close - spread[1] - 2e-4,
        "close_15m": close,
        "rsi_14": random.uniform(20, 80, opens.size),
        "atr_14": random.uniform(5e-4, 2e-3, opens.size),
    }
    return pd.DataFrame(columns, index=opens.rename("timestamp"))


TEN = {
    "lag(rsi_14, 3)": lambda f: f.rsi_14.shift(3),
    "diff(close_15m, 2)": lambda f: f.close_15m.diff(2),
    "return(close_15m, 4)": lambda f: f.close_15m.pct_change(4),
    "mean(close_15m, 48)": lambda f: f.close_15m.rolling(48).mean(),
    "std(close_15m, 20)": lambda f: f.close_15m.rolling(20).std(),
    "min(low_15m, 96)": lambda f: f.low_15m.rolling(96).min(),
    "max(high_15m, 5)": lambda f: f.high_15m.rolling(5).max(),
    "ema(close_15m, 20)": lambda f: f.close_15m.ewm(span=20).mean(),
    "zscore(rsi_14, 30)": lambda f: (f.rsi_14 - f.rsi_14.rolling(30).mean()) / f.rsi_14.rolling(30).std(),
    "clip(log(atr_14 / close_15m), -7, -6.5) * (rsi_14 > 50) + 1": lambda f: (
        np.log(f.atr_14 / f.close_15m).clip(-7, -6.5) * (f.rsi_14 > 50) + 1
    ),
}


@pytest.mark.parametrize("text", TEN)
def test_an_expression_is_what_pandas_computes(text):
    frame = bars()
    schema = InputSchema((text,))
    expected = TEN[text](frame).to_numpy()[schema.bars - 1 :]
    assert np.abs(schema.matrix(frame)[:, 0] - expected).max() <= 1e-12


def test_longer_bars_are_what_pandas_resamples_once_they_have_closed():
    frame = bars(missing=0.2)
    hourly = frame.resample("1h").agg(
        {"open_15m": "first", "high_15m": "max", "low_15m": "min", "close_15m": "last", "rsi_14": "last"}
    )
    hourly = hourly.dropna()
    texts = (
        'at("1h", open_15m)',
        'at("1h", max(high_15m, 3))',
        'at("1h", mean(close_15m, 5))',
        'at("1h", low_15m)',
        'at("1h", rsi_14)',
    )
    expected = np.stack(
        [
            hourly.open_15m,
            hourly.high_15m.rolling(3).max(),
            hourly.close_15m.rolling(5).mean(),
            hourly.low_15m,
            hourly.rsi_14,
        ],
        axis=1,
    )
    schema = InputSchema(texts)
    found = schema.matrix(frame)
    closes = frame.index[schema.bars - 1 :] + pd.Timedelta("15min")
    place = np.searchsorted(hourly.index + pd.Timedelta("1h"), closes, side="right") - 1
    assert np.abs(found - expected[place]).max() <= 1e-12


def test_a_day_begins_at_seventeen_in_new_york_also_where_its_clock_changes():
    opens = pd.date_range("2024-03-08 00:00", "2024-03-13 00:00", freq="15min", tz="UTC", inclusive="left")
    frame = pd.DataFrame({"close_15m": np.arange(opens.size) * 1.0}, index=opens)
    schema = InputSchema(('at("1d", close_15m)', "hour", "weekday", "minutes_to_close"))
    found = schema.matrix(frame)
    wall = opens[schema.bars - 1 :].tz_convert("America/New_York")
    assert found[:, 1].tolist() == wall.hour.tolist()
    assert found[:, 2].tolist() == (wall.tz_localize(None) + pd.Timedelta("7h")).day_of_week.tolist()
    last = [datetime(2024, 3, 10, 20, 45, tzinfo=UTC), datetime(2024, 3, 11, 20, 45, tzinfo=UTC)]  # summer time by then
    for moment in last:
        row = opens.get_loc(moment) - schema.bars + 1
        assert found[row, 3] == 0
        assert found[row, 0] == opens.get_loc(moment)  # its own close: the day has closed with it
        assert found[row - 1, 0] < opens.get_loc(moment) - 90


EVERY = (
    "lag(rsi_14, 1)",
    "hour",
    'at("1h", zscore(close_15m, 12))',
    'at("4h", diff(close_15m))',
    "mean(close_15m, 7)",
    "std(return(close_15m), 20)",
    "ema(close_15m, 5)",
    "log(high_15m / low_15m)",
    "max(high_15m, 9) - min(low_15m, 9)",
    "(close_15m - open_15m) / atr_14",
    "minutes_to_close",
    "weekday",
)
"""Twelve features, with every kind of operation."""


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 500), st.data())
def test_bars_after_it_never_change_what_is_said_of_a_bar(seed, more, data):
    schema = InputSchema(EVERY)
    frame = bars(schema.bars + 60 + more, seed=seed)
    at = data.draw(st.integers(schema.bars - 1, len(frame) - 1))
    whole = schema.matrix(frame)
    changed = frame.copy()
    changed.iloc[at + 1 :] = np.random.default_rng(seed).uniform(0.5, 3.0, (len(frame) - at - 1, frame.shape[1]))
    moved = np.random.default_rng(seed).choice([15, 30, 45, 60, 600], len(frame) - at - 1).cumsum()
    later = [frame.index[at] + pd.Timedelta(minutes=int(minutes)) for minutes in moved]
    changed.index = pd.DatetimeIndex([*frame.index[: at + 1], *later])
    row = at - schema.bars + 1
    assert schema.matrix(changed)[: row + 1].tobytes() == whole[: row + 1].tobytes()
    assert schema.matrix(frame.iloc[: at + 1]).tobytes() == whole[: row + 1].tobytes()
    assert schema.matrix(frame.iloc[row : at + 1]).tobytes() == whole[row].tobytes()


def test_some_rows_of_bars_are_what_all_rows_say_of_them():
    schema, frame = InputSchema(EVERY), bars(1_500)
    whole = schema.matrix(frame)
    rows = np.zeros(len(frame), np.bool_)
    rows[[schema.bars - 1, schema.bars, 900, 901, 905, 1_499]] = True
    expected = whole[np.flatnonzero(rows) - schema.bars + 1]
    assert schema.matrix(RowsOf(frame, rows)).tobytes() == expected.tobytes()
    mapping = {"timestamp": frame.index.tz_convert(None).to_numpy(), **{name: frame[name].to_numpy() for name in frame}}
    assert schema.matrix(RowsOf(mapping, np.flatnonzero(rows))).tobytes() == expected.tobytes()


def test_a_caller_may_send_texts_as_times():
    schema, frame = InputSchema(("lag(rsi_14, 1)", "hour")), bars(10)
    columns = {"timestamp": [each.isoformat() for each in frame.index], "rsi_14": frame.rsi_14.to_numpy()}
    assert schema.matrix(columns).tobytes() == schema.matrix(frame).tobytes()


def test_windows_count_bars_over_weekends_and_begin_anew_after_more_than_four_days_without_any():
    frame = bars(900)
    schema = InputSchema(("lag(rsi_14, 10)",))
    assert schema.known(frame).tolist() == [False] * 10 + [True] * 890
    shifted = frame.copy()
    shifted.index = frame.index.where(np.arange(900) < 500, frame.index + pd.Timedelta(days=5))
    assert (~schema.known(shifted)).nonzero()[0].tolist() == [*range(10), *range(500, 510)]
    with pytest.raises(InputMismatch, match="row 500 has 1 bars up to it"):
        schema.matrix(shifted)
    assert schema.matrix(RowsOf(shifted, schema.known(shifted))).shape == (880, 1)


def test_equal_numbers_have_no_spread_and_are_at_their_mean():
    frame = bars(40)
    frame["rsi_14"] = 0.1
    assert InputSchema(("zscore(rsi_14, 7)", "std(rsi_14, 7)")).matrix(frame).any() == np.False_


@pytest.mark.parametrize(
    ("text", "value"),
    [("log(rsi_14) + 1", 0.0), ("1 / rsi_14", 0.0), ("return(rsi_14)", 0.0), ("log(rsi_14) > 0", -1.0)],
)
def test_what_cannot_be_computed_is_refused_naming_feature_and_row(text, value):
    frame = bars(30)
    frame.iloc[20, frame.columns.get_loc("rsi_14")] = value
    with pytest.raises(InputMismatch, match=r"cannot be computed at row 2[01] \(2024"):
        InputSchema((text,)).matrix(frame)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda f: f.tz_localize(None), "no time zone"),
        (lambda f: f.reset_index(drop=True), "the column timestamp is missing"),
        (lambda f: f.iloc[::-1], "minutes after the row before it"),
        (lambda f: f.set_axis(pd.date_range("2024-03-04", periods=len(f), freq="5min", tz="UTC")), "reads bars of 15"),
        (lambda f: f.iloc[:3], "3 bars are too few: the version looks back on 5"),
        (lambda f: f.drop(columns="rsi_14"), "column rsi_14 is missing"),
        (lambda f: f.assign(rsi_14=np.nan), "column rsi_14 is nan at row 0"),
        (lambda f: {"rsi_14": [1.0] * 9, "timestamp": ["2024-03-04T00:00:00"] * 9}, "a time with its zone"),
        (lambda f: {"rsi_14": [1.0] * 9, "timestamp": f.index.tz_convert(None).to_numpy()[:8]}, "not as many rows"),
        (lambda f: {"rsi_14": [1.0] * 9, "timestamp": ["soon"] * 9}, "a time with its zone"),
        (lambda f: {"rsi_14": [1.0], "timestamp": np.array(["NaT"], "datetime64[s]")}, "no time at row 0"),
        (lambda f: {"rsi_14": [1.0], "timestamp": np.array(["9000-01-01"], "datetime64[s]")}, "not of the years"),
    ],
)
def test_bars_that_do_not_fit_are_refused(change, why):
    with pytest.raises(InputMismatch, match=why):
        InputSchema(("lag(rsi_14, 4)",)).matrix(change(bars(60)))


def test_no_bars_give_no_rows():
    assert InputSchema(("lag(rsi_14, 4)", "hour")).matrix(bars(60).iloc[:0]).shape == (0, 2)
    assert InputSchema(("log(rsi_14)",)).matrix({"rsi_14": np.empty(0)}).shape == (0, 1)


def test_a_day_may_end_an_hour_after_the_clocks_change():
    clock = TradingClock(close=3 * 60)
    opens = pd.date_range("2024-03-10 04:00", "2024-03-10 10:00", freq="15min", tz="UTC")
    left = clock.minutes_to_close(np.asarray(opens.asi8 // (60 * 10**9 if opens.unit == "ns" else 60 * 10**6)), 15)
    assert opens[left == 0].tolist() == [pd.Timestamp("2024-03-10 06:45", tz="UTC")]  # 03:00 is 07:00 UTC by then


def test_a_longer_bar_is_made_of_whole_bars():
    hourly = TradingClock(bar_minutes=60)
    assert InputSchema(('at("4h", mean(close, 3))',), hourly).bars == 15
    for length in ("30m", "1h"):
        with pytest.raises(InvalidRequest, match="made of no whole bars of 60 minutes"):
            InputSchema((f'at("{length}", close)',), hourly)


@pytest.mark.parametrize(
    "wrong",
    [{"bar_minutes": 7}, {"bar_minutes": 0}, {"zone": "Mars/Olympus"}, {"zone": "../etc/passwd"}, {"close": 1440}],
)
def test_a_clock_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(InvalidRequest):
        TradingClock(**wrong)
