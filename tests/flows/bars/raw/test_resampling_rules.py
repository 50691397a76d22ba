"""What a quarter of an hour is made of, whatever minutes there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.bars.raw.resampling import Prices, quarter, resample

START = np.datetime64("2024-01-02T10:00", "ns")


def bars_at(minutes: list[int]) -> Prices:
    """A bar at each of ``minutes`` after the start; its number stands in its prices."""
    number = np.arange(len(minutes), dtype=float)
    values = np.column_stack([number + 100, number + 300, -number + 50, number + 200])
    return Prices(START + np.array(minutes, "timedelta64[m]"), values)


def test_open_of_the_first_close_of_the_last_and_the_extremes_between() -> None:
    found, rest = resample(bars_at([2, 3, 14]), 1)
    assert (found.time == [START]).all() and rest.time.size == 0
    assert found.values.tolist() == [[100, 302, 48, 202]]


def test_a_quarter_without_a_minute_is_no_bar() -> None:
    found, _ = resample(bars_at([14, 31, 44]), 1)
    assert (found.time == START + np.array([0, 30], "timedelta64[m]")).all()


@pytest.mark.parametrize(
    ("minutes", "last", "complete", "held"),
    [(1, 14, None, 0), (1, 13, None, 2), (5, 10, None, 0), (5, 5, None, 2), (1, 13, True, 0), (1, 14, False, 2)],
)
def test_the_last_quarter_is_open_until_its_last_bar_is_there(
    minutes: int, last: int, complete: bool | None, held: int
) -> None:
    found, rest = resample(bars_at([-15, 0, last]), minutes, last_is_complete=complete)
    assert (found.time.size, rest.time.size) == (1 + (held == 0), held)


def test_a_bar_of_a_quarter_of_an_hour_is_complete_unless_said_otherwise() -> None:
    assert resample(bars_at([0, 15]), 15)[0].time.size == 2
    assert resample(bars_at([0, 15]), 15, last_is_complete=False)[0].time.size == 1


def test_nothing_becomes_nothing() -> None:
    found, rest = resample(Prices.none(), 1)
    assert found.time.size == rest.time.size == 0


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(-2000, 2000), min_size=1), st.sampled_from([None, True, False]))
def test_every_minute_is_in_exactly_one_bar_or_held_back(at: set[int], complete: bool | None) -> None:
    run = bars_at(sorted(at))
    found, rest = resample(run, 1, last_is_complete=complete)
    assert (np.diff(found.time) > np.timedelta64(0)).all() and (quarter(found.time) == found.time).all()
    assert set(quarter(run.time).tolist()) == {*found.time.tolist(), *quarter(rest.time).tolist()}
    for opens, values in zip(found.time, found.values, strict=True):
        inside = run.values[quarter(run.time) == opens]
        assert values.tolist() == [inside[0, 0], inside[:, 1].max(), inside[:, 2].min(), inside[-1, 3]]
    assert not set(found.time.tolist()) & set(quarter(rest.time).tolist())
