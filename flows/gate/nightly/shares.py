"""How much each recipe counts in the mean of all together: more where it was clearly ahead of the others before.

A recipe that has just become better, or two poor ones among five, are hidden by a plain mean. So a day's mean weighs
the recipes by the days before it. With x_i the lead of recipe i minus the mean lead of the others, m its mean over the
last 30 days and s its deviation over up to 250 days, both until the day before::

    z_i = m √n / s                                  (n: its days among the 30; 0 with fewer than 40 days in all)
    g_i = z_i beyond 1.5 on either side, else 0     (what chance alone often does changes nothing)
    share of recipe i ∝ exp(2.5 g_i)

The weights of exponentially weighted averages (Cesa-Bianchi and Lugosi, Prediction, Learning, and Games, 2006, ch. 2),
with a dead zone. A share is known before the day that it weighs. So where no recipe is better than the champion, no
choice of shares makes a mean above zero, and the threshold of a plain mean holds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.nightly.sequential import FEWEST_DAYS

__all__ = ["LATELY", "shares"]

LATELY = 30
"""Trading days that a recipe's recent lead over the others is taken from."""

DEAD_ZONE, STEEPNESS = 1.5, 2.5

_SAME = 1e-9  # a deviation this small beside the largest lead is rounding: recipes that say the same


def shares(d: npt.ArrayLike) -> Floats:
    """The share of each recipe on each day, of the shape of ``d``, (…, n_days, n_recipes); a day's sum to 1.

    ``d``: leads as in :func:`~flows.gate.nightly.sequential.judge`, oldest day first, NaN where a recipe has no such
    day: its share is 0 there. A day that no recipe has is all zeros.
    """
    leads = np.asarray(d, dtype=np.float64)
    seen = ~np.isnan(leads)
    known = np.where(seen, leads, 0.0)
    count = seen.sum(axis=-1, keepdims=True)
    compared = seen & (count >= 2)
    beside = np.where(compared, known - (known.sum(axis=-1, keepdims=True) - known) / np.maximum(count - 1, 1), 0.0)
    n, total = _before(compared, LATELY), _before(beside, LATELY)
    days, sums, squares = (_before(of, NIGHTS_A_YEAR) for of in (compared, beside, np.square(beside)))
    mean = sums / np.maximum(days, 1.0)
    variance = np.maximum(squares / np.maximum(days, 1.0) - np.square(mean), 0.0)
    largest = np.maximum.accumulate(np.abs(beside).max(axis=-1, keepdims=True), axis=-2)
    judged = (days >= FEWEST_DAYS) & (n > 0) & (variance > np.square(_SAME * largest))
    deviation = np.sqrt(np.where(judged, variance, 1.0))
    z = np.where(judged, total / np.sqrt(np.maximum(n, 1.0)) / deviation, 0.0)
    beyond = np.copysign(np.maximum(np.abs(z) - DEAD_ZONE, 0.0), z)
    strongest = np.where(seen, beyond, -np.inf).max(axis=-1, keepdims=True)
    weight = np.where(seen, np.exp(STEEPNESS * (beyond - np.where(count > 0, strongest, 0.0))), 0.0)
    return np.asarray(weight / np.where(count > 0, weight.sum(axis=-1, keepdims=True), 1.0))


def _before(values: npt.NDArray[np.float64] | npt.NDArray[np.bool_], days: int) -> Floats:
    """Sums over the last so many days before each day, along the axis of days."""
    total = np.cumsum(values, axis=-2, dtype=np.float64)
    until = np.concatenate([np.zeros_like(total[..., :1, :]), total[..., :-1, :]], axis=-2)
    sums = until.copy()
    sums[..., days:, :] -= until[..., :-days, :]
    return np.asarray(sums)
