"""What the hourly watch tells: the champion's health as conditions, and a night that was due and is not decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from flows.errors import BarsMissing, BarsRejected
from flows.explain import health_now
from flows.health import Alarm, Health
from flows.operations.settings import Operations, load_operations
from flows.operations.telling import Teller
from flows.plan import Job
from registry import Model

Examine = Callable[[Job, Model, datetime], Health | None]

MISSED_AFTER = timedelta(hours=6)
"""A night waits three hours for its bars, and may wait for another run: later than this it is missed."""

_CONDITION = {"regressed": "champion.regressed", "one class": "champion.regressed", "shifted": "champion.regressed"}
_CONDITION |= {"old": "champion.old"}
_BARS = ("stale bars", "thin days")


def look_after(job: Job, now: datetime, *, examine: Examine = health_now) -> Health | None:
    """Examine the champion and tell what began or ended since the last look; None while production is empty.

    A night that is missing is told first, whatever becomes of the rest. Bars that cannot be read are told and raised.
    """
    operations = load_operations()
    book = job.book()
    teller = Teller(job.model, operations)
    if not job.simulated:  # the sample never grows, so no night is due on it
        teller.found(_night(book, operations, now), now=now)
    try:
        health = examine(job, book, now)
    except (BarsMissing, BarsRejected) as error:
        kind = "data.missing" if isinstance(error, BarsMissing) else "data.rejected"
        teller.found({kind: f"{error}"}, now=now)
        raise
    alarms = () if health is None else health.alarms
    teller.found(findings(each for each in alarms if not (job.simulated and each.kind in _BARS)), now=now)
    return health


def findings(alarms: Iterable[Alarm]) -> dict[str, str | None]:
    """Condition → what is wrong, or None where it is well. Missing bars are only ever begun here: a night ends them."""
    found: dict[str, list[str]] = {"champion.regressed": [], "champion.old": []}
    for alarm in alarms:
        if alarm.kind in _BARS:
            found.setdefault("data.missing", []).append(alarm.sentence)
        else:
            found[_CONDITION[alarm.kind]].append(alarm.sentence)
    return {kind: "; ".join(sentences) or None for kind, sentences in found.items()}


def _night(book: Model, operations: Operations, now: datetime) -> dict[str, str | None]:
    missed = missed_night(book, operations.calendar.expected_night(now, MISSED_AFTER))
    return {} if missed is None else {"night.missed": missed}  # a decided night ends it


def missed_night(book: Model, due: date) -> str | None:
    """The sentence about a night that was ``due`` and is not decided; None where all is well or none ever was."""
    head = book.decisions.head()
    last = None if head is None else head.state.get("night")
    if last is None or last >= due.isoformat():
        return None
    return f"the night of {due} is not decided, the last one is {last}; production still loads the champion it had"
