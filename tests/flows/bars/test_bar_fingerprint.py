"""Equal bars have equal fingerprints, whatever held them; other bars have others."""

from __future__ import annotations

import hashlib
import struct
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from flows.bars import load_bars, prepare
from flows.bars.fingerprint import day_fingerprints, fingerprint

NAMES = ["close_15m", "open_15m", "rsi_14"]
numbers = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    steps = sorted(draw(st.sets(st.integers(0, 2000), min_size=1, max_size=12)))
    index = pd.DatetimeIndex([pd.Timestamp("2024-03-07", tz="UTC") + pd.Timedelta(minutes=15) * step for step in steps])
    values = draw(st.lists(st.tuples(numbers, numbers, numbers), min_size=len(steps), max_size=len(steps)))
    return pd.DataFrame(values, index=index.as_unit("ns"), columns=NAMES, dtype=np.float64)


@given(frames(), st.permutations(NAMES), st.sampled_from(["s", "ms", "us", "ns"]))
def test_order_of_columns_unit_of_index_and_sign_of_zero_do_not_matter(
    frame: pd.DataFrame, order: list[str], unit: str
) -> None:
    other = frame[order].replace(0.0, -0.0)
    other.index = pd.DatetimeIndex(other.index).as_unit(unit).tz_convert("Asia/Tokyo")  # type: ignore[arg-type]  # pandas' stubs lack the unit
    assert fingerprint(other) == fingerprint(frame)
    assert day_fingerprints(other) == day_fingerprints(frame)


@given(frames(), st.data())
def test_one_changed_value_changes_the_whole_and_its_own_day_alone(frame: pd.DataFrame, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(frame) - 1))
    column = data.draw(st.integers(0, 2))
    changed = frame.copy()
    changed.iloc[row, column] = np.nextafter(frame.iloc[row, column], 0.0) if frame.iloc[row, column] else 1.0
    assert fingerprint(changed) != fingerprint(frame)
    before, after = day_fingerprints(frame), day_fingerprints(changed)
    assert before.keys() == after.keys()
    assert len([day for day in before if before[day] != after[day]]) == 1


@given(frames())
def test_one_bar_less_and_another_name_are_seen(frame: pd.DataFrame) -> None:
    assert fingerprint(frame.iloc[1:]) != fingerprint(frame)
    assert fingerprint(frame.rename(columns={"rsi_14": "rsi_15"})) != fingerprint(frame)
    moved = frame.set_axis(frame.index + pd.Timedelta(minutes=15))
    assert fingerprint(moved) != fingerprint(frame)


def test_values_that_trade_places_between_columns_are_seen() -> None:
    frame = pd.DataFrame({"a": [1.0], "b": [2.0]}, index=pd.DatetimeIndex(["2024-06-03"], tz="UTC"))
    assert fingerprint(frame.rename(columns={"a": "b", "b": "a"})) != fingerprint(frame)


def test_the_fingerprint_is_that_of_the_bytes_the_docstring_says() -> None:
    frame = pd.DataFrame(
        {"close_15m": [1.25, 1.26], "rsi_14": [-0.0, 50.5]},
        index=pd.DatetimeIndex(["2024-06-02 21:00", "2024-06-02 21:15"], tz="UTC"),
    )
    opens = 1717362000 * 10**9
    content = b'["close_15m", "rsi_14"]\n'
    content += struct.pack("<qdd", opens, 1.25, 0.0) + struct.pack("<qdd", opens + 900 * 10**9, 1.26, 50.5)
    assert fingerprint(frame) == hashlib.sha256(content).hexdigest()
    assert day_fingerprints(frame) == {date(2024, 6, 3): fingerprint(frame)}


def test_the_fingerprint_of_selected_bars_is_that_of_these_bars_alone(sample: Path) -> None:
    dataset = prepare(load_bars(sample))
    mask = dataset.window(30)
    assert dataset.fingerprint(mask) == fingerprint(dataset.bars.frame[mask])
    assert dataset.fingerprint(mask) != dataset.fingerprint()
    day = dataset.trading_day == np.datetime64("2024-06-03")
    assert dataset.fingerprint(day) == dataset.day_fingerprints()[date(2024, 6, 3)]


def test_labels_do_not_enter_the_fingerprint(sample: Path) -> None:
    bars = load_bars(sample, years=(2025,))
    assert prepare(bars).fingerprint() == prepare(bars, labels="notebook").fingerprint()


def test_pandas_own_reading_of_the_real_files_has_the_same_fingerprint(real_bars: Path) -> None:
    """The lines are split by hand here; the C engine must find the same numbers."""
    frame = load_bars(real_bars, years=(2023,)).frame
    path = real_bars / "GBPUSD_M15_2023_features.csv"
    read = pd.read_csv(path, index_col="timestamp")
    assert fingerprint(read.set_axis(frame.index)) == fingerprint(frame)


def test_no_bars_have_no_days() -> None:
    empty = pd.DataFrame({"close_15m": []}, index=pd.DatetimeIndex([], tz="UTC"))
    assert day_fingerprints(empty) == {}
