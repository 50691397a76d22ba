"""Drift and other faults in production that need no statistics over days, each found by one pure function.

- :func:`population_stability`: do the features still look as they did in training? :func:`no_drift_bound`: how large
  its index becomes where nothing drifts.
- :func:`one_sided`: does the champion predict one class only?
- :func:`days_behind`, :func:`thin_days`: are the bars fresh, and are they all there?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.errors import GateRefused
from flows.instruments import GBPUSD_M15, TradingHours

__all__ = [
    "SHIFTED",
    "FeatureProfile",
    "FeatureShift",
    "days_behind",
    "no_drift_bound",
    "one_sided",
    "population_stability",
    "profile",
    "thin_days",
]


SHIFTED = 0.25
"""A stability index above this is usually read as a shift (Siddiqi, Credit Risk Scorecards, 2006)."""

_BINS = 10


@dataclass(frozen=True, eq=False)
class FeatureProfile:
    """The distribution of a version's training features. ``edges``: shape (n_features, 9), their deciles; ``share``:
    shape (n_features, 10), the fraction in each bin; ``low``, ``high``: shape (n_features,), their range."""

    edges: Floats
    share: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class FeatureShift:
    """``index``: population stability index of each feature, 0 for none; ``outside``: fraction of recent bars outside
    the range seen in training; both of shape (n_features,)."""

    index: Floats
    outside: Floats


def profile(training: npt.ArrayLike) -> FeatureProfile:
    """The profile of training features, shape (n_bars, n_features).

    Raises :class:`GateRefused` for fewer than ten bars or a feature that is not finite.
    """
    x = _features(training)
    edges = np.quantile(x, np.arange(1, _BINS) / _BINS, axis=0).T
    return FeatureProfile(edges, _shares(x, edges), x.min(axis=0), x.max(axis=0))


def population_stability(trained: FeatureProfile, recent: npt.ArrayLike) -> FeatureShift:
    """How far recent features, shape (n_bars, n_features), moved from those of training.

    The index is Σ (a − e) ln(a / e) over ten bins, a and e the recent and the training fraction, each with half a bar
    added to every bin so that an empty one counts as rare, not as impossible.

    Raises :class:`GateRefused` for fewer than ten bars, another number of features, a feature that is not finite.
    """
    x = _features(recent)
    if x.shape[1] != trained.edges.shape[0]:
        raise GateRefused(
            f"{x.shape[1]} features beside a profile of {trained.edges.shape[0]}: same columns, same order"
        )
    actual, expected = _shares(x, trained.edges), trained.share
    index = _index(actual, expected)
    return FeatureShift(index, ((x < trained.low) | (x > trained.high)).mean(axis=0))


def no_drift_bound(training: npt.ArrayLike, day: npt.ArrayLike, *, window: int, rate: float = 0.05) -> Floats:
    """The index of each feature that ``window`` days without drift pass in ``rate`` of all looks, one or more of all
    features together: shape (n_features,); infinite where the training bars hold fewer than two such windows.

    Of independent bars the index is (1/n + 1/m) χ² with nine degrees of freedom (Yurdakul and Naranjo, "Statistical
    properties of the population stability index", Journal of Risk Model Validation 14, 2020). Bars depend on each
    other, and then it is many times larger: by that bound five features without drift pass in 99 of 100 looks. So the
    bound is a prediction limit for the next of a sample (Hahn and Meeker, "Statistical Intervals", 1991), by Student's
    t: the logarithms of the index of every window of training days beside the other training days are the sample, of as
    many values as windows do not overlap. A logarithm has a longer upper tail than sums of squares have, so the rate is
    rather below than above. It is shared among the features (Bonferroni).

    ``training``: shape (n_bars, n_features), ``day``: the trading day of each bar, shape (n_bars,). Raises
    :class:`GateRefused` as :func:`profile` does.
    """
    from scipy.special import stdtrit

    x = _features(training)
    days, number = np.unique(np.asarray(day), return_inverse=True)
    if days.size < 2 * window:
        return np.full(x.shape[1], np.inf)
    edges = np.quantile(x, np.arange(1, _BINS) / _BINS, axis=0).T
    bins = np.array([np.searchsorted(own, column, "left") for own, column in zip(edges, x.T, strict=True)])
    daily = np.array([np.bincount(number * _BINS + own, minlength=days.size * _BINS) for own in bins])
    sums = np.cumsum(daily.reshape(-1, days.size, _BINS), axis=1, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums[:, :1]), sums], axis=1)
    inside = sums[:, window:] - sums[:, :-window]
    index = _index(_smoothed(inside), _smoothed(sums[:, -1:] - inside))
    logarithm, windows = np.log(np.maximum(index, np.finfo(np.float64).tiny)), days.size / window
    t = stdtrit(windows - 1.0, 1.0 - rate / x.shape[1]) * np.sqrt(1.0 + 1.0 / windows)
    return np.asarray(np.exp(logarithm.mean(axis=1) + t * logarithm.std(axis=1)))


def one_sided(p: npt.ArrayLike, *, threshold: float) -> bool:
    """True where all predictions, shape (n_bars,), fall on one side of the decision threshold.

    Raises :class:`GateRefused` for no predictions, or one that is not finite.
    """
    predictions = np.asarray(p, dtype=np.float64)
    if predictions.size == 0 or not np.isfinite(predictions).all():
        raise GateRefused("the champion's recent predictions are missing or not finite: score its bars first")
    up = predictions > threshold
    return bool(up.all() or not up.any())


def days_behind(newest: np.datetime64, expected: np.datetime64, hours: TradingHours = GBPUSD_M15.hours) -> int:
    """Trading days from the newest bar's to the one that should be there, holidays among them; 0 when fresh."""
    return max(hours.days_between(newest.astype("datetime64[D]"), expected.astype("datetime64[D]")), 0)


def thin_days(bars: npt.ArrayLike, *, least: float = 0.8) -> npt.NDArray[np.intp]:
    """Indices of the days with fewer than ``least`` of the median day's bars; ``bars``: shape (n_days,), bars a day."""
    counts = np.asarray(bars, dtype=np.float64)
    if counts.size == 0:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(counts < least * np.median(counts))


def _shares(x: Floats, edges: Floats) -> Floats:
    counts = [
        np.bincount(np.searchsorted(own, column, "left"), minlength=_BINS)
        for own, column in zip(edges, x.T, strict=True)
    ]
    return _smoothed(np.array(counts, dtype=np.float64))


def _smoothed(counts: Floats) -> Floats:
    """Counts along the last axis as fractions, half a bar added to each."""
    return np.asarray((counts + 0.5) / (counts.sum(axis=-1, keepdims=True) + 0.5 * _BINS))


def _index(actual: Floats, expected: Floats) -> Floats:
    """The stability index over the last axis."""
    return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1))


def _features(values: npt.ArrayLike) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] < _BINS or x.shape[1] == 0:
        raise GateRefused(f"features have shape {x.shape}: give at least {_BINS} bars, one column a feature")
    if not np.isfinite(x).all():
        raise GateRefused("a feature is not finite: leave such bars out, validation names them")
    return x
