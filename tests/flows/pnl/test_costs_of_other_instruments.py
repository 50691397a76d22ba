"""What positions in other instruments come to, against figures computed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from flows.instruments import find_instrument
from flows.instruments.spreads import Spreads
from flows.pnl.account import Swap, TradedBars, account

SWAP = Swap(long=0.9, short=-1.4)


def bars(
    name: str, opens: list[str], closes: list[float], swap: Swap = SWAP, zone: str = "America/New_York"
) -> TradedBars:
    """Bars that open then on the zone's clock; the last close is only what the last bar's move goes to."""
    instrument = find_instrument(name)
    index = pd.DatetimeIndex(opens).tz_localize(zone).tz_convert("UTC")
    moves = np.diff(closes) * instrument.pips
    spreads = Spreads.parse(instrument.costs.spreads).pips(index)
    return TradedBars(index, moves, spreads, swap, instrument)


def test_usdjpy_over_three_hours() -> None:
    # Long at 145.00, 145.25 an hour later; kept, 145.10; then short, 144.90. London: 0.7 pips (03:00 to 12:00).
    # Gross: +25.0 - 15.0 + 20.0 = 30.0. Legs: open, close, open, close = 4 halves of 0.7 = 1.4. Net 28.6.
    book = account(
        [1, 1, -1], bars("USDJPY_H1", [f"2024-06-04 {hour:02}:00" for hour in (4, 5, 6)], [145.0, 145.25, 145.1, 144.9])
    )
    assert book.gross == pytest.approx([25.0, -15.0, 20.0])
    assert book.cost == pytest.approx([0.35, 0.35, 0.7])
    assert book.result("all").net == pytest.approx(28.6)


@pytest.mark.parametrize(
    ("name", "day", "nights"),
    [
        ("USDJPY_H1", "2024-06-04", 1.0),  # Tuesday
        ("USDJPY_H1", "2024-06-05", 3.0),  # Wednesday: settles over the weekend
        ("USDCAD_H1", "2024-06-05", 1.0),
        ("USDCAD_H1", "2024-06-06", 3.0),  # settles in one day: Thursday
    ],
)
def test_a_position_over_the_close_is_financed(name: str, day: str, nights: float) -> None:
    # Bars of an hour: the one that opens at 16:00 is the last of its trading day.
    # USDJPY long gets 0.9 pips a night, short pays 1.4; a position that is closed there gets nothing.
    held = bars(name, [f"{day} {hour}:00" for hour in (15, 16, 17)], [1.0, 1.0, 1.0, 1.0])
    assert held.nights.tolist() == [0.0, nights, 0.0]
    assert account([1, 1, 1], held).financing.sum() == pytest.approx(0.9 * nights)
    assert account([-1, -1, -1], held).financing.sum() == pytest.approx(-1.4 * nights)
    assert account([1, 1, 0], held).financing.sum() == 0.0


def test_usdjpy_pays_the_wide_spread_of_the_rollover() -> None:
    # Opened and closed on the bar that opens at 17:00: twice half of 4.0 pips; its move is in no sum.
    book = account([0, 1, 0], bars("USDJPY_H1", [f"2024-06-04 {hour}:00" for hour in (15, 17, 18)], [145.0] * 4))
    assert book.cost.tolist() == [0.0, 4.0, 0.0]
    assert book.bars.rollover.tolist() == [False, True, False]


def test_bitcoin_is_financed_every_night_at_midnight_utc() -> None:
    # Saturday and Sunday nights too, once each. A pip is a dollar: 60,000 to 60,150 is 150 pips; 20 are paid.
    opens = ["2024-06-08 23:30", "2024-06-08 23:45", "2024-06-09 00:00"]
    held = bars("BTCUSD", opens, [60_000.0, 60_100.0, 60_120.0, 60_150.0], Swap(-12.0, 3.0), "UTC")
    assert held.nights.tolist() == [0.0, 1.0, 0.0]
    book = account([1, 1, 1], held)
    assert (book.gross.sum(), book.cost.sum(), book.financing.sum()) == pytest.approx((150.0, 20.0, -12.0))
    assert np.unique(held.day).astype(str).tolist() == ["2024-06-08", "2024-06-09"]


def test_gold_is_counted_in_ten_cents() -> None:
    book = account([1], bars("XAUUSD", ["2024-06-04 09:00"], [2_000.0, 2_001.5]))
    assert book.gross.tolist() == pytest.approx([15.0])
    assert book.cost.tolist() == pytest.approx([2.5])
