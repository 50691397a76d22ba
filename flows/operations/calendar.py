"""When a night is due: trading days end at 17:00 New York, nights run at 17:20, holidays and weekends have none.

A scheduled night uses bars up to the close of the newest trading day and none after it: a bar that opens at 17:00
belongs to the next day. With it Monday's night would take Tuesday's name, and Friday's would be decided on Thursday.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flows.bars.trading_days import NEW_YORK
from flows.errors import RequestRefused

CLOSE = time(17, 0)
DUE = time(17, 20)
"""When the nightly deployment starts (see prefect.yaml): a feed has some minutes to deliver the last bar."""

_ZONE = ZoneInfo(NEW_YORK)
_KNOWN_HOLIDAYS = ("12-25", "01-01")  # 0 to 22 bars in each real year
_KNOWN_SHORT_DAYS = ("12-24", "12-31")
_DAY = re.compile(r"(\d{4}-)?\d{2}-\d{2}")


@dataclass(frozen=True)
class TradingCalendar:
    """``holidays`` and ``short_days``: each ``MM-DD`` (every year) or ``YYYY-MM-DD``."""

    holidays: frozenset[str] = frozenset(_KNOWN_HOLIDAYS)
    short_days: frozenset[str] = frozenset(_KNOWN_SHORT_DAYS)

    @classmethod
    def of(cls, holidays: str = "", short_days: str = "") -> TradingCalendar:
        """The known days and those of two comma-separated lists; :class:`RequestRefused` for what is no date."""
        return cls(_days(holidays, _KNOWN_HOLIDAYS), _days(short_days, _KNOWN_SHORT_DAYS))

    def trades(self, day: date) -> bool:
        """Whether bars are expected on a trading day of this name."""
        return day.weekday() < 5 and not _named_days(day, self.holidays)

    def ends_early(self, day: date) -> bool:
        return _named_days(day, self.short_days)

    def last_close(self, now: datetime) -> datetime:
        """When the newest trading day that is over ended: 17:00 New York, in UTC."""
        day = now.astimezone(_ZONE).date()
        while not self.trades(day) or close_of(day) > now:
            day -= timedelta(days=1)
        return close_of(day)

    def expected_night(self, now: datetime, grace: timedelta = timedelta(0)) -> date:
        """The newest night that should be decided by now, with ``grace`` after it was due."""
        day = now.astimezone(_ZONE).date()
        while not self.trades(day) or _due_on(day) + grace > now:
            day -= timedelta(days=1)
        return day

    def next_due(self, now: datetime) -> datetime:
        """When the next night is due, in New York's time."""
        day = now.astimezone(_ZONE).date()
        while not self.trades(day) or _due_on(day) <= now:
            day += timedelta(days=1)
        return datetime.combine(day, DUE, _ZONE)

    def nights_between(self, decided: date, expected: date) -> int:
        """How many nights after ``decided`` are due up to ``expected``."""
        days = (decided + timedelta(days=number) for number in range(1, (expected - decided).days + 1))
        return sum(self.trades(day) for day in days)


def close_of(day: date) -> datetime:
    """When the trading day ends, in UTC."""
    return datetime.combine(day, CLOSE, _ZONE).astimezone(UTC)


def _due_on(day: date) -> datetime:
    return datetime.combine(day, DUE, _ZONE).astimezone(UTC)


def _named_days(day: date, names: frozenset[str]) -> bool:
    return day.isoformat() in names or f"{day:%m-%d}" in names


def _days(text: str, known: tuple[str, ...]) -> frozenset[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        try:
            date.fromisoformat(word if len(word) > 5 else f"2024-{word}")
        except ValueError as error:
            raise RequestRefused(f"{word!r} is not a day: write 04-07 (every year) or 2026-04-07") from error
        if _DAY.fullmatch(word) is None:
            raise RequestRefused(f"{word!r} is not a day: write 04-07 (every year) or 2026-04-07")
    return frozenset((*known, *words))
