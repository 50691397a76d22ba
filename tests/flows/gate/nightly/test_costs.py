"""The guard on what is left after costs: counted right, holds back and never promotes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import GateRefused
from flows.gate.nightly.costs import costs_guard
from flows.pnl.pips import net_pips, spread_by_hour
from tests.flows.gate.nightly_cases import CHAMPION, bars, candidate, judged, ledger

MADE = bars(60)
UP = MADE.label == 1.0
GOOD, FLAT = MADE.said(2.0, 1), np.full(MADE.label.size, 0.6)
FOUND = ledger(MADE, {"version:v1": FLAT, "recipe:old": FLAT, "recipe:a": GOOD})
MOVES = np.where(UP, 1.0, -1.0)


def guard(found: Any = FOUND, stream: str = "recipe:a", moves: Any = MOVES, **values: Any) -> Any:
    given: dict[str, Any] = {"margin": 0.0, "spread_pips": (0.8,)}
    return costs_guard(found, CHAMPION, stream, moves, **(given | values))


def test_net_pips_are_what_an_independent_loop_counts() -> None:
    rng = np.random.default_rng(3)
    up, move, spread = rng.random(500) < 0.5, rng.normal(size=500), rng.random(500)
    money = 0.0
    for at in range(500):
        money += move[at] if up[at] else -move[at]
        money -= spread[at] if at and up[at] != up[at - 1] else 0.0
    assert net_pips(up, move, spread) == pytest.approx(money / 500)


def test_a_spread_by_hour_is_that_of_new_york() -> None:
    opens = pd.DatetimeIndex(["2024-06-03T21:00", "2024-12-03T22:00", "2024-06-03T12:15"], tz="UTC")
    by_hour = [float(hour) for hour in range(24)]
    assert spread_by_hour(opens, by_hour).tolist() == [17.0, 17.0, 8.0]
    assert spread_by_hour(opens, [0.8]).tolist() == [0.8, 0.8, 0.8]


@pytest.mark.parametrize(("spread", "passed"), [(0.0, True), (0.8, True), (9.0, False)])
def test_whoever_predicts_passes_until_changing_sides_costs_more(
    spread: float, passed: bool, snapshot: SnapshotAssertion
) -> None:
    found = guard(spread_pips=(spread,))
    assert (found.name, found.passed) == ("costs", passed)
    assert found.words == snapshot(name=f"{spread} pips")


def test_a_margin_is_allowed_for() -> None:
    found = guard(spread_pips=(9.0,))
    behind = float(found.words.split("champion ")[1]) - float(found.words.split(" ")[1])
    assert guard(spread_pips=(9.0,), margin=behind + 0.001).passed
    assert not guard(spread_pips=(9.0,), margin=behind - 0.001).passed


def test_a_stream_is_not_worse_than_itself() -> None:
    assert guard(stream="version:v1").passed


def test_only_live_bars_of_both_with_a_known_move_count() -> None:
    nothing = replace(CHAMPION, after="2031-01-01")
    assert costs_guard(FOUND, nothing, "recipe:a", MOVES, margin=0.0, spread_pips=(0.8,)) is None
    assert guard(stream="recipe:nowhere") is None
    assert guard(moves=np.full(MOVES.size, np.nan)) is None
    some = MOVES.copy()
    some[::7] = np.nan
    assert guard(moves=some).passed


def test_after_a_refresh_the_past_of_the_recipe_counts() -> None:
    late = np.unique(MADE.day)[-2]
    own = replace(FOUND.streams["version:v1"], p=np.where(MADE.day > late, FLAT, np.nan), live=MADE.day > late)
    found = replace(FOUND, streams={**FOUND.streams, "version:v1": own})
    refreshed = replace(CHAMPION, refreshed=True)
    assert costs_guard(found, refreshed, "recipe:a", MOVES, margin=0.0, spread_pips=(0.8,)) == guard()
    assert guard(found) != guard()


def test_a_failed_guard_holds_the_best_back_and_a_passed_one_promotes_nobody() -> None:
    failed = judged(FOUND, candidate("a", guards=(guard(spread_pips=(9.0,)),)))
    assert (failed.action, failed.reason) == ("held", "costs") and "held back by costs (earned " in str(failed)
    assert judged(FOUND, candidate("a", guards=(guard(),))).action == "promoted"
    nothing = ledger(MADE, {"version:v1": MADE.said(0.0, 8), "recipe:a": MADE.said(0.0, 9)})
    assert judged(nothing, candidate("a", guards=(guard(),))).action == "held"


@pytest.mark.parametrize(
    ("up", "move", "spread"),
    [
        (np.array([], bool), np.array([]), np.array([])),
        (np.array([True]), np.array([1.0, 2.0]), np.array([0.8])),
        (np.array([True]), np.array([1.0]), np.array([0.8, 0.8])),
        (np.array([True]), np.array([np.nan]), np.array([0.8])),
        (np.array([True]), np.array([1.0]), np.array([-0.1])),
        (np.array([True]), np.array([1.0]), np.array([np.nan])),
    ],
)
def test_what_cannot_be_counted_is_refused(up: Any, move: Any, spread: Any) -> None:
    with pytest.raises(GateRefused):
        net_pips(up, move, spread)
