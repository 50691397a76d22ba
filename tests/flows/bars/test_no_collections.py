"""The collector of cycles waits while bars are read, and is as it was afterwards."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from flows.bars import load_bars
from flows.errors import BarsMissing


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
