"""Every night of many years at once: the gate's z by running sums, as fast as one night by the gate itself.

``flows.gate`` judges one night; a year of nights asks for the same sums 250 times. Here they are taken once. That this
is what the gate says is checked before every run (:func:`check`), on nights chosen by chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.gate.days import BARS, HISTORY, NIGHTS, OWN, Floats, Scenario, autoregression, simulate
from flows.gate.nightly.dependence import HORIZONS, OWN_ERRORS, OverWeeks
from flows.gate.nightly.sequential import (
    RECENT_WINDOWS,
    WINDOWS,
    fewest_days,
    judge,
    normal_from_t,
    together,
    variance_inflation,
)
from flows.gate.nightly.shares import shares

CHECKED = 40
"""Nights on which the gate itself judges."""


class Sums:
    """Running sums of daily leads, shape (…, days), and what windows that end on given nights say of them.

    ``seen``: shape (nights,), the days that each night has seen.
    """

    def __init__(self, leads: Floats, seen: npt.NDArray[np.int64]) -> None:
        self.seen = seen
        self._total, self._square = _running(leads), _running(np.square(leads))
        products = np.zeros_like(leads)
        products[..., 1:] = leads[..., 1:] * leads[..., :-1]
        self._product = _running(products)

    def largest_z(self, windows: Sequence[int], variances: Sequence[Floats] | None = None) -> Floats:
        """Largest z over the windows that exist, shape (…, nights), −inf where none does. ``variances``: by window, how
        many times as large the variance of its mean is as that of independent days, which they are without it."""
        by = [np.sqrt(each) for each in variances] if variances else [np.ones(self.seen.size)] * len(windows)
        longest = np.minimum(self.seen, windows[-1])
        judged = self.seen >= fewest_days(windows)
        best = np.full((*self._total.shape[:-1], self.seen.size), -np.inf)
        if not judged.any():
            return best
        mean, believed = self._moments(judged, longest)
        degrees = longest[judged] - 1.0
        best[..., judged] = normal_from_t(mean / np.sqrt(believed / longest[judged]), degrees) / by[-1][..., judged]
        for window, n in enumerate(windows[:-1]):
            full = self.seen >= n
            mean, variance = self._moments(full, np.full_like(longest, n))
            known = full[judged]
            t = mean / np.sqrt(np.maximum(variance, believed[..., known]) / n)
            best[..., full] = np.maximum(best[..., full], normal_from_t(t, degrees[known]) / by[window][..., full])
        return best

    def autocorrelation(self, longest: int) -> Floats:
        """Lag-1 autocorrelation of the last days on each night, shape (…, nights); 0 where nothing is judged."""
        judged = self.seen >= fewest_days()
        n = np.minimum(self.seen, longest)
        found = np.zeros((*self._total.shape[:-1], self.seen.size))
        mean, variance = self._moments(judged, n)
        end, days = self.seen[judged], n[judged]
        begin = end - days
        lagged = self._product[..., end] - self._product[..., begin + 1]
        later = self._total[..., end] - self._total[..., begin + 1]
        earlier = self._total[..., end - 1] - self._total[..., begin]
        centred = lagged - mean * (later + earlier) + (days - 1) * np.square(mean)
        found[..., judged] = centred / (variance * (days - 1))
        return found

    def _moments(self, chosen: npt.NDArray[np.bool_], n: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        end, days = self.seen[chosen], n[chosen]
        mean = (self._total[..., end] - self._total[..., end - days]) / days
        spread = (self._square[..., end] - self._square[..., end - days]) / days - np.square(mean)
        return mean, spread * days / (days - 1)


def nightly_z(leads: Floats, history: int, *, seen: npt.NDArray[np.int64] | None = None) -> tuple[Floats, Floats]:
    """The largest z of each recipe on each night, shape (years, recipes, nights), and of all together, (years, nights);
    ``leads``: shape (years, recipes, days), ``history`` of them before night 0, or ``seen`` before each night."""
    seen = history + np.arange(NIGHTS) if seen is None else seen
    each, everyone = Sums(leads, seen), Sums(all_together(leads), seen)
    found = each.autocorrelation(WINDOWS[-1])
    r = np.maximum(found.mean(axis=1), 0.0)
    days = np.maximum(np.minimum(seen, WINDOWS[-1]), 1)
    own = np.where(found - r[:, None] > OWN_ERRORS / np.sqrt(days), found, r[:, None])
    others, all_of_them = _shown(leads, seen)
    z = each.largest_z(WINDOWS, _variances(own, others, WINDOWS, seen))
    return z, everyone.largest_z(RECENT_WINDOWS, _variances(own.max(axis=1), all_of_them, RECENT_WINDOWS, seen))


def all_together(leads: Floats) -> Floats:
    """The mean of all recipes, those that led counting more: shape (years, days), for ``leads`` as :func:`nightly_z`,
    NaN before a recipe's first day."""
    by_day = np.moveaxis(leads, 1, -1)
    return np.asarray(np.nansum(shares(by_day) * by_day, axis=-1))


Shown = Sequence[tuple[int, Floats, Floats]]
"""By horizon: days, variance ratio, lower end of its interval."""


def each_for_itself(r: Floats, scores: Floats, seen: npt.NDArray[np.int64]) -> Floats:
    """By how much the variance of a year's mean is larger than that of independent days, shape (years, recipes,
    nights), for autocorrelations ``r`` of this shape and the variance ratios of the scores, (years, recipes, days),
    around nothing but their own means."""
    end = np.maximum(seen, 3)
    day = _sum_variance(scores, end, 1).sum(axis=1)
    products = _products(scores, end)
    series = np.square(np.einsum("ykkn->yn", products)) / np.square(products).sum(axis=(1, 2))
    shown = [_with_low(_sum_variance(scores, end, q).sum(axis=1) / day, q, series, seen) for q in HORIZONS]
    return _variances(r, [(q, low[:, None], low[:, None]) for q, _, low in shown], WINDOWS[-1:], seen)[0]


