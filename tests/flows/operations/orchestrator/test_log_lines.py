"""What the log of a night says of its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.night.steps import gather
from flows.operations.orchestrator.log_lines import gathered
from tests.flows.nights import Nights, at, quick_calibration, short_bars


def test_the_first_night_says_that_the_past_was_scored_and_later_ones_say_how_many_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
    nights = Nights(tmp_path, short_bars(tmp_path / "bars"))

    def lines(day: int) -> list[str]:
        return [*gathered(gather(nights.context(at(day))))]

    assert lines(3) == ["evidence: the past scored by walk-forward; 60 trading days in all"]
    nights(at(3))
    assert lines(4) == ["evidence: 96 bars scored for the first time; 61 trading days in all"]
    assert lines(4) == ["evidence: 0 bars scored for the first time; 61 trading days in all"], "repeated after a crash"
