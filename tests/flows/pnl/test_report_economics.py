"""Pips after costs, checked against a backtest written the other way: position by position, trade by trade."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import GateRefused
from flows.pnl.pips import gross, result, spread_share
from flows.pnl.spreads import DEFAULT, Spreads

BAR = timedelta(minutes=15)
NEW_YORK = ZoneInfo("America/New_York")
HALF_SPREADS = {  # by hour of New York, as a broker's page would list them
    **dict.fromkeys((18, 19, 20, 21, 22, 23, 0, 1, 2), 0.6),
    **dict.fromkeys(range(3, 12), 0.4),
    **dict.fromkeys(range(12, 17), 0.5),
    17: 2.0,
}


@dataclass
class Account:
    """One unit of GBPUSD, traded by hand."""

    cash: float = 0.0
    paid: float = 0.0
    closed: int = 0
    side: int = 0
    by_hour: dict[int, float] = field(default_factory=dict)

    def trade(self, side: int, at: pd.Timestamp) -> None:
        """Go from the present side to another one (0 is flat), paying half a spread a leg."""
        legs = abs(side - self.side)
        self.closed += int(self.side != 0 and side != self.side)
        self.paid += legs * half_spread(at)
        self.side = side

    def move(self, pips: float, at: pd.Timestamp) -> None:
        self.cash += self.side * pips
        hour = at.tz_convert(NEW_YORK).hour
        self.by_hour[hour] = self.by_hour.get(hour, 0.0) + self.side * pips


def half_spread(at: pd.Timestamp) -> float:
    clock = at.tz_convert(NEW_YORK)
    return 2.0 if (clock.hour, clock.minute) == (16, 45) else HALF_SPREADS[clock.hour]


def by_hand(opens: pd.DatetimeIndex, says_up: list[bool], pips: list[float]) -> Account:
    """Walk the bars: close what is open where its last bar was not the one before, then take tonight's side."""
    account, last = Account(), None
    for at, up, move in zip(opens, says_up, pips, strict=True):
        wanted = 1 if up else -1
        if last is not None and (at - last != BAR or account.side != wanted):
            account.trade(0, last)
        if account.side != wanted:
            account.trade(wanted, at)
        account.move(move, at)
        last = at
    if last is not None:
        account.trade(0, last)
    return account


@given(
    start=st.integers(0, 700),
    bars=st.lists(st.tuples(st.booleans(), st.floats(-50, 50), st.booleans()), min_size=1, max_size=150),
)
@settings(max_examples=150, deadline=None)
def test_the_sum_is_what_trading_by_hand_comes_to(start: int, bars: list[tuple[bool, float, bool]]) -> None:
    steps = np.cumsum([1 + 7 * gap for _, _, gap in bars])
    opens = pd.DatetimeIndex(pd.Timestamp("2024-03-08 00:00", tz="UTC") + (start + steps) * BAR)  # summer time begins
    up, pips = [each for each, _, _ in bars], [each for _, each, _ in bars]
    account = by_hand(opens, up, pips)
    spreads = Spreads.parse(DEFAULT)
    days = np.asarray(opens.tz_localize(None)).astype("datetime64[D]")
    crossed = spread_share(opens, np.array(up))
    found = result("all", gross(np.array(up), np.array(pips)), crossed, spreads.pips(opens), days)
    assert found.gross == pytest.approx(account.cash, abs=1e-9)
    assert found.cost == pytest.approx(account.paid, abs=1e-9)
    assert found.net == pytest.approx(account.cash - account.paid, abs=1e-9)
    assert found.trades == account.closed


def test_sessions_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(5)
    opens = pd.date_range("2024-06-03", periods=700, freq="15min", tz="UTC")
    up, pips = rng.random(700) > 0.4, rng.normal(0, 4, 700)
    spreads, days = Spreads.default(), np.repeat(np.arange(7), 100)
    crossed, earned = spread_share(opens, up), gross(up, pips)
    whole = result("all", earned, crossed, spreads.pips(opens), days)
    place = spreads.session_of(opens)
    parts = [
        result(each.name, earned[place == n], crossed[place == n], spreads.pips(opens)[place == n], days[place == n])
        for n, each in enumerate(spreads.sessions)
    ]
    for name in ("bars", "trades", "gross", "cost", "net"):
        assert sum(getattr(part, name) for part in parts) == pytest.approx(getattr(whole, name))


def test_at_the_spread_it_breaks_even_nothing_is_left() -> None:
    rng = np.random.default_rng(6)
    opens = pd.date_range("2024-06-03", periods=500, freq="15min", tz="UTC")
    pips = rng.normal(0, 3, 500)
    up = pips + rng.normal(0, 9, 500) > 0
    days = np.repeat(np.arange(5), 100)
    even = result("all", gross(up, pips), spread_share(opens, up), np.full(500, 1.0), days).break_even
    assert even is not None
    assert even > 0
    assert result("all", gross(up, pips), spread_share(opens, up), np.full(500, even), days).net == pytest.approx(
        0, abs=1e-9
    )


def test_the_error_is_that_of_days_not_of_bars() -> None:
    """Bars of a day that are all alike are one observation."""
    days = np.repeat(np.arange(40), 90)
    pips = np.repeat(np.random.default_rng(7).normal(0, 1, 40), 90)
    opens = pd.date_range("2024-06-03", periods=pips.size, freq="15min", tz="UTC")
    up = np.ones(pips.size, np.bool_)
    found = result("all", gross(up, pips), spread_share(opens, up), np.ones(pips.size), days)
    assert found.error == pytest.approx(pips[::90].std(ddof=1) / np.sqrt(40))
    assert result("day", pips[:90], np.zeros(90), np.ones(90), days[:90]).error is None


def test_one_side_for_good_is_one_trade() -> None:
    opens = pd.date_range("2024-06-03 08:00", periods=8, freq="15min", tz="UTC")
    assert spread_share(opens, np.ones(8, np.bool_)).tolist() == [0.5, 0, 0, 0, 0, 0, 0, 0.5]
    assert spread_share(opens[:0], np.ones(0, np.bool_)).size == 0


@pytest.mark.parametrize(
    ("up", "pips"),
    [
        (np.array([True]), np.array([1.0, 2.0])),
        (np.array([True]), np.array([np.nan])),
        (np.ones((2, 2), bool), np.ones(4)),
    ],
)
def test_moves_that_are_not_known_are_refused(up: Any, pips: Any) -> None:
    with pytest.raises(GateRefused):
        gross(up, pips)


def test_bars_out_of_order_are_refused() -> None:
    opens = pd.date_range("2024-06-03", periods=3, freq="15min", tz="UTC")
    with pytest.raises(GateRefused, match="in order of time"):
        spread_share(opens[::-1], np.ones(3, np.bool_))
