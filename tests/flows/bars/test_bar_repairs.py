"""What can be mended without a guess is mended, told, and makes no difference to the bars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import Bars, load_bars, prepare
from flows.errors import BarsRejected
from tests.flows.bars.bar_files import HEADER, bar, rows, write

FILE = "GBPUSD_M15_2024_features.csv"


@pytest.fixture
def sound(tmp_path: Path) -> Bars:
    (tmp_path / "sound").mkdir()
    return load_bars(write(tmp_path / "sound", rows()))


def shuffled() -> list[str]:
    lines = rows()
    return [*lines[6:9], *lines[:6], *lines[9:]]


REPAIRS: dict[str, tuple[Callable[[], bytes], str]] = {
    "order": (lambda: text(shuffled()), f"{FILE}: 1 step back in time (first at row 5), put in order"),
    "duplicates": (
        lambda: text([*rows(), rows()[3], rows()[3]]),
        f"{FILE}: 2 exact duplicates dropped (first at row 14)",
    ),
    "mark": (lambda: b"\xef\xbb\xbf" + text(rows()), f"{FILE}: byte order mark removed"),
    "line ends": (lambda: text(rows()).replace(b"\n", b"\r\n"), f"{FILE}: 12 rows ended in CRLF"),
}


def text(lines: list[str]) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_repair_is_told_and_changes_no_bar(tmp_path: Path, sound: Bars, repair: str) -> None:
    content, sentence = REPAIRS[repair]
    (tmp_path / FILE).write_bytes(content())
    bars = load_bars(tmp_path)
    assert sentence in bars.repairs
    assert bars.frame.equals(sound.frame)
    assert prepare(bars).fingerprint() == prepare(sound).fingerprint()


def test_a_sound_file_has_nothing_to_repair(sound: Bars) -> None:
    assert sound.repairs == ()


@pytest.mark.parametrize(
    "content",
    [
        text(rows()) + b"\n  \n",
        text(rows()) + b"  ",
        text(rows()).replace(b",", b" , "),
        text(rows()).replace(b"2024-01-02 ", b"2024-01-02T"),
        text(rows()).replace(b":00,", b",", 12),
    ],
    ids=["blank lines", "blanks without a line end", "spaces", "T", "no seconds"],
)
def test_other_ways_to_write_the_same_bars_need_no_repair(tmp_path: Path, sound: Bars, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    bars = load_bars(tmp_path)
    assert bars.frame.equals(sound.frame)
    assert bars.repairs == ()


def test_columns_in_another_order_give_the_same_fingerprint(tmp_path: Path, sound: Bars) -> None:
    turned = [",".join(line.split(",")[::-1]) for line in [HEADER, *rows()]]
    bars = load_bars(write(tmp_path, turned[1:], header=turned[0]))
    assert prepare(bars).fingerprint() == prepare(sound).fingerprint()


def test_files_with_columns_in_different_orders_are_joined_by_name(tmp_path: Path, sound: Bars) -> None:
    turned = [",".join([first, *others[::-1]]) for first, *others in (line.split(",") for line in [HEADER, *rows()])]
    write(tmp_path, rows("2023-12-29 10:00:00"), year=2023)
    bars = load_bars(write(tmp_path, turned[1:], header=turned[0]))
    assert bars.frame.iloc[12:].equals(sound.frame)


def test_a_bar_moved_back_in_time_is_no_duplicate_of_its_neighbour(tmp_path: Path) -> None:
    lines = rows()
    lines[5], lines[6] = lines[6], lines[5]
    frame = load_bars(write(tmp_path, lines)).frame
    assert len(frame) == 12
    assert frame.index.is_monotonic_increasing


def test_a_duplicate_that_differs_in_the_last_digit_is_not_repaired(tmp_path: Path) -> None:
    with pytest.raises(BarsRejected, match="row 14: '2024-01-02 10:00:00' is also in row 2"):
        load_bars(write(tmp_path, [*rows(), bar("2024-01-02 10:00:00").replace("1.24900", "1.24901")]))


def test_of_a_file_written_twice_the_second_half_is_the_duplicate(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    bars = load_bars(write(tmp_path, [*rows(count=90), *rows(count=90)]))
    assert len(bars.frame) == 90
    assert bars.repairs[-1].startswith(f"{FILE}: 90 ") and "row 92" in bars.repairs[-1]
    assert bars.repairs[-1] == snapshot


def test_numbers_are_the_nearest_float(tmp_path: Path) -> None:
    hard = "50.00000000000000355271367880050092935562133789062"
    frame = load_bars(write(tmp_path, [rows()[0].replace("40.5", hard)])).frame
    assert frame["rsi_14"].iloc[0] == float(hard)
    assert frame.dtypes.eq(np.float64).all()
