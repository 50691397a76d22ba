"""The record of an instrument, read from a TOML file or from a model's own record; checked when it is made."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, field_validator, model_validator

from flows.arrays import Mask
from flows.errors import InstrumentRefused
from flows.instruments.bar_length import MINUTES, RAW_MINUTES, SPOKEN, SUFFIXES, BarLength
from flows.instruments.hours import DAY, TradingHours

WEEKS_A_YEAR = 50
"""Weeks of a year with full trading: with five trading days in each, 250 nights."""

SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,19}")

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


class PriceColumns(NamedTuple):
    """The names of the columns of prices in files of this bar length."""

    open: str
    high: str
    low: str
    close: str


@dataclass(frozen=True)
class DayCounts:
    """What a day, a month and a year are, counted in bars and in trading days, by one rule for every instrument.

    With ``b`` bars in a trading day (its open minutes over the minutes of a bar) and ``w`` trading days in a week:

    ==================  ==============  ==========  =====================================================
    field               rule            GBPUSD M15  for what
    ==================  ==============  ==========  =====================================================
    ``bars``            b                       96  a trading day
    ``half_day``        b / 2                   48  fewer are a stub and no day of evidence
    ``year``            50 · w                 250  trading days of a year
    ``four_weeks``      4 · w                   20  trading days that a new version is measured on
    ``month``           year · b / 12        2,000  bars that a rank or a decision threshold looks back on
    ``week``            month / 4              500  bars below which there is no rank
    ==================  ==============  ==========  =====================================================

    Rounded to whole bars, at least one; a rank over few bars is coarse, so ``month`` is 100 at least and ``week`` 25.
    """

    bars: int
    half_day: int
    year: int
    four_weeks: int
    month: int
    week: int

    @classmethod
    def of(cls, open_minutes: int, bar_minutes: int, trading_days_a_week: int) -> Self:
        """The counts where the market is open for so many minutes of a day."""
        bars = max(1, open_minutes // bar_minutes)
        year = WEEKS_A_YEAR * trading_days_a_week
        month = max(100, round(year * bars / 12))
        return cls(bars, max(1, bars // 2), year, 4 * trading_days_a_week, month, month // 4)


class Costs(BaseModel):
    """``spread``: of usual hours, in pips. ``spreads``: by session, as :class:`~flows.instruments.spreads.Spreads` are
    written. ``swap``: pips a night, as :class:`~flows.pnl.account.Swap` is written. ``triple_swap``: the weekday at
    whose close three nights are financed, as settlement is carried over the weekend then; none where every night is."""

    model_config = _STRICT

    spread: Annotated[float, Field(ge=0, lt=100)]
    spreads: str
    swap: str = "long 0 short 0"
    triple_swap: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"] | None = None


class Simulated(BaseModel):
    """How simulated bars move. ``price``: the first one. ``pips``: what 15 minutes move (one standard deviation) in
    each hour of the zone, midnight first: 24 numbers."""

    model_config = _STRICT

    price: _Positive
    pips: Annotated[tuple[_Positive, ...], Strict(False), Field(min_length=24, max_length=24)]


class Plausible(BaseModel):
    """What prices do that are true; more is asked about. ``years``: how often the median price of a year may be that of
    the others. ``days``: how far a close may be from the days around, as a part of them. ``jump``: how far a close of
    15 minutes may jump and come back, or a wick reach, as a part of the price; longer bars by the root of their length.
    """

    model_config = _STRICT

    years: Annotated[float, Field(gt=1, allow_inf_nan=False)]
    days: Annotated[float, Field(gt=0, lt=1)]
    jump: Annotated[float, Field(gt=0, lt=1)]


class Instrument(BaseModel):
    """``symbol`` and ``bar``: as in the names of its files. ``pip``: in units of the price. ``decimals``: that prices
    are written with. ``lowest``, ``highest``: prices outside are of another instrument, or in another unit."""

    model_config = _STRICT

    symbol: str
    bar: BarLength = "M15"
    pip: _Positive
    decimals: Annotated[int, Field(ge=0, le=10)]
    lowest: _Positive
    highest: _Positive
    plausible: Plausible
    hours: TradingHours
    costs: Costs
    simulated: Simulated

    @field_validator("symbol")
    @classmethod
    def _is_symbol(cls, value: str) -> str:
        if SYMBOL.fullmatch(value) is None:
            raise ValueError(f"{value[:40]!r} is no symbol: write 2 to 20 capital letters and digits, a letter first")
        return value

    @model_validator(mode="after")
    def _prices_fit(self) -> Self:
        if not self.lowest < self.highest:
            raise ValueError(f"lowest ({self.lowest:g}) must be below highest ({self.highest:g})")
        if not self.lowest <= self.simulated.price <= self.highest:
            raise ValueError(f"simulated.price ({self.simulated.price:g}) lies outside of lowest to highest")
        if 10.0**-self.decimals > self.pip * (1 + 1e-9):
            raise ValueError(f"{self.decimals} decimals do not write a pip of {self.pip:g}: give more decimals")
        return self

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str) -> Self:
        """The instrument in plain values, as TOML or :meth:`to_dict` gives them.

        Raises :class:`InstrumentRefused` that names every field that is wrong, and ``where`` it stands.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            faults = []
            for fault in error.errors():
                place = ".".join(str(part) for part in fault["loc"])
                faults.append(f"{place + ': ' if place else ''}{fault['msg'].removeprefix('Value error, ')}")
            raise InstrumentRefused(f"the instrument in {where} is refused: {'; '.join(faults)}") from error

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON, of which :meth:`parse` makes the same instrument."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def name(self) -> str:
        """``GBPUSD_M15``."""
        return f"{self.symbol}_{self.bar}"

    @property
    def minutes(self) -> int:
        """Of one bar."""
        return MINUTES[self.bar]

    @property
    def step(self) -> pd.Timedelta:
        """The length of a bar."""
        return pd.Timedelta(minutes=self.minutes)

    @property
    def length(self) -> np.timedelta64:
        """The same for arrays, in nanoseconds."""
        return np.timedelta64(self.minutes * 60 * 10**9, "ns")

    @property
    def bar_words(self) -> str:
        """How long a bar is, in words: ``15 minutes``, ``1 hour``."""
        if self.minutes < 60:
            return f"{self.minutes} minutes"
        return "1 day" if self.minutes == DAY else f"{self.minutes // 60} hour{'s' if self.minutes > 60 else ''}"

    @property
    def spoken(self) -> str:
        """How long a bar is, as sentences say it: ``a quarter of an hour``, ``half an hour``, ``a day``."""
        return SPOKEN[self.bar]

    @property
    def full(self) -> str:
        """The same without an article, as in "a full quarter of an hour"."""
        return self.spoken.removeprefix("a ").removeprefix("an ")

    @property
    def made_of(self) -> tuple[int, ...]:
        """Minutes of the bars of an export that its bars can be made of, its own among them."""
        return tuple(minutes for minutes in RAW_MINUTES if self.minutes % minutes == 0)

    @property
    def made_of_words(self) -> str:
        """The same in words: ``1, 5 or 15 minutes``."""
        *shorter, own = map(str, self.made_of)
        return f"{', '.join(shorter)} or {own} minutes"

    @property
    def most_bars_a_year(self) -> int:
        return 366 * DAY // self.minutes

    @property
    def jump(self) -> float:
        """How far a close may jump and come back, as a part of the price."""
        return self.plausible.jump * math.sqrt(self.minutes / 15)

    @cached_property
    def columns(self) -> PriceColumns:
        suffix = SUFFIXES[self.bar]
        return PriceColumns(*(f"{price}_{suffix}" for price in PriceColumns._fields))

    @cached_property
    def counts(self) -> DayCounts:
        return DayCounts.of(self.hours.open_minutes, self.minutes, len(self.hours.weekdays))

    @property
    def pips(self) -> float:
        """Pips in one unit of the price."""
        return 1.0 / self.pip

    def rollover(self, index: pd.DatetimeIndex) -> Mask:
        """Which of its bars that open at ``index`` close in the rollover span: shape (n,)."""
        return self.hours.in_rollover(index, self.minutes)

    def shut(self, index: pd.DatetimeIndex) -> Mask:
        """Which of its bars that open at ``index`` lie wholly in a market that is shut: shape (n,)."""
        return self.hours.shut(index) & self.hours.shut(index, self.minutes - 1)

    @property
    def slots(self) -> int:
        """Places of a bar within a trading day, the daily break included."""
        return DAY // self.minutes

    def slot(self, index: pd.DatetimeIndex) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Which place in its trading day each bar opens at: shape (n,), 0 at its begin."""
        return np.asarray(self.hours.since_close(index) // self.minutes, np.int64)

    def begin_of_bar(self, index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
        """The open of the bar that each moment lies in: shape (n,), datetime64[ns] in UTC."""
        into = self.hours.since_close(index) % self.minutes
        naive = index.tz_convert("UTC").tz_localize(None).as_unit("ns").to_numpy().astype("datetime64[m]")
        return np.asarray(naive - into.astype("timedelta64[m]"), "datetime64[ns]")

    def on_grid(self, index: pd.DatetimeIndex) -> Mask:
        """Which moments are the open of a bar, counted from the begin of the trading day: shape (n,)."""
        return np.asarray(self.hours.since_close(index) % self.minutes == 0, np.bool_)
