"""Trading hours say when a market is open, where its trading day ends, and on which days it does not trade.

All times are of one zone's wall clock. A trading day runs from one ``day_closes`` to the next and is named by the date
that it ends on; where it closes at midnight, by the date that it is. What is quoted while the market is shut over the
weekend belongs to the next trading day. A market without ``week_opens`` is never shut, and every date is a trading day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Strict, field_validator, model_validator

from flows.arrays import Mask
from flows.instruments.holidays import check_rule, is_named

DAY = 24 * 60
"""Minutes of a day."""

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MONDAY = np.datetime64("1970-01-05T00:00", "m")
_WEEK = 7 * DAY

Days = Annotated[tuple[str, ...], Strict(False)]  # TOML gives a list


class TradingHours(BaseModel):
    """``zone``: an IANA zone. ``day_closes``: ``"17:00"``. ``week_opens``, ``week_closes``: ``"Sunday 17:00"``, or
    neither. ``pause``: a daily break, ``"17:00-18:00"``. ``rollover``: the span around the close in which quotes move
    with the spread. ``holidays``, ``short_days``: rules of :mod:`flows.instruments.holidays`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    zone: str
    day_closes: str
    week_opens: str | None = None
    week_closes: str | None = None
    pause: str | None = None
    rollover: str | None = None
    holidays: Days = ()
    short_days: Days = ()

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no IANA zone: write one such as America/New_York or UTC") from error
        return value

    @field_validator("day_closes")
    @classmethod
    def _is_time(cls, value: str) -> str:
        _minute(value)
        return value

    @field_validator("week_opens", "week_closes")
    @classmethod
    def _is_moment_of_week(cls, value: str | None) -> str | None:
        if value is not None:
            _minute_of_week(value)
        return value

    @field_validator("pause", "rollover")
    @classmethod
    def _is_span(cls, value: str | None) -> str | None:
        if value is not None:
            _span(value)
        return value

    @field_validator("holidays", "short_days")
    @classmethod
    def _are_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for rule in value:
            check_rule(rule)
        return value

    @model_validator(mode="after")
    def _week_is_whole(self) -> Self:
        if (self.week_opens is None) != (self.week_closes is None):
            raise ValueError("week_opens and week_closes belong together: give both, or neither (never shut)")
        if self.week_opens is not None and self.week_opens == self.week_closes:
            raise ValueError("week_opens and week_closes are one moment: leave out both for a market never shut")
        return self

    @property
    def close_minute(self) -> int:
        """When a trading day ends, in minutes of the day."""
        return _minute(self.day_closes)

    @property
    def week(self) -> tuple[int, int] | None:
        """When a week opens and closes, in minutes since Monday midnight; None for a market that is never shut."""
        if self.week_opens is None or self.week_closes is None:
            return None
        return _minute_of_week(self.week_opens), _minute_of_week(self.week_closes)

    @property
    def place(self) -> str:
        """Whose clock it is, in words: ``New York``."""
        return self.zone.rpartition("/")[2].replace("_", " ")

    @property
    def week_words(self) -> str:
        """``opens on Sunday and closes on Friday at 17:00 New York``."""
        if self.week_opens is None or self.week_closes is None:
            return "never closes"
        (opens, at), (closes, until) = self.week_opens.split(" "), self.week_closes.split(" ")
        if at == until:
            return f"opens on {opens} and closes on {closes} at {at} {self.place}"
        return f"opens on {opens} at {at} and closes on {closes} at {until} {self.place}"

    @property
    def shut_words(self) -> str:
        """``from Friday to Sunday 17:00 New York``, with the daily break where there is one."""
        if self.week_opens is None or self.week_closes is None:
            return "at no time"
        (opens, at), (closes, until) = self.week_opens.split(" "), self.week_closes.split(" ")
        shut = f"from {closes}{'' if at == until else ' ' + until} to {opens} {at} {self.place}"
        return shut if self.pause is None else f"{shut}, nor on any day from {self.pause.replace('-', ' to ')}"

    @property
    def open_minutes(self) -> int:
        """Minutes of a usual trading day in which the market is open."""
        return DAY - (0 if self.pause is None else _length(_span(self.pause)))

    @property
    def rollover_span(self) -> tuple[int, int] | None:
        """Begin and end in minutes of the day."""
        return None if self.rollover is None else _span(self.rollover)

    @property
    def rollover_words(self) -> str:
        """``16:45–18:00 New York``; nothing where there is none."""
        return "" if self.rollover is None else f"{self.rollover.replace('-', '–').replace(' ', '')} {self.place}"

    @cached_property
    def weekdays(self) -> tuple[int, ...]:
        """The weekdays of trading days, Monday 0: those on which the market is open for any minute."""
        if self.week_opens is None:
            return tuple(range(7))
        ends = np.arange(7) * DAY + (self.close_minute or DAY)
        minutes = (ends[:, None] - DAY + np.arange(DAY)) % _WEEK
        return tuple(np.flatnonzero((~self._shut_at(minutes)).any(axis=1)).tolist())

    def wall(self, index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
        """What the zone's clock shows at ``index`` (with a zone): shape (n,), datetime64[ns]."""
        return index.tz_convert(self.zone).tz_localize(None).as_unit("ns").to_numpy()

    def trading_day(self, index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
        """The trading day of bars that open at ``index`` (with a zone): shape (n,), datetime64[D]."""
        days = (self.wall(index) + self._until_midnight).astype("datetime64[D]")
        weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        return np.asarray(days + np.array(self._to_trading_day, "timedelta64[D]")[weekday], "datetime64[D]")

    def days_between(self, first: np.datetime64, end: np.datetime64) -> int:
        """Weekdays of trading from ``first`` to before ``end``, holidays included."""
        week = "".join("1" if day in self.weekdays else "0" for day in range(7))
        return int(np.busday_count(first, end, weekmask=week))

    def minute_of_day(self, index: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
        """Minutes of each moment since midnight on the zone's clock: shape (n,)."""
        wall = self.wall(index)
        return np.asarray((wall - wall.astype("datetime64[D]")) // np.timedelta64(1, "m"), np.int64)

    def since_close(self, index: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
        """Minutes of each moment since its trading day began, by the clock: shape (n,), 0 … 1439."""
        return np.asarray((self.minute_of_day(index) - self.close_minute) % DAY, np.int64)

    def in_rollover(self, index: pd.DatetimeIndex, minutes: int) -> Mask:
        """Which bars of so many ``minutes`` close inside the rollover span: shape (n,).

        A label compares two closes, and a close in the span stands apart by the spread. Bars of a day all close at the
        same moment of it, so none is apart from the others.
        """
        span = self.rollover_span
        if span is None or minutes >= DAY:
            return np.zeros(len(index), np.bool_)
        closes = self.minute_of_day(index) + minutes
        begin, length = span[0], _length(span)
        return np.asarray((closes - begin - 1) % DAY < length, np.bool_)

    def shut(self, index: pd.DatetimeIndex, later: int = 0) -> Mask:
        """Which moments lie in the weekend, or in the daily break: shape (n,); so many minutes ``later`` by the clock,
        whatever summer time does in between."""
        since_monday = (self.wall(index) - _MONDAY) // np.timedelta64(1, "m") + later
        shut = self._shut_at(np.asarray(since_monday % _WEEK, np.int64))
        if self.pause is not None:
            begin, end = _span(self.pause)
            shut |= (since_monday - begin) % DAY < _length((begin, end))
        return shut

    def trades(self, day: date) -> bool:
        """Whether there is a trading day of this name."""
        return day.weekday() in self.weekdays and not is_named(day, self.holidays)

    def ends_early(self, day: date) -> bool:
        """Whether the trading day of this name is a short one."""
        return is_named(day, self.short_days, "short days")

    def close_of(self, day: date) -> datetime:
        """When the trading day ends, in UTC."""
        ends = day if self.close_minute else day + timedelta(days=1)
        moment = datetime.combine(ends, time(*divmod(self.close_minute, 60)), ZoneInfo(self.zone))
        return moment.astimezone(UTC)

    def _shut_at(self, minute_of_week: npt.NDArray[np.int64]) -> Mask:
        if self.week is None:
            return np.zeros(minute_of_week.shape, np.bool_)
        opens, closes = self.week
        return np.asarray((minute_of_week - opens) % _WEEK >= (closes - opens) % _WEEK, np.bool_)

    @property
    def _until_midnight(self) -> np.timedelta64:
        """Added to the zone's wall clock, the close becomes the midnight of the next date."""
        return np.timedelta64(-self.close_minute % DAY, "m")

    @cached_property
    def _to_trading_day(self) -> tuple[int, ...]:
        """Days to add on Monday … Sunday."""
        return tuple(min((other - day) % 7 for other in self.weekdays) for day in range(7))


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of day: write one such as 17:00")
    return int(found[1]) * 60 + int(found[2])


def _minute_of_week(text: str) -> int:
    name, _, clock = text.partition(" ")
    if name not in _WEEKDAYS:
        raise ValueError(f"{text!r} is no moment of a week: write one such as 'Sunday 17:00'")
    return _WEEKDAYS.index(name) * DAY + _minute(clock)


def _span(text: str) -> tuple[int, int]:
    begin, _, end = text.partition("-")
    minutes = _minute(begin.strip()), _minute(end.strip())
    if minutes[0] == minutes[1]:
        raise ValueError(f"{text!r} is no span of time: write one such as 17:00-18:00")
    return minutes


def _length(span: tuple[int, int]) -> int:
    return (span[1] - span[0]) % DAY
