"""What the next nights of a fleet will be, without running any: which models, when each is due and when it starts.

Nights of one close begin ``spread_minutes`` apart from first to last, in the order of the file, so that a hundred of
them do not ask the feed and the store in the same second.

>>> for night in plan_nights(fleet, load_operations(), now):
...     print(night.member.name, night.starts)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flows.fleet.members import Fleet, Member
from flows.instruments import Instrument
from flows.operations.settings import Operations

__all__ = ["PlannedNight", "offset_of", "plan_nights"]


@dataclass(frozen=True)
class PlannedNight:
    """``due``: 20 minutes after the close of its trading day; ``starts``: not before it; both with the instrument's
    zone."""

    member: Member
    instrument: Instrument
    due: datetime
    starts: datetime

    @property
    def line(self) -> str:
        """The night in one line of a screen."""
        recipes = ", ".join(self.member.recipes) or "all recipes"
        when = f"{self.starts:%Y-%m-%d %H:%M:%S} {self.instrument.hours.place}"
        return f"{when}  {self.member.name}: {self.instrument.name}, {recipes}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        told = {"model": self.member.name, "instrument": self.instrument.name, "recipes": list(self.member.recipes)}
        return {**told, "due": self.due.isoformat(), "starts": self.starts.isoformat()}


def offset_of(fleet: Fleet, place: int) -> timedelta:
    """How long after the start of the fleet the model at this ``place`` of the file begins."""
    return timedelta(minutes=fleet.spread_minutes) * place / len(fleet.members)


def plan_nights(fleet: Fleet, operations: Operations, now: datetime) -> list[PlannedNight]:
    """The next night of each model, in the order in which they start."""
    nights = []
    for place, member in enumerate(fleet.members):
        instrument = member.settings.traded
        due = operations.calendar(instrument.hours).next_due(now)
        nights.append(PlannedNight(member, instrument, due, due + offset_of(fleet, place)))
    return sorted(nights, key=lambda night: night.starts)
