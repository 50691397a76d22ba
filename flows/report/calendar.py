"""What each trading day made after costs, laid out as a calendar: a month at a time, a row a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from flows.report.data import DailyLine

STEPS = 4
"""Shades of a gain, and of a loss: the strongest from the ninetieth percentile of the sizes of all days on."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class CalendarDay:
    """A day of a month; ``pips`` is None where nothing was traded. ``shade``: −4 to 4, 0 for no result."""

    day: str
    pips: float | None
    shade: int


@dataclass(frozen=True)
class CalendarMonth:
    """``weeks``: a row each, a place a weekday, None outside the month. ``pips``: the sum of its days."""

    name: str
    pips: float
    weeks: tuple[tuple[CalendarDay | None, ...], ...]


def calendar(running: DailyLine) -> tuple[CalendarMonth, ...]:
    """The months from the first to the last day of a running sum in pips; Saturdays and Sundays only where one of them
    is a trading day."""
    values = dict(zip(running.days, np.diff(running.values, prepend=0.0).tolist(), strict=True))
    weekdays = range(7 if any(date.fromisoformat(day).weekday() > 4 for day in values) else 5)
    largest = float(np.quantile(np.abs(list(values.values())), 0.9)) if values else 0.0
    months: dict[str, list[str]] = {}
    for day in values:
        months.setdefault(day[:7], []).append(day)
    return tuple(_month(name, days, values, largest, weekdays) for name, days in months.items())


def _month(name: str, days: Sequence[str], values: dict[str, float], largest: float, weekdays: range) -> CalendarMonth:
    first = date.fromisoformat(f"{name}-01")
    monday, weeks = first - timedelta(days=first.weekday()), []
    while monday.isoformat()[:7] <= name:
        dates = [monday + timedelta(days=weekday) for weekday in weekdays]
        week = tuple(_day(each, values, largest) if each.month == first.month else None for each in dates)
        weeks += [week] if any(week) else []
        monday += timedelta(days=7)
    return CalendarMonth(f"{_MONTHS[first.month - 1]} {first.year}", sum(values[day] for day in days), tuple(weeks))


def _day(each: date, values: dict[str, float], largest: float) -> CalendarDay:
    pips = values.get(each.isoformat())
    if pips is None or not largest:
        return CalendarDay(each.isoformat(), pips, 0)
    shade = min(int(np.ceil(STEPS * abs(pips) / largest)), STEPS)
    return CalendarDay(each.isoformat(), pips, shade if pips >= 0.0 else -shade)
