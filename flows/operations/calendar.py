"""When a night is due: trading days end at 17:00 New York, nights run at 17:20, holidays and weekends have none.

A scheduled night uses bars up to the close of the newest trading day and none after it: a bar that opens at 17:00
belongs to the next day. With it Monday's night would take Tuesday's name, and Friday's would be decided on Thursday.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flows.errors import RequestRefused
from flows.instruments import GBPUSD_M15, TradingHours
from flows.instruments.holidays import is_named

LATER = timedelta(minutes=20)
"""From the close to the start of the nightly deployment (see prefect.yaml): a feed has some minutes to deliver the last
bar."""

_DAY = re.compile(r"(\d{4}-)?\d{2}-\d{2}")


@dataclass(frozen=True)
class TradingCalendar:
    """``hours``: of the instrument, with the holidays and short days that are known. ``holidays`` and ``short_days``:
    more of them, each ``MM-DD`` (every year) or ``YYYY-MM-DD``."""

    hours: TradingHours = GBPUSD_M15.hours
    holidays: frozenset[str] = frozenset()
    short_days: frozenset[str] = frozenset()

    @classmethod
    def of(cls, holidays: str = "", short_days: str = "", hours: TradingHours = GBPUSD_M15.hours) -> TradingCalendar:
        """The known days and those of two comma-separated lists; :class:`RequestRefused` for what is no date."""
        return cls(hours, _days(holidays), _days(short_days))

    def trades(self, day: date) -> bool:
        """Whether bars are expected on a trading day of this name."""
        return self.hours.trades(day) and not is_named(day, self.holidays)

    def ends_early(self, day: date) -> bool:
        return self.hours.ends_early(day) or is_named(day, self.short_days)

    def last_close(self, now: datetime) -> datetime:
        """When the newest trading day that is over ended: 17:00 New York, in UTC."""
        day = self._date(now)
        while not self.trades(day) or self.hours.close_of(day) > now:
            day -= timedelta(days=1)
        return self.hours.close_of(day)

    def expected_night(self, now: datetime, grace: timedelta = timedelta(0)) -> date:
        """The newest night that should be decided by now, with ``grace`` after it was due."""
        day = self._date(now)
        while not self.trades(day) or self._due_on(day) + grace > now:
            day -= timedelta(days=1)
        return day

    def next_due(self, now: datetime) -> datetime:
        """When the next night is due, in New York's time, or that of the instrument."""
        day = self._date(now) - timedelta(days=1)  # a day that ends at midnight is due on the next date
        while not self.trades(day) or self._due_on(day) <= now:
            day += timedelta(days=1)
        return self._due_on(day).astimezone(ZoneInfo(self.hours.zone))

    def nights_between(self, decided: date, expected: date) -> int:
        """How many nights after ``decided`` are due up to ``expected``."""
        days = (decided + timedelta(days=number) for number in range(1, (expected - decided).days + 1))
        return sum(self.trades(day) for day in days)

    def _date(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.hours.zone)).date()

    def _due_on(self, day: date) -> datetime:
        return self.hours.close_of(day) + LATER


def _days(text: str) -> frozenset[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        try:
            date.fromisoformat(word if len(word) > 5 else f"2024-{word}")
        except ValueError as error:
            raise RequestRefused(f"{word!r} is not a day: write 04-07 (every year) or 2026-04-07") from error
        if _DAY.fullmatch(word) is None:
            raise RequestRefused(f"{word!r} is not a day: write 04-07 (every year) or 2026-04-07")
    return frozenset(words)
