"""Edge by size of move: what a stream is worth where it matters, beside what it is worth counted by bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from flows.bars import Dataset, prepare
from flows.bars.loading import Bars
from flows.gate.scoring.moves import RANGE, SizedMoves, edge_by_size, in_ranges
from flows.gate.scoring.scores import trailing_rank

N = 6_000
DAY = np.datetime64("2024-01-01") + np.arange(N) // 96
EVERYWHERE = np.ones(N, np.bool_)


def moved(seed: int) -> SizedMoves:
    move = np.random.default_rng(seed).standard_t(4, N)
    return SizedMoves((move > 0).astype(np.float64), DAY, move)


def test_who_is_right_on_small_moves_and_wrong_on_large_ones_has_an_edge_that_is_none_by_move() -> None:
    bars, rng = moved(1), np.random.default_rng(2)
    size = np.abs(bars.move)
    side = np.where(bars.label == 1.0, 1.0, -1.0) * np.where(size > np.quantile(size, 0.8), -1.0, 1.0)
    right = np.where(rng.random(N) < 0.55, side, -side)
    found = edge_by_size(bars, trailing_rank(right * rng.random(N)), EVERYWHERE)
    assert found is not None and found.edge_z is not None and found.by_move_z is not None
    assert found.edge_z > 3.0
    assert found.by_move_z < -1.0


def test_both_are_what_a_loop_over_the_bars_comes_to() -> None:
    bars, p = moved(3), np.random.default_rng(4).random(N)
    rank = trailing_rank(p)
    at = range(2_000, N)
    edge = [(2 * bars.label[t] - 1 - np.mean(2 * bars.label[t - 2_000 : t] - 1)) * rank[t] for t in at]
    by_move = [(bars.move[t] - np.mean(bars.move[t - 2_000 : t])) * rank[t] for t in at]
    found = edge_by_size(bars, rank, np.arange(N) >= 2_000)
    assert found is not None
    assert found.edge == pytest.approx(np.mean(edge), abs=1e-12)
    assert found.by_move == pytest.approx(np.mean(by_move), abs=1e-12)
    daily = pd.Series(by_move).groupby(DAY[2_000:]).agg(["sum", "count"])
    off = daily["sum"] - daily["count"] * np.mean(by_move)
    days = len(daily)
    assert found.by_move_error == pytest.approx(np.sqrt(days / (days - 1) * (off**2).sum()) / (N - 2_000), abs=1e-12)


def test_without_two_days_there_is_no_figure() -> None:
    bars = moved(5)
    assert edge_by_size(bars, trailing_rank(np.random.default_rng(6).random(N)), DAY[3_000] == DAY) is None


def short(columns: dict[str, list[float]], steps: list[int]) -> Dataset:
    opens = pd.DatetimeIndex(pd.Timestamp("2024-06-03 10:00", tz="UTC") + np.array(steps) * pd.Timedelta("15min"))
    frame = pd.DataFrame(columns, index=opens, dtype=np.float64)
    file_time = opens.tz_localize(None).to_numpy()
    return prepare(Bars(frame, file_time, "bars", False, opens[-1] + pd.Timedelta("15min"), "UTC", ()))


def test_a_move_is_counted_in_ranges_that_were_known_before_it() -> None:
    data = short(
        {"close_15m": [1.25, 1.2510, 1.2490, 1.2500, 1.26], RANGE: [0.001, 0.004, 0.002, 0.5, 0.5]}, [0, 1, 2, 3, 5]
    )
    moves = in_ranges(data)
    assert moves is not None
    np.testing.assert_allclose(moves, [1.0, -0.5, 0.5, np.nan, np.nan], atol=1e-9)


def test_a_range_of_zero_or_none_has_no_move() -> None:
    data = short({"close_15m": [1.25, 1.251, 1.252], RANGE: [0.0, np.nan, 0.001]}, [0, 1, 2])
    moves = in_ranges(data)
    assert moves is not None and np.isnan(moves).all()
    assert in_ranges(short({"close_15m": [1.25, 1.251, 1.252]}, [0, 1, 2])) is None
