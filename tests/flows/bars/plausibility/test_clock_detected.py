"""The clock that fits the weekends of some bars, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flows.bars import load_bars
from flows.bars.clock import FileClock
from flows.bars.plausibility import SeenBars
from flows.bars.plausibility.clock import DetectedClock, detect


@pytest.mark.parametrize("clock", ["london-5h", "UTC", "Europe/Athens", "UTC+3"])
def test_the_clock_of_files_is_seen_by_their_weekends(sample: Path, clock: str) -> None:
    seen = SeenBars.of(load_bars(sample))
    times = FileClock.parse(clock).from_utc(load_bars(sample).frame.index)
    there = replace(seen, file_time=times)
    found = detect(there)
    assert found is not None and (found.stamped, found.sure) == ("open", True)
    assert (FileClock.parse(found.name).to_utc(times)[0] == seen.opens).mean() > 0.99


def test_few_weekends_are_not_sure(sample: Path) -> None:
    seen = SeenBars.of(load_bars(sample))
    week = seen.opens < seen.opens[0] + 10 * 24 * 3_600 * 10**9
    few = replace(
        seen,
        opens=seen.opens[week],
        file_time=seen.file_time[week],
        columns={name: column[week] for name, column in seen.columns.items()},
    )
    found = detect(few)
    assert found is not None and found.weekends < 3 and not found.sure
    assert not DetectedClock("UTC", "open", 90, 100).sure and DetectedClock("UTC", "open", 98, 100).sure
