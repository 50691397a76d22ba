"""Trees without pointers: whole trees are walked as a person would, anything else is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.archive.portable import preorder
from registry.archive.portable.preorder import LEAF, Trees, walkable
from registry.errors import UnsafeArtifact

WIDTH = 3


def node_lists(depth: int = 6) -> st.SearchStrategy:
    """One tree in preorder: numbers of features, and -1 for leaves."""
    return st.recursive(
        st.just([LEAF]),
        lambda below: st.tuples(st.integers(0, WIDTH - 1), below, below).map(lambda t: [t[0], *t[1], *t[2]]),
        max_leaves=depth * 4,
    )


def trees_of(features: list[int], seed: int = 0) -> Trees:
    rng = np.random.default_rng(seed)
    inner = sum(feature != LEAF for feature in features)
    return Trees(
        np.array(features, np.int16), rng.integers(-2, 3, inner).astype(float), rng.random(len(features) - inner)
    )


def down(trees: Trees, x: np.ndarray, count: int) -> list[float]:
    """Where each tree sends a row: read as it is written, one node after another."""
    node = threshold = leaf = 0

    def subtree(taken: bool) -> float | None:
        nonlocal node, threshold, leaf
        feature = trees.feature[node]
        node += 1
        if feature == LEAF:
            leaf += 1
            return trees.value[leaf - 1] if taken else None
        threshold += 1
        goes_left = x[feature] <= trees.threshold[threshold - 1]
        left = subtree(taken and goes_left)
        right = subtree(taken and not goes_left)
        return left if goes_left else right

    return [subtree(True) for _ in range(count)]


@given(st.lists(node_lists(), min_size=1, max_size=6), st.integers(0, 1000))
@settings(deadline=None, max_examples=60)
def test_every_row_ends_in_the_leaf_that_its_numbers_lead_to(forest, seed):
    trees = trees_of([node for tree in forest for node in tree], seed)
    walk = walkable(trees, count=len(forest), width=WIDTH)
    x = np.random.default_rng(seed).integers(-3, 4, (7, WIDTH)).astype(float)
    expected = [np.add.accumulate([0.25, *down(trees, row, len(forest))])[-1] for row in x]
    np.testing.assert_array_equal(walk.sums(x, 0.25), expected)


@given(st.lists(st.integers(-2, WIDTH), min_size=0, max_size=12), st.integers(0, 4))
@settings(deadline=None, max_examples=200)
def test_any_sequence_of_nodes_is_whole_trees_or_refused(features, count):
    inner = sum(feature != LEAF for feature in features)
    trees = Trees(np.array(features, np.int16), np.zeros(inner), np.zeros(len(features) - inner))
    try:
        walk = walkable(trees, count=count, width=WIDTH)
    except UnsafeArtifact:
        return
    assert len(walk.depth) == count
    assert (walk.down + 1 < len(features)).all() or (walk.down == np.arange(len(features)))[-1]
    assert walk.sums(np.zeros((2, WIDTH)), 0.0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("features", "count", "why"),
    [
        ([], 0, "whole trees"),
        ([], 1, "whole trees"),
        ([0, LEAF], 1, "whole trees"),
        ([0, LEAF, LEAF, LEAF], 1, "whole trees"),
        ([LEAF, 0, LEAF], 2, "whole trees"),
        ([LEAF, 0, LEAF], 1, "whole trees"),
        ([LEAF, LEAF], 3, "whole trees"),
        ([WIDTH, LEAF, LEAF], 1, "outside 0 to 2"),
        ([-2, LEAF, LEAF], 1, "outside 0 to 2"),
    ],
)
def test_nodes_that_are_not_whole_trees_are_refused(features, count, why):
    with pytest.raises(UnsafeArtifact, match=why):
        walkable(trees_of(features), count=count, width=WIDTH)


def test_a_tree_deeper_than_any_that_was_trained_is_refused(monkeypatch):
    chain = [0, LEAF] * 5 + [LEAF]
    assert walkable(trees_of(chain), count=1, width=WIDTH).depth.tolist() == [5]
    monkeypatch.setattr(preorder, "MAX_DEPTH", 4)
    with pytest.raises(UnsafeArtifact, match="deeper than 4"):
        walkable(trees_of(chain), count=1, width=WIDTH)
