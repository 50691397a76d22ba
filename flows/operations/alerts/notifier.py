"""The notifier sends the alerts of one model: as Prefect events inside a Prefect run, directly otherwise.

A run with a temporary server of its own sends them directly too: that server has no automations and ends with the run.
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
from registry.store.secrets import masked

log = logging.getLogger("flows.alerts")


LONGEST = 1_500
"""Characters of a sentence: bars can break many rules at once, and a variable of Prefect's holds 5,000."""


class Notifier:
    """Sends the alerts of one model. A failure to send is logged and never fails the night."""

    def __init__(self, model: str, operations: Operations) -> None:
        self.model = model
        self._operations = operations
        self._run = None if configured_api() is None else flow_run()
        self._memory: Memory = FileMemory(operations.conditions) if self._run is None else VariableMemory()

    @property
    def has_no_recipient(self) -> bool:
        """Whether alerts reach nobody; the automations of a Prefect server are not checked."""
        return self._run is None and self._operations.alert_target is None

    @property
    def link(self) -> str | None:
        """Where the present Prefect run is shown."""
        if self._run is None:
            return None
        from prefect.settings import PREFECT_UI_URL

        base = PREFECT_UI_URL.value()
        return f"{str(base).rstrip('/')}/runs/flow-run/{self._run.id}" if base else None

    def send_occurrence(self, kind: str, what: str, *, now: datetime) -> None:
        """Send the alert for something that happened once."""
        self._send(Alert(kind, self.model, _shorten(what), now, self.link))

    def update(self, findings: Mapping[str, str | None], *, now: datetime) -> None:
        """Send an alert for each condition that begins (kind → what is wrong) or ends (kind → None)."""
        try:
            before = self._memory.read(self.model)
        except (RegistryError, OSError) as error:
            log.error("the open conditions cannot be read, so their alerts may be sent again: %s", error)
            before = {}
        shortened = {kind: None if what is None else _shorten(what) for kind, what in findings.items()}
        after, alerts = update_conditions(before, shortened, model=self.model, now=now, link=self.link)
        for alert in alerts:
            self._send(alert)
        try:
            if alerts:
                self._memory.write(self.model, after)
        except (RegistryError, OSError) as error:
            log.error("the open conditions cannot be saved, so their alerts may be sent again: %s", error)

    def send_sign_of_life(self) -> None:
        """Ping the dead-man's switch after a decided night."""
        if self._operations.ping_target is not None:
            ping(self._operations.ping_target)

    def _send(self, alert: Alert) -> None:
        if self._run is not None:
            emit(alert)
        elif alert.kind == "candidate.held" and not self._operations.alert_held:
            return
        elif self._operations.alert_target is not None:
            send(alert, self._operations.alert_target)


def _shorten(what: str) -> str:
    what = masked(what)  # an error that is none of ours may repeat an address with its password
    return what if len(what) <= LONGEST else f"{what[:LONGEST]} … (the rest is in the run's log)"


def flow_run() -> Any:
    """The Prefect run that this code is in; None outside of one."""
    if "prefect" not in sys.modules:  # importing it takes seconds
        return None
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return None if context is None else context.flow_run


def emit(alert: Alert) -> None:
    """Sends the alert as a Prefect event."""
    from prefect.events import emit_event

    emit_event(
        event=alert.event,
        resource={"prefect.resource.id": f"retrain.model.{alert.model}", "prefect.resource.name": alert.model},
        payload={"subject": alert.subject, "body": alert.body, "kind": alert.kind, "ended": alert.ended},
    )
