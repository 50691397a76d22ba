"""How often an old champion is refreshed, and how often by a recipe that is worse than the margin allows."""

from __future__ import annotations

import numpy as np

from benchmarks.gate.days import DISAGREE, HISTORY, NIGHTS, OWN, RECIPES, RETRAIN_DISAGREE, Floats
from benchmarks.gate.figures import quantile, share
from benchmarks.gate.nights import NEVER
from benchmarks.gate.rolling import Sums
from flows.gate.nightly.calibration import calibrate
from flows.gate.nightly.sequential import RECENT_WINDOWS

SEED = 20_250_109
YEARS = 2_000
MARGIN = 0.01
"""A point of accuracy, a fifth of a day's deviation between two recipes; 0.01 edge is about the same."""

LEADS = (0.0, -0.005, -MARGIN, -0.02)


def show() -> None:
    """Print a row for each true lead of the retrained recipe, for a champion still like it and for a stranger to it."""
    threshold = calibrate(RECIPES).threshold
    print(f"\nRefreshes in the year after the maximum age, {YEARS:,} years of days, margin 1 point:\n")
    print("| the recipe, retrained, is | refreshed in a year | median night | where the champion is a stranger to it |")
    print("| --- | --- | --- | --- |")
    for lead in LEADS:
        near, far = (_nights(lead, correlation, threshold) for correlation in (1.0 - RETRAIN_DISAGREE / DISAGREE, 0.0))
        name = "as good" if not lead else f"worse by {-100 * lead:g} points"
        median = quantile(near, 0.5, never=NEVER).words(".0f")
        print(f"| {name} | {share(near < NEVER).words('.1%')} | {median} | {share(far < NEVER).words('.1%')} |")


def _nights(lead: float, correlation: float, threshold: float) -> Floats:
    """The night of the refresh, 250 for none: shape (years,). ``correlation``: of the champion with its recipe."""
    rng = np.random.default_rng((SEED, round(1000 * correlation), round(-1000 * lead)))
    noise = OWN * np.sqrt(2.0 * (1.0 - correlation)) * rng.standard_normal((YEARS, HISTORY + NIGHTS))
    seen = HISTORY + np.arange(NIGHTS)
    d = noise + lead + MARGIN
    passed = Sums(d, seen).largest_z(RECENT_WINDOWS[-1:]) > threshold
    total = np.concatenate([np.zeros((YEARS, 1)), np.cumsum(d, axis=1)], axis=1)
    for n in RECENT_WINDOWS[:-1]:
        passed &= total[:, seen] > total[:, seen - n]
    return np.where(passed.any(axis=1), passed.argmax(axis=1), NEVER).astype(np.float64)