def _variances(r: Floats, shown: Shown, windows: Sequence[int], seen: npt.NDArray[np.int64]) -> list[Floats]:
    by_lag = np.square(variance_inflation(r))
    found = []
    for n in windows:
        most = by_lag
        for q, ratio, low in shown:
            used = (low > by_lag) & (q <= np.minimum(seen, n))
            most = np.where(used, np.maximum(most, ratio), most)
        found.append(most)
    return found


def _shown(leads: Floats, seen: npt.NDArray[np.int64]) -> tuple[Shown, Shown]:
    """Variance ratios of the other recipes around their mean, for each recipe: shape (years, recipes, nights); and of
    all, (years, nights). All days that a night has seen count.

    Σ (x_j − mean)² over k series is Σ x_j² − (Σ x_j)² / k, so running sums of each series, of all of them and of all
    but each are enough.
    """
    recipes, end = leads.shape[1], np.maximum(seen, 3)  # fewer days have no ratio, nor are they asked for one
    total = leads.sum(axis=1, keepdims=True)

    def spread(q: int) -> tuple[Floats, Floats]:
        parts = [_sum_variance(x, end, q) for x in (leads, total - leads, total)]
        own = parts[0].sum(axis=1)
        return (own[:, None] - parts[0]) - parts[1] / (recipes - 1), own - parts[2][:, 0] / recipes

    series = _independent_series(leads, end)
    day = spread(1)
    shown: list[list[tuple[int, Floats, Floats]]] = [[], []]
    for q in HORIZONS:
        for at, sums in enumerate(spread(q)):
            shown[at].append(_with_low(sums / day[at], q, series[at], seen))
    return shown[0], shown[1]


def _with_low(ratio: Floats, q: int, series: Floats, seen: npt.NDArray[np.int64]) -> tuple[int, Floats, Floats]:
    """A variance ratio and the lower end of its interval; −inf where the days do not hold the horizon twice."""
    middle = 2.0 * (2 * q - 1) * (q - 1) / (27.0 * q * series * np.maximum(seen, 3))
    low = ratio / np.maximum(1.0 - middle + 1.6448536 * np.sqrt(middle), 0.2) ** 3
    return q, ratio, np.where(seen >= 2 * q, low, -np.inf)


def _products(x: Floats, end: npt.NDArray[np.int64]) -> Floats:
    """Covariances, times days, of each two series on each night: shape (years, series, series, nights)."""
    total = np.cumsum(x, axis=-1)[..., end - 1]
    products = np.cumsum(x[:, :, None] * x[:, None], axis=-1)[..., end - 1]
    return np.asarray(products - total[:, :, None] * total[:, None] / end)


def _sum_variance(x: Floats, end: npt.NDArray[np.int64], q: int) -> Floats:
    """Variance of sums of q days over q, as if independent, on each night: shape (years, series, nights)."""
    total = _running(x)
    sums = total[..., q:] - total[..., :-q]
    once, twice = np.cumsum(sums, axis=-1), np.cumsum(np.square(sums), axis=-1)
    count = np.maximum(end - q + 1, 1)
    mean = total[..., end] / end
    squares = twice[..., count - 1] - 2 * q * mean * once[..., count - 1] + count * np.square(q * mean)
    return np.asarray(squares / (q * count * np.where(end > q, 1.0 - q / end, 1.0)))


def _independent_series(leads: Floats, end: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(tr C)² / tr C² of the covariance of the others around their mean, and of all."""
    products = _products(leads, end)

    def series(kept: list[int]) -> Floats:
        chosen = products[:, kept][:, :, kept]
        beside = chosen - chosen.mean(axis=1, keepdims=True)
        beside = beside - beside.mean(axis=2, keepdims=True)
        return np.asarray(np.square(np.einsum("ykkn->yn", beside)) / np.square(beside).sum(axis=(1, 2)))

    everyone = list(range(leads.shape[1]))
    others = [series([each for each in everyone if each != recipe]) for recipe in everyone]
    return np.stack(others, axis=1), series(everyone)


def check() -> float:
    """The largest difference from what the gate itself says; raises AssertionError where it is more than rounding."""
    rng, worst = np.random.default_rng(1), 0.0
    for history in (0, HISTORY):
        scenario = Scenario("check", first=1.0, history=history, autocorrelation=0.3)
        days = simulate(scenario, 4, rng)
        days.own[:, 1] += OWN * autoregression(rng, days.own[:, 1].shape, 0.9)  # one recipe's days follow each other
        leads = days.leads
        z, everyone = nightly_z(leads, history)
        for _ in range(CHECKED // 2):
            year, night = int(rng.integers(4)), int(rng.integers(45, NIGHTS))
            d = leads[year, :, : history + night].T
            bars = np.full(d.shape[0], float(BARS))
            names = [str(recipe) for recipe in range(d.shape[1])]
            weeks, found = OverWeeks(names, d), judge(d, bars)
            both = weeks.all_together(judge(*together(d, bars, shares(d)), windows=RECENT_WINDOWS, r=found.r), found)
            found = weeks.widened(found, names)
            worst = max(worst, float(np.abs(np.nanmax(found.z, axis=1) - z[year, :, night]).max()))
            worst = max(worst, float(abs(np.nanmax(both.z) - everyone[year, night])))
    assert worst < 1e-6, f"running sums differ from the gate by {worst} in z"
    return worst


def _running(values: Floats) -> Floats:
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
