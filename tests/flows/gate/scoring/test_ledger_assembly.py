"""Sheets put together: the later one counts, a day scored anew voids what was there, live is told from backfilled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from flows.gate.scoring.ledger import (
    NightScores,
    StreamScores,
    assemble,
    minutes,
    recipe_stream,
    version_stream,
    without_replaced_days,
)
from tests.flows.gate.nightly_cases import bars, sheets


def a_sheet(night: str, opens: list[int], p: list[float], *, live: bool = True, **values: object) -> NightScores:
    """A sheet of one stream; opens are in quarters of an hour after midnight UTC of 3 June 2024."""
    begin = int(np.datetime64("2024-06-03", "m").astype(np.int64))
    column = np.array([begin + 15 * at for at in opens], dtype=np.int64)
    series = (StreamScores("recipe:a", "a", f"v{night[-1]}", 0.5, np.array(p, dtype=float)),)
    made = NightScores(night, live, column, np.zeros(len(opens)), {"2024-06-03": night}, series)
    return replace(made, **values)


def test_nothing_is_an_empty_ledger() -> None:
    found = assemble([])
    assert found.opens.size == found.label.size == 0
    assert dict(found.streams) == {} and found.live_nights == ()


def test_of_two_sheets_that_speak_of_a_bar_the_later_one_counts() -> None:
    first = a_sheet("2024-06-03", [1, 2], [0.1, 0.2])
    later = a_sheet("2024-06-04", [2, 3], [0.7, 0.8], label=np.ones(2))
    found = assemble([first, later])
    assert found.streams["recipe:a"].p.tolist() == [0.1, 0.7, 0.8]
    assert found.label.tolist() == [0.0, 1.0, 1.0]
    assert found.days == {"2024-06-03": "2024-06-04"}
    assert found.streams["recipe:a"].last_version == "v4"


def test_a_bar_that_a_later_sheet_did_not_ask_about_keeps_its_score() -> None:
    found = assemble([a_sheet("2024-06-03", [1, 2], [0.1, 0.2]), a_sheet("2024-06-04", [1, 2], [np.nan, 0.7])])
    assert found.streams["recipe:a"].p.tolist() == [0.1, 0.7]


def test_a_day_scored_anew_voids_what_was_there() -> None:
    first = a_sheet("2024-06-03", [1, 2, 3], [0.1, 0.2, 0.3])
    again = a_sheet("2024-06-04", [1, 2], [np.nan, 0.7], replaced=("2024-06-03",))
    found = assemble([first, again])
    assert found.opens.size == 2  # the third bar is gone from the file
    assert np.array_equal(found.streams["recipe:a"].p, [np.nan, 0.7], equal_nan=True)


def test_a_day_scored_anew_leaves_the_other_days_alone() -> None:
    made = bars(4)
    nights = sheets(made, {"recipe:a": made.said(0.1, 1)}, live_from=0)
    empty = replace(nights[-1], opens=nights[0].opens[:0], label=nights[0].label[:0], streams=(), days={})
    kept = without_replaced_days([*nights[:3], replace(empty, replaced=(nights[1].night,))])
    assert [sheet.opens.size for sheet in kept] == [64, 0, 64, 0]
    assert [dict(sheet.days) for sheet in kept][:3] == [nights[0].days, {}, nights[2].days]


def test_a_day_scored_anew_twice_has_the_last_scores() -> None:
    again = [a_sheet(f"2024-06-0{n}", [1], [n / 10], replaced=("2024-06-03",)) for n in (4, 5)]
    found = assemble([a_sheet("2024-06-03", [1, 2], [0.1, 0.2]), *again])
    assert found.streams["recipe:a"].p.tolist() == [0.5]


def test_a_backfill_is_told_from_a_live_night() -> None:
    found = assemble([a_sheet("2024-06-03", [1], [0.1], live=False), a_sheet("2024-06-04", [2], [0.2])])
    assert found.streams["recipe:a"].live.tolist() == [False, True]
    assert found.live_nights == ("2024-06-04",)


def test_a_stream_that_came_later_has_no_score_before() -> None:
    other = (StreamScores("version:v1", "a", "v1", 0.4, np.array([0.9])),)
    found = assemble([a_sheet("2024-06-03", [1], [0.1]), a_sheet("2024-06-04", [2], [0.2], streams=other)])
    assert found.streams["version:v1"].scored.tolist() == [False, True]
    assert found.streams["recipe:a"].scored.tolist() == [True, False]
    assert np.array_equal(found.streams["version:v1"].cut, [np.nan, 0.4], equal_nan=True)


def test_the_rollover_hour_is_in_the_ledger_and_does_not_count() -> None:
    found = assemble([a_sheet("2024-06-03", [80, 83, 87, 88], [0.1] * 4)])  # 20:45 UTC is 16:45 New York
    assert found.counted.tolist() == [True, False, False, True]
    assert found.day.astype(str).tolist() == ["2024-06-03", "2024-06-03", "2024-06-04", "2024-06-04"]


def test_minutes_are_the_same_whatever_unit_and_zone_the_index_has() -> None:
    opens = pd.DatetimeIndex(["2024-06-03T10:00", "2024-06-03T10:15"], tz="UTC")
    assert minutes(opens).tolist() == [28_623_480, 28_623_495]
    for other in (opens.as_unit("s"), opens.as_unit("us").tz_convert("America/New_York")):
        assert minutes(pd.DatetimeIndex(other)).tolist() == minutes(opens).tolist()


@pytest.mark.parametrize(
    ("key", "text"), [(recipe_stream("ab12"), "recipe:ab12"), (version_stream("v3"), "version:v3")]
)
def test_a_stream_is_named_after_what_it_follows(key: str, text: str) -> None:
    assert key == text


def test_the_last_version_is_who_scored_the_newest_bar_not_who_scored_a_corrected_day_anew() -> None:
    first = a_sheet("2024-06-03", [1, 2], [0.1, 0.2])
    later = a_sheet("2024-06-04", [3], [0.3])
    both = StreamScores("recipe:a", "a", "v4", 0.5, np.array([np.nan, np.nan, 0.4]))
    again = StreamScores("recipe:a", "a", "v3", 0.5, np.array([0.1, 0.2, np.nan]))
    corrected = a_sheet("2024-06-05", [1, 2, 4], [0.0] * 3, streams=(both, again))
    found = assemble([first, later, corrected])
    assert found.streams["recipe:a"].last_version == "v4"
    assert found.streams["recipe:a"].p.tolist() == [0.1, 0.2, 0.3, 0.4]
