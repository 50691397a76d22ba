"""Files carry no zone: their clock is a setting, right through both changes of summer time on both continents."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.bars import FileClock, load_bars, trading_day
from flows.errors import RequestRefused
from tests.flows.bars.bar_files import rows, write


@pytest.mark.parametrize(
    ("clock", "file_time", "utc"),
    [
        ("london-5h", "2024-01-15 12:00", "2024-01-15 17:00"),
        ("london-5h", "2024-07-15 12:00", "2024-07-15 16:00"),
        # New York changes on 10 March, London on 31 March; back on 27 October and 3 November.
        ("london-5h", "2024-03-10 17:00", "2024-03-10 22:00"),
        ("london-5h", "2024-03-29 16:45", "2024-03-29 21:45"),
        ("london-5h", "2024-03-31 17:00", "2024-03-31 21:00"),
        ("london-5h", "2024-10-25 16:45", "2024-10-25 20:45"),
        ("london-5h", "2024-10-27 16:00", "2024-10-27 21:00"),
        ("london-5h", "2024-11-03 17:00", "2024-11-03 22:00"),
        ("London-5H", "2024-07-15 12:00", "2024-07-15 16:00"),
        ("UTC", "2024-07-15 12:00", "2024-07-15 12:00"),
        ("UTC-5", "2024-07-15 12:00", "2024-07-15 17:00"),
        ("utc+05:30", "2024-07-15 12:00", "2024-07-15 06:30"),
        ("America/New_York", "2024-03-08 17:00", "2024-03-08 22:00"),
        ("America/New_York", "2024-03-10 17:00", "2024-03-10 21:00"),
        ("Europe/Athens", "2024-07-15 12:00", "2024-07-15 09:00"),
    ],
)
def test_the_files_clock_is_read_as_utc(clock: str, file_time: str, utc: str) -> None:
    found, unclear = FileClock.parse(clock).to_utc(np.array([file_time], "datetime64[ns]"))
    assert found[0] == np.datetime64(utc)
    assert not unclear.any()


@pytest.mark.parametrize(
    ("open_in_file", "why"),
    [
        ("2024-03-03 17:00", "both on winter time"),
        ("2024-03-10 16:00", "the US alone on summer time"),
        ("2024-03-24 16:00", "the US alone on summer time"),
        ("2024-03-31 17:00", "both on summer time"),
        ("2024-10-27 16:00", "the EU alone back on winter time"),
        ("2024-11-03 17:00", "both on winter time"),
    ],
)
def test_every_session_opens_at_17_new_york(open_in_file: str, why: str) -> None:
    utc, _ = FileClock.parse("london-5h").to_utc(np.array([open_in_file], "datetime64[ns]"))
    assert pd.Timestamp(utc[0], tz="UTC").tz_convert("America/New_York").strftime("%a %H:%M") == "Sun 17:00", why


def test_the_hours_that_a_change_of_summer_time_skips_or_repeats_are_unclear() -> None:
    times = np.array(["2024-03-30 20:30", "2024-10-26 20:30", "2024-10-26 21:00"], "datetime64[ns]")
    utc, unclear = FileClock.parse("london-5h").to_utc(times)
    assert unclear.tolist() == [True, True, False]
    assert utc[1] == np.datetime64("2024-10-27 00:30"), "the earlier of the two"


@given(st.datetimes(pd.Timestamp("2000-01-01"), pd.Timestamp("2037-12-31")), st.sampled_from(["london-5h", "UTC-5"]))
def test_what_the_clock_showed_is_what_it_is_read_as(moment: pd.Timestamp, clock: str) -> None:
    file_clock = FileClock.parse(clock)
    shown = file_clock.from_utc(pd.DatetimeIndex([moment], tz="UTC"))
    utc, unclear = file_clock.to_utc(shown)
    assert unclear[0] or utc[0] == np.datetime64(moment)


@pytest.mark.parametrize("name", ["", "London", "UTC-25", "UTC+5.5", "../etc/passwd", "London-6h", "America"])
def test_a_clock_of_no_such_name_is_refused(tmp_path: Path, name: str, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(RequestRefused, match=re.escape(repr(name))) as refused:
        load_bars(write(tmp_path, rows()), clock=name)
    assert str(refused.value).replace(repr(name), "<clock>") == snapshot


def test_bars_say_what_the_file_showed_and_which_clock_that_was(tmp_path: Path) -> None:
    bars = load_bars(write(tmp_path, rows("2024-07-02 10:00:00")), clock="Europe/Athens")
    assert bars.clock == "Europe/Athens"
    assert bars.file_time[0] == np.datetime64("2024-07-02 10:00")
    assert bars.frame.index[0] == pd.Timestamp("2024-07-02 07:00", tz="UTC")
    assert str(bars.frame.index.dtype) == "datetime64[ns, UTC]"
    assert bars.frame.index.name == "timestamp"


def test_the_real_sessions_open_and_close_at_17_new_york(real_bars: Path) -> None:
    index = load_bars(real_bars).frame.index
    new_york = index.tz_convert("America/New_York")
    weekend = np.flatnonzero(np.diff(trading_day(index)) > np.timedelta64(2, "D")) + 1
    opens = new_york[weekend].strftime("%a %H:%M").value_counts()
    assert opens.index[0] == "Sun 17:00"
    assert opens.iloc[0] > 0.8 * len(weekend)
    assert new_york.strftime("%a %H:%M").isin(["Sun 16:45", "Fri 17:00", "Fri 17:15", "Sat 12:00"]).sum() == 0
