"""What reading bars costs: the collector of cycles waits meanwhile, and of a file that is not checked yet its lines are
kept and no cells."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from flows.bars import load_bars
from flows.bars.rows import read_rows
from flows.errors import BarsMissing
from tests.flows.nights import YEAR_FILE


@pytest.fixture
def collections() -> Any:
    begun: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        begun.append(phase)

    gc.callbacks.append(note)
    yield begun
    gc.callbacks.remove(note)


def test_nothing_is_collected_while_bars_are_read(june: Path, collections: list[str]) -> None:
    load_bars(june)
    assert collections == []
    assert gc.isenabled()


def test_an_error_lets_it_go_on_and_one_that_is_off_stays_off(tmp_path: Path, june: Path) -> None:
    with pytest.raises(BarsMissing):
        load_bars(tmp_path)
    assert gc.isenabled()
    gc.disable()
    try:
        load_bars(june)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_of_a_file_that_is_not_checked_yet_the_lines_are_kept_and_no_cells(june: Path) -> None:
    content = (june / YEAR_FILE).read_bytes()
    tracemalloc.start()
    try:
        rows = read_rows(YEAR_FILE, 2024, content)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(rows.text) == len(rows.time)
    assert kept < 2.5 * len(content)
