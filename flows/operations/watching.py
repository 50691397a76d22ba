"""What the hourly watch tells: the champion's health as conditions, and a night that was due and is not decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Protocol

from flows.operations.settings import load_operations
from flows.operations.telling import Teller
from registry import Model

MISSED_AFTER = timedelta(hours=6)
"""A night waits three hours for its bars, and may wait for another run: later than this it is missed."""

_CONDITION = {"regressed": "champion.regressed", "one class": "champion.regressed", "shifted": "champion.regressed"}
_CONDITION |= {"old": "champion.old"}
_BARS = ("stale bars", "thin days")


class Alarm(Protocol):
    """One of :class:`flows.health.Alarm`."""

    @property
    def kind(self) -> str: ...

    @property
    def sentence(self) -> str: ...


def findings(alarms: Iterable[Alarm]) -> dict[str, str | None]:
    """Condition → what is wrong, or None where it is well. Missing bars are only ever begun here: a night ends them."""
    found: dict[str, list[str]] = {"champion.regressed": [], "champion.old": []}
    for alarm in alarms:
        if alarm.kind in _BARS:
            found.setdefault("data.missing", []).append(alarm.sentence)
        else:
            found[_CONDITION[alarm.kind]].append(alarm.sentence)
    return {kind: "; ".join(sentences) or None for kind, sentences in found.items()}


def tell_health(book: Model, alarms: Iterable[Alarm], *, now: datetime) -> None:
    """Tell what began and what ended since the last look, through Prefect inside a run, else directly."""
    operations = load_operations()
    due = operations.calendar.expected_night(now, MISSED_AFTER)
    found = findings(alarms)
    missed = missed_night(book, due)
    if missed is not None:
        found["night.missed"] = missed
    Teller(book.name, operations).found(found, now=now)


def missed_night(book: Model, due: date) -> str | None:
    """The sentence about a night that was ``due`` and is not decided; None where all is well or none ever was."""
    head = book.decisions.head()
    last = None if head is None else head.state.get("night")
    if last is None or last >= due.isoformat():
        return None
    return f"the night of {due} is not decided, the last one is {last}; production still loads the champion it had"
