"""Sheets as bytes: the same there and back, the same every time, and nothing unreadable taken for evidence."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import GateRefused
from flows.gate.scoring.ledger import NightScores, StreamScores, assemble, fold, from_bytes, to_bytes
from flows.gate.scoring.sight import LATE, LIVE, RESTATED, FirstSight

PROBABILITIES = st.one_of(st.just(np.nan), st.floats(0.0, 1.0))
NAMES = st.text(max_size=12)


@st.composite
def a_sheet(draw: st.DrawFn) -> NightScores:
    opens = np.array(sorted(draw(st.sets(st.integers(0, 2**27), max_size=6))), dtype=np.int64)
    n = opens.size

    def column(values: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=float)

    series = tuple(
        StreamScores(draw(NAMES), draw(NAMES), draw(st.none() | NAMES), draw(st.floats(0, 1)), column(PROBABILITIES))
        for _ in range(draw(st.integers(0, 3)))
    )
    days = draw(st.dictionaries(NAMES, NAMES, max_size=3))
    replaced = tuple(draw(st.lists(NAMES, max_size=2)))
    return NightScores(
        draw(NAMES), draw(st.booleans()), opens, column(st.sampled_from([0.0, 1.0])), days, series, replaced
    )


def same(one: NightScores, other: NightScores) -> bool:
    plain = (one.night, one.live, dict(one.days), one.replaced) == (
        other.night,
        other.live,
        dict(other.days),
        other.replaced,
    )
    columns = np.array_equal(one.opens, other.opens) and np.array_equal(one.label, other.label)
    return (
        plain
        and columns
        and len(one.streams) == len(other.streams)
        and all(map(same_stream, one.streams, other.streams))
    )


def same_stream(one: StreamScores, other: StreamScores) -> bool:
    named = (one.stream, one.name, one.version, one.cut) == (other.stream, other.name, other.version, other.cut)
    return named and one.p.tobytes() == other.p.tobytes()


SHEET = NightScores(
    "2024-06-03",
    True,
    np.array([15, 30], dtype=np.int64),
    np.array([0.0, 1.0]),
    {"2024-06-03": "mark"},
    (StreamScores("recipe:a", "a", "v1", 0.5, np.array([0.25, np.nan])),),
)


@given(st.lists(a_sheet(), max_size=4))
@settings(deadline=None)
def test_sheets_come_back_from_their_bytes_to_the_last_bit(sheets: list[NightScores]) -> None:
    data = to_bytes(sheets)
    read = from_bytes(data)
    assert len(read) == len(sheets) and all(map(same, read, sheets))
    assert to_bytes(read) == data


@given(st.lists(a_sheet(), max_size=5), st.integers(0, 5))
@settings(deadline=None)
def test_folding_files_keeps_every_sheet_in_order(sheets: list[NightScores], at: int) -> None:
    files = [to_bytes(sheets[:at]), to_bytes(sheets[at:])]
    assert fold(files) == to_bytes(sheets)
    assert fold([fold(files)]) == fold(files)


def test_the_order_in_which_days_were_put_in_changes_no_byte() -> None:
    days = {"2024-06-03": "x", "2024-06-04": "y"}
    backwards = dict(reversed(days.items()))
    one, other = (
        NightScores(SHEET.night, True, SHEET.opens, SHEET.label, each, SHEET.streams) for each in (days, backwards)
    )
    assert to_bytes([one]) == to_bytes([other])


def test_a_file_names_its_format_and_ends_with_a_line() -> None:
    data = to_bytes([SHEET])
    assert data.endswith(b"\n") and json.loads(data)["format"] == 1


def seen(standing: list[int]) -> NightScores:
    """The scores, made half an hour after the first bar's close."""
    codes, rows = np.array(standing, np.uint8), np.array([2**64 - 1, 7], np.uint64)
    inputs = {"2024-06-03": {"rsi_14": "00ff"}}
    restated = {"2024-06-03": ("rsi_14",)}
    return replace(SHEET, seen=FirstSight("1970-01-01T01:00:00.000000Z", codes, rows, inputs, restated))


