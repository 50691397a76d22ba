"""The best of many rules looks good by chance: how good, a bootstrap over days says.

White's reality check (A reality check for data snooping, Econometrica 68, 2000), with each rule's mean in units of its
own standard error (Romano and Wolf, Econometrica 73, 2005), so that a rule that seldom trades counts as much as one
that always does. Days are drawn again in blocks of five, of all rules together, so that what moves together stays so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.errors import GateRefused

BLOCK = 5
"""Trading days that are drawn together: a week."""

DRAWS = 2_000
FEWEST_DAYS = 20


@dataclass(frozen=True, eq=False)
class BestOfMany:
    """``rules`` were looked at, and the best in standard errors is the one in column ``best``: its ``t``. With nothing
    in any of them the best of them reaches ``chance_t`` in one of twenty such stretches of days, and is as good as this
    one with the probability ``p``. ``error``: each rule's standard error of its mean a day, shape (n_rules,)."""

    rules: int
    best: int
    t: float
    chance_t: float
    p: float
    error: Floats


def best_of_many(daily: npt.ArrayLike, *, seed: int = 0) -> BestOfMany:
    """How good the best of some rules looks by chance. ``daily``: net pips of each day by each rule, shape (n_days,
    n_rules). A rule that never trades counts as looked at and can be no best.

    Raises :class:`GateRefused` for fewer than 20 days, or no rule that trades.
    """
    pips = np.asarray(daily, np.float64)
    if pips.ndim != 2 or pips.shape[0] < FEWEST_DAYS or not pips.any():
        raise GateRefused(f"net pips of shape {pips.shape}: give at least {FEWEST_DAYS} days of a rule that trades")
    days, rules = pips.shape
    trades = pips.any(axis=0)
    rng = np.random.default_rng(seed)
    begins = rng.integers(0, days, (DRAWS, -(-days // BLOCK)))
    drawn = ((begins[:, :, None] + np.arange(BLOCK)) % days).reshape(DRAWS, -1)[:, :days]
    weights = np.zeros((DRAWS, days))
    np.add.at(weights, (np.arange(DRAWS)[:, None], drawn), 1.0 / days)
    mean = pips.mean(axis=0)
    off = weights @ pips - mean
    error = np.where(trades, off.std(axis=0), np.inf)
    t = mean / error
    largest = (off / error).max(axis=1)
    best = int(np.argmax(np.where(trades, t, -np.inf)))
    return BestOfMany(
        rules=rules,
        best=best,
        t=float(t[best]),
        chance_t=float(np.quantile(largest, 0.95)),
        p=float((1 + (largest >= t[best]).sum()) / (DRAWS + 1)),
        error=np.where(trades, error, 0.0),
    )
