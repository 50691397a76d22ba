"""Rules name days on which a market does not trade: ``12-25`` (every year), ``2026-04-03``, ``easter-2`` (Good Friday).

A rule names trading days. Which of a vendor's calendars is right differs from broker to broker, so these are few; more
are added in the instrument's file, or by ``RETRAIN_HOLIDAYS``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, timedelta

from dateutil.easter import easter

_EASTER = re.compile(r"easter([+-]\d{1,2})?")
_DATE = re.compile(r"(\d{4}-)?\d{2}-\d{2}")


def check_rule(rule: str) -> None:
    """ValueError where ``rule`` names no day."""
    if _EASTER.fullmatch(rule) is not None:
        return
    try:
        if _DATE.fullmatch(rule) is None:
            raise ValueError("another form")
        date.fromisoformat(rule if len(rule) > len("12-25") else f"2024-{rule}")
    except ValueError as error:
        raise ValueError(f"{rule!r} names no day: write 12-25 (every year), 2026-04-03 or easter-2") from error


def is_named(day: date, rules: Collection[str]) -> bool:
    """Whether any of the rules names ``day``."""
    if day.isoformat() in rules or f"{day:%m-%d}" in rules:
        return True
    offsets = (found[1] for rule in rules if (found := _EASTER.fullmatch(rule)) is not None)
    return any(day == easter(day.year) + timedelta(days=int(offset or 0)) for offset in offsets)
