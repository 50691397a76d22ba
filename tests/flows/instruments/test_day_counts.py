"""What a day, a month and a year are follows from bar length and hours; for GBPUSD M15 it is what it always was."""

from __future__ import annotations

import pytest

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.scoring import days
from flows.gate.scoring.scores import TRAILING_BARS, TRAILING_MINIMUM
from flows.instruments import GBPUSD_M15, DayCounts, find_instrument
from flows.night.nightly_rule import DAYS


def test_gbpusd_of_15_minutes_counts_as_the_constants_say() -> None:
    counts = GBPUSD_M15.counts
    assert counts == DayCounts(bars=96, half_day=48, year=250, four_weeks=20, month=2_000, week=500)
    assert counts.half_day == days.MINIMUM_BARS
    assert (counts.month, counts.week) == (TRAILING_BARS, TRAILING_MINIMUM)
    assert counts.year == NIGHTS_A_YEAR
    assert counts.four_weeks == DAYS
    assert (GBPUSD_M15.slots, GBPUSD_M15.pips) == (96, 10_000)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("USDJPY_H1", DayCounts(24, 12, 250, 20, 500, 125)),
        ("EURUSD_M5", DayCounts(288, 144, 250, 20, 6_000, 1_500)),
        ("EURUSD_H4", DayCounts(6, 3, 250, 20, 125, 31)),
        ("EURUSD_D1", DayCounts(1, 1, 250, 20, 100, 25)),
        ("XAUUSD", DayCounts(92, 46, 250, 20, 1_917, 479)),  # an hour of pause a day
        ("BTCUSD", DayCounts(96, 48, 350, 28, 2_800, 700)),  # seven trading days a week
    ],
)
def test_others_count_by_the_same_rule(name: str, counts: DayCounts) -> None:
    assert find_instrument(name).counts == counts
