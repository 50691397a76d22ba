"""Bars of one or five minutes are resampled to bars of a quarter of an hour.

A quarter of an hour with any minute in it is a bar: open of its first, close of its last, highest high, lowest low; a
minute that is not there did not trade. One without a minute is no bar. The last quarter of an export is *open* as long
as its last minute has not come: it may go on in the next export, so it is held back rather than written as a bar whose
close is not one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask

QUARTER = np.timedelta64(15 * 60, "s")

_RULES = {"open": "first", "high": "max", "low": "min", "close": "last"}


@dataclass(frozen=True, eq=False)
class Prices:
    """Bars in order of time: ``time`` shape (n,), datetime64[ns] in UTC, each once; ``values`` shape (n, 4)."""

    time: npt.NDArray[np.datetime64]
    values: Floats

    @classmethod
    def none(cls) -> Prices:
        return cls(np.empty(0, "datetime64[ns]"), np.empty((0, 4)))

    def where(self, mask: Mask) -> Prices:
        """The bars where ``mask``, shape (n,)."""
        return Prices(self.time[mask], self.values[mask])

    def then(self, later: Prices) -> Prices:
        """These bars and those of ``later``."""
        return Prices(np.concatenate([self.time, later.time]), np.concatenate([self.values, later.values]))


def quarter(time: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """The open of the quarter of an hour that each of ``time`` is in: shape (n,)."""
    return np.asarray(time - (time - np.datetime64(0, "ns")) % QUARTER)


def resample(bars: Prices, minutes: int, *, last_is_complete: bool | None = None) -> tuple[Prices, Prices]:
    """Quarter-hour bars of ``bars``, which are ``minutes`` long, and the bars of the open last quarter (often none).

    ``last_is_complete``: whether the last quarter is; default is whether its last bar is there.
    """
    if not bars.time.size:
        return bars, bars
    of = quarter(bars.time)
    complete = last_is_complete
    if complete is None:
        complete = bool(bars.time[-1] + np.timedelta64(minutes * 60, "s") == of[-1] + QUARTER)
    closed = bars.where(np.ones(of.size, np.bool_) if complete else of < of[-1])
    frame = pd.DataFrame(closed.values, columns=list(_RULES)).groupby(of[: closed.time.size]).agg(_RULES)
    return Prices(frame.index.to_numpy("datetime64[ns]"), frame.to_numpy(np.float64)), bars.where(
        np.arange(of.size) >= closed.time.size
    )
