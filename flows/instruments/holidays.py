"""Rules name days on which a market does not trade: ``12-25`` (every year), ``2026-04-03``, ``easter-2`` (Good Friday).

A rule names trading days. Which of a vendor's calendars is right differs from broker to broker, so these are few; more
are added in the instrument's file, or by ``RETRAIN_HOLIDAYS``. ``exchange:XNYS`` is the calendar of an exchange by its
name in the package ``exchange_calendars`` (extra ``exchanges``), which is imported by who asks for such a day alone.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Literal

from dateutil.easter import easter

from flows.errors import InstrumentRefused
from registry.extras import needing

_EASTER = re.compile(r"easter([+-]\d{1,2})?")
_DATE = re.compile(r"(\d{4}-)?\d{2}-\d{2}")
_EXCHANGE = re.compile(r"exchange:([A-Z0-9]{2,10})")

Kind = Literal["holidays", "short days"]


def check_rule(rule: str) -> None:
    """ValueError where ``rule`` names no day."""
    if _EASTER.fullmatch(rule) is not None or _EXCHANGE.fullmatch(rule) is not None:
        return
    try:
        if _DATE.fullmatch(rule) is None:
            raise ValueError("another form")
        date.fromisoformat(rule if len(rule) > len("12-25") else f"2024-{rule}")
    except ValueError as error:
        raise ValueError(
            f"{rule!r} names no day: write 12-25 (every year), 2026-04-03, easter-2 or exchange:XNYS"
        ) from error


def is_named(day: date, rules: Collection[str], kind: Kind = "holidays") -> bool:
    """Whether any of the rules names ``day``; of an exchange those of this ``kind``.

    Raises :class:`InstrumentRefused` for an exchange that is none, :class:`registry.errors.PackageMissing` where the
    package that knows exchanges is not installed.
    """
    if day.isoformat() in rules or f"{day:%m-%d}" in rules:
        return True
    offsets = (found[1] for rule in rules if (found := _EASTER.fullmatch(rule)) is not None)
    if any(day == easter(day.year) + timedelta(days=int(offset or 0)) for offset in offsets):
        return True
    exchanges = (found[1] for rule in rules if (found := _EXCHANGE.fullmatch(rule)) is not None)
    return any(day in _exchange_days(name, day.year, kind) for name in exchanges)


@lru_cache(maxsize=64)
def _exchange_days(name: str, year: int, kind: Kind) -> frozenset[date]:
    """The weekdays of a year on which the exchange is shut, or on which it closes early."""
    with needing("exchanges", f"the holidays of exchange:{name}"):
        package: Any = importlib.import_module("exchange_calendars")
    try:
        calendar = package.get_calendar(name, start=f"{year}-01-01", end=f"{year}-12-31")
    except package.errors.InvalidCalendarName as error:
        raise InstrumentRefused(
            f"exchange:{name} is no exchange that the package exchange_calendars knows: write its code, such as XNYS"
        ) from error
    if kind == "short days":
        return frozenset(session.date() for session in calendar.early_closes)
    open_on = frozenset(session.date() for session in calendar.sessions)
    every = (date(year, 1, 1) + timedelta(days=number) for number in range(366))
    return frozenset(
        day for day in every if day.year == year and calendar.weekmask[day.weekday()] == "1" and day not in open_on
    )
