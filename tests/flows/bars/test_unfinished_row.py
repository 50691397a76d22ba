"""A last line without a line end may be half written: it is left out, and that is said."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.bars import load_bars
from tests.flows.bars.bar_files import HEADER, rows, write

FILE = "GBPUSD_M15_2024_features.csv"
WHOLE = "\n".join([HEADER, *rows(), ""]).encode()
LAST_BEGINS = WHOLE.rindex(b"\n", 0, -1) + 1


def test_a_whole_row_without_its_line_end_is_left_out_and_said(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    (tmp_path / FILE).write_bytes(WHOLE[:-1])
    bars = load_bars(tmp_path)
    assert len(bars.frame) == 11
    (note,) = bars.repairs
    assert note.startswith(f"{FILE}: row 13 left out") and note == snapshot


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(LAST_BEGINS, len(WHOLE) - 1))
def test_wherever_a_writer_is_at_work_the_bars_are_those_before(tmp_path: Path, cut: int) -> None:
    (tmp_path / FILE).write_bytes(WHOLE[:cut])
    bars = load_bars(tmp_path)
    assert len(bars.frame) == 11 and bars.frame["rsi_14"].iloc[-1] == 50.5
    assert len(bars.repairs) == (cut > LAST_BEGINS)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("2024-01-02 13:00:00,1.25,1.26,1.24,1.25,5", False),
        ("2024-01-02 13:00:00,", False),
        ("2024-01-02 13:00:00", True),  # its time may go on
        ("2024-01-02 1", True),
        ("2024-01-02 12:45:00,1.25,1.26,1.24,1.25,5", True),
    ],
)
def test_an_unfinished_row_that_had_not_closed_at_the_as_of_leaves_no_trace(
    tmp_path: Path, last: str, said: bool
) -> None:
    path = write(tmp_path, rows()) / FILE
    path.write_bytes(path.read_bytes() + last.encode())
    bars = load_bars(tmp_path, as_of=datetime(2024, 1, 2, 18, tzinfo=UTC))
    assert len(bars.frame) == 12
    assert bool(bars.repairs) == said
