"""The story of the demonstration, as data: which bars, which nights, what a person does, and what breaks.

A vendor sells a column: how far the price stands from its mean, not very exactly. It is worth less than what the bars
say themselves, so the gate promotes no model that reads it; a person does, by hand. From one day on the vendor sends
the column with the wrong sign. No check of the bars can see that: the values are as large and as small as ever. The
champion's scores fall, the watch finds it, and a person goes back to the former champion.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from flows.bars import MARKER
from flows.bars.clock import FileClock, default_clock
from flows.bars.simulation import simulate
from flows.bars.writing import header, year_lines
from flows.instruments import GBPUSD_M15
from registry.store.files import write_atomically

COLUMN = "vendor_distance"

RECIPE_NAMES = ("prices", "vendor")

RECIPES = f"""[prices]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["(close_15m - ema_20) / atr_14", "rsi_14"]
scale = true

[vendor]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["{COLUMN}"]
scale = true
"""


@dataclass(frozen=True)
class Story:
    """Trading days by their number among the nights, which count from 1. ``by_hand``: after this night a person
    promotes the vendor's recipe; ``breaks``: from the day of this night on the column has the wrong sign.
    ``played``: how many of the ``nights`` are played. ``noise``: of the column, in average true ranges.
    ``backfill_days``: trading days before the first night that are scored; ``train_days``: the rolling window."""

    first: date = date(2024, 1, 2)
    first_night: date = date(2024, 9, 2)
    nights: int = 60
    played: int = 60
    by_hand: int = 12
    breaks: int = 20
    noise: float = 1.5
    backfill_days: int = 120
    train_days: int = 60
    seed: int = 19

    def days(self) -> list[date]:
        """The trading days of the nights."""
        later = np.arange(np.datetime64(self.first_night), np.datetime64(self.first_night) + 3 * self.nights + 14)
        return [day for day in later.tolist() if GBPUSD_M15.hours.trades(day) and day.weekday() < 5][: self.nights]

    def write_bars(self, folder: Path) -> Path:
        """The simulated bars as yearly files with the vendor's column, and the marker that says what they are."""
        days = self.days()
        frame = simulate(self.first, days[-1], seed=self.seed)
        broken = GBPUSD_M15.hours.trading_day(pd.DatetimeIndex(frame.index)) >= np.datetime64(days[self.breaks - 1])
        distance = ((frame["close_15m"] - frame["ema_20"]) / frame["atr_14"]).to_numpy(np.float64)
        distance = distance + self.noise * np.random.default_rng(self.seed + 1).standard_normal(distance.size)
        frame[COLUMN] = np.where(broken, -distance, distance)
        file_time = FileClock.parse(default_clock(GBPUSD_M15)).from_utc(pd.DatetimeIndex(frame.index))
        folder.mkdir(parents=True, exist_ok=True)
        planted = f"{COLUMN} has the wrong sign from {days[self.breaks - 1]}"
        marker = {"simulated": True, "seed": self.seed, "planted": planted}
        write_atomically(folder / MARKER, (json.dumps(marker, indent=2) + "\n").encode("ascii"))
        for name, lines in year_lines(frame, file_time).items():
            write_atomically(folder / name, "\n".join([header(frame), *lines, ""]).encode("ascii"))
        return folder
