"""Scores of single bars: what they say, what they must not know, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import GateRefused
from flows.gate.scoring.scores import accuracy, base_so_far, brier, edge, stream_threshold, trailing_base, trailing_rank


def ranks_one_by_one(p):
    """The definition, bar by bar."""
    ranks = np.full(p.size, np.nan)
    for t in range(500, p.size):
        before = p[max(0, t - 2000) : t]
        ranks[t] = (np.sum(before < p[t]) - np.sum(before > p[t])) / before.size
    return ranks


def bars(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.round(rng.random(n), 2), rng.integers(0, 2, n)  # rounded: many ties


def scores(p, y):
    return edge(p, y, base=trailing_base(y))


@given(n=st.integers(1, 3200), seed=st.integers(0, 99), digits=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_the_rank_is_the_mid_rank_among_the_last_two_thousand(n, seed, digits):
    p = np.round(np.random.default_rng(seed).random(n), digits)
    assert np.array_equal(trailing_rank(p), ranks_one_by_one(p), equal_nan=True)


@given(start=st.integers(1, 2800), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_a_stream_scored_in_two_pieces_scores_the_same(start, seed):
    p, y = bars(3000, seed)
    base = trailing_base(y[start:], earlier=y[:start])
    resumed = edge(p[start:], y[start:], base=base, earlier=p[:start])
    assert np.array_equal(resumed, scores(p, y)[start:], equal_nan=True)


@given(at=st.integers(0, 2999))
@settings(max_examples=25, deadline=None)
def test_a_planted_future_bar_changes_nothing_before_it(at):
    p, y = bars(3000)
    planted_p, planted_y = p.copy(), y.copy()
    planted_p[at:], planted_y[at:] = 9.0, 1
    assert np.array_equal(scores(planted_p, planted_y)[:at], scores(p, y)[:at], equal_nan=True)


def test_the_label_of_a_bar_is_not_in_its_own_base():
    _, y = bars(1500)
    flipped = y.copy()
    flipped[1000] = 1 - y[1000]
    assert trailing_base(flipped)[1000] == trailing_base(y)[1000]
    assert trailing_base(flipped)[1001] != trailing_base(y)[1001]


def test_a_badly_calibrated_stream_keeps_its_edge():
    p, y = bars(2500)
    assert np.array_equal(scores(p, y), scores(0.5 + p**3 / 100, y), equal_nan=True)


def test_a_stream_that_ranks_rising_bars_high_has_edge_and_its_mirror_the_opposite():
    rng = np.random.default_rng(1)
    p = rng.random(4000)
    y = (rng.random(4000) < 0.4 + 0.2 * p).astype(int)
    assert np.nanmean(scores(p, y)) > 0.03
    assert np.array_equal(scores(-p, y), -scores(p, y), equal_nan=True)


def test_a_constant_stream_has_no_edge():
    _, y = bars(2500)
    assert (scores(np.full(2500, 0.7), y)[500:] == 0.0).all()


def test_a_drift_of_the_market_is_no_edge():
    y = np.ones(2500, dtype=int)
    p, _ = bars(2500)
    assert (scores(p, y)[500:] == 0.0).all()  # base 1: every bar was expected to rise


@pytest.mark.parametrize("n", [0, 1, 499, 500])
def test_the_first_five_hundred_bars_have_no_edge(n):
    p, y = bars(n)
    assert scores(p, y).shape == (n,)
    assert np.isnan(scores(p, y)).all()


def test_a_million_bars_are_scored():
    p, y = np.tile(np.arange(1000.0), 1000), np.tile([0, 1], 500_000)
    ranks = scores(p, y)
    assert ranks.shape == (1_000_000,)
    assert np.isfinite(ranks[500:]).all()
    assert np.array_equal(ranks[-1000:], ranks[-2000:-1000])  # periodic, and so is its score


def test_up_is_said_strictly_above_the_cut():
    assert accuracy([0.4, 0.5, 0.6, 0.6], [0, 0, 1, 0], threshold=0.5).tolist() == [1.0, 1.0, 1.0, 0.0]


def test_each_version_of_a_stream_may_have_its_own_cut():
    assert accuracy([0.4, 0.4], [1, 1], threshold=[0.3, 0.5]).tolist() == [1.0, 0.0]


def test_a_brier_score_is_higher_for_a_better_probability():
    worse, better = brier([0.5, 0.8], [1, 1])
    assert worse == pytest.approx(-0.25)
    assert better == pytest.approx(-0.04)


def test_the_cut_is_the_median_of_the_last_two_thousand():
    p = np.concatenate([np.zeros(5000), np.arange(2000.0)])
    assert stream_threshold(p) == 999.5


def test_a_stream_too_short_for_a_cut_is_refused_and_says_what_to_do():
    with pytest.raises(GateRefused, match=r"needs 500 .* has 499.*backfill"):
        stream_threshold(np.zeros(499))


NAN = float("nan")
REFUSED = {
    "a missing prediction": (lambda: scores([0.5, NAN], [0, 1]), "not finite, the first at bar 1"),
    "an infinite earlier prediction": (lambda: trailing_rank([0.5], earlier=[np.inf]), "not finite"),
    "a missing label": (lambda: scores([0.5, 0.5], [0, NAN]), "neither 0 nor 1, the first at bar 1"),
    "a label of two": (lambda: accuracy([0.5], [2], threshold=0.5), "neither 0 nor 1"),
    "more predictions than labels": (lambda: scores([0.5, 0.5], [1]), "2 values beside 1 labels"),
    "a base of other bars": (lambda: edge([0.5], [1], base=[0.0, 0.0]), "2 values beside 1 labels"),
    "a missing cut": (lambda: accuracy([0.5], [1], threshold=NAN), "cut is not a finite"),
    "cuts of other bars": (lambda: accuracy([0.5], [1], threshold=[0.5, 0.5]), "2 values beside 1 labels"),
    "a probability above one": (lambda: brier([0.5, 1.5], [1, 1]), r"bar 1 has 1\.5"),
    "a table of predictions": (lambda: trailing_rank(np.zeros((3, 2))), r"shape \(3, 2\)"),
    "a table of labels": (lambda: trailing_base(np.zeros((3, 2))), r"shape \(3, 2\)"),
    "a missing prediction for a cut": (lambda: stream_threshold([NAN] * 600), "not finite"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_scored_is_refused(case):
    score, message = REFUSED[case]
    with pytest.raises(GateRefused, match=message):
        score()


@pytest.mark.parametrize("horizon", [2, 16])
def test_over_a_horizon_a_base_knows_the_labels_of_so_many_bars_before(horizon: int) -> None:
    y = (np.random.default_rng(5).random(3_000) < 0.5).astype(float)
    for of in (trailing_base, base_so_far):
        next_bar, over = of(y), of(y, horizon=horizon)
        assert np.array_equal(over[horizon - 1 :], next_bar[: 1 - horizon], equal_nan=True)
        assert np.isnan(over[: horizon - 1]).all()
        changed = y.copy()
        changed[2_000:] = 1.0 - changed[2_000:]
        same = of(changed, horizon=horizon)
        assert np.array_equal(same[: 2_000 + horizon], over[: 2_000 + horizon], equal_nan=True)
        assert same[2_000 + horizon] != over[2_000 + horizon]
