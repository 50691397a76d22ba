"""What a stretch of bars comes to is taken from the account of all of them, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from flows.gate.scoring.ledger import Stream
from flows.gate.scoring.stream_account import stream_account
from flows.gate.scoring.stretches import StreamPips, StretchedBars
from flows.pnl.account import Swap, TradedBars
from flows.pnl.trading_rules import TradingRule

RULES = ("always", "aside 0.3 0.7", "enter 0.8 leave 0.5", "always, hold 8", "enter 0.8 leave 0.5, hours 03:00-12:00")


def nine_weeks(*, holes: int) -> TradedBars:
    """Whole weeks of bars, with weekends between them and some bars missing; moves and spreads by chance."""
    rng = np.random.default_rng(4)
    weeks = [pd.date_range(f"2024-01-{day}T22:00", periods=480, freq="15min", tz="UTC") for day in ("07", "14", "21")]
    opens = pd.DatetimeIndex(np.concatenate([week + pd.Timedelta(21 * n, "D") for n in range(3) for week in weeks]))
    opens = opens.tz_localize("UTC") if opens.tz is None else opens
    opens = opens[np.sort(rng.permutation(len(opens))[holes:])]
    spread = rng.uniform(0.5, 2.0, len(opens))
    return TradedBars(opens, rng.normal(0, 5, len(opens)), spread, swap=Swap(-0.6, 0.1))


def stream_of(bars: TradedBars) -> Stream:
    p = np.random.default_rng(9).normal(size=len(bars.opens)).cumsum() * 0.01 + 0.5
    return Stream("a", p, np.full(p.size, 0.5), np.ones(p.size, np.bool_), None)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("holes", [0, 60])
def test_a_stretch_comes_to_what_it_comes_to_alone(rule: str, holes: int) -> None:
    bars = nine_weeks(holes=holes)
    stream, trades = stream_of(bars), TradingRule.parse(rule)
    among = np.random.default_rng(5).random(len(bars.opens)) < 0.999
    chosen = StretchedBars(bars, among)
    pips, at = StreamPips(stream, chosen, trades, before=stream), np.flatnonzero(among)
    ends = [(0, at.size), (0, 1), (at.size - 1, at.size), (1_500, 1_502)]
    ends += [
        tuple(np.sort(pair)) for pair in np.random.default_rng(6).integers(0, at.size, (60, 2)) if pair[0] != pair[1]
    ]
    for begin, end in ends:
        alone = np.zeros(among.size, np.bool_)
        alone[at[begin:end]] = True
        expected = stream_account(stream, bars, alone, trades, before=stream).by_day()
        found = pips.by_day(chosen.stretch(int(begin), int(end)))
        for name in ("day", "net", "bars"):
            np.testing.assert_array_equal(
                getattr(found, name), getattr(expected, name), err_msg=f"{name} {begin} {end}"
            )


def test_who_holds_over_the_beginning_of_a_stretch_opens_there_and_pays_for_it() -> None:
    bars = nine_weeks(holes=0)
    long = replace(stream_of(bars), p=np.ones(len(bars.opens)))
    chosen = StretchedBars(bars, np.ones(len(bars.opens), np.bool_))
    pips = StreamPips(long, chosen, TradingRule.parse("always"))
    whole, later = (pips.by_day(chosen.stretch(begin, 480)).net[-1] for begin in (0, 460))
    assert whole != later
