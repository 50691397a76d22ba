"""What the log of a night says of its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.night.steps import gather
from flows.operations.orchestrator.log_lines import gathered
from tests.flows.nights import Nights, at, quick_calibration, short_bars


def test_the_first_night_says_that_the_past_was_scored_and_later_ones_say_how_many_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
    nights = Nights(tmp_path, short_bars(tmp_path / "bars"))

    def lines(day: int) -> list[str]:
        return [*gathered(gather(nights.context(at(day))))]

    (first,) = lines(3)
    assert "60 trading days" in first and first == snapshot(name="first night")
    nights(at(3))
    (second,) = lines(4)
    assert " 96 bars " in second and "61 trading days" in second and second == snapshot(name="second night")
    (again,) = lines(4)
    assert " 0 bars " in again and again == snapshot(name="repeated after a crash")
