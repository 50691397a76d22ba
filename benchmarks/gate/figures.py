"""Figures with their 95 % intervals, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

Z = 1.959964


@dataclass(frozen=True)
class Figure:
    """A measured value between ``low`` and ``high``; infinite where it lies beyond the year."""

    value: float
    low: float
    high: float

    def words(self, form: str) -> str:
        """``form`` formats each number: ".3f", ".0%", ".0f"."""
        value, low, high = (format(x, form) if np.isfinite(x) else "> 250" for x in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def rate(counts: npt.ArrayLike) -> Figure:
    """Mean events a year; by Wilson's interval where no year has two, else by the normal."""
    events = np.asarray(counts, dtype=np.float64)
    if events.max(initial=0.0) <= 1.0:
        return share(events > 0)
    reach = Z * events.std(ddof=1) / np.sqrt(events.size)
    return Figure(float(events.mean()), max(float(events.mean() - reach), 0.0), float(events.mean() + reach))


def share(hits: npt.ArrayLike) -> Figure:
    """Share of years (Wilson, "Probable inference", Journal of the American Statistical Association 22, 1927)."""
    hit = np.asarray(hits, dtype=bool)
    n, p = hit.size, float(hit.mean())
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n * n))
    return Figure(p, max(float(middle - reach), 0.0), min(float(middle + reach), 1.0))


def quantile(nights: npt.ArrayLike, q: float, *, never: int) -> Figure:
    """The night by which a share ``q`` of the years has seen it, with the interval by order statistics."""
    ordered = np.sort(np.where(np.asarray(nights) >= never, np.inf, np.asarray(nights, dtype=np.float64)))
    n = ordered.size
    low, high = binom.ppf([0.025, 0.975], n, q).astype(int)
    return Figure(*(float(ordered[min(max(at, 0), n - 1)]) for at in (int(n * q), low, high)))
