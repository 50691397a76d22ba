"""The evidence of all nights of a tape at once, and what each night knew of it.

Every score, rank and cut of a bar depends on earlier bars alone, so that what a night knew is the beginning of what the
last one knows; nothing has to be put together anew each night.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.evidence.backfill import decision_threshold
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger, Stream, assemble, minutes, recipe_stream
from flows.gate.scoring.scores import TRAILING_BARS
from flows.replay.fit_cache import FitCache

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Whole:
    """``ledger``: every recipe's stream over all nights, at the cuts its versions were registered with. ``ends``: how
    many of its bars each night knew, shape (n_nights,). ``cuts``: of each night's versions, shape (n_nights,
    n_recipes), NaN where the recipe had no stream yet. ``places``: of the ledger's bars in the data, shape (n_bars,).
    """

    ledger: Ledger
    ends: npt.NDArray[np.intp]
    cuts: Floats
    places: npt.NDArray[np.intp]

    def fresh(self, place: int) -> slice:
        """The bars that the night at this place knew first."""
        return slice(int(self.ends[place - 1]) if place else 0, int(self.ends[place]))

    def frozen(self, name: str, version: str, said: Floats, cut: float, since: int) -> Stream:
        """The stream of a version that became champion in the night at place ``since``; ``said``: shape (bars of the
        data,)."""
        later = np.arange(self.places.size) >= self.ends[since]
        p = np.where(later, said[self.places], np.nan)
        return Stream(name, p, np.where(later, cut, np.nan), later, version)

    def until(self, place: int, streams: Mapping[str, Stream]) -> Ledger:
        """The ledger as the night at this place knew it, with these streams."""
        n = int(self.ends[place])
        known = {
            key: Stream(each.name, each.p[:n], each.cut[:n], each.live[:n], each.last_version)
            for key, each in streams.items()
            if not np.isnan(each.p[:n]).all()
        }
        whole = self.ledger
        nights = whole.live_nights[: place + 1]
        return Ledger(whole.opens[:n], whole.label[:n], whole.day[:n], whole.counted[:n], known, whole.days, nights)


def whole(tape: FitCache, policy: GatePolicy) -> Whole:
    """All nights of a tape, the versions of each at the cut that the policy gives them."""
    ledger = assemble([*tape.backfill, *(night.sheet for night in tape.nights)])
    before = sum(sheet.opens.size for sheet in tape.backfill)
    ends = before + np.cumsum([night.sheet.opens.size for night in tape.nights])
    streams, cuts = dict(ledger.streams), np.full((len(tape.nights), len(tape.job.recipes)), np.nan)
    for column, recipe in enumerate(tape.job.recipes):
        key = recipe_stream(recipe.fingerprint)
        stream = streams.get(key)
        if stream is not None:
            cuts[:, column] = _cuts(policy, stream, ends)
            streams[key] = replace(stream, cut=_at_cuts(stream, ends, cuts[:, column]))
    opens = minutes(pd.DatetimeIndex(tape.data.bars.frame.index))
    places = np.searchsorted(opens, minutes(ledger.opens))
    return Whole(replace(ledger, streams=streams), ends, cuts, places)


def _cuts(policy: GatePolicy, stream: Stream, ends: npt.NDArray[np.intp]) -> list[float]:
    """The cut that a version of each night is served with; NaN before the stream begins."""
    at = np.flatnonzero(stream.scored)
    p = stream.p[at]
    known = np.searchsorted(at, ends)
    return [decision_threshold(policy, p[max(n - TRAILING_BARS, 0) : n]) if n else np.nan for n in known.tolist()]


def _at_cuts(stream: Stream, ends: npt.NDArray[np.intp], cuts: Floats) -> Floats:
    """The cut of the version that said each bar: that of the night before; a backfilled bar keeps its own."""
    cut = stream.cut.copy()
    for begin, end, before in zip(ends[:-1].tolist(), ends[1:].tolist(), cuts[:-1].tolist(), strict=True):
        cut[begin:end] = before if before == before else 0.5
    return cut
