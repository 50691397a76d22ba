"""Shorter bars are resampled to bars of a quarter of an hour, or of the instrument's length; its own stay as they are.

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
from flows.instruments import GBPUSD_M15, Instrument

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


def quarter(time: npt.NDArray[np.datetime64], instrument: Instrument = GBPUSD_M15) -> npt.NDArray[np.datetime64]:
    """The open of the quarter of an hour, or of the instrument's bar, that each of ``time`` is in: shape (n,)."""
    if instrument.minutes < 60:
        return np.asarray(time - (time - np.datetime64(0, "ns")) % instrument.length)
    return instrument.begin_of_bar(pd.DatetimeIndex(time, tz="UTC"))


def on_grid(time: npt.NDArray[np.datetime64], minutes: int, instrument: Instrument = GBPUSD_M15) -> Mask:
    """Which of ``time`` are the open of a bar of so many ``minutes``: shape (n,). Those of an hour and more are counted
    from the begin of the instrument's trading day."""
    if minutes < 60:
        return np.asarray(time.astype("datetime64[m]").astype(np.int64) % minutes == 0, np.bool_)
    return np.asarray(instrument.hours.since_close(pd.DatetimeIndex(time, tz="UTC")) % minutes == 0, np.bool_)


def resample(
    bars: Prices, minutes: int, instrument: Instrument = GBPUSD_M15, *, last_is_complete: bool | None = None
) -> tuple[Prices, Prices]:
    """Quarter-hour bars of ``bars``, which are ``minutes`` long, and the bars of the open last quarter (often none).

    ``last_is_complete``: whether the last quarter is; default is whether its last bar is there.
    """
    if not bars.time.size:
        return bars, bars
    of = quarter(bars.time, instrument)
    complete = last_is_complete
    if complete is None:
        complete = bool(bars.time[-1] + np.timedelta64(minutes * 60, "s") == of[-1] + instrument.length)
    closed = bars.where(np.ones(of.size, np.bool_) if complete else of < of[-1])
    frame = pd.DataFrame(closed.values, columns=list(_RULES)).groupby(of[: closed.time.size]).agg(_RULES)
    return Prices(frame.index.to_numpy("datetime64[ns]"), frame.to_numpy(np.float64)), bars.where(
        np.arange(of.size) >= closed.time.size
    )
