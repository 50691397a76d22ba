"""Every night of many years at once: the gate's z by running sums, as fast as one night by the gate itself.

``flows.gate`` judges one night; a year of nights asks for the same sums 250 times. Here they are taken once. That this
is what the gate says is checked before every run (:func:`check`), on nights chosen by chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.gate.days import BARS, HISTORY, NIGHTS, Floats, Scenario, simulate
from flows.gate.nightly.sequential import (
    RECENT_WINDOWS,
    WINDOWS,
    fewest_days,
    judge,
    normal_from_t,
    together,
    variance_inflation,
)

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

    def largest_z(self, windows: Sequence[int]) -> Floats:
        """Largest z over the windows that exist, days taken as independent: shape (…, nights), −inf where none does."""
        longest = np.minimum(self.seen, windows[-1])
        judged = self.seen >= fewest_days(windows)
        best = np.full((*self._total.shape[:-1], self.seen.size), -np.inf)
        if not judged.any():
            return best
        mean, believed = self._moments(judged, longest)
        z = mean / np.sqrt(believed / longest[judged])
        for n in windows[:-1]:
            full = self.seen[judged] >= n
            mean, variance = self._moments(self.seen >= n, np.full_like(longest, n))
            z[..., full] = np.maximum(z[..., full], mean / np.sqrt(np.maximum(variance, believed[..., full]) / n))
        best[..., judged] = normal_from_t(z, longest[judged] - 1.0)
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


def nightly_z(leads: Floats, history: int) -> tuple[Floats, Floats]:
    """The largest z of each recipe on each night, shape (years, recipes, nights), and of all together, (years, nights);
    ``leads``: shape (years, recipes, days), ``history`` of them before night 0."""
    seen = history + np.arange(NIGHTS)
    each, everyone = Sums(leads, seen), Sums(leads.mean(axis=1), seen)
    r = np.maximum(each.autocorrelation(WINDOWS[-1]).mean(axis=1), 0.0)
    inflation = variance_inflation(r)
    return each.largest_z(WINDOWS) / inflation[:, None], everyone.largest_z(RECENT_WINDOWS) / inflation


def check() -> float:
    """The largest difference from what the gate itself says; raises AssertionError where it is more than rounding."""
    rng, worst = np.random.default_rng(1), 0.0
    for history in (0, HISTORY):
        leads = simulate(Scenario("check", first=1.0, history=history), 4, rng).leads
        z, everyone = nightly_z(leads, history)
        for _ in range(CHECKED // 2):
            year, night = int(rng.integers(4)), int(rng.integers(45, NIGHTS))
            d = leads[year, :, : history + night].T
            bars = np.full(d.shape[0], float(BARS))
            found = judge(d, bars)
            both = judge(*together(d, bars), windows=RECENT_WINDOWS, r=found.r)
            worst = max(worst, float(np.abs(np.nanmax(found.z, axis=1) - z[year, :, night]).max()))
            worst = max(worst, float(abs(np.nanmax(both.z) - everyone[year, night])))
    assert worst < 1e-6, f"running sums differ from the gate by {worst} in z"
    return worst


def _running(values: Floats) -> Floats:
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
