"""The threshold that holds the gate's error rate for a whole year of nights, by simulation.

A year of nights in which no recipe is better than the champion is played many times: independent normal days, the
champion's noise shared by all differences (so that any two are correlated by one half), 250 days of history before the
first night, every window of every recipe looked at on every night that decides. The threshold is the value that the
largest z of such a year exceeds with the probability of the yearly error budget.

Nothing of the present data enters, so the threshold is known before the evidence is looked at. What real days do
differently is taken care of elsewhere: autocorrelation by the factor in :mod:`flows.gate.sequential` (its estimate is
floored at zero and not simulated here, which errs on the careful side), heavy tails and uneven days by the many bars in
a day. ``benchmarks/gate`` measures what is left, with simulators of its own.

>>> calibrate(recipes=5).threshold
3.584
>>> calibrate(recipes=5, cadence=5).threshold        # decide once a week: fewer looks
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from flows.errors import GateRefused

from .sequential import WINDOWS, normal_from_t

__all__ = ["BUDGET", "NIGHTS", "PATHS", "SEED", "Calibration", "calibrate"]

BUDGET = 0.05
"""Probability of a false promotion in a year: one in twenty years."""

NIGHTS = 250
"""Nights in a year, about the trading days."""

PATHS = 20_000
"""Simulated years; the threshold's standard error is then about 0.01."""

SEED = 20_250_101
"""Fixed, so that the same question has the same answer everywhere."""

_CHUNK = 500  # years at once, 250 thousand days: fits the processor's cache


@dataclass(frozen=True)
class Calibration:
    """A threshold and everything needed to compute it again; it goes into the decision record as it is."""

    threshold: float
    recipes: int
    windows: tuple[int, ...]
    cadence: int
    budget: float
    nights: int
    paths: int
    seed: int


def calibrate(
    recipes: int,
    *,
    windows: tuple[int, ...] = WINDOWS,
    cadence: int = 1,
    budget: float = BUDGET,
    paths: int = PATHS,
    seed: int = SEED,
) -> Calibration:
    """The z to be exceeded with this many recipes, rounded to three digits; half a second a recipe, then remembered.

    ``recipes`` counts the distinct fingerprints tried in the last 250 nights. ``cadence``: nights from one decision
    to the next (1 nightly, 5 weekly). ``budget``: probability of at least one false promotion in 250 nights.
    More recipes never give a lower threshold: the noise of a recipe does not depend on how many others there are.

    Raises :class:`GateRefused` for no recipes, a cadence or windows that no year has, a budget that the number of
    paths cannot resolve (fewer than 50 of them beyond the threshold).
    """
    if recipes < 1 or not 1 <= cadence <= NIGHTS:
        raise GateRefused(f"{recipes} recipes judged every {cadence} nights: both start at 1, cadence ends at {NIGHTS}")
    if not windows or sorted(set(windows)) != list(windows) or windows[0] < 3:
        raise GateRefused(f"the windows {windows} must be increasing numbers of days, from 3 up")
    if not 50 / paths <= budget < 1.0:
        raise GateRefused(f"a yearly budget of {budget} cannot be told from {paths} simulated years: {50 / paths} is")
    largest = _largest_z(0, windows, cadence, paths, seed)
    for recipe in range(1, recipes):
        largest = np.maximum(largest, _largest_z(recipe, windows, cadence, paths, seed))
    threshold = round(float(np.quantile(largest, 1.0 - budget)), 3)
    return Calibration(threshold, recipes, windows, cadence, budget, NIGHTS, paths, seed)


@cache
def _largest_z(recipe: int, windows: tuple[int, ...], cadence: int, paths: int, seed: int) -> npt.NDArray[np.float32]:
    """The largest z that one recipe shows in each simulated year, over all windows and deciding nights: (paths,)."""
    chunks = []
    for start in range(0, paths, _CHUNK):
        shape = (min(_CHUNK, paths - start), windows[-1] + NIGHTS)
        champion, own = (
            np.random.default_rng((seed, start, stream)).standard_normal(shape, dtype=np.float32)
            for stream in (0, recipe + 1)
        )
        chunks.append(_year(own - champion, windows, cadence))
    return np.concatenate(chunks)


def _year(d: npt.NDArray[np.float32], windows: tuple[int, ...], cadence: int) -> npt.NDArray[np.float32]:
    """Largest z over windows and nights of each row of daily differences: shape (paths,) from (paths, n_days)."""
    origin = np.zeros((d.shape[0], 1), dtype=np.float32)
    total = np.concatenate([origin, np.cumsum(d, axis=1)], axis=1)
    square = np.concatenate([origin, np.cumsum(np.square(d), axis=1)], axis=1)
    first = windows[-1] + 1  # the first night decides on the day after the history
    best = np.full(d.shape[0], -np.inf, dtype=np.float32)
    longest = np.float32(0.0)
    for n in reversed(windows):
        mean = (total[:, first::cadence] - total[:, first - n : -n : cadence]) / n
        spread = (square[:, first::cadence] - square[:, first - n : -n : cadence]) / n - np.square(mean)
        variance = np.maximum(spread * (n / (n - 1)), longest)
        if n == windows[-1]:
            longest = variance
        best = np.maximum(best, (mean / np.sqrt(variance / n)).max(axis=1))
    return normal_from_t(best, float(windows[-1] - 1)).astype(np.float32)
