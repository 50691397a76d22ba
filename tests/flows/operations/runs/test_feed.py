"""Bars arrive, late or not at all."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import write_sample
from flows.errors import BarsMissing, BarsRejected
from flows.operations.calendar import TradingCalendar
from flows.operations.runs.feed import DayBars, FeedFailed, bars_of, is_complete, run_feed, wait_for_bars
from tests.clocks import FixedClock

CLOSE = datetime(2024, 6, 5, 21, tzinfo=UTC)
CALENDAR = TradingCalendar()


def day(count: int, minutes_short: int | None = 0) -> DayBars:
    newest = None if minutes_short is None else CLOSE - timedelta(minutes=minutes_short)
    return DayBars(CLOSE.date(), count, newest)


def test_what_the_feed_says_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="flows.feed")
    assert run_feed("echo fetched 96 bars; echo of GBPUSD >&2", seconds=20) == "fetched 96 bars\nof GBPUSD"
    assert "feed: fetched 96 bars" in caplog.text


def test_a_feed_that_fails_says_how_and_what_it_said() -> None:
    with pytest.raises(FeedFailed, match=r"status 7.*no credentials"):
        run_feed("echo no credentials; exit 7", seconds=20)


def test_a_feed_that_hangs_is_ended_with_all_it_started(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    note = tmp_path / "pid"
    with pytest.raises(FeedFailed, match=r"0.5 s.*began") as refused:
        run_feed(f"echo began; sleep 60 & echo $! > {note}; wait", seconds=0.5)
    assert str(refused.value).replace(str(note), "<note>") == snapshot
    with pytest.raises(ProcessLookupError):
        _until_gone(int(note.read_text()))


def _until_gone(pid: int) -> None:
    for _ in range(100):
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError  # dead, and nobody has asked for its status yet
        run_feed("sleep 0.05", seconds=5)


def test_a_feed_that_leaves_something_running_does_not_hold_the_night_up() -> None:
    assert run_feed(f"{sys.executable} -c 'print(1)'; sleep 60 &", seconds=20) == "1"


def test_a_feed_that_is_no_program_is_told() -> None:
    with pytest.raises(FeedFailed, match="status 127"):
        run_feed("no-such-program-at-all", seconds=20)


@pytest.mark.parametrize(
    ("bars", "complete"),
    [
        (day(96), True),
        (day(64), True),  # holes within, but the day was ended
        (day(95, 15), False),  # the last bar is not there
        (day(47), False),  # half a day
        (day(0, None), False),
    ],
)
def test_a_day_is_complete_when_its_last_bar_and_half_of_all_are_there(bars: DayBars, complete: bool) -> None:
    assert is_complete(bars, CLOSE, CALENDAR) is complete


def test_a_short_day_is_complete_without_its_last_bars() -> None:
    close = datetime(2024, 12, 24, 22, tzinfo=UTC)
    assert is_complete(DayBars(close.date(), 60, close - timedelta(hours=4)), close, CALENDAR)
    assert not is_complete(DayBars(close.date(), 30, close - timedelta(hours=4)), close, CALENDAR)


def test_the_night_waits_until_the_last_bar_is_there() -> None:
    arriving = iter([day(0, None), day(80, 240), day(96)])
    clock = FixedClock(CLOSE)
    found = wait_for_bars(
        lambda: next(arriving),
        as_of=CLOSE,
        calendar=CALENDAR,
        clock=clock,
        limit=timedelta(hours=3),
        every=timedelta(minutes=5),
    )
    assert found.count == 96
    assert timedelta(minutes=10) <= clock.now() - CLOSE <= timedelta(minutes=11)


def test_bars_that_do_not_come_are_missing_data_and_the_message_says_what_there_is() -> None:
    with pytest.raises(BarsMissing, match=r"2024-06-05.*180 minutes.*80 bars.*17:00.*21:00 UTC"):
        wait_for_bars(
            lambda: day(80, 240),
            as_of=CLOSE,
            calendar=CALENDAR,
            clock=FixedClock(CLOSE),
            limit=timedelta(hours=3),
            every=timedelta(minutes=7),
        )


def test_the_bars_of_the_day_are_counted_and_no_later_ones(sample: Path) -> None:
    found = bars_of(str(sample), "london-5h", CLOSE)
    assert found == DayBars(CLOSE.date(), found.count, CLOSE) and 48 <= found.count <= 96


def test_a_year_that_has_no_file_yet_has_no_bars(sample: Path) -> None:
    assert bars_of(str(sample), "london-5h", datetime(2035, 6, 5, 21, tzinfo=UTC)).newest is None


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BarsMissing, match="nowhere"):
        bars_of(str(tmp_path / "nowhere"), "london-5h", CLOSE)


def test_bars_that_are_wrong_are_not_waited_for(tmp_path: Path) -> None:
    folder = write_sample(tmp_path / "bars")
    file = folder / "GBPUSD_M15_2024_features.csv"
    file.write_text(file.read_text().replace("close_15m", "price", 1))
    with pytest.raises(BarsRejected, match="close_15m"):
        bars_of(str(folder), "london-5h", CLOSE)
