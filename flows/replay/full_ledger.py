"""The evidence of all nights of a replay in one ledger, and how much of it each night knew.

Every score, rank and decision threshold of a bar depends on earlier bars alone, so what a night knew is the beginning
of what the last night knows, and the ledger is built once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats
from flows.evidence.backfill import decision_threshold
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger, Stream, assemble, minutes, recipe_stream
from flows.instruments import DayCounts
from flows.replay.fit_cache import FitCache


@dataclass(frozen=True, eq=False)
class FullLedger:
    """``ledger``: every recipe's stream over all nights, at its versions' decision thresholds. ``ends``: how
    many of its bars each night knew, shape (n_nights,). ``cuts``: of each night's versions, shape (n_nights,
    n_recipes), NaN where the recipe had no stream yet. ``positions``: of the ledger's bars in the data, shape
    (n_bars,).
    """

    ledger: Ledger
    ends: npt.NDArray[np.intp]
    cuts: Floats
    positions: npt.NDArray[np.intp]

    def fresh(self, number: int) -> slice:
        """The bars that the night with this number was the first to know."""
        return slice(int(self.ends[number - 1]) if number else 0, int(self.ends[number]))

    def frozen(self, name: str, version: str, p: Floats, cut: float, since: int) -> Stream:
        """The stream of a version that became champion in the night with number ``since``; ``p``: shape (bars of the
        data,)."""
        later = np.arange(self.positions.size) >= self.ends[since]
        return Stream(name, np.where(later, p[self.positions], np.nan), np.where(later, cut, np.nan), later, version)


def full_ledger(cache: FitCache, policy: GatePolicy) -> FullLedger:
    """All nights of a replay, the versions of each at the decision threshold that the policy gives them."""
    ledger = assemble([*cache.backfill, *(night.scores for night in cache.nights)])
    before = sum(scores.opens.size for scores in cache.backfill)
    ends = before + np.cumsum([night.scores.opens.size for night in cache.nights])
    streams, cuts = dict(ledger.streams), np.full((len(cache.nights), len(cache.job.recipes)), np.nan)
    for column, recipe in enumerate(cache.job.recipes):
        key = recipe_stream(recipe.fingerprint)
        stream = streams.get(key)
        if stream is not None:
            cuts[:, column] = _thresholds(policy, stream, ends, ledger.instrument.counts)
            streams[key] = replace(stream, cut=_at_thresholds(stream, ends, cuts[:, column]))
    opens = minutes(pd.DatetimeIndex(cache.data.bars.frame.index))
    positions = np.searchsorted(opens, minutes(ledger.opens))
    return FullLedger(replace(ledger, streams=streams), ends, cuts, positions)


def _thresholds(policy: GatePolicy, stream: Stream, ends: npt.NDArray[np.intp], counts: DayCounts) -> list[float]:
    """The decision threshold that a version of each night is served with; NaN before the stream begins."""
    at = np.flatnonzero(stream.scored)
    p = stream.p[at]
    known = np.searchsorted(at, ends)
    of = ((p[max(n - counts.month, 0) : n], n) for n in known.tolist())
    return [decision_threshold(policy, some, counts) if n else np.nan for some, n in of]


def _at_thresholds(stream: Stream, ends: npt.NDArray[np.intp], cuts: Floats) -> Floats:
    """The decision threshold of the version that predicted each bar: that of the night before; a backfilled bar keeps
    its own."""
    cut = stream.cut.copy()
    for begin, end, before in zip(ends[:-1].tolist(), ends[1:].tolist(), cuts[:-1].tolist(), strict=True):
        cut[begin:end] = before if before == before else 0.5
    return cut
