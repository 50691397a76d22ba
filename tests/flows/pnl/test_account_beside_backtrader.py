"""The account beside a public back-testing library: backtrader, given the same positions, comes to the same pips.

backtrader knows nothing of ours: it keeps orders, fills, trades, commissions and cash itself. A row of its feed is the
time that a position of ours is held for, from the bar's close to the next one's, so an order at a row's open is a fill
at the bar's close; after the last bar before a gap there is a row on which nothing moves, to close at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import backtrader
import numpy as np
import pandas as pd
import pytest

from flows.gate.scoring.scores import trailing_rank
from flows.instruments.spreads import Spreads
from flows.pnl.account import Positions, Swap, TradedBars, account
from flows.pnl.trading_rules import TradingRule

PIP = 0.0001
CASH = 1e6
NEW_YORK = "America/New_York"
QUARTER = timedelta(minutes=15)
SWAP = Swap(long=-0.7, short=0.2)
RULES = ("always", "aside 0.3 0.7", "enter 0.8 leave 0.5", "aside 0.4 0.6, hold 8, hours 03:00-12:00")


class Feed(backtrader.feeds.PandasData):
    """Prices, and what a broker adds: half a spread to open at this row, to close at it, and the nights that a position
    kept from the row before is financed for."""

    lines = ("opening", "closing", "nights")
    params = (("opening", -1), ("closing", -1), ("nights", -1))


class Broker(backtrader.CommInfoBase):
    """Half of the spread a leg, in pips of one unit; interest where a night was crossed."""

    params = (
        ("stocklike", False),
        ("commtype", backtrader.CommInfoBase.COMM_FIXED),
        ("mult", 1.0 / PIP),
        ("margin", 1.0),
        ("feed", None),
        ("held", None),
    )

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        half = self.p.feed.closing[0] if self.p.held().size else self.p.feed.opening[0]
        return abs(size) * half

    def get_credit_interest(self, data: Feed, pos: backtrader.Position, dt: object) -> float:
        return -data.nights[0] * (SWAP.long if pos.size > 0 else SWAP.short)


@dataclass
class Booked:
    """What backtrader booked: pips of each trade before costs, what was paid for it in commission and interest, and the
    account's value after each row."""

    gross: list[float] = field(default_factory=list)
    paid: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)


class Follows(backtrader.Strategy):
    """Goes to the wanted position at each row's open: out of the old one, then into the new one."""

    params = (("wanted", ()), ("booked", None))

    def next_open(self) -> None:
        side = self.p.wanted[len(self.data) - 1]
        if side != self.position.size:
            if self.position.size:
                self.close()
            if side:
                (self.buy if side > 0 else self.sell)(size=1)

    def next(self) -> None:
        self.p.booked.value.append(self.broker.getvalue())

    def notify_trade(self, trade: backtrader.Trade) -> None:
        if trade.isclosed:
            self.p.booked.gross.append(trade.pnl)
            self.p.booked.paid.append(trade.commission)


def backtraded(rows: pd.DataFrame, wanted: list[int]) -> Booked:
    booked, engine = Booked(), backtrader.Cerebro(stdstats=False, cheat_on_open=True)
    feed = Feed(dataname=rows)
    engine.adddata(feed)
    engine.broker.set_cash(CASH)
    engine.broker.set_checksubmit(False)
    engine.broker.addcommissioninfo(Broker(feed=feed, held=lambda: engine.broker.getposition(feed)))
    engine.addstrategy(Follows, wanted=wanted, booked=booked)
    engine.run()
    return booked


@cache
def market() -> TradedBars:
    """Seven weeks of open market around the night that summer time begins in New York, with bars missing here and
    there."""
    every = pd.date_range("2024-02-11 22:00", "2024-03-29 21:00", freq="15min", tz="UTC", inclusive="left")
    clock = every.tz_convert(NEW_YORK)
    week = clock.day_of_week * 24 + clock.hour
    rng = np.random.default_rng(11)
    opens = every[((week < 4 * 24 + 17) | (week >= 6 * 24 + 17)) & (rng.random(every.size) > 0.004)]
    return TradedBars(opens, 4.0 * rng.standard_t(4, opens.size), Spreads.default().pips(opens), SWAP)


def positions(rule: str) -> Positions:
    bars = market()
    p = np.random.default_rng(5).beta(8, 8, bars.opens.size)
    rank = trailing_rank(p)
    return TradingRule.parse(rule).positions(bars, up=p > 0.5, rank=rank)


def in_rows(bars: TradedBars, position: Positions) -> tuple[pd.DataFrame, list[int]]:
    """The feed of these bars and the position wanted on each of its rows, by the calendar alone: prices stand still in
    the rollover hour, whose moves are counted apart."""
    rows, wanted, price, before = [], [], 1.25, np.nan
    for number, (at, side, spread) in enumerate(zip(bars.opens, position.tolist(), bars.spread_pips, strict=True)):
        clock, end = at.tz_convert(NEW_YORK), at + QUARTER
        apart = (clock.hour, clock.minute) == (16, 45) or clock.hour == 17
        crossed = (clock.hour, clock.minute) == (17, 0) and number > 0 and at - bars.opens[number - 1] == QUARTER
        nights = (3 if clock.day_name() == "Wednesday" else 1) if crossed else 0
        then = price + (0.0 if apart else float(bars.move_pips[number]) * PIP)
        day = (clock.tz_localize(None) + timedelta(hours=7)).normalize()
        day += timedelta(days={"Sunday": 1}.get(day.day_name(), 0))
        rows.append((at, price, then, spread / 2, before / 2, nights, day))
        wanted.append(side)
        price, before = then, spread
        if number + 1 == len(bars.opens) or bars.opens[number + 1] != end:
            rows.append((end, price, price, np.nan, spread / 2, 0, day))
            wanted.append(0)
    frame = pd.DataFrame(rows, columns=["at", "open", "close", "opening", "closing", "nights", "day"])
    frame["high"], frame["low"] = frame[["open", "close"]].max(axis=1), frame[["open", "close"]].min(axis=1)
    return frame.set_index("at").tz_localize(None), wanted


@pytest.mark.parametrize("rule", RULES)
def test_each_trade_and_each_day_comes_to_what_backtrader_books(rule: str) -> None:
    bars, position = market(), positions(rule)
    rows, wanted = in_rows(bars, position)
    book, booked = account(position, bars), backtraded(rows, wanted)

    begins = (position != 0) & ~(bars.follows & (np.append(0, position[:-1]) == position))
    trade, held = np.cumsum(begins), position != 0
    ours = pd.DataFrame({"gross": book.earned, "paid": book.cost - book.financing})[held].groupby(trade[held]).sum()
    assert len(ours) == book.legs.sum() / 2 > 100
    np.testing.assert_allclose(booked.gross, ours["gross"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(booked.paid, ours["paid"], rtol=0, atol=1e-6)
    assert (book.financing < 0).any() == (book.financing > 0).any() == ("hours" not in rule)

    by_day = pd.Series(np.diff(booked.value, prepend=CASH)).groupby(rows["day"].to_numpy()).sum()
    nights = (
        pd.DataFrame({"ours": book.financing, "theirs": np.append(0.0, book.financing[:-1])}).groupby(bars.day).sum()
    )
    daily = book.by_day()
    np.testing.assert_array_equal(by_day.index.to_numpy().astype("datetime64[D]"), daily.day)
    # a night is paid on the day that it ends in ours, and in theirs when it is over, on the first row of the next day
    np.testing.assert_allclose(by_day, daily.net - nights["ours"] + nights["theirs"], rtol=0, atol=1e-6)
