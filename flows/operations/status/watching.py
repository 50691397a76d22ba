"""The hourly watch: the champion's health becomes conditions, and so does a night that was due and is not decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Protocol

from flows.errors import BarsMissing, BarsRejected
from flows.job.plan import Job
from flows.monitoring.health import Alarm, Health, health_now
from flows.operations.alerts.notifier import Notifier
from flows.operations.settings import Operations, load_operations
from registry import Model


class Examine(Protocol):
    """:func:`flows.monitoring.health.health_now`, or the same as a task."""

    def __call__(self, job: Job, model: Model, due: date, *, partial: Callable[[date], bool]) -> Health | None: ...


MISSED_AFTER = timedelta(hours=6)
"""A night waits three hours for its bars, and may wait for another run: later than this it is missed."""

_CONDITION = {"regressed": "champion.regressed", "one class": "champion.regressed", "shifted": "champion.regressed"}
_CONDITION |= {"unscored": "champion.regressed", "old": "champion.old", "stale bars": "data.missing"}
ABOUT_BARS = ("stale bars", "thin days")
_QUIET = "thin days"  # a hole in the past stays for weeks and no night fixes it: shown, but no alert


def champion_health(job: Job, now: datetime, *, examine: Examine = health_now) -> Health | None:
    """The champion's health at ``now``, with holidays and the hour at which bars are due; None while production is
    empty.

    Raises :class:`BarsMissing` where the champion is of real bars and no place of bars is set: looking at the simulated
    sample in their place would find nothing wrong for ever.
    """
    check_place_of_bars(job)
    calendar = load_operations().calendar(job.instrument.hours)
    # the simulated sample never grows
    due = date.min if job.simulated else calendar.expected_night(now, MISSED_AFTER)
    return examine(job, job.open_model(), due, partial=lambda day: not calendar.trades(day) or calendar.ends_early(day))


def check_place_of_bars(job: Job) -> None:
    """Raises :class:`BarsMissing` where the job would take the sample for the bars of a champion of real ones."""
    champion = job.open_model().champion() if job.simulated else None
    if champion is not None and not champion.simulated:
        raise BarsMissing(
            f"{job.model} was trained on real bars, and where they are is not set: give --data, or set RETRAIN_DATA"
        )


def watch_champion(job: Job, now: datetime, *, examine: Examine = health_now) -> Health | None:
    """:func:`champion_health`, with an alert for every condition that began or ended since the last look.

    The alert for a missed night is sent first, whatever becomes of the rest. Bars that cannot be read are a condition
    too, and raise.
    """
    operations = load_operations()
    notifier = Notifier(job.model, operations)
    if not job.simulated:
        notifier.update(_missed_night_condition(job, operations, now), now=now)
    try:
        health = champion_health(job, now, examine=examine)
    except (BarsMissing, BarsRejected) as error:
        kind = "data.missing" if isinstance(error, BarsMissing) else "data.rejected"
        notifier.update({kind: f"{error}"}, now=now)
        raise
    notifier.update(conditions_of(() if health is None else health.alarms), now=now)
    return health


def conditions_of(alarms: Iterable[Alarm]) -> dict[str, str | None]:
    """Condition → what is wrong, or None where it is over. Missing bars can only begin here: a night ends them."""
    sentences: dict[str, list[str]] = {"champion.regressed": [], "champion.old": []}
    for alarm in alarms:
        if alarm.kind != _QUIET:
            sentences.setdefault(_CONDITION[alarm.kind], []).append(alarm.sentence)
    return {kind: "; ".join(of_kind) or None for kind, of_kind in sentences.items()}


def _missed_night_condition(job: Job, operations: Operations, now: datetime) -> dict[str, str | None]:
    due = operations.calendar(job.instrument.hours).expected_night(now, MISSED_AFTER)
    missed = missed_night(job.open_model(), due)
    return {} if missed is None else {"night.missed": missed}  # a decided night ends it


def missed_night(model: Model, due: date) -> str | None:
    """The sentence about a night that was ``due`` and is not decided; None where it is decided, or none ever was."""
    head = model.decisions.head()
    last = None if head is None else head.state.get("night")
    if last is None or last >= due.isoformat():
        return None
    return f"the night of {due} is not decided, the last one is {last}; production still loads the champion it had"
