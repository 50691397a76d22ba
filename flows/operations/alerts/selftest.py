"""A test of the alerts: one of each kind is sent the way the nights would, so that a person sees them arrive."""

from __future__ import annotations

from datetime import datetime

from flows.errors import RequestRefused
from flows.operations.alerts.messages import KINDS, Alert, send
from flows.operations.api import configured_api
from flows.operations.settings import Operations

WHAT = "this is a test of `retrain alert-test`; nothing happened"


class NotDelivered(RequestRefused):
    """An alert did not arrive; the log above says why."""


def send_one_of_each(model: str, operations: Operations, *, now: datetime) -> str:
    """Send them through the configured Prefect server's automations, or directly where none is configured.

    Raises :class:`~flows.errors.RequestRefused` where there is nobody to send them to, :class:`NotDelivered` where a
    direct delivery failed; whether an automation delivered, only the receiver sees.
    """
    alerts = [Alert(kind, model, WHAT, now) for kind in KINDS]
    if configured_api() is not None:
        _emit_all(alerts)
        return (
            f"{len(alerts)} events sent to Prefect, which sends all but candidate.held (RETRAIN_ALERT_HELD=true "
            "includes it). If nothing arrives: `retrain deploy` with RETRAIN_ALERT_URL set, then the page Automations"
        )
    if operations.alert_target is None:
        raise RequestRefused("there is nobody to send alerts to: set RETRAIN_ALERT_URL to a webhook or an Apprise URL")
    target = operations.alert_target
    arrived = [send(alert, target) for alert in alerts]
    if not all(arrived):
        raise NotDelivered(f"{arrived.count(False)} of {len(arrived)} alerts did not arrive: see the log above")
    return f"{len(arrived)} alerts delivered directly, without Prefect"


def _emit_all(alerts: list[Alert]) -> None:
    from prefect.events.worker import EventsWorker

    from flows.operations.alerts.notifier import emit

    for alert in alerts:
        emit(alert)
    EventsWorker.instance().wait_until_empty()
