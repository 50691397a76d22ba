"""A score says what one prediction was worth, a bar: higher is better, from what was known when it was made.

- :func:`edge` (the default) asks whether the bars that a stream ranks high go up more often than those that it ranks
  low. It ignores the level of the probabilities and any drift of the market, so a model that is badly calibrated and
  predicts all the same is seen; Brier and log-loss throw such a model away.
- :func:`accuracy` is 1 where the side by the version's decision threshold was right. It is what most people ask for,
  and carries about half the evidence of ``edge`` per day.
- :func:`brier` is minus the squared error of the probability.

``p`` is a *stream*: a recipe's out-of-sample predictions in the order of the bars, each by the version that was the
newest before its bar. ``y`` is 1 where the close moved up and 0 where it did not. Every score of bar *t* uses the
predictions and labels of bars before *t* and the prediction and the label of *t* itself, nothing later.

>>> edge(p, y, base=trailing_base(y))        # NaN for the first 500 bars, then in [-2, 2]
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats
from flows.errors import GateRefused
from flows.instruments import GBPUSD_M15, DayCounts

__all__ = [
    "TRAILING_BARS",
    "TRAILING_MINIMUM",
    "accuracy",
    "base_so_far",
    "brier",
    "edge",
    "stream_threshold",
    "trailing_base",
    "trailing_rank",
]


TRAILING_BARS = GBPUSD_M15.counts.month
"""Bars that a rank, a base and a decision threshold look back on: about a month, 2,000 of 15 minutes, so that they
follow the regime of a stream. Of other instruments as many as :class:`~flows.instruments.DayCounts` says."""

TRAILING_MINIMUM = GBPUSD_M15.counts.week
"""Fewer earlier bars than this, and the rank, the base and the decision threshold are undefined."""

_NONE: Floats = np.empty(0)


def edge(
    p: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    base: npt.ArrayLike,
    earlier: npt.ArrayLike = _NONE,
    counts: DayCounts = GBPUSD_M15.counts,
) -> Floats:
    """``(2y − 1 − base) · rank`` of every bar, shape (n_bars,); NaN where the rank or the base is undefined.

    ``base`` is :func:`trailing_base` of the same bars: computed once and given to both sides of a comparison.
    ``earlier`` holds the predictions of the stream before the first bar (a new champion starts with its recipe's).
    The score does not change when ``p`` is transformed by any increasing function.

    Raises :class:`GateRefused` for lengths that differ, a prediction that is not finite, a label that is not 0 or 1.
    """
    predictions, labels = _stream(p), _labels(y)
    bases = np.asarray(base, dtype=np.float64)
    _same_length(predictions, labels)
    _same_length(bases, labels)
    return (2.0 * labels - 1.0 - bases) * trailing_rank(predictions, earlier=earlier, counts=counts)


def accuracy(p: npt.ArrayLike, y: npt.ArrayLike, *, threshold: npt.ArrayLike) -> Floats:
    """1 where the predicted side is the side that came, else 0, shape (n_bars,); "up" is strictly above ``threshold``.

    ``threshold`` is a number, or one number a bar where the versions of a stream have their own.

    Raises :class:`GateRefused` for lengths that differ, a prediction or threshold that is not finite, a label not 0 or
    1.
    """
    predictions, labels = _stream(p), _labels(y)
    _same_length(predictions, labels)
    thresholds = np.asarray(threshold, dtype=np.float64)
    if not np.isfinite(thresholds).all():
        raise GateRefused("a cut is not a finite number: give every version the cut that it was registered with")
    if thresholds.ndim:
        _same_length(thresholds, labels)
    return np.asarray((predictions > thresholds) == (labels == 1.0), dtype=np.float64)


def brier(p: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """``−(p − y)²`` of every bar, shape (n_bars,), in [−1, 0].

    Raises :class:`GateRefused` for lengths that differ, a probability outside [0, 1], a label that is not 0 or 1.
    """
    predictions, labels = _stream(p), _labels(y)
    _same_length(predictions, labels)
    outside = np.flatnonzero((predictions < 0.0) | (predictions > 1.0))
    if outside.size:
        raise GateRefused(
            f"the Brier score needs probabilities; bar {outside[0]} has {predictions[outside[0]]}: use edge for a score"
        )
    return np.asarray(-np.square(predictions - labels))


def trailing_rank(p: npt.ArrayLike, *, earlier: npt.ArrayLike = _NONE, counts: DayCounts = GBPUSD_M15.counts) -> Floats:
    """Where each prediction stands among the stream's own last 2,000 before it: −1 lowest, 0 median, 1 highest.

    Shape (n_bars,). It is 2·rank − 1 with mid-ranks for ties, (smaller − greater) / compared, thus exact: the same
    value whichever bar the stream starts at, once 2,000 bars precede. NaN with fewer than 500 earlier bars.

    Raises :class:`GateRefused` where a prediction is not finite.
    """
    before, now = _stream(earlier)[-counts.month :], _stream(p)
    stream = pd.Series(np.concatenate([before, now]))
    compared = np.minimum(np.arange(stream.size), counts.month)
    # among itself and those before it, ties in the middle: smaller − greater = 2·rank − 1 − (compared + 1), exactly
    rank = stream.rolling(counts.month + 1, min_periods=counts.week + 1).rank().to_numpy()
    return np.asarray((2.0 * rank - compared - 2.0)[before.size :] / compared[before.size :])


def trailing_base(
    y: npt.ArrayLike, *, earlier: npt.ArrayLike = _NONE, counts: DayCounts = GBPUSD_M15.counts, horizon: int = 1
) -> Floats:
    """Mean of 2y − 1 over the last 2,000 labels known at each bar, shape (n_bars,); NaN with fewer than 500.

    When a bar closes, which is when it is predicted, the newest known label is that of ``horizon`` bars before: of the
    next bar, that of the bar before. ``earlier``: labels before the first bar.

    Raises :class:`GateRefused` where a label is not 0 or 1.
    """
    before, now = _labels(earlier)[-counts.month :], _labels(y)
    ups = np.concatenate([[0.0], np.cumsum(np.concatenate([before, now]))])  # whole numbers: exact
    end = np.maximum(np.arange(before.size, before.size + now.size) - (horizon - 1), 0)
    start = np.maximum(end - counts.month, 0)
    seen = end - start
    return np.asarray(np.where(seen >= counts.week, 2.0 * (ups[end] - ups[start]) / np.maximum(seen, 1) - 1.0, np.nan))


def base_so_far(y: npt.ArrayLike, counts: DayCounts = GBPUSD_M15.counts, horizon: int = 1) -> Floats:
    """Mean of 2y − 1 over all labels known at each bar, shape (n_bars,); NaN with fewer than 500. ``horizon``: as in
    :func:`trailing_base`.

    Its sign is the side of the majority so far, which who has no skill says. Over a month the majority changes sides by
    chance; over years it is the one that closes which do not move give it.

    Raises :class:`GateRefused` where a label is not 0 or 1.
    """
    labels = _labels(y)
    seen = np.maximum(np.arange(labels.size) - (horizon - 1), 0)
    ups = np.concatenate([[0.0], np.cumsum(labels)])[seen]  # whole numbers: exact
    return np.asarray(np.where(seen >= counts.week, 2.0 * ups / np.maximum(seen, 1) - 1.0, np.nan))


def stream_threshold(p: npt.ArrayLike, counts: DayCounts = GBPUSD_M15.counts) -> float:
    """The decision threshold that a version trained now is served with: the median of its stream's last 2,000
    predictions.

    With it a version says "up" on about half the bars, whatever the level of its scores.

    Raises :class:`GateRefused` with fewer than 500 predictions, or where one is not finite.
    """
    predictions = _stream(p)
    if predictions.size < counts.week:
        raise GateRefused(
            f"a trailing cut needs {counts.week} out-of-sample predictions and the stream has "
            f"{predictions.size}: backfill the evidence, or set the cut to 0.5"
        )
    return float(np.median(predictions[-counts.month :]))


def _stream(p: npt.ArrayLike) -> Floats:
    predictions = np.asarray(p, dtype=np.float64)
    if predictions.ndim != 1:
        raise GateRefused(f"a stream has one prediction a bar; got an array of shape {predictions.shape}")
    wrong = np.flatnonzero(~np.isfinite(predictions))
    if wrong.size:
        raise GateRefused(
            f"{wrong.size} predictions are not finite, the first at bar {wrong[0]}: leave unscored bars out of both"
        )
    return predictions


def _labels(y: npt.ArrayLike) -> Floats:
    labels = np.asarray(y, dtype=np.float64)
    if labels.ndim != 1:
        raise GateRefused(f"there is one label a bar; got an array of shape {labels.shape}")
    wrong = np.flatnonzero((labels != 0.0) & (labels != 1.0))
    if wrong.size:
        raise GateRefused(
            f"{wrong.size} labels are neither 0 nor 1, the first at bar {wrong[0]} ({labels[wrong[0]]}): "
            "score only bars whose label is known"
        )
    return labels


def _same_length(values: Floats, labels: Floats) -> None:
    if values.shape != labels.shape:
        raise GateRefused(f"{values.size} values beside {labels.size} labels: both must be of the same bars")
