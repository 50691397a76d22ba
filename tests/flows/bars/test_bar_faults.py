"""What is wrong with a file is said with its name, its row and how to mend it, and all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import load_bars
from flows.bars.checks import WrongTimes, check_rows
from flows.bars.rows import LINES_READ, read_rows
from flows.errors import BarsMissing, BarsRejected, RequestRefused
from flows.instruments import GBPUSD_M15
from tests.flows.bars.bar_files import HEADER, bar, rows, write

FILE = "GBPUSD_M15_2024_features.csv"

# A sound file (header and 12 bars), what spoils it, the row that must be named, words that must be there.
SPOILT: dict[str, tuple[Callable[[list[str]], list[str]], int, str]] = {
    "a timestamp is no date": (lambda f: swap(f, 4, "2024-01-02 10:30:00", "2024-13-02 10:30:00"), 4, "YYYY-MM-DD"),
    "a timestamp is day first": (lambda f: swap(f, 4, "2024-01-02", "02/01/2024"), 4, "YYYY-MM-DD"),
    "a timestamp is empty": (lambda f: swap(f, 5, "2024-01-02 10:45:00", ""), 5, "YYYY-MM-DD"),
    "a timestamp is quoted": (lambda f: swap(f, 3, "2024-01-02 10:15:00", '"2024-01-02 10:15:00"'), 3, "YYYY-MM-DD"),
    "a timestamp is an hour that is none": (lambda f: swap(f, 3, "10:15:00", "25:15:00"), 3, "YYYY-MM-DD"),
    "one timestamp has a zone": (lambda f: swap(f, 4, "10:30:00", "10:30:00+00:00"), 4, "no zone"),
    "one timestamp says Z": (lambda f: swap(f, 4, "10:30:00", "10:30:00Z"), 4, "no zone"),
    "a bar opens off the grid": (lambda f: swap(f, 6, "11:00:00", "11:01:00"), 6, "quarter of an hour"),
    "a bar opens a millisecond late": (lambda f: swap(f, 6, "11:00:00", "11:00:00.001"), 6, "quarter of an hour"),
    "a bar is of the year before": (lambda f: [*f, bar("2023-12-29 10:00:00")], 14, "year in the file's name"),
    "a bar is of another century": (lambda f: [*f, bar("9999-12-29 10:00:00")], 14, "year in the file's name"),
    "two bars of one time differ": (lambda f: [*f, bar("2024-01-02 10:30:00", 3)], 14, "also in row 4"),
    "a feature is missing": (lambda f: swap(f, 7, ",45.5", ","), 7, "rsi_14 = ''"),
    "a feature is NaN": (lambda f: swap(f, 7, ",45.5", ",nan"), 7, "rsi_14 = 'nan'"),
    "a feature is infinite": (lambda f: swap(f, 7, ",45.5", ",-inf"), 7, "finite number"),
    "a feature is a word": (lambda f: swap(f, 7, ",45.5", ",high"), 7, "rsi_14 = 'high'"),
    "a number is Python's alone": (lambda f: swap(f, 7, ",45.5", ",4_5.5"), 7, "rsi_14 = '4_5.5'"),
    "a price is zero": (lambda f: swap(f, 8, ",1.24900,", ",0,"), 8, "above zero"),
    "a price is negative": (lambda f: swap(f, 8, ",1.24900,", ",-1.24900,"), 8, "above zero"),
    "high is below low": (lambda f: swap(f, 8, ",1.24900,", ",1.26000,"), 8, "is above high_15m"),
    "close is below low": (lambda f: swap(f, 2, ",1.24900,1.25000,", ",1.24900,1.24800,"), 2, "is above close_15m"),
    "open is above high": (lambda f: swap(f, 2, ",1.25000,1.25020,", ",1.25100,1.25020,"), 2, "open_15m = 1.25100"),
    "the last line is cut in its numbers": (lambda f: [*f[:-1], f[-1][:30]], 13, "truncated"),
    "the last line is cut in its time": (lambda f: [*f[:-1], f[-1][:12]], 13, "truncated"),
    "a line has a field too many": (lambda f: swap(f, 9, ",1.24900,", ",1.24900,,"), 9, "7 of 6 fields"),
    "decimal commas": (lambda f: [f[0], f[1].replace(".", ","), *f[2:]], 2, "written with a point"),
    "the delimiter is a semicolon": (lambda f: [line.replace(",", ";") for line in f], 1, "by ';'"),
    "the delimiter is a tab": (lambda f: [line.replace(",", "\t") for line in f], 1, "by a tab"),
    "no timestamp column": (lambda f: ["time" + f[0][9:], *f[1:]], 1, "no column timestamp"),
    "no close column": (lambda f: [f[0].replace("close_15m", "price"), *f[1:]], 1, "no column close_15m"),
    "no feature a recipe needs": (lambda f: [f[0].replace("rsi_14", "rsi"), *f[1:]], 1, "no column rsi_14"),
    "a column stands twice": (lambda f: [f[0].replace("rsi_14", "open_15m"), *f[1:]], 1, "twice"),
    "a header and no bar": (lambda f: f[:1], 1, "no bar"),
    "the clock skips this time": (lambda f: [*f, bar("2024-03-30 20:30:00")], 14, "twice or never"),
    "the clock shows this time twice": (lambda f: [*f, bar("2024-10-26 20:30:00")], 14, "twice or never"),
}


def swap(lines: list[str], row: int, old: str, new: str) -> list[str]:
    """``lines`` with ``old`` replaced in one row, counted from 1."""
    assert old in lines[row - 1]
    return [line.replace(old, new, 1) if at == row else line for at, line in enumerate(lines, start=1)]


@pytest.mark.parametrize("spoil", SPOILT)
def test_each_fault_is_named_with_file_row_and_how_to_mend_it(tmp_path: Path, spoil: str) -> None:
    change, row, words = SPOILT[spoil]
    header, *lines = change([HEADER, *rows()])
    write(tmp_path, lines, header=header)
    with pytest.raises(BarsRejected) as rejected:
        load_bars(tmp_path, require=("rsi_14",))
    message = str(rejected.value)
    assert f"{FILE} row {row}: " in message
    assert words in message
    assert ": " in message.split("- ")[1].splitlines()[0], "the rule comes with how to mend it"


def test_the_sound_file_itself_has_no_fault(tmp_path: Path) -> None:
    assert len(load_bars(write(tmp_path, rows()), require=("rsi_14",)).frame) == 12


def test_every_fault_of_every_file_is_in_one_message(tmp_path: Path) -> None:
    write(tmp_path, swap(["", *rows("2023-05-02 10:00:00")], 2, "1.24900", "0")[1:], year=2023)
    spoilt = [*rows(), "2024-01-02 13:00:00,1.25,1.26,1.24", bar("2024-01-02 13:15:00+01:00"), bar("yesterday")]
    write(tmp_path, spoilt)
    with pytest.raises(BarsRejected) as rejected:
        load_bars(tmp_path)
    message = str(rejected.value)
    assert "4 faults" in message
    named = (
        "2023_features.csv row 2",
        "2024_features.csv row 14",
        "2024_features.csv row 15",
        "2024_features.csv row 16",
    )
    for place in named:
        assert place in message


def test_a_thousand_faults_of_one_rule_are_counted_not_listed(tmp_path: Path) -> None:
    lines = [line.replace("1.24900", "0") for line in rows(count=90)]
    with pytest.raises(BarsRejected) as rejected:
        load_bars(write(tmp_path, lines))
    message = str(rejected.value)
    assert "90 faults" in message
    assert "and 70 more" in message
    assert len(message.splitlines()) == 23


def test_a_year_of_minutes_is_read_to_a_bound_and_every_fault_read_is_counted(
    tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    minute = "2024-01-02 10:01:00,1.25,1.26,1.24,1.25,50"
    with pytest.raises(BarsRejected, match=f"{FILE}: 150,001 lines") as rejected:
        load_bars(write(tmp_path, [minute] * 150_000))
    message = str(rejected.value)
    assert f"{LINES_READ + 1} faults" in message and f"and {LINES_READ - 20} more" in message
    assert len(message) < 2_000
    assert message == snapshot


@pytest.mark.parametrize(
    "line",
    [
        "2024x01-02 10:00:00,1.25,1.26,1.24,1.25,50",
        "2024-01-02",
        "2024-01-02 10:00:00,1.25,1.26",
        "2024-01-02 10:00:00Z,1.25,1.26,1.24,1.25,50",
        "2025-01-02 10:00:00,1.25,1.26,1.24,1.25,50",
        "2024-01-02 10:00:00,1.25,1.26,1.24,x,50",
        "2024-01-02 10:00:00,1.25,1.26,-1,1.25,50",
        "2024-01-02 10:00:00,1.25,1.26,1.24,1.23,50",
    ],
)
def test_of_lines_that_all_break_a_rule_few_are_kept_and_all_counted(line: str) -> None:
    rows_ = read_rows(FILE, 2024, "\n".join([HEADER, *[line] * 5_000, ""]).encode())
    none = np.zeros(len(rows_.number), np.bool_)
    faults = check_rows(rows_, {}, WrongTimes(none, none), GBPUSD_M15.columns).faults
    assert len(faults) == 20
    assert sum(1 + fault.more for fault in faults) == 5_000
    assert [fault.row for fault in faults] == list(range(2, 22))


def test_a_bar_that_comes_a_thousand_times_with_other_values_is_counted(tmp_path: Path) -> None:
    lines = [bar("2024-01-02 10:00:00", number) for number in range(2)] * 500
    with pytest.raises(BarsRejected, match=r"500 faults(.|\n)*and 480 more"):
        load_bars(write(tmp_path, lines))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing is in it"),
        (b"\n\n", "nothing is in it"),
        (b"\xe9\x8b\x08\x00\xff\xfe", "zero bytes"),
        (b"timestamp,close_15m\n\xe9\xff,1\n", "byte 20 is not UTF-8"),
        ("timestamp,close_15m\n".encode("utf-16"), "it is UTF-16"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_as_a_whole(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BarsRejected, match=f"{FILE}: .*{words}"):
        load_bars(tmp_path)


@pytest.mark.parametrize("content", [HEADER, f"{HEADER}\n{rows()[0]}"])
def test_a_header_without_a_whole_row_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(BarsRejected, match=rf"{FILE} row 1: a header and no bar \(a last line without"):
        load_bars(tmp_path)


def test_files_of_different_columns_are_refused_with_the_file_that_has_the_column(
    tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    write(tmp_path, rows("2023-05-02 10:00:00"), year=2023)
    write(tmp_path, [line.rsplit(",", 1)[0] for line in rows()], header=HEADER.rsplit(",", 1)[0])
    with pytest.raises(BarsRejected, match=r"2024_features.csv row 1: .* rsi_14, .*2023_features.csv") as refused:
        load_bars(tmp_path)
    assert str(refused.value) == snapshot


@pytest.mark.parametrize("year", ["20x4", "24", "3024", "2024_old", "٢٠٢٢"])
def test_a_file_name_of_no_year_is_refused(tmp_path: Path, year: str) -> None:
    write(tmp_path, rows())
    (tmp_path / f"GBPUSD_M15_{year}_features.csv").write_text(HEADER)
    with pytest.raises(BarsRejected, match=f"{year}_features.csv: year = '{year}'"):
        load_bars(tmp_path)


def test_a_year_asked_for_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BarsMissing, match=r"no file of 2022, 2023 \(it holds 2024\)"):
        load_bars(write(tmp_path, rows()), years=(2022, 2023, 2024))


def test_a_misnamed_file_is_named_before_the_year_it_may_be_is_missed(tmp_path: Path) -> None:
    write(tmp_path, rows())
    (tmp_path / "GBPUSD_M15_20Z3_features.csv").write_text(HEADER)
    with pytest.raises(BarsRejected, match="year = '20Z3'"):
        load_bars(tmp_path, years=(2023, 2024))


def test_a_year_between_two_others_is_missed_unless_years_are_named(tmp_path: Path) -> None:
    write(tmp_path, rows("2022-05-02 10:00:00"), year=2022)
    write(tmp_path, rows())
    with pytest.raises(BarsMissing, match="no file of 2023"):
        load_bars(tmp_path)
    assert len(load_bars(tmp_path, years=(2024, 2022)).frame) == 24


def test_a_year_that_has_not_begun_at_the_as_of_is_missing(tmp_path: Path) -> None:
    write(tmp_path, rows("2023-05-02 10:00:00"), year=2023)
    write(tmp_path, rows())
    with pytest.raises(BarsMissing, match="2024 had not begun"):
        load_bars(tmp_path, as_of=datetime(2023, 6, 1, tzinfo=UTC), years=(2023, 2024))


def test_no_bar_before_the_as_of_is_an_empty_range(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(BarsMissing, match="2024-01-01 12:00") as refused:
        load_bars(write(tmp_path, rows()), as_of=datetime(2024, 1, 1, 12, tzinfo=UTC))
    assert str(refused.value) == snapshot


def test_a_folder_without_yearly_files_says_what_it_looked_for(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    (tmp_path / "GBPUSD_M15_2024.csv").write_text(HEADER)
    with pytest.raises(BarsMissing, match=r"GBPUSD_M15_\{year\}_features.csv") as refused:
        load_bars(tmp_path)
    assert str(refused.value) == snapshot


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BarsMissing, match="nowhere is not there"):
        load_bars(tmp_path / "nowhere")


@pytest.mark.parametrize("source", ["https://host/bars", "", "s3://"])
def test_a_source_of_another_kind_is_refused(source: str) -> None:
    with pytest.raises(RequestRefused):
        load_bars(source)


def test_an_as_of_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestRefused, match="no time zone"):
        load_bars(write(tmp_path, rows()), as_of=datetime(2024, 2, 1))  # noqa: DTZ001  # without a zone on purpose


def test_a_bar_that_has_the_fault_of_another_is_not_reported_twice(tmp_path: Path) -> None:
    lines = [*rows(), "2024-01-02 10:30:00,1.25,1.26,1.24,x,50"]
    with pytest.raises(BarsRejected, match="1 fault:"):
        load_bars(write(tmp_path, lines))
