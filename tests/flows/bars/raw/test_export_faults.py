"""What is wrong with an export is said with file, line and rule, all of it at once, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars.clock import FileClock
from flows.bars.raw import Choices, build, read_export
from flows.bars.raw.rules import RawRule
from flows.errors import BarsMissing, BarsRejected, RequestRefused
from tests.flows.bars.raw import exports

BARS = exports.minutes("2024-01-02 10:00", "2024-01-02 10:29", missing=0)
LINES = exports.histdata(BARS).decode().splitlines()
CLOCK = FileClock.parse("UTC")


def spoiled(line: int, old: str, new: str) -> bytes:
    """The sound export with ``old`` become ``new`` in one line, counted from 1."""
    assert old in LINES[line - 1]
    return "\n".join([*LINES[: line - 1], LINES[line - 1].replace(old, new, 1), *LINES[line:], ""]).encode()


def faults(content: bytes, **more: object) -> list[tuple[RawRule, int]]:
    return [(each.rule, each.row) for each in read_export("x.csv", content, clock=CLOCK, **more).faults]


@pytest.mark.parametrize(
    ("line", "old", "new", "rule"),
    [
        (3, ";", ",", RawRule.FIELDS),
        (3, ";0", "", RawRule.FIELDS),
        (3, "1.", "1,", RawRule.DECIMAL_COMMA),
        (3, "1.", "x.", RawRule.NUMBER),
        (3, "1.", "nan;", RawRule.FIELDS),
        (3, ";1.", ";-1.", RawRule.PRICE),
        (3, ";1.", ";3.", RawRule.RANGE),
        (3, "20240102", "20241302", RawRule.TIMESTAMP),
        (3, "20240102", "10240102", RawRule.TIMESTAMP),
        (3, "20240102 ", "2024-01-02 ", RawRule.TIMESTAMP),
        (3, "100200", "095900", RawRule.ORDER),
        (3, "100200", "100100", RawRule.DUPLICATE),
        (3, "100200", "100230", RawRule.OFF_GRID),
    ],
)
def test_a_spoiled_line_is_named(line: int, old: str, new: str, rule: RawRule) -> None:
    assert faults(spoiled(line, old, new)) == [(rule, line)]


@pytest.mark.parametrize("text", ["nan", "inf", "", "1_2"])
def test_a_price_that_is_no_finite_number_is_named(text: str) -> None:
    first = LINES[2].split(";")
    assert faults(spoiled(3, first[1], text)) == [(RawRule.NUMBER, 3)]


@pytest.mark.parametrize(
    ("content", "rule", "row"),
    [
        (b"", RawRule.EMPTY, 0),
        (b"\n \n", RawRule.EMPTY, 0),
        (b"timestamp,open,high,low,close\n", RawRule.EMPTY, 0),
        (b"\xff\xfe\x00", RawRule.NOT_TEXT, 0),
        ("\n".join(LINES).replace(";", ",").encode(), RawRule.LAYOUT, 1),
        (exports.plain(BARS).replace(b"close", b"last"), RawRule.LAYOUT, 1),
        (exports.plain(BARS).replace(b"open", b"close"), RawRule.LAYOUT, 1),
        (exports.metatrader(BARS).replace(b"<TIME>\t", b""), RawRule.LAYOUT, 1),
        (exports.metatrader(BARS).replace(b"\t", b" "), RawRule.LAYOUT, 1),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(content: bytes, rule: RawRule, row: int) -> None:
    assert faults(content) == [(rule, row)]


def test_times_of_which_some_carry_an_offset_are_refused_where_they_begin_to_differ() -> None:
    for usual, other in ((b"Z", b""), (b"+01:00", b""), (b"", b"Z")):
        lines = exports.plain(BARS, usual.decode()).splitlines()
        without = lines[5].replace(usual + b",", b",", 1)
        mixed = [*lines[:5], without.replace(b",", other + b",", 1), *lines[6:], b""]
        assert (RawRule.ZONE, 6) in faults(b"\n".join(mixed))


def test_an_hour_that_the_clock_skips_is_refused() -> None:
    bars = exports.minutes("2024-03-31 01:00", "2024-03-31 01:02", missing=0)
    found = read_export("x.csv", exports.histdata(bars), clock=FileClock.parse("Europe/London"))
    assert [(each.rule, each.row) for each in found.faults] == [(RawRule.SUMMER_TIME, row) for row in (1, 2, 3)]


@pytest.mark.parametrize("step", [30, 60])
def test_bars_of_more_than_a_quarter_of_an_hour_cannot_be_used(step: int) -> None:
    bars = exports.minutes("2024-01-02 10:00", "2024-01-02 22:00", step=step, missing=0)
    assert faults(exports.histdata(bars)) == [(RawRule.LENGTH, 0)]


def test_bars_that_do_not_fit_the_length_that_is_said_are_refused() -> None:
    assert faults(exports.histdata(BARS), minutes=15) == [(RawRule.LENGTH, 2)]


def test_every_fault_of_every_export_is_listed_and_nothing_is_written(
    tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    one = read_export("one.csv", spoiled(3, "1.", "x."), clock=CLOCK)
    two = read_export("two.csv", spoiled(5, "1.", "1,"), clock=CLOCK)
    with pytest.raises(BarsRejected, match=r"2 faults(.|\n)*two.csv row 5(.|\n)*one.csv row 3") as refused:
        build(tmp_path / "out", [one, two], Choices(clock="UTC"))
    assert str(refused.value) == snapshot
    assert list((tmp_path / "out").iterdir()) == []


def test_exports_that_contradict_each_other_are_refused(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    one = read_export("one.csv", exports.histdata(BARS), clock=CLOCK)
    two = read_export("two.csv", exports.histdata(BARS + 0.001), clock=CLOCK)
    with pytest.raises(BarsRejected, match=r"two.csv row 1: .* one.csv row 1") as refused:
        build(tmp_path, [one, two], Choices(clock="UTC"))
    assert str(refused.value) == snapshot


def test_exports_of_different_lengths_are_refused(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    long = exports.minutes("2024-01-03 10:00", "2024-01-03 16:00", step=15)
    both = [
        read_export(name, exports.histdata(bars), clock=CLOCK) for name, bars in (("m1.csv", BARS), ("m15.csv", long))
    ]
    with pytest.raises(BarsRejected, match=r"m1\.csv: .* 1 .* 15") as refused:
        build(tmp_path, both, Choices(clock="UTC"))
    assert str(refused.value) == snapshot


def test_no_export_and_too_few_bars_are_said_plainly(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(BarsMissing, match="no export was given"):
        build(tmp_path, [], Choices(clock="UTC"))
    with pytest.raises(BarsMissing, match=r"2 bars .* 500") as refused:
        build(tmp_path, [read_export("x.csv", exports.histdata(BARS), clock=CLOCK)], Choices(clock="UTC"))
    assert str(refused.value) == snapshot


def test_a_folder_that_others_filled_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "GBPUSD_M15_2023_features.csv"
    theirs.write_text("theirs")
    with pytest.raises(RequestRefused, match="was not built here"):
        build(tmp_path, [read_export("x.csv", exports.histdata(BARS), clock=CLOCK)], Choices(clock="UTC"))
    assert theirs.read_text() == "theirs"


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestRefused, match="cannot be written to"):
        build(tmp_path / "file", [read_export("x.csv", exports.histdata(BARS), clock=CLOCK)], Choices(clock="UTC"))
