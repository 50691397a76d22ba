"""Whether a row is unlike what a version was trained on: one of its features lies where hardly a training row does.

At registration each feature's range is stored with the version: two quantiles of the training rows, so far out that at
most one row in a hundred lies outside any of them (Bonferroni's bound: each of ``d`` features leaves out one row in
``100 d``). What rates follow on later bars: ``docs/serving.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from registry.errors import InvalidRequest

UNLIKE_SHARE = 0.01
"""Of the training rows, at most, lie outside the ranges."""

Ranges = Sequence[Sequence[float]]
"""Low and high of each feature, in the order of the version's features."""


def ranges_of(x: npt.NDArray[np.floating]) -> list[list[float]]:
    """The ranges of the training rows ``x`` (n, features). :class:`InvalidRequest` where there is none."""
    if x.ndim != 2 or not x.size:
        raise InvalidRequest(f"training rows of shape {x.shape} have no ranges: hand in one row a bar")
    tail = UNLIKE_SHARE / (2 * x.shape[1])
    low = np.quantile(x, tail, axis=0, method="lower")  # a training row's own value: fewer rows lie beyond it
    high = np.quantile(x, 1.0 - tail, axis=0, method="higher")
    return [[float(a), float(b)] for a, b in zip(low, high, strict=True)]


def unlike(x: npt.NDArray[np.floating], ranges: Ranges) -> npt.NDArray[np.bool_]:
    """Which rows of ``x`` (n, features) lie outside a range, shape (n,)."""
    low, high = np.asarray(ranges, dtype=np.float64).reshape(-1, 2).T
    return np.asarray(((x < low) | (x > high)).any(axis=1))
