"""A row that lies where hardly a training row did is served, and called unlike what the version was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from registry import VersionRecord
from registry.errors import InvalidRequest
from registry.model.likeness import ranges_of, unlike
from tests.registry.actors import a_model, promote
from tests.registry.archives import packed


def served(ranges):
    model = a_model()
    record = VersionRecord(recipe="rf", ranges=ranges)
    promote(model, model.register(packed(), record, author="trainer"))
    return model.load()


ROWS = {"rsi_14": [50.0, 10.0, 50.0, 90.0, 90.1], "atr_14": [0.02, 0.02, 0.5, 0.01, 0.02]}


def test_each_row_says_whether_it_is_unlike_the_training_ones():
    said = served([[20.0, 90.0], [0.01, 0.1]]).predict(ROWS)
    assert said.unlike.tolist() == [False, True, True, False, True] and said.score.size == 5


@pytest.mark.parametrize("ranges", [None, [[20.0, 90.0]], []])
def test_a_version_that_does_not_say_what_it_was_trained_on_calls_no_row_unlike(ranges):
    assert served(ranges).predict(ROWS).unlike is None


@pytest.mark.parametrize("features", [1, 5, 40])
def test_at_most_one_training_row_in_a_hundred_is_unlike(features):
    x = np.random.default_rng(3).standard_t(3, size=(25_000, features))
    share = unlike(x, ranges_of(x)).mean()
    assert 0.005 < share <= 0.01


def test_rows_beyond_all_that_was_seen_are_unlike_whichever_feature_it_is():
    x = np.random.default_rng(3).normal(size=(5_000, 3))
    for feature in range(3):
        for far in (-9.0, 9.0):
            row = np.zeros((1, 3))
            row[0, feature] = far
            assert unlike(row, ranges_of(x)).tolist() == [True]


def test_no_rows_have_no_ranges():
    with pytest.raises(InvalidRequest, match="have no ranges"):
        ranges_of(np.empty((0, 3)))


@pytest.mark.parametrize("ranges", [[[1.0, 0.0]], [[0.0]], [["a", "b"]], 3], ids=str)
def test_ranges_that_are_none_are_not_registered(ranges):
    with pytest.raises(InvalidRequest, match="ranges"):
        a_model().register(packed(), VersionRecord(ranges=ranges), author="trainer")
