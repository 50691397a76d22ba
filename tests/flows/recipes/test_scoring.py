"""Figures of a model: by hand on few bars, and refused where they would mean nothing."""

from __future__ import annotations

import platform

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import GateRefused
from flows.recipes import Scores, environment, score


def test_the_figures_are_those_worked_out_by_hand():
    label = np.array([1.0, 0.0, 1.0, 0.0])
    p = np.array([0.75, 0.5, 0.25, 0.75])
    assert score(label, p, 0.5) == Scores(bars=4, accuracy=0.5, f1=0.5, auc=0.375, brier=0.359375, said_up=0.5, up=0.5)


def test_the_cut_moves_the_calls_and_neither_auc_nor_brier():
    label = np.array([1.0, 0.0, 1.0, 0.0])
    p = np.array([0.75, 0.5, 0.25, 0.75])
    high, low = score(label, p, 0.8), score(label, p, 0.1)
    assert (high.said_up, high.accuracy, high.f1) == (0.0, 0.5, 0.0)
    assert (low.said_up, low.accuracy) == (1.0, 0.5)
    assert (high.auc, high.brier) == (low.auc, low.brier)


def test_labels_of_one_kind_have_no_auc():
    assert score(np.ones(3), np.array([0.2, 0.6, 0.7]), 0.5).auc is None
    assert score(np.zeros(1), np.array([0.2]), 0.5) == Scores(1, 1.0, 0.0, None, pytest.approx(0.04), 0.0, 0.0)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), min_size=1, max_size=30), st.randoms())
def test_the_order_of_bars_does_not_matter(bars, random):
    shuffled = random.sample(bars, len(bars))
    one, other = (score(*(np.array(part) for part in zip(*each, strict=True)), 0.5) for each in (bars, shuffled))
    assert (one.accuracy, one.f1, one.auc, one.said_up) == (other.accuracy, other.f1, other.auc, other.said_up)
    assert one.brier == pytest.approx(other.brier)


@pytest.mark.parametrize(
    ("label", "p", "says"),
    [
        ([], [], "no bars"),
        ([1.0, np.nan], [0.5, 0.5], "1 of 2 labels are neither 0 nor 1"),
        ([1.0, 2.0], [0.5, 0.5], "1 of 2 labels"),
        ([1.0, 0.0], [0.5, np.nan], "1 of 2 scores are not in 0"),
        ([1.0, 0.0], [1.5, -0.1], "2 of 2 scores"),
        ([1.0, 0.0], [0.5], "one of each a bar"),
        ([[1.0, 0.0]], [[0.5, 0.5]], "one of each a bar"),
    ],
)
def test_what_cannot_be_scored_is_refused(label, p, says):
    with pytest.raises(GateRefused, match=says):
        score(np.array(label, dtype=float), np.array(p, dtype=float), 0.5)


def test_the_environment_names_what_decides_a_fit_and_nothing_of_the_machine():
    versions = environment()
    assert list(versions) == ["python", "scikit-learn", "numpy", "skops", "pandas"]
    assert versions["python"] == platform.python_version()
    assert all(value[0].isdigit() for value in versions.values())
