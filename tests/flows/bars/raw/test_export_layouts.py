"""The same bars are read from every layout that an export may have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars.clock import FileClock
from flows.bars.raw import Layout, read_export
from flows.bars.raw.layouts import column_map, described
from flows.bars.raw.rules import RawRule
from flows.errors import RequestRefused
from tests.flows.bars.raw import exports

BARS = exports.minutes("2024-01-02 10:00", "2024-01-02 11:30")
CLOCK = FileClock.parse("UTC-5")
UTC_TIMES = (BARS.index + pd.Timedelta(hours=5)).to_numpy("datetime64[ns]")


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (exports.histdata, "HistData"),
        (exports.metatrader, "MetaTrader 5"),
        (exports.metatrader_4, "MetaTrader 4"),
        (exports.plain, "CSV"),
    ],
)
def test_a_known_layout_is_recognised(write: Callable[[pd.DataFrame], bytes], name: str) -> None:
    found = read_export("x.csv", write(BARS), clock=CLOCK)
    assert (found.faults, found.repairs, found.layout, found.minutes) == ((), (), name, 1)
    assert (found.time == UTC_TIMES).all()
    assert (found.prices == BARS.to_numpy()).all()


def test_columns_of_other_names_are_mapped_and_the_rest_is_ignored() -> None:
    lines = [
        f"x|{when:%d/%m/%Y}|{when:%H.%M}|{row.close}|{row.open}|{row.low}|{row.high}" for when, row in BARS.iterrows()
    ]
    content = "\n".join(["id|Day|Hour|C|O|L|H", *lines, ""]).encode()
    layout = described(column_map("time=Day+Hour,open=O,high=H,low=L,close=C"), "|", "%d/%m/%Y %H.%M")
    found = read_export("x.csv", content, clock=CLOCK, layout=layout)
    assert found.faults == ()
    assert (found.prices == BARS.to_numpy()).all() and (found.time == UTC_TIMES).all()


def test_a_zone_that_is_written_wins_over_the_clock() -> None:
    for zone, hours in (("Z", 0), ("+00:00", 0), ("+0530", -5.5), ("-05:00", 5)):
        found = read_export("x.csv", exports.plain(BARS, zone), clock=CLOCK)
        assert found.faults == ()
        assert (found.time == (BARS.index + pd.Timedelta(hours=hours)).to_numpy("datetime64[ns]")).all()


def test_metatrader_without_seconds_with_a_mark_and_other_line_ends_is_read_alike() -> None:
    content = b"\xef\xbb\xbf" + exports.metatrader(BARS).replace(b":00\t", b"\t").replace(b"\r\n", b"\n")
    found = read_export("x.csv", content, clock=CLOCK)
    assert found.faults == () and (found.time == UTC_TIMES).all()


@pytest.mark.parametrize("step", [1, 5, 15])
def test_the_length_of_a_bar_shows_in_the_steps(step: int) -> None:
    bars = exports.minutes("2024-01-02 10:00", "2024-01-02 16:00", step=step)
    assert read_export("x.csv", exports.histdata(bars), clock=CLOCK).minutes == step


def test_a_line_that_stands_there_twice_is_taken_once_and_told(snapshot: SnapshotAssertion) -> None:
    content = exports.histdata(BARS)
    first, rest = content.split(b"\n", 1)
    found = read_export("x.csv", b"\n".join([first, first, rest]), clock=CLOCK)
    assert found.faults == () and found.time.size == len(BARS)
    (repair,) = found.repairs
    assert repair.startswith("x.csv: 1 bars") and repair == snapshot


def test_seven_hours_ahead_of_new_york_is_what_metatrader_servers_show() -> None:
    winter, summer = np.array(["2024-01-02T00:00", "2024-07-02T00:00"], "datetime64[ns]")
    clock = FileClock.parse("America/New_York+7h")
    assert (
        clock.to_utc(np.array([winter, summer]))[0] == np.array(["2024-01-01T22:00", "2024-07-01T21:00"], "M8[ns]")
    ).all()


@pytest.mark.parametrize(
    ("columns", "delimiter", "said"),
    [
        ("ope=O", None, "there is no part ope"),
        ("open", None, "is not understood"),
        ("open=", None, "is not understood"),
        ("open=O,open=P", None, "is not understood"),
        ("open=O", "comma", "write one sign"),
        ("open=O", ".", "write one sign"),
        ("", "", "write one sign"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(columns: str, delimiter: str | None, said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        described(column_map(columns), delimiter, None)


@pytest.mark.parametrize(
    ("time_format", "written"),
    [
        ("%d/%m/%Y %H:%M %z", lambda when: f"{when:%d/%m/%Y %H:%M} +0200"),
        ("%d/%m/%Y %H:%M%z", lambda when: f"{when:%d/%m/%Y %H:%M}+02:00"),
        ("%z %b %d %y, %I:%M %p", lambda when: f"{when:+0200 %b %d %y, %I:%M %p}"),
    ],
)
def test_a_form_of_time_may_hold_the_offset(time_format: str, written: Callable[[pd.Timestamp], str]) -> None:
    lines = [f"{written(when)};{row.open};{row.high};{row.low};{row.close}" for when, row in BARS.iterrows()]
    content = "\n".join(["timestamp;open;high;low;close", *lines, ""]).encode()
    found = read_export("x.csv", content, clock=CLOCK, layout=described({}, ";", time_format))
    assert found.faults == () and found.zoned
    assert (found.time == (BARS.index - pd.Timedelta(hours=2)).to_numpy("datetime64[ns]")).all()


def test_a_time_without_the_offset_that_its_form_has_is_a_fault() -> None:
    layout = described({}, None, "%Y-%m-%d %H:%M:%S%z")
    found = read_export("x.csv", exports.plain(BARS), clock=CLOCK, layout=layout)
    assert {fault.rule for fault in found.faults} == {RawRule.TIMESTAMP}
    assert sum(1 + fault.more for fault in found.faults) == len(BARS)


@pytest.mark.parametrize(
    "time_format", ["%Q", "%Y-%m-%d %H:%M %Z", "%", "%Y %Y", "yyyy-mm-dd", "", "%-d", "%Y %", "%%"]
)
def test_a_form_of_time_that_cannot_be_used_is_refused(time_format: str) -> None:
    with pytest.raises(RequestRefused, match="--time-format"):
        described({}, None, time_format)


def test_what_is_wrong_with_a_form_of_time_is_said(snapshot: SnapshotAssertion) -> None:
    with pytest.raises(RequestRefused) as refused:
        described({}, None, "%Y-%m-%d %Q")
    assert str(refused.value) == snapshot


def test_nothing_described_is_no_layout() -> None:
    assert described({}, None, None) is None
    assert isinstance(described({}, "tab", None), Layout)
