"""When nights start and the watch looks, as cron lines: 20 minutes after a trading day, every hour of an open market.

The lines are on the clock of the instrument's zone, so that summer time needs nothing. Those of ``prefect.yaml`` are
GBPUSD's; :func:`scheduled` writes those of other hours in their place.

>>> night_schedule(find_instrument("BTCUSD").hours)
{'cron': '20 0 * * *', 'timezone': 'UTC', 'active': True}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from flows.instruments import TradingHours
from flows.operations.calendar import LATER

_DAY = 24 * 60
_AFTER_THE_HOUR = 5  # minutes: a bar that closed with the hour has arrived
_EVERY_HOUR: dict[str, Any] = {"cron": f"{_AFTER_THE_HOUR} * * * *", "timezone": "UTC", "active": True}


def night_schedule(hours: TradingHours) -> dict[str, Any]:
    """When a night starts, as a schedule in ``prefect.yaml``."""
    start = _start(hours)
    days = {(day + (start >= _DAY)) % 7 for day in hours.weekdays}
    return _schedule(f"{start % 60} {start % _DAY // 60}", days, hours)


def night_words(hours: TradingHours) -> str:
    """The same in words: ``17:20 New York``."""
    hour, minute = divmod(_start(hours) % _DAY, 60)
    return f"{hour:02d}:{minute:02d} {hours.place}"


def watch_schedules(hours: TradingHours) -> list[dict[str, Any]]:
    """The hours of a week in which the market is open and was open an hour before."""
    if hours.week is None:
        return [_EVERY_HOUR | {"timezone": hours.zone}]
    opens, closes = hours.week
    moments = np.arange(7 * 24) * 60 + _AFTER_THE_HOUR
    length = (closes - opens) % (7 * _DAY)
    since = (moments - opens) % (7 * _DAY)
    is_open = ((since >= 60) & (since < length)).reshape(7, 24)
    of_day = {day: tuple(np.flatnonzero(is_open[day]).tolist()) for day in (6, 0, 1, 2, 3, 4, 5)}  # Sunday is cron's 0
    return [
        _schedule(f"{_AFTER_THE_HOUR} {_spans(of_hours, 24)}", list(days), hours)
        for of_hours, days in groupby(of_day, key=lambda day: of_day[day])
        if of_hours
    ]


def scheduled(description: Mapping[str, Any], hours: Sequence[TradingHours], *, fleet: bool = False) -> dict[str, Any]:
    """``prefect.yaml`` by the hours of these instruments: one night for each start that differs. ``fleet``: they are
    those of its models, whose deployment has the schedules that *nightly* has else; without one it is left out."""
    nights = list({each["cron"] + each["timezone"]: each for each in map(night_schedule, hours)}.values())
    watches = [watch_schedules(each) for each in hours]
    watch = watches[0] if all(each == watches[0] for each in watches) else [_EVERY_HOUR]
    starts = " and ".join(dict.fromkeys(f"{each.day_closes} {each.place}" for each in hours))
    kept = [dict(each) for each in description["deployments"] if fleet or each["name"] != "fleet"]
    for each in kept:
        if each["name"] == "nightly":
            each["schedules"] = [] if fleet else nights
            each["description"] = (
                f"Every trading day after {starts}, the new bars are scored, every recipe is trained, and one is "
                "promoted only when it beats the champion."
            )
        elif each["name"] == "fleet":
            each["schedules"] = nights
        elif each["name"] == "watch":
            each["schedules"] = watch
            if fleet:
                each["entrypoint"] = "flows.fleet.dag.watch_all"
    return {**description, "deployments": kept}


def _start(hours: TradingHours) -> int:
    """Minutes from the midnight that begins the day which names the trading day to the start of its night."""
    return (hours.close_minute or _DAY) + int(LATER.total_seconds()) // 60


def _schedule(at: str, days: Iterable[int], hours: TradingHours) -> dict[str, Any]:
    """``days``: Monday is 0; cron counts from Sunday."""
    return {
        "cron": f"{at} * * {_spans(sorted((day + 1) % 7 for day in days), 7)}",
        "timezone": hours.zone,
        "active": True,
    }


def _spans(numbers: Sequence[int], every: int) -> str:
    """Numbers as cron writes them: ``1-5``, ``0,6``, ``*`` for all ``every`` of them."""
    if len(numbers) == every:
        return "*"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
