"""The wire of the columns on random walks: whoever holds the next close trips, in whatever form; noise never does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from syrupy.assertion import SnapshotAssertion

from flows.gate.tripwires.columns import LabelledBars, auc, auc_bound, tripped_columns

DAYS, BARS_A_DAY = 120, 90


def walk(seed: int = 0, days: int = DAYS) -> LabelledBars:
    """A price that nothing tells anything about; the last label is not known."""
    steps = np.random.default_rng(seed).normal(size=days * BARS_A_DAY) * 1e-4
    close = 1.3 + np.cumsum(steps)
    label = np.append((np.diff(close) > 0.0).astype(float), np.nan)
    day = np.repeat(np.busday_offset("2024-01-02", np.arange(days)).astype("datetime64[D]"), BARS_A_DAY)
    return LabelledBars(label, day, close)


def early(values: np.ndarray, bars: int = 1) -> np.ndarray:
    """What these values are some bars later."""
    return np.append(values[bars:], np.full(bars, values[-1]))


def average(values: np.ndarray, weight: float = 2 / 21) -> np.ndarray:
    """An exponential average."""
    result = [values[0]]
    for value in values[1:]:
        result.append(result[-1] + weight * (value - result[-1]))
    return np.array(result)


LEAKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "next close": early,
    "next return": lambda close: early(close) / close - 1.0,
    "next move, as an RSI": lambda close: 50.0 + 2e5 * (early(close) - close),
    "opposite of the next move": lambda close: close - early(close),
    "close in four bars": lambda close: early(close, 4),
    "average, a bar early": lambda close: early(average(close)),
    "slow average, a bar early": lambda close: early(average(close, 2 / 51)),
    "oscillator, a bar early": lambda close: early(average(np.append(0.0, np.diff(close)), 1 / 14)),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_column_that_holds_the_future_trips_whatever_it_is_called(leak: str) -> None:
    bars = walk()
    (wire,) = tripped_columns({"rsi_14": LEAKS[leak](bars.close)}, bars)
    assert (wire.kind, wire.of, wire.name) == ("column", "rsi_14", "column:rsi_14")
    assert wire.figure > max(wire.bound, 0.65) and wire.bars > 10_000


PRESENT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "close": lambda close: close,
    "close before": lambda close: np.append(close[0], close[:-1]),
    "move": lambda close: np.append(0.0, np.diff(close)),
    "average": average,
    "bar number": lambda close: np.arange(close.size, dtype=float),
    "one value": lambda close: np.ones(close.size),
    "no value": lambda close: np.full(close.size, np.nan),
    "infinities": lambda close: np.where(np.arange(close.size) % 3 == 0, np.inf, close),
}


@pytest.mark.parametrize("column", PRESENT)
def test_what_is_known_at_the_close_does_not_trip(column: str) -> None:
    for seed in range(5):
        bars = walk(seed)
        assert tripped_columns({column: PRESENT[column](bars.close)}, bars) == []


@pytest.mark.parametrize(("days", "trips"), [(1, False), (8, True), (20, True)])
def test_a_leak_of_the_last_days_is_seen_in_them_alone(days: int, trips: bool) -> None:
    bars = walk(days=250)
    leaks = bars.day >= np.unique(bars.day)[-days]
    noise = np.random.default_rng(1).normal(size=leaks.size)
    wires = tripped_columns({"x": np.where(leaks, 2.0 * np.nan_to_num(bars.label) - 1.0, noise)}, bars)
    assert bool(wires) is trips
    if wires:
        assert wires[0].bars == 20 * BARS_A_DAY - 1, "the last run, without the bar whose label is not known"


def test_what_it_says(snapshot: SnapshotAssertion) -> None:
    bars = walk()
    (wire,) = tripped_columns({"signal": early(bars.close), "close": bars.close}, bars)
    assert wire.words == snapshot
    assert wire.to_dict() | {"words": ""} == {
        "name": "column:signal",
        "kind": "column",
        "of": "signal",
        "figure": wire.figure,
        "bound": wire.bound,
        "bars": wire.bars,
        "words": "",
    }


def test_flat_bars_of_a_shut_market_are_said(snapshot: SnapshotAssertion) -> None:
    bars = walk()
    flat = np.arange(bars.close.size) % BARS_A_DAY < 30
    close = 1.3 + np.cumsum(np.where(flat, 0.0, np.diff(bars.close, prepend=1.3)))
    label = np.append((np.diff(close) > 0.0).astype(float), np.nan)
    (wire,) = tripped_columns({"range": np.where(flat, 0.0, 1e-3)}, LabelledBars(label, bars.day, close))
    assert wire.words == snapshot and 0.6 < wire.figure < 0.8


@pytest.mark.parametrize("share", [0.0, 1.0, np.nan])
def test_labels_of_one_kind_or_none_tell_nothing(share: float) -> None:
    bars = walk()
    constant = LabelledBars(np.full(bars.label.size, share), bars.day, bars.close)
    assert tripped_columns({"x": early(bars.close)}, constant) == []


def test_too_few_bars_tell_nothing() -> None:
    bars = walk(days=5)
    assert tripped_columns({"x": early(bars.close)}, bars) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60))
def test_the_area_is_that_of_scikit_learn_with_ties(pairs: list[tuple[int, bool]]) -> None:
    values, label = np.array([value for value, _ in pairs], float), np.array([up for _, up in pairs], float)
    area = auc(values, label)
    if 0 < label.sum() < label.size:
        assert area == pytest.approx(roc_auc_score(label, values))
    else:
        assert area is None


def test_the_bound_is_a_margin_and_four_standard_errors() -> None:
    chance = np.random.default_rng(3)
    for size, bound in ((1_800, 0.605), (20_000, 0.566)):
        label = chance.integers(0, 2, size).astype(float)
        assert auc_bound(label) == pytest.approx(bound, abs=1e-3)
        areas = [auc(chance.normal(size=size), label) for _ in range(150)]
        assert np.std([area for area in areas if area is not None]) == pytest.approx(
            (auc_bound(label) - 0.55) / 4.0, rel=0.25
        )


def test_overlapping_labels_are_as_many_as_stand_beside_each_other() -> None:
    label = np.tile([0.0, 1.0], 800)
    assert auc_bound(label, 16) - 0.55 == pytest.approx(4.0 * (auc_bound(label) - 0.55))
