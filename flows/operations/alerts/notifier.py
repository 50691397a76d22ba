"""Telling: through Prefect's events inside a run, directly otherwise; one call for whoever has something to say.

A run with a temporary server of its own tells directly too: that server has no automations and ends with the run.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flows.operations.alerts.conditions import FileMemory, Memory, VariableMemory, update_conditions
from flows.operations.alerts.messages import Alert, ping, send
from flows.operations.api import configured_api
from flows.operations.settings import Operations
from registry.errors import RegistryError

log = logging.getLogger("flows.alerts")


LONGEST = 1_500
"""Characters of what is told: bars can break many rules at once, and a variable of Prefect's holds 5,000."""


class Notifier:
    """Sends the alerts of one model. Nothing that goes wrong in telling fails the night; it is logged."""

    def __init__(self, model: str, operations: Operations) -> None:
        self.model = model
        self._operations = operations
        self._run = None if configured_api() is None else flow_run()
        self._memory: Memory = FileMemory(operations.conditions) if self._run is None else VariableMemory()

    @property
    def has_nobody(self) -> bool:
        """Whether nobody hears of anything; a Prefect server's own automations are not looked at."""
        return self._run is None and self._operations.alert_target is None

    @property
    def link(self) -> str | None:
        """Where the present Prefect run is shown."""
        if self._run is None:
            return None
        from prefect.settings import PREFECT_UI_URL

        base = PREFECT_UI_URL.value()
        return f"{str(base).rstrip('/')}/runs/flow-run/{self._run.id}" if base else None

    def happened(self, kind: str, what: str, *, now: datetime) -> None:
        """Tell of an occurrence."""
        self._tell(Alert(kind, self.model, _cut(what), now, self.link))

    def found(self, findings: Mapping[str, str | None], *, now: datetime) -> None:
        """Tell of conditions that begin (kind → what is wrong) or end (kind → None); of what goes on, nothing."""
        try:
            before = self._memory.read(self.model)
        except (RegistryError, OSError) as error:
            log.error("what was told before cannot be read, so it may be told again: %s", error)
            before = {}
        told = {kind: None if what is None else _cut(what) for kind, what in findings.items()}
        after, alerts = update_conditions(before, told, model=self.model, now=now, link=self.link)
        for alert in alerts:
            self._tell(alert)
        try:
            if alerts:
                self._memory.write(self.model, after)
        except (RegistryError, OSError) as error:
            log.error("what was told cannot be remembered, so it may be told again: %s", error)

    def alive(self) -> None:
        """The sign of life after a decided night."""
        if self._operations.ping_target is not None:
            ping(self._operations.ping_target)

    def _tell(self, alert: Alert) -> None:
        if self._run is not None:
            emit(alert)
        elif alert.kind == "candidate.held" and not self._operations.alert_held:
            return
        elif self._operations.alert_target is not None:
            send(alert, self._operations.alert_target)


def _cut(what: str) -> str:
    return what if len(what) <= LONGEST else f"{what[:LONGEST]} … (the rest is in the run's log)"


def flow_run() -> Any:
    """The Prefect run that this code is in; None outside of one."""
    if "prefect" not in sys.modules:  # importing it takes seconds
        return None
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return None if context is None else context.flow_run


def emit(alert: Alert) -> None:
    """The alert as a Prefect event."""
    from prefect.events import emit_event

    emit_event(
        event=alert.event,
        resource={"prefect.resource.id": f"retrain.model.{alert.model}", "prefect.resource.name": alert.model},
        payload={"subject": alert.subject, "body": alert.body, "kind": alert.kind, "ended": alert.ended},
    )
