"""The plain form of the test: each window by its own deviation, four fixed windows. The gate has to beat it.

Written apart from ``flows.gate``, threshold included, so that it also checks it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import ndtri_exp
from scipy.stats import t as student

from benchmarks.gate.days import HISTORY, NIGHTS, RECIPES, Floats
from benchmarks.gate.nights import NEVER, Promotions

SEED = 20_250_107
YEARS = 10_000
WINDOWS = (40, 80, 160, 250)
GRID = np.linspace(-30.0, 30.0, 60_001)


def first_promotions(leads: Floats, allowed: float, history: int) -> Promotions:
    """What the plain form does with daily leads of shape (years, recipes, days), ``history`` of them before night 0."""
    night, recipe = np.full(len(leads), NEVER), np.full(len(leads), -1)
    waiting = np.arange(len(leads))
    for tonight in range(NIGHTS):
        z = largest_z(leads[waiting, :, : history + tonight])
        promoted = z.max(axis=1, initial=-np.inf) > allowed
        night[waiting[promoted]] = tonight
        recipe[waiting[promoted]] = z[promoted].argmax(axis=1)
        waiting = waiting[~promoted]
    return Promotions(night, recipe)


def largest_z(leads: Floats) -> Floats:
    """Largest z of each recipe in any full window, shape (years, recipes); leads: shape (years, recipes, days)."""
    days = leads.shape[2]
    full = [n for n in WINDOWS if n <= days]
    if not full:
        return np.full(leads.shape[:2], -np.inf)
    centred = leads[:, :, -250:] - leads[:, :, -250:].mean(axis=2, keepdims=True)
    r = ((centred[:, :, 1:] * centred[:, :, :-1]).sum(axis=2) / (centred**2).sum(axis=2)).mean(axis=1)
    r = np.maximum(r, 0.0)[:, None]
    z = np.max([_normal(leads[:, :, -n:], n) for n in full], axis=0)
    return np.asarray(z / np.sqrt((1.0 + r) / (1.0 - r)))


def _normal(window: Floats, n: int) -> Floats:
    return np.asarray(from_t(window.mean(axis=2) / window.std(axis=2, ddof=1) * np.sqrt(n), n - 1))


def from_t(t: Floats, degrees: int) -> Floats:
    """The normal deviate with the same tail: exact on a grid of thousandths, between them by straight lines."""
    return np.asarray(np.interp(t, GRID, _deviates(degrees)))


@cache
def _deviates(degrees: int) -> Floats:
    low, high = student.logcdf(GRID, degrees), student.logsf(GRID, degrees)
    return np.asarray(np.where(GRID < 0, ndtri_exp(low), -ndtri_exp(high)))


@cache
def threshold(recipes: int = RECIPES, budget: float = 0.05, cadence: int = 1) -> float:
    """What the largest z of a year exceeds with probability ``budget``; independent days, leads correlated by half."""
    largest = []
    for chunk in range(YEARS // 250):
        rng = np.random.default_rng((SEED, chunk))
        noise = rng.standard_normal((250, 1 + recipes, HISTORY + NIGHTS))
        sums = np.cumsum(np.pad(noise[:, 1:] - noise[:, :1], ((0, 0), (0, 0), (1, 0))), axis=2)
        squares = np.cumsum(np.pad((noise[:, 1:] - noise[:, :1]) ** 2, ((0, 0), (0, 0), (1, 0))), axis=2)
        ends = np.arange(HISTORY, HISTORY + NIGHTS, cadence)
        best = [np.full(250, -np.inf)]
        for n in WINDOWS:
            mean = (sums[:, :, ends] - sums[:, :, ends - n]) / n
            variance = ((squares[:, :, ends] - squares[:, :, ends - n]) / n - mean**2) * n / (n - 1)
            best.append(from_t((mean / np.sqrt(variance / n)).max(axis=(1, 2)), n - 1))
        largest.append(np.max(best, axis=0))
    return float(np.quantile(np.concatenate(largest), 1.0 - budget))
