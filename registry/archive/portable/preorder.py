"""Binary trees in preorder, without pointers, and walking down all of them at once.

A tree is written node by node, each before its left and then its right subtree. For every node stands the feature that
it looks at (-1: a leaf), for every inner node its threshold, for every leaf its value. That alone determines the
trees: a left child is the next node, and a right child begins where the left subtree ends. So there is nothing to
check about children; a sequence is either a number of whole trees or it is refused.

A row goes left where ``x[feature] <= threshold``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.errors import UnsafeArtifact

LEAF = -1
MAX_DEPTH = 4096
"""A tree deeper than this was not trained but made, to keep a server busy."""
_TOGETHER = 1 << 14
"""Pairs of row and tree that are walked at once: small enough for the cache, large enough to hide the interpreter."""

Floats = npt.NDArray[Any]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Trees:
    """``feature``: int16 (n_nodes,); ``threshold``: float32 or float64 (n_inner,); ``value``: (n_leaves,), either.

    The dtype of the thresholds is that of the comparison: rows are rounded to it first. Sums are made
    in the dtype of the values.
    """

    feature: npt.NDArray[np.int16]
    threshold: Floats
    value: Floats


@dataclass(frozen=True, eq=False)
class Walk:
    """Trees laid out for walking: the children of a node are neighbours, a leaf is its own child.

    The first ``len(depth)`` nodes are the roots; ``depth`` is how many steps the deepest leaf of each tree is away.
    """

    feature: Places
    threshold: Floats
    down: Places
    value: Floats
    depth: Places

    def sums(self, x: Floats, start: float) -> Floats:
        """``start`` plus the leaf values of all trees, added in their order; ``x``: (n, k), the result (n,)."""
        total = np.full(len(x), start, self.value.dtype)
        step = max(1, _TOGETHER // max(1, len(x)))
        for first in range(0, len(self.depth), step):
            last = min(first + step, len(self.depth))
            leaves = self._values(x, first, last)
            if last - first == 1:
                total += leaves
            else:  # accumulate, not sum: sum adds pairwise, and the last bit would differ
                rows = np.concatenate((total, leaves)).reshape(last - first + 1, len(x))
                total = np.add.accumulate(rows, axis=0)[-1]
        return total

    def _values(self, x: Floats, first: int, last: int) -> Floats:
        """Leaf values of the trees ``first`` to ``last``: (trees * n,), all rows of one tree after another."""
        rows, width = x.shape
        flat = x.reshape(-1)
        node = np.repeat(np.arange(first, last), rows)
        row = np.tile(np.arange(rows) * width, last - first)
        for _ in range(int(self.depth[first:last].max())):
            right = flat.take(row + self.feature.take(node)) > self.threshold.take(node)
            node = self.down.take(node) + right
        return self.value.take(node)


def walkable(trees: Trees, *, count: int, width: int) -> Walk:
    """``trees`` laid out, after checking that they are ``count`` whole trees over ``width`` features.

    Raises :class:`UnsafeArtifact` that says what is wrong.
    """
    inner = trees.feature != LEAF
    _check(trees, inner, width)
    level = np.cumsum(np.where(inner, 1, -1))  # subtrees that are still to come, less one for each finished tree
    ends = np.flatnonzero(np.diff(np.minimum.accumulate(np.minimum(level, 0)), prepend=0))
    if len(ends) != count or not count or ends[-1] != len(level) - 1:
        raise UnsafeArtifact(f"the nodes are not {count} whole trees; not loaded")
    roots = np.concatenate(([0], ends[:-1] + 1))
    inner_places = np.flatnonzero(inner)
    right = _next_lower(level, inner_places) + 1
    down = count + 2 * np.arange(len(inner_places))
    place = np.empty(len(level), np.intp)
    place[roots] = np.arange(count)
    place[inner_places + 1] = down
    place[right] = down + 1
    walk = Walk(
        feature=np.zeros(len(level), np.intp),
        threshold=np.full(len(level), np.inf, trees.threshold.dtype),
        down=np.arange(len(level)),
        value=np.zeros(len(level), trees.value.dtype),
        depth=np.zeros(count, np.intp),
    )
    walk.feature[place[inner_places]] = trees.feature[inner]
    walk.threshold[place[inner_places]] = trees.threshold
    walk.down[place[inner_places]] = down
    walk.value[place[~inner]] = trees.value
    _measure(walk)
    return walk


def _check(trees: Trees, inner: npt.NDArray[np.bool_], width: int) -> None:
    if not ((trees.feature >= LEAF) & (trees.feature < width)).all():
        raise UnsafeArtifact(f"a node looks at a feature outside 0 to {width - 1}; not loaded")
    inner_nodes, leaves = int(inner.sum()), int((~inner).sum())
    if (len(trees.threshold), len(trees.value)) != (inner_nodes, leaves):
        raise UnsafeArtifact(
            f"{inner_nodes} inner nodes and {leaves} leaves have {len(trees.threshold)} thresholds and "
            f"{len(trees.value)} values; not loaded"
        )
    if np.isnan(trees.threshold).any() or not np.isfinite(trees.value).all():
        raise UnsafeArtifact("a threshold or a value of the trees is not a number; not loaded")


def _next_lower(level: npt.NDArray[np.intp], places: Places) -> Places:
    """For each of ``places`` the next one whose level is one lower: there its left subtree ends."""
    length = len(level) + 1
    order = np.argsort(level, kind="stable")
    nearest = np.searchsorted(level[order] * length + order, (level[places] - 1) * length + places)
    return order[nearest]


def _measure(walk: Walk) -> None:
    """Fill in how deep each tree is, level by level."""
    node = np.arange(len(walk.depth))
    tree = node
    for depth in range(MAX_DEPTH + 1):
        walk.depth[tree] = depth
        on = walk.down[node] != node
        if not on.any():
            return
        node, tree = walk.down[node[on]], np.repeat(tree[on], 2)
        node = np.stack((node, node + 1), axis=1).reshape(-1)
    raise UnsafeArtifact(f"a tree is deeper than {MAX_DEPTH}; not loaded")
