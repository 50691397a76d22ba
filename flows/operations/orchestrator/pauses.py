"""What a person paused in Prefect's UI stays paused when deployments are written again.

``prefect deploy`` switches everything on that ``prefect.yaml`` does not call paused, so what the server has paused is
read first and written into the description that is deployed: there is no moment in which a paused night could begin.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FLOWS = ("retrain", "retrain-all", "watch")


@dataclass(frozen=True)
class Pauses:
    """``deployments``: names of those that are paused. ``schedules``: deployment, cron and timezone of each that is
    switched off. ``pool``: whether the work pool is paused."""

    deployments: frozenset[str] = frozenset()
    schedules: frozenset[tuple[str, str, str | None]] = frozenset()
    pool: bool = False

    def applied(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """``prefect.yaml`` as parsed, with these pauses in it."""
        changed = copy.deepcopy(dict(description))
        for deployment in changed["deployments"]:
            if deployment["name"] in self.deployments:
                deployment["paused"] = True
            for schedule in deployment["schedules"]:
                if (deployment["name"], schedule["cron"], schedule.get("timezone")) in self.schedules:
                    schedule["active"] = False
        return changed

    def sentences(self) -> Iterator[str]:
        """What stays as a person set it, one line each."""
        for name in sorted(self.deployments):
            yield f"deployment {name} {STAYS}"
        for name, cron, _ in sorted(self.schedules, key=str):
            yield f"schedule {cron} of {name} {STAYS}"
        if self.pool:
            yield f"work pool {STAYS}"


STAYS = "stays paused, as somebody paused it; resume it in the UI"


def read_pauses(client: Any, pool: str) -> Pauses:
    """The pauses on the server of a synchronous ``client``; none where nothing was deployed yet."""
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.exceptions import ObjectNotFound

    deployed = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))))
    try:
        paused_pool = bool(client.read_work_pool(pool).is_paused)
    except ObjectNotFound:
        paused_pool = False
    return Pauses(
        frozenset(deployment.name for deployment in deployed if deployment.paused),
        frozenset(
            (deployment.name, str(getattr(each.schedule, "cron", "")), getattr(each.schedule, "timezone", None))
            for deployment in deployed
            for each in deployment.schedules
            if not each.active
        ),
        paused_pool,
    )
