"""Drawdowns counted by hand, and the best of many rules that hold nothing, which is seldom called more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from flows.errors import GateRefused
from flows.pnl.account import DailyPips
from flows.pnl.risk import risk
from flows.pnl.selection import best_of_many


def days(*net: float) -> DailyPips:
    day = np.busday_offset("2024-06-03", np.arange(len(net))).astype("datetime64[D]")
    return DailyPips(day, np.array(net, float), np.full(len(net), 91.0))


def test_a_drawdown_is_from_the_peak_to_the_lowest_after_it() -> None:
    felt = risk(days(5, -2, -4, 3, 4, -1, 2))
    assert (felt.drawdown, felt.drawdown_day) == (6.0, "2024-06-05")
    assert (felt.worst, felt.worst_day) == (-4.0, "2024-06-05")
    assert (felt.under_water, felt.still) == (3, False)


def test_who_loses_from_the_first_day_is_under_water_all_the_time() -> None:
    felt = risk(days(-1, -1, 0.5))
    assert (felt.drawdown, felt.under_water, felt.still) == (2.0, 3, True)
    calm = risk(days(1, 1, 0))
    assert (calm.drawdown, calm.under_water, calm.still, calm.worst) == (0.0, 0, False, 0.0)
    with pytest.raises(GateRefused):
        risk(days())


def test_the_best_of_many_rules_without_anything_is_seldom_called_more_than_chance() -> None:
    rng = np.random.default_rng(1)
    found = [best_of_many(rng.standard_t(3, (250, 1)) + rng.standard_t(3, (250, 40)), seed=n) for n in range(60)]
    assert sum(each.t > each.chance_t for each in found) <= 8  # 3 are expected; 9 come in one of two hundred
    assert sum(each.t > 1.96 for each in found) >= 12  # alone, the best of them would be believed
    assert np.mean([each.p for each in found]) > 0.3


def test_a_rule_that_earns_is_seen_among_many() -> None:
    rng = np.random.default_rng(2)
    pips = rng.normal(0, 10, (250, 40))
    pips[:, 7] += 4.0
    found = best_of_many(pips)
    assert (found.rules, found.best) == (40, 7) and found.t > found.chance_t and found.p < 0.01
    assert found.error[7] == pytest.approx(10 / np.sqrt(250), rel=0.15)


def test_a_rule_that_never_trades_is_looked_at_and_no_best() -> None:
    rng = np.random.default_rng(3)
    found = best_of_many(np.column_stack([np.zeros(250), rng.normal(-3, 1, 250)]))
    assert (found.rules, found.best) == (2, 1) and found.p > 0.99


@pytest.mark.parametrize("pips", [np.zeros((250, 3)), np.ones((19, 3)), np.ones(250)])
def test_too_little_to_tell_is_refused(pips: np.ndarray) -> None:
    with pytest.raises(GateRefused):
        best_of_many(pips)