@pytest.mark.parametrize(("standing", "number"), [([LIVE, LIVE], 1), ([LATE, LIVE], 2), ([LIVE, RESTATED], 2)])
def test_a_file_with_retrospective_scores_is_of_a_format_that_older_packages_refuse(
    standing: list[int], number: int
) -> None:
    """They would count them as live."""
    data = to_bytes([SHEET, seen(standing)])
    assert json.loads(data)["format"] == number and to_bytes(from_bytes(data)) == data
    read = from_bytes(data)[1]
    assert read.seen is not None and read.live_bars.tolist() == [code == LIVE for code in standing]
    assert read.seen.lag(read.opens).tolist() == [30, 15]
    assert assemble([read]).streams["recipe:a"].live.tolist() == [standing[0] == LIVE, False]  # the other has no score


@pytest.mark.parametrize(
    "values", [{"standing": "AA=="}, {"standing": "AAM="}, {"rows": ""}, {"at": "noon"}, {"rows": 3}]
)
def test_a_sight_of_other_bars_is_refused(values: dict[str, object]) -> None:
    whole = json.loads(to_bytes([seen([LIVE, LIVE])]))
    whole["sheets"][0]["seen"] |= values
    with pytest.raises(GateRefused):
        from_bytes(json.dumps(whole).encode())


def changed(**values: object) -> bytes:
    whole = json.loads(to_bytes([SHEET]))
    whole["sheets"][0] |= values
    return json.dumps(whole).encode()


def holding(**arrays: list[float]) -> bytes:
    """The scores with other arrays, as a forger packs them."""
    stream = replace(SHEET.streams[0], p=np.array(arrays.get("p", SHEET.streams[0].p)))
    opens, label = (np.array(arrays.get(name, getattr(SHEET, name))) for name in ("opens", "label"))
    return to_bytes([replace(SHEET, opens=opens, label=label, streams=(stream,))])


N = SHEET.opens.size


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (holding(p=[1.5] * N), "outside 0 to 1"),
        (holding(p=[-1e-116] * N), "outside 0 to 1"),  # less one half, that is exactly one half
        (holding(p=[np.inf] * N), "outside 0 to 1"),
        (holding(label=[7] * N), "outside 0 to 1"),
        (holding(opens=[*SHEET.opens[::-1]]), "out of order"),
        (holding(opens=[int(SHEET.opens[0])] * N), "out of order"),
        (holding(opens=[2**62 + n for n in range(N)]), "at no time"),
        (holding(opens=[-(2**62) + n for n in range(N)]), "at no time"),
    ],
)
def test_scores_that_are_none_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(GateRefused, match=says):
        from_bytes(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "unreadable"),
        (b"hello", "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (b"[]", "unreadable"),
        (b"{}", "'format'"),
        (b'{"format": 1}', "sheets is None"),
        (b'{"format": "one", "sheets": []}', "unreadable"),
        (b'{"format": 3, "sheets": []}', "format 3: upgrade"),
        (b'{"format": 1, "sheets": [3]}', "unreadable"),
        (to_bytes([SHEET])[:-40], "unreadable"),
        (changed(opens="not base64!"), "unreadable"),
        (changed(opens="AAAA"), "unreadable"),
        (changed(opens=7), "unreadable"),
        (changed(label="AQ=="), "2024-06-03 has columns of different lengths"),
        (changed(series=[{"stream": "recipe:a"}]), r"series\.0\.name is None"),
        (changed(days={"2024-05-01": 3}), r"days\.2024-05-01 is 3"),
        (changed(replaced="2024-05-01"), "expected a list"),
        (changed(live="yes"), "live is 'yes'"),
        (b"[" * 20_000, "unreadable"),
        (changed(series=[{"stream": "a", "name": "a", "version": None, "cut": 0.5, "p": ""}]), "different lengths"),
    ],
)
def test_bytes_that_are_no_sheets_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(GateRefused, match=says):
        from_bytes(data)
