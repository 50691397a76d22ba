"""Trading rules: read as typed, and the positions that a loop over the bars, written apart, comes to."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import GateRefused, RequestRefused
from flows.pnl.account import TradedBars
from flows.pnl.trading_rules import ALWAYS, TradingRule

BAR = timedelta(minutes=15)
NEW_YORK = ZoneInfo("America/New_York")
TYPED = (
    "always",
    "aside 0.3 0.7",
    "aside 0 0.8",
    "aside 0.2 1",
    "enter 0.8 leave 0.5",
    "enter 0.75 leave 0.3",
    "enter 0.6 leave 0.6",
    "hold 8",
    "hours 03:00-12:00",
    "hours 22:00-04:15",
    "aside 0.4 0.9, hold 3",
    "enter 0.7 leave 0.35, hold 5, hours 18:00-16:00",
)


@pytest.mark.parametrize("text", TYPED)
def test_a_rule_is_told_as_it_is_typed_and_comes_back_from_its_record(text: str) -> None:
    rule = TradingRule.parse(text)
    assert str(rule) == text and TradingRule.parse(f"  {text.replace(',', ' ,  ')} ") == rule
    assert TradingRule.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule
    assert (rule == ALWAYS) == (text == "always") == (not rule.to_dict())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no part of one"),
        ("never", "'never' is no part of one: write always, or 'enter 0.8"),
        ("aside 0.7 0.3", "the lower one first"),
        ("aside 0.3 1.2", "quantiles from 0 to 1"),
        ("aside -0.3 0.7", "is no part of one"),
        ("enter 0.4 leave 0.4", "the lower one first"),
        ("enter 0.8 leave 0.9", "cannot be left at 0.9: give a quantile from 0.2 to 0.8"),
        ("enter 0.8 leave 0.1", "cannot be left at 0.1"),
        ("hold 0", "held for 0 bars"),
        ("hold 961", "held for 961 bars"),
        ("hold 2, hold 3", "'hold 3' is no part of one"),
        ("aside 0.3 0.7, enter 0.8 leave 0.5", "is no part of one"),
        ("hours 03:10-12:00", "two quarters of an hour"),
        ("hours 03:00-03:00", "two quarters of an hour"),
        ("hours 03:00-24:15", "two quarters of an hour"),
        ("hours 3-12", "is no part of one"),
    ],
)
def test_what_is_no_rule_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(RequestRefused, match=says):
        TradingRule.parse(text)


@pytest.mark.parametrize("values", [{"low": "a"}, {"patience": 3}, {"hold": True}, {"hours": 3}, {"leave": "x"}])
def test_a_record_of_anything_else_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(RequestRefused):
        TradingRule.from_dict(values)


def on(opens: pd.DatetimeIndex) -> TradedBars:
    return TradedBars(opens, np.zeros(len(opens)), np.zeros(len(opens)))


def by_loop(rule: str, opens: pd.DatetimeIndex, up: list[bool], rank: list[float]) -> list[int]:
    """What a trader would do who reads the rule's text, bar after bar."""
    words = {part.split()[0]: part.split()[1:] for part in rule.split(", ")}
    high, low, leave = 0.5, 0.5, None
    if "aside" in words:
        low, high = map(float, words["aside"])
    if "enter" in words:
        high, leave = float(words["enter"][0]), float(words["enter"][2])
        low = 1 - high
    begin, end = words["hours"][0].split("-") if "hours" in words else ("00:00", "24:00")
    hold = int(words["hold"][0]) if "hold" in words else 1
    by_cut = "aside" not in words and "enter" not in words
    found: list[int] = []
    side, entered, last = 0, 0, None
    for number, at in enumerate(opens):
        clock = at.tz_convert(NEW_YORK).strftime("%H:%M")
        open_for_business = begin <= clock < end if begin < end else clock >= begin or clock < end
        if (last is not None and at - last != BAR) or not open_for_business:
            side = 0
        last = at
        asleep = "16:45" <= clock < "18:00"
        if open_for_business and not asleep and (side == 0 or number - entered >= hold):
            q = (rank[number] + 1) / 2
            if by_cut:
                wanted = 1 if up[number] else -1
            elif q > high:
                wanted = 1
            elif q < low:
                wanted = -1
            elif leave is not None and side and (q > leave if side == 1 else q < 1 - leave):
                wanted = side
            else:
                wanted = 0
            if wanted != side and wanted != 0:
                entered = number
            side = wanted
        found.append(side)
    return found


RANKS = st.one_of(st.floats(-1, 1).map(lambda rank: round(rank, 3) + 1e-4), st.just(float("nan")))


@pytest.mark.parametrize("text", TYPED)
@given(
    start=st.integers(0, 700),
    bars=st.lists(st.tuples(st.booleans(), RANKS, st.integers(0, 30).map(lambda n: n == 0)), min_size=1, max_size=200),
)
@settings(max_examples=25, deadline=None)
def test_positions_are_what_a_loop_over_the_bars_comes_to(
    text: str, start: int, bars: list[tuple[bool, float, bool]]
) -> None:
    steps = np.cumsum([1 + 7 * gap for _, _, gap in bars])
    opens = pd.DatetimeIndex(pd.Timestamp("2024-03-08 00:00", tz="UTC") + (start + steps) * BAR)
    up, rank = [each for each, _, _ in bars], [each for _, each, _ in bars]
    found = TradingRule.parse(text).positions(on(opens), up=np.array(up), rank=np.array(rank))
    assert found.tolist() == by_loop(text, opens, up, rank)


def test_a_position_is_kept_through_the_rollover_hour_and_no_bar_there_opens_one() -> None:
    opens = pd.date_range("2024-06-04 20:00", periods=12, freq="15min", tz="UTC")  # 16:00 New York to 19:00
    up = np.array([True, True, True, False, False, True, False, True, False, False, False, True])
    found = ALWAYS.positions(on(opens), up=up, rank=np.zeros(12))
    assert found.tolist() == [1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, 1]
    assert ALWAYS.positions(on(opens[3:]), up=up[3:], rank=np.zeros(9)).tolist() == [0, 0, 0, 0, 0, -1, -1, -1, 1]
    early = TradingRule.parse("hours 18:00-16:30").positions(on(opens), up=up, rank=np.zeros(12))
    assert early.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, -1, -1, -1, 1]


def test_a_rank_at_a_quantile_is_not_beyond_it() -> None:
    opens = pd.date_range("2024-06-04 08:00", periods=4, freq="15min", tz="UTC")
    rule = TradingRule.parse("aside 0.25 0.75")
    assert rule.positions(on(opens), up=np.ones(4, bool), rank=np.array([0.5, -0.5, 0.501, -0.501])).tolist() == [
        0,
        0,
        1,
        -1,
    ]


def test_sides_and_ranks_of_other_bars_are_refused() -> None:
    opens = pd.date_range("2024-06-04 08:00", periods=4, freq="15min", tz="UTC")
    with pytest.raises(GateRefused, match="one of each a bar"):
        ALWAYS.positions(on(opens), up=np.ones(3, bool), rank=np.zeros(4))
