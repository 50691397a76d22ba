"""Bars as the checks see them: arrays, the clock they were read by, and where each stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.clock import FileClock
from flows.bars.indicators import indicators
from flows.bars.loading import Bars
from flows.bars.plausibility.finding import BarFinding, Check, Weight
from flows.bars.trading_days import trading_day
from flows.instruments import GBPUSD_M15, Instrument, PriceColumns

QUARTER_HOUR = np.timedelta64(15, "m").astype("timedelta64[ns]")
SHORTEST_WEEKEND, LONGEST_WEEKEND = np.timedelta64(24, "h"), np.timedelta64(100, "h")


@dataclass(frozen=True, eq=False)
class SeenBars:
    """Bars in order of time.

    ``opens`` (UTC) and ``file_time`` (what the file's clock shows): shape (n,), datetime64[ns]. ``clock``: the one they
    were read by. ``columns``: name → shape (n,). ``place``: file and row of the bar at a position. ``now``: the real
    clock's UTC, None where it is not asked.
    """

    opens: npt.NDArray[np.datetime64]
    file_time: npt.NDArray[np.datetime64]
    clock: FileClock
    columns: Mapping[str, Floats]
    place: Callable[[int], tuple[str, int]]
    now: datetime | None = None
    instrument: Instrument = GBPUSD_M15

    @classmethod
    def of(cls, bars: Bars, now: datetime | None = None) -> SeenBars:
        """Loaded bars; simulated ones are of no time, so the real clock is not asked."""
        frame, line, year = bars.frame, bars.line, bars.file_time.astype("datetime64[Y]").astype(np.int64) + 1970

        def place(at: int) -> tuple[str, int]:
            return bars.file_of(int(year[at])), 0 if line is None else int(line[at])

        opens = pd.DatetimeIndex(frame.index).tz_localize(None).as_unit("ns").to_numpy()
        columns = {str(name): frame[name].to_numpy(np.float64) for name in frame.columns}
        clock = FileClock.parse(bars.clock).of_bars(bars.instrument.step)
        now = None if bars.simulated else now
        return cls(opens, bars.file_time, clock, columns, place, now, bars.instrument)

    def finding(self, check: Check, weight: Weight, where: Mask, found: str) -> BarFinding:
        """A finding on the rows ``where``, shape (n,), at least one of them."""
        file, row = self.place(int(np.argmax(where)))
        return BarFinding(check, weight, int(where.sum()), file, row, found, self.instrument)

    @property
    def prices(self) -> PriceColumns:
        """The names of the columns of prices."""
        return self.instrument.columns

    @property
    def close(self) -> Floats:
        return self.columns[self.prices.close]

    @property
    def opens_utc(self) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self.opens, tz="UTC")

    @property
    def has_prices(self) -> bool:
        """Whether open, high and low are there too."""
        return all(name in self.columns for name in self.prices)

    @cached_property
    def shut(self) -> Mask:
        """Which bars open while the market is shut, from Friday to Sunday 17:00 New York: shape (n,)."""
        return self.instrument.shut(self.opens_utc)

    @cached_property
    def trading_day(self) -> npt.NDArray[np.datetime64]:
        return trading_day(self.opens_utc, self.instrument)

    @cached_property
    def year(self) -> npt.NDArray[np.int64]:
        """The year of the file: shape (n,)."""
        return np.asarray(self.file_time.astype("datetime64[Y]").astype(np.int64) + 1970, np.int64)

    @cached_property
    def flat(self) -> Mask:
        """Bars in which nothing moved: one price throughout (of closes alone: the close before)."""
        close = self.close
        if not self.has_prices:
            return np.concatenate([[False], close[1:] == close[:-1]]) if close.size else np.zeros(0, np.bool_)
        low, high = self.columns[self.prices.low], self.columns[self.prices.high]
        return np.asarray((low == high) & (self.columns[self.prices.open] == close) & (close == low), np.bool_)

    @cached_property
    def follows(self) -> Mask:
        """Bars of which the one before closed at their open, in the same file: shape (n,)."""
        follows = np.zeros(self.opens.size, np.bool_)
        follows[1:] = (np.diff(self.opens) == self.instrument.length) & (self.year[1:] == self.year[:-1])
        return follows

    @cached_property
    def since(self) -> npt.NDArray[np.timedelta64]:
        """From the open of the bar before to each open, nothing for the first: shape (n,)."""
        return np.diff(self.opens, prepend=self.opens[:1])

    @property
    def gap(self) -> Mask:
        """Bars that open after the one before had closed: shape (n,)."""
        return np.asarray(self.since > self.instrument.length, np.bool_)

    @property
    def pause(self) -> npt.NDArray[np.timedelta64]:
        """:attr:`since` as it would be with bars of 15 minutes, which the bounds of a weekend are of: shape (n,)."""
        return np.asarray(self.since - (self.instrument.length - QUARTER_HOUR))

    @property
    def weekend(self) -> Mask:
        """Bars before which there is a break of a weekend's length, holidays beside it included: shape (n,)."""
        return np.asarray((self.pause >= SHORTEST_WEEKEND) & (self.pause <= LONGEST_WEEKEND), np.bool_)

    @cached_property
    def recomputed(self) -> Mapping[str, Floats]:
        """The known indicators from these prices, by the notebook's definitions: name → shape (n,)."""
        high, low, close = (pd.Series(self.columns[name]) for name in self.prices[1:])
        frame = indicators(high, low, close)
        return {str(name): frame[name].to_numpy(np.float64) for name in frame.columns}


def written_step(values: Floats) -> float:
    """The last digit that ``values`` are written with, 1e-10 at the finest."""
    looked_at = values[:: max(1, values.size // 2_000)]
    for digits in range(1, 10):
        if np.allclose(np.round(looked_at, digits), looked_at, rtol=0, atol=1e-11):
            return float(10.0**-digits)
    return 1e-10
