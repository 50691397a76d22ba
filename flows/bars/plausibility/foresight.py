"""A column may hold nothing that is known only later: no price of the next bar, no return to it, no label.

What a column says beyond the prices of its own bar is compared with the next return. Real features say nothing there
(a correlation of 0.05 at most on the real years); a next close, return or label says nearly everything.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.arrays import Floats
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars

ENOUGH = 100
"""Bars with a next one from which it shows."""

MOST = 0.5
"""Correlation with the next return from which a column is refused."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Columns that hold the next bar, year by year. Speaks from :data:`ENOUGH` bars of a year on."""
    prices = [bars.columns[name] for name in bars.prices if name in bars.columns]
    others = [name for name in bars.columns if name not in bars.prices]
    for year in np.unique(bars.year).tolist():
        here = np.flatnonzero(bars.follows & (bars.year == year)) - 1
        if here.size < ENOUGH or not others:
            continue
        known = np.column_stack([np.ones(here.size), *(price[here] - price[here[0]] for price in prices)])
        following = _beyond(known, bars.close[here + 1] - bars.close[here])
        for name in others:
            alike = _correlation(_beyond(known, bars.columns[name][here]), following)
            if abs(alike) > MOST:
                where = bars.year == year
                found = f"{name} of {year} goes with the next return by a correlation of {alike:.2f}: it is the future"
                yield bars.finding(Check.FORESIGHT, "refuse", where, found)


def _beyond(known: Floats, values: Floats) -> Floats:
    """What is left of ``values`` after a linear regression on the columns of ``known``: shape (n,)."""
    centred = values - values.mean()
    # einsum asks no BLAS: its threads cost more than they save on five columns, above all on a busy machine
    gram, goes_with = np.einsum("ij,ik->jk", known, known), np.einsum("ij,i->j", known, centred)
    weights = np.linalg.lstsq(gram, goes_with, rcond=None)[0]
    return np.asarray(centred - np.einsum("ij,j->i", known, weights), np.float64)


def _correlation(one: Floats, other: Floats) -> float:
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0
