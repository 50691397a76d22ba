"""The hourly look at every model of a fleet: one that fails stops no other, and each sends its own alerts.

>>> for seen in watch_fleet(fleet, now, tell=True):
...     print(seen.line)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flows.errors import RetrainError
from flows.fleet.members import Fleet, Member
from flows.job.plan import plan
from flows.job.request import request
from flows.monitoring.health import Health, health_now
from flows.operations.status.watching import Examine, champion_health, watch_champion
from registry.errors import RegistryError

__all__ = ["WatchedModel", "watch_fleet"]


@dataclass(frozen=True)
class WatchedModel:
    """``health``: None while production is empty, or where ``fault`` says why it cannot be told."""

    member: Member
    health: Health | None
    fault: str | None = None

    @property
    def calls(self) -> bool:
        """Whether a person should look."""
        return self.fault is not None or bool(self.health and self.health.alarms)

    @property
    def line(self) -> str:
        """The model in one line."""
        empty = "production is empty, there is nothing to watch"
        return f"{self.member.name}: {self.fault or (empty if self.health is None else self.health)}"


def watch_fleet(
    fleet: Fleet, now: datetime, *, as_of: datetime | None = None, tell: bool, examine: Examine | None = None
) -> Iterator[WatchedModel]:
    """Each model in the order of the file; ``tell``: an alert with its name for every condition that began or ended."""
    look = watch_champion if tell else champion_health
    for member in fleet.members:
        try:
            job = plan(request(as_of=as_of, model=member.name), member.settings)
            yield WatchedModel(member, look(job, now, examine=examine or health_now))
        except (RetrainError, RegistryError) as error:
            yield WatchedModel(member, None, str(error).splitlines()[0])
