"""The guard on what is left after costs: counted right, holds back and never promotes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.gate.nightly.costs import NetLeads
from flows.gate.nightly.policy import GatePolicy
from flows.instruments.spreads import spread_by_hour
from flows.pnl.account import TradedBars
from flows.pnl.trading_rules import TradingRule
from tests.flows.gate.nightly_cases import CHAMPION, bars, candidate, judged, ledger

MADE = bars(60)
UP = MADE.label == 1.0
GOOD, FLAT = MADE.said(2.0, 1), np.full(MADE.label.size, 0.6)
FOUND = ledger(MADE, {"version:v1": FLAT, "recipe:old": FLAT, "recipe:a": GOOD})
MOVES = np.where(UP, 1.0, -1.0)
EXACT = GatePolicy(net_margin_errors=0.0)


def guard(found: Any = FOUND, stream: str = "recipe:a", moves: Any = MOVES, spread: float = 0.8, **values: Any) -> Any:
    given = TradedBars(found.opens, moves, spread_by_hour(found.opens, (spread,)))
    champion = values.pop("champion", CHAMPION)
    return NetLeads(found, champion, given, replace(EXACT, **values)).guard(stream)


@pytest.mark.parametrize(("spread", "passed"), [(0.0, True), (0.8, True), (9.0, False)])
def test_whoever_predicts_passes_until_changing_sides_costs_more(
    spread: float, passed: bool, snapshot: SnapshotAssertion
) -> None:
    found = guard(spread=spread)
    assert (found.name, found.passed) == ("costs", passed)
    assert found.words == snapshot(name=f"{spread} pips")


def behind(found: Any) -> float:
    return float(found.words.split("the champion ")[1].split(": ")[1].split(" ")[0].rstrip(":"))


def test_a_margin_in_pips_is_allowed_for() -> None:
    lead = behind(guard(spread=9.0))
    assert lead < 0.0
    assert guard(spread=9.0, net_margin_pips=-lead + 0.001).passed
    assert not guard(spread=9.0, net_margin_pips=-lead - 0.001).passed


def test_the_usual_margin_is_of_its_own_standard_error() -> None:
    """The same loss passes where days differ much, and does not where each day shows it."""
    rng = np.random.default_rng(3)
    calm = np.where(UP, 0.1, -0.1)
    wild = calm + np.where(MADE.day.astype(int) % 2 == 0, 30.0, -30.0) * np.sign(rng.normal(size=UP.size))
    for moves, passed in ((calm, False), (wild, True)):
        found = guard(moves=moves, spread=0.8, net_margin_errors=GatePolicy().net_margin_errors)
        assert found.passed is passed and "and may be" in found.words, found.words
        assert not passed or behind(found) < 0.0, found.words


def test_the_policys_trading_rule_decides_what_is_held() -> None:
    """Who is right on a small move and wrong on none stands aside, and pays nothing."""
    aside = TradingRule.parse("aside 0 1")
    found = guard(spread=9.0, trading_rule=aside)
    assert found.passed and found.words.startswith("earned +0.000 pips a bar after costs, the champion +0.000")


def test_costs_hold_nobody_back_where_no_margin_is_set() -> None:
    assert guard(spread=9.0, net_margin_errors=None) is None
    assert guard(spread=9.0, net_margin_errors=None, net_margin_pips=0.0) is not None


def test_a_stream_is_not_worse_than_itself() -> None:
    assert guard(stream="version:v1").passed


def test_only_live_bars_of_both_with_a_known_move_count() -> None:
    assert guard(champion=replace(CHAMPION, after="2031-01-01")) is None
    assert guard(stream="recipe:nowhere") is None
    assert guard(moves=np.full(MOVES.size, np.nan)) is None
    some = MOVES.copy()
    some[::7] = np.nan
    assert guard(moves=some).words != guard().words


def test_after_a_refresh_the_past_of_the_recipe_counts() -> None:
    late = np.unique(MADE.day)[-3]
    own = replace(FOUND.streams["version:v1"], p=np.where(MADE.day > late, FLAT, np.nan), live=MADE.day > late)
    found = replace(FOUND, streams={**FOUND.streams, "version:v1": own})
    assert guard(found, champion=replace(CHAMPION, refreshed=True)) == guard()
    assert guard(found) != guard()


def test_a_failed_guard_holds_the_best_back_and_a_passed_one_promotes_nobody() -> None:
    failed = judged(FOUND, candidate("a", guards=(guard(spread=9.0),)))
    assert (failed.action, failed.reason) == ("held", "costs") and "held back by costs (earned " in str(failed)
    assert judged(FOUND, candidate("a", guards=(guard(),))).action == "promoted"
    nothing = ledger(MADE, {"version:v1": MADE.said(0.0, 8), "recipe:a": MADE.said(0.0, 9)})
    assert judged(nothing, candidate("a", guards=(guard(),))).action == "held"
