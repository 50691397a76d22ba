"""Columns of another instrument beside the bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from flows.bars import Bars, load_bars, write_sample
from flows.bars.beside import beside
from flows.errors import BarsMissing, BarsRejected


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Bars:
    place = tmp_path_factory.mktemp("beside")
    return load_bars(write_sample(place, first=date(2024, 1, 2), last=date(2024, 1, 31)))


def of(bars: Bars, rows: slice | np.ndarray) -> Bars:
    return replace(bars, frame=bars.frame[rows], file_time=bars.file_time[rows], line=None)


def test_each_bar_has_what_the_other_said_by_then(bars: Bars) -> None:
    holes = np.ones(len(bars.frame), np.bool_)
    holes[[100, 101, 500]] = False
    joined = beside(bars, of(bars, holes), "EURUSD", ["close_15m", "rsi_14"]).frame
    close = bars.frame.close_15m.where(holes).ffill()
    assert joined["EURUSD.close_15m"].tolist() == close.tolist()
    assert list(joined.columns)[-2:] == ["EURUSD.close_15m", "EURUSD.rsi_14"]


def test_bars_to_come_change_nothing(bars: Bars) -> None:
    whole = beside(bars, bars, "EURUSD", ["close_15m"]).frame
    part = beside(of(bars, slice(0, 700)), of(bars, slice(0, 700)), "EURUSD", ["close_15m"]).frame
    pd.testing.assert_frame_equal(whole.iloc[:700], part)


def test_bars_before_the_first_of_the_other_are_left_out_and_said(bars: Bars) -> None:
    joined = beside(bars, of(bars, slice(40, None)), "EURUSD", ["close_15m"])
    assert len(joined.frame) == len(bars.frame) - 40 == joined.file_time.size == len(joined.line)  # type: ignore[arg-type]  # None would fail as well
    assert joined.repairs[-1] == "40 bars before the first of EURUSD left out"


def test_bars_after_the_last_of_the_other_take_its_last_value_and_it_is_said(bars: Bars) -> None:
    joined = beside(bars, of(bars, slice(0, -3)), "EURUSD", ["close_15m"])
    assert joined.frame["EURUSD.close_15m"].tolist()[-4:] == [bars.frame.close_15m.iloc[-4]] * 4
    assert joined.repairs[-1].startswith("3 bars after the last of EURUSD with its values of 2024-01-31")


def test_a_value_of_more_than_four_days_ago_is_refused(bars: Bars) -> None:
    with pytest.raises(BarsRejected, match=r"EURUSD has no bar in .* for more than four days"):
        beside(bars, of(bars, slice(0, 200)), "EURUSD", ["close_15m"])


def test_what_is_missing_is_named(bars: Bars) -> None:
    with pytest.raises(BarsMissing, match="no column volume"):
        beside(bars, bars, "EURUSD", ["close_15m", "volume"])
    later = of(bars, slice(300, None))
    with pytest.raises(BarsMissing, match="EURUSD has no bar before"):
        beside(of(bars, slice(0, 300)), later, "EURUSD", ["close_15m"])
