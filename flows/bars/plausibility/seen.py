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
from flows.bars.checks import CLOSE, HIGH, LOW, OPEN, QUARTER_HOUR
from flows.bars.clock import FileClock
from flows.bars.indicators import indicators
from flows.bars.loading import Bars
from flows.bars.plausibility.finding import BarFinding, Check, Weight
from flows.bars.trading_days import NEW_YORK, trading_day
from flows.bars.year_names import year_file

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

    @classmethod
    def of(cls, bars: Bars, now: datetime | None = None) -> SeenBars:
        """Loaded bars; simulated ones are of no time, so the real clock is not asked."""
        frame, line, year = bars.frame, bars.line, bars.file_time.astype("datetime64[Y]").astype(np.int64) + 1970

        def place(at: int) -> tuple[str, int]:
            return year_file(int(year[at])), 0 if line is None else int(line[at])

        opens = pd.DatetimeIndex(frame.index).tz_localize(None).as_unit("ns").to_numpy()
        columns = {str(name): frame[name].to_numpy(np.float64) for name in frame.columns}
        return cls(opens, bars.file_time, FileClock.parse(bars.clock), columns, place, None if bars.simulated else now)

    def finding(self, check: Check, weight: Weight, where: Mask, found: str) -> BarFinding:
        """A finding on the rows ``where``, shape (n,), at least one of them."""
        file, row = self.place(int(np.argmax(where)))
        return BarFinding(check, weight, int(where.sum()), file, row, found)

    @property
    def close(self) -> Floats:
        return self.columns[CLOSE]

    @property
    def has_prices(self) -> bool:
        """Whether open, high and low are there too."""
        return all(name in self.columns for name in (OPEN, HIGH, LOW))

    @cached_property
    def new_york(self) -> npt.NDArray[np.datetime64]:
        """New York's wall clock at each open: shape (n,)."""
        wall = pd.DatetimeIndex(self.opens, tz="UTC").tz_convert(NEW_YORK).tz_localize(None)
        return np.asarray(wall.as_unit("ns").to_numpy(), "datetime64[ns]")

    @cached_property
    def shut(self) -> Mask:
        """Which bars open while the market is shut, from Friday to Sunday 17:00 New York: shape (n,)."""
        since_sunday = (self.new_york - np.datetime64("1970-01-04T17:00")) % np.timedelta64(7, "D")
        return np.asarray(since_sunday >= np.timedelta64(5, "D"), np.bool_)

    @cached_property
    def trading_day(self) -> npt.NDArray[np.datetime64]:
        return trading_day(pd.DatetimeIndex(self.opens, tz="UTC"))

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
        low, high = self.columns[LOW], self.columns[HIGH]
        return np.asarray((low == high) & (self.columns[OPEN] == close) & (close == low), np.bool_)

    @cached_property
    def follows(self) -> Mask:
        """Bars of which the one before opened 15 minutes earlier, in the same file: shape (n,)."""
        follows = np.zeros(self.opens.size, np.bool_)
        follows[1:] = (np.diff(self.opens) == QUARTER_HOUR) & (self.year[1:] == self.year[:-1])
        return follows

    @cached_property
    def since(self) -> npt.NDArray[np.timedelta64]:
        """From the open of the bar before to each open, nothing for the first: shape (n,)."""
        return np.diff(self.opens, prepend=self.opens[:1])

    @property
    def gap(self) -> Mask:
        """Bars that open more than 15 minutes after the one before: shape (n,)."""
        return np.asarray(self.since > QUARTER_HOUR, np.bool_)

    @property
    def weekend(self) -> Mask:
        """Bars before which there is a break of a weekend's length, holidays beside it included: shape (n,)."""
        return np.asarray((self.since >= SHORTEST_WEEKEND) & (self.since <= LONGEST_WEEKEND), np.bool_)

    @cached_property
    def recomputed(self) -> Mapping[str, Floats]:
        """The known indicators from these prices, by the notebook's definitions: name → shape (n,)."""
        high, low, close = (pd.Series(self.columns[name]) for name in (HIGH, LOW, CLOSE))
        frame = indicators(high, low, close)
        return {str(name): frame[name].to_numpy(np.float64) for name in frame.columns}


def written_step(values: Floats) -> float:
    """The last digit that ``values`` are written with, 1e-10 at the finest."""
    looked_at = values[:: max(1, values.size // 2_000)]
    for digits in range(1, 10):
        if np.allclose(np.round(looked_at, digits), looked_at, rtol=0, atol=1e-11):
            return float(10.0**-digits)
    return 1e-10
