"""Pips after costs, checked against backtests written other ways: by hand position by position, and over columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import GateRefused
from flows.instruments.spreads import DEFAULT, Spreads
from flows.pnl.account import Swap, TradedBars, account

BAR = timedelta(minutes=15)
NEW_YORK = ZoneInfo("America/New_York")
HALF_SPREADS = {  # by hour of New York, as a broker's page would list them
    **dict.fromkeys((18, 19, 20, 21, 22, 23, 0, 1, 2), 0.6),
    **dict.fromkeys(range(3, 12), 0.4),
    **dict.fromkeys(range(12, 17), 0.5),
    17: 2.0,
}
LONG, SHORT = -0.7, 0.2

BARS = st.lists(st.tuples(st.sampled_from((-1, 0, 1)), st.floats(-50, 50), st.booleans()), min_size=1, max_size=250)


def made(start: int, bars: list[tuple[int, float, bool]]) -> tuple[list[int], TradedBars]:
    """Bars from a quarter after 2024-03-08 on (summer time begins on the 10th), each with its position, its move and
    whether bars are missing before it."""
    steps = np.cumsum([1 + 7 * gap for _, _, gap in bars])
    opens = pd.DatetimeIndex(pd.Timestamp("2024-03-08 00:00", tz="UTC") + (start + steps) * BAR)
    moves = np.array([move for _, move, _ in bars])
    spreads = Spreads.parse(DEFAULT).pips(opens)
    return [side for side, _, _ in bars], TradedBars(opens, moves, spreads, Swap(LONG, SHORT))


@dataclass
class Hand:
    """One unit of GBPUSD, traded by hand: cash without the rollover hour, and what it made in it."""

    cash: float = 0.0
    apart: float = 0.0
    paid: float = 0.0
    financed: float = 0.0
    closed: int = 0
    side: int = 0

    def trade(self, side: int, at: pd.Timestamp) -> None:
        """Go from the present side to another one, paying half a spread a leg."""
        self.closed += int(self.side != 0 and side != self.side)
        self.paid += abs(side - self.side) * half_spread(at)
        self.side = side

    def move(self, pips: float, at: pd.Timestamp) -> None:
        clock = at.tz_convert(NEW_YORK)
        if (clock.hour, clock.minute) == (16, 45) or clock.hour == 17:
            self.apart += self.side * pips
        else:
            self.cash += self.side * pips

    def night(self, at: pd.Timestamp) -> None:
        clock = at.tz_convert(NEW_YORK)
        if (clock.hour, clock.minute) == (17, 0):
            times = 3 if clock.strftime("%A") == "Wednesday" else 1
            self.financed += times * {1: LONG, 0: 0.0, -1: SHORT}[self.side]


def half_spread(at: pd.Timestamp) -> float:
    clock = at.tz_convert(NEW_YORK)
    return 2.0 if (clock.hour, clock.minute) == (16, 45) else HALF_SPREADS[clock.hour]


def by_hand(bars: TradedBars, wanted: list[int]) -> Hand:
    """Walk the bars: close what is not to be kept where its last bar was, then open what is wanted."""
    hand, last = Hand(), None
    for at, side, pips in zip(bars.opens, wanted, bars.move_pips, strict=True):
        if last is not None and (at - last != BAR or hand.side != side):
            hand.trade(0, last)
        hand.night(at)
        if hand.side != side:
            hand.trade(side, at)
        hand.move(float(pips), at)
        last = at
    if last is not None:
        hand.trade(0, last)
    return hand


@given(start=st.integers(0, 700), bars=BARS)
@settings(max_examples=60, deadline=None)
def test_the_sum_is_what_trading_by_hand_comes_to(start: int, bars: list[tuple[int, float, bool]]) -> None:
    wanted, given_bars = made(start, bars)
    hand, book = by_hand(given_bars, wanted), account(wanted, given_bars)
    assert book.earned.sum() == pytest.approx(hand.cash, abs=1e-9)
    assert book.gross.sum() == pytest.approx(hand.cash + hand.apart, abs=1e-9)
    assert book.cost.sum() == pytest.approx(hand.paid, abs=1e-9)
    assert book.financing.sum() == pytest.approx(hand.financed, abs=1e-9)
    assert book.net.sum() == pytest.approx(hand.cash - hand.paid + hand.financed, abs=1e-9)
    assert book.legs.sum() == 2 * hand.closed


def over_columns(bars: TradedBars, wanted: list[int]) -> pd.DataFrame:
    """The account as a data frame would have it: positions on a grid of all quarters, flat where there is no bar."""
    clock = bars.opens.tz_convert(NEW_YORK)
    frame = pd.DataFrame({"side": wanted, "move": bars.move_pips, "spread": bars.spread_pips}, index=bars.opens)
    whole = frame.asfreq("15min")
    side = whole["side"].fillna(0)
    bought, sold = (side - side.shift(1, fill_value=0)).abs(), (side - side.shift(-1, fill_value=0)).abs()
    turned = side * side.shift(1, fill_value=0) < 0, side * side.shift(-1, fill_value=0) < 0
    bought[turned[0]], sold[turned[1]] = 1, 1  # a turn closes one unit and opens one: half of it on each side
    opened, closed = bought.where(side != 0, 0), sold.where(side != 0, 0)
    whole["cost"] = (opened + closed) * whole["spread"] / 2
    local = whole.index.tz_convert(NEW_YORK)
    over_night = np.array([f"{at:%H:%M}" == "16:45" for at in local]) & (closed.to_numpy() == 0)
    swap = side.map({1: LONG, 0: 0.0, -1: SHORT}) * np.array([3 if at.day_name() == "Wednesday" else 1 for at in local])
    whole["financing"] = swap.where(over_night, 0.0)
    found = whole.loc[bars.opens]
    found["gross"] = found["side"] * found["move"]
    found["apart"] = [f"{at:%H:%M}" == "16:45" or at.hour == 17 for at in clock]
    found["net"] = found["gross"].where(~found["apart"], 0.0) - found["cost"] + found["financing"]
    shifted = clock.tz_localize(None) + pd.Timedelta("7h")
    ends = pd.Series(shifted.normalize(), index=found.index)
    found["day"] = ends + pd.to_timedelta(ends.dt.day_of_week.map({5: 2, 6: 1}).fillna(0), unit="D")
    return found


@given(start=st.integers(0, 700), bars=BARS)
@settings(max_examples=60, deadline=None)
def test_each_bar_and_each_day_is_what_a_backtest_over_columns_has(
    start: int, bars: list[tuple[int, float, bool]]
) -> None:
    wanted, given_bars = made(start, bars)
    book, frame = account(wanted, given_bars), over_columns(given_bars, wanted)
    for name in ("gross", "cost", "financing", "net"):
        np.testing.assert_allclose(getattr(book, name), frame[name], rtol=0, atol=1e-9, err_msg=name)
    days, daily = frame.groupby("day"), book.by_day()
    np.testing.assert_array_equal(daily.day, days["net"].sum().index.to_numpy().astype("datetime64[D]"))
    np.testing.assert_allclose(daily.net, days["net"].sum(), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(daily.bars, (~frame["apart"]).groupby(frame["day"]).sum())


def whole_days(seed: int, days: int = 7) -> TradedBars:
    opens = pd.date_range("2024-06-03", periods=96 * days, freq="15min", tz="UTC")
    return TradedBars(opens, np.random.default_rng(seed).normal(0, 4, opens.size), Spreads.default().pips(opens))


def test_sessions_and_what_the_rollover_costs_add_up_to_the_whole() -> None:
    bars = whole_days(5)
    book = account(np.random.default_rng(6).integers(-1, 2, bars.move_pips.size), bars)
    place = Spreads.default().session_of(bars.opens)
    *parts, rollover = [book.result(each.name, place == n) for n, each in enumerate(Spreads.default().sessions)]
    whole = book.result("all")
    assert rollover.name == "rollover"
    assert sum(part.bars for part in parts) == whole.bars
    assert sum(part.gross for part in parts) == pytest.approx(whole.gross)
    assert sum(part.cost for part in (*parts, rollover)) == pytest.approx(whole.cost)
    assert sum(part.trades for part in (*parts, rollover)) == pytest.approx(whole.trades)
    assert rollover.gross == pytest.approx(book.gross.sum() - whole.gross)


def test_at_the_spread_it_breaks_even_nothing_is_left() -> None:
    bars = whole_days(6)
    position = np.where(bars.move_pips + np.random.default_rng(7).normal(0, 9, bars.move_pips.size) > 0, 1, -1)
    even = account(position, bars).result("all").break_even
    assert even is not None and even > 0
    again = TradedBars(bars.opens, bars.move_pips, np.full(bars.move_pips.size, even))
    assert account(position, again).result("all").net == pytest.approx(0, abs=1e-9)


def test_the_error_is_that_of_days_not_of_bars() -> None:
    """Bars of a day that are all alike are one observation."""
    opens = pd.date_range("2024-06-02 22:00", periods=96 * 5, freq="15min", tz="UTC")  # 18:00 New York on Sunday
    pips = np.repeat(np.random.default_rng(7).normal(0, 1, 5), 96)
    found = account(np.ones(pips.size), TradedBars(opens, pips, np.zeros(pips.size))).result("all")
    assert (found.days, found.bars) == (5, 91 * 5)
    assert found.gross_error == found.net_error == pytest.approx(pips[::96].std(ddof=1) / np.sqrt(5))
    one = account(np.ones(90), TradedBars(opens[:90], pips[:90], np.zeros(90))).result("day")
    assert (one.net_error, one.net_interval) == (None, None)


def test_one_side_for_good_is_one_trade() -> None:
    opens = pd.date_range("2024-06-03 08:00", periods=8, freq="15min", tz="UTC")
    bars = TradedBars(opens, np.ones(8), np.ones(8))
    assert account(np.ones(8), bars).legs.tolist() == [1, 0, 0, 0, 0, 0, 0, 1]
    assert account([0, 0, 1, -1, -1, 0, 1, 1], bars).legs.tolist() == [0, 0, 2, 1, 1, 0, 1, 1]
    assert account(np.zeros(8), bars).net.tolist() == [0.0] * 8


def test_a_night_is_financed_where_the_position_is_kept_and_three_times_on_wednesday() -> None:
    opens = pd.date_range("2024-06-04 20:30", periods=400, freq="15min", tz="UTC")  # Tuesday 16:30 New York on
    bars = TradedBars(opens, np.zeros(400), np.zeros(400), Swap(-0.7, 0.2))
    paid = {str(at): swap for at, swap in zip(opens, account(np.ones(400), bars).financing, strict=True) if swap}
    evenings = ["2024-06-04", "2024-06-05", "2024-06-06", "2024-06-07", "2024-06-08"]
    assert paid == {
        f"{day} 20:45:00+00:00": pytest.approx(3 * -0.7 if day == "2024-06-05" else -0.7) for day in evenings
    }
    turned = np.where(np.asarray(opens.hour >= 21), -1, 1)  # the side changes at 17:00
    assert not account(turned, bars).financing.any()


@pytest.mark.parametrize(
    ("moves", "spreads", "says"),
    [
        (np.ones(2), np.ones(3), "one of each a bar"),
        (np.array([1.0, np.nan, 1.0]), np.ones(3), "a move is not known"),
        (np.ones(3), np.array([1.0, -0.1, 1.0]), "a spread is below zero"),
        (np.ones(3), np.array([1.0, np.nan, 1.0]), "a spread is below zero or not known"),
    ],
)
def test_bars_that_cannot_be_counted_are_refused(moves: Any, spreads: Any, says: str) -> None:
    opens = pd.date_range("2024-06-03", periods=3, freq="15min", tz="UTC")
    with pytest.raises(GateRefused, match=says):
        account(np.ones(3), TradedBars(opens, moves, spreads))


@pytest.mark.parametrize("position", [[1, 1], [1, 2, 1], [0.5, 1, 1], [np.nan, 1, 1], [[1, 1, 1]]])
def test_what_is_no_position_is_refused(position: Any) -> None:
    opens = pd.date_range("2024-06-03", periods=3, freq="15min", tz="UTC")
    with pytest.raises(GateRefused, match="hand in −1, 0 or 1"):
        account(position, TradedBars(opens, np.ones(3), np.ones(3)))


def test_some_of_the_bars_are_what_they_were_among_all() -> None:
    bars = whole_days(8)
    some = np.random.default_rng(9).random(bars.move_pips.size) < 0.9
    found, fresh = bars.among(some), TradedBars(bars.opens[some], bars.move_pips[some], bars.spread_pips[some])
    for name in ("follows", "rollover", "day", "nights", "known"):
        np.testing.assert_array_equal(getattr(found, name), getattr(fresh, name), err_msg=name)


def test_bars_out_of_order_and_no_bars_are_refused() -> None:
    opens = pd.date_range("2024-06-03", periods=3, freq="15min", tz="UTC")
    with pytest.raises(GateRefused, match="in order of time"):
        TradedBars(opens[::-1], np.ones(3), np.ones(3))
    with pytest.raises(GateRefused, match="nobody: there is no bar"):
        account([], TradedBars(opens[:0], np.ones(0), np.ones(0))).result("nobody")
    with pytest.raises(GateRefused, match="two numbers of pips a night"):
        Swap(float("nan"), 0.0)
