"""A finding says what about some bars is implausible: which check found it, how much it weighs, and where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from flows.instruments import GBPUSD_M15, Instrument

Weight = Literal["refuse", "question", "note"]

CheckName = Literal[
    "future",
    "bar_length",
    "clock",
    "shut_market",
    "price_level",
    "price_jump",
    "swapped_prices",
    "frozen_feed",
    "repeated_day",
    "gaps",
    "percentages",
    "moving_average",
    "average_range",
    "relative_strength",
    "directional_index",
    "foresight",
    "other_columns",
]
"""The names of the checks, as ``--allow`` takes them."""


class Check(Enum):
    """The checks and how to fix what each finds, in the order they are reported; ``{0}`` stands for the instrument."""

    FUTURE = "a bar must have closed by now: correct the dates, or the clock of this machine"
    BAR_LENGTH = (
        "bars must be {0.bar_words} long, all of them: export {0.bar} again, or build it with `retrain features`"
    )
    CLOCK = (
        "a week {0.hours.week_words}: set RETRAIN_CLOCK and RETRAIN_STAMPED to how "
        "these files are written (of raw exports: --clock and --stamped)"
    )
    SHUT_MARKET = "there is no price {0.hours.shut_words}: export without flat bars, or drop these"
    PRICE_LEVEL = "prices must stand where {0.symbol} stands: correct these bars, or export them again in one unit"
    PRICE_JUMP = "a price that jumps and comes straight back is mostly a slip: compare it with another source"
    SWAPPED_PRICES = "a bar opens where the last one closed: give each column of prices its own name"
    FROZEN_FEED = "prices that never move are mostly a feed that stopped: export these hours again, or drop them"
    REPEATED_DAY = "no two days have the same prices: export the later one again"
    GAPS = "bars are missing that others expect: export these days too, or look at their dates"
    PERCENTAGES = "RSI and ADX lie between 0 and 100: correct these values, or compute the column again"
    MOVING_AVERAGE = "an EMA follows from the closes: compute it again from these prices, bar by bar in order of time"
    AVERAGE_RANGE = "an ATR follows from high, low and close: compute it again from these prices"
    RELATIVE_STRENGTH = "an RSI follows from the closes: compute it again from these prices"
    DIRECTIONAL_INDEX = "an ADX follows from high and low: compute it again from these prices"
    FORESIGHT = "a column must be known when its bar closes: this one holds what comes later; leave it out or shift it"
    OTHER_COLUMNS = "a feature must mean the same in every row: look at how it was made"

    @property
    def label(self) -> str:
        """Its name as ``--allow`` takes it."""
        return self.name.lower()


@dataclass(frozen=True)
class BarFinding:
    """What a check found. ``count``: rows; ``file`` and ``row``: where the first of them stands, row 0 the file as a
    whole; ``found``: the figures, a sentence without full stop."""

    check: Check
    weight: Weight
    count: int
    file: str
    row: int
    found: str
    instrument: Instrument = GBPUSD_M15

    @property
    def place(self) -> str:
        return f"{self.file}{f' row {self.row}' if self.row else ''}"

    @property
    def fix(self) -> str:
        return f"{self.check.value.format(self.instrument)}; if it is meant: --allow {self.check.label}"

    def __str__(self) -> str:
        return f"{self.check.label}: {self.place}: {self.found}; {self.fix}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "check": self.check.label,
            "weight": self.weight,
            "count": self.count,
            "first": self.place,
            "found": self.found,
            "fix": self.fix,
        }
