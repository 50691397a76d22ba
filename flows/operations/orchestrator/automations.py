"""The Prefect automations as code: what the server does by itself when an event comes, or does not come.

``retrain up`` applies them, ``retrain deploy`` to a server of one's own; applying them again changes only what
differs. Without ``RETRAIN_ALERT_URL`` there is nobody to notify, and the one automation marks killed runs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from prefect.automations import Automation, ChangeFlowRunState, EventTrigger, Posture, SendNotification
from prefect.blocks.notifications import CustomWebhookNotificationBlock, SlackWebhook
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.schemas.automations import AutomationCore
from pydantic import SecretStr

from flows.operations.alerts.messages import CONDITIONS, KINDS, is_webhook, webhook_json

FLOWS = ["retrain", "retrain-all"]
"""Flows that have nights: of one model, of a fleet."""

BLOCK = "retrain-alerts"

BEAT_SECONDS = 30
"""Between two signs of life of a run (the least that Prefect allows); set by ``retrain up``."""

SILENT_SECONDS = 90
"""A run silent for so long is dead: three beats. With the server's own 5 s it is marked within two minutes."""

LATE = timedelta(hours=1)
"""A night that has not begun so long after it was late is missed."""

_FLOW = {"prefect.resource.role": "flow", "prefect.resource.name": FLOWS}
_NIGHTLY = {"prefect.resource.role": "deployment", "prefect.resource.name": ["nightly", "fleet"]}
_RUN = {"prefect.resource.id": "prefect.flow-run.*"}


def automations(
    block: UUID | None, *, held: bool = False, late: timedelta = LATE, silent: timedelta | None = None
) -> list[Automation]:
    """The automations of the server. ``block``: the block that sends notifications; ``held``: of held nights too."""
    marking = _mark_killed_runs(silent or timedelta(seconds=SILENT_SECONDS))
    if block is None:
        return [marking]
    return [
        marking,
        _notify_of_events(block, held),
        _notify_of_killed_runs(block),
        _notify_of_missed_nights(block, late),
    ]


def _mark_killed_runs(silent: timedelta) -> Automation:
    beat = "prefect.flow-run.heartbeat"
    return Automation(
        name="retrain: mark killed runs as crashed",
        description="A run whose process and worker died would stay Running for ever.",
        trigger=EventTrigger(
            match=_RUN,
            match_related=_FLOW,
            after={beat},
            expect={"prefect.flow-run.*"},  # the next beat, or whatever state it ended in
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=silent,
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                name="Crashed",
                message="It gave no sign of life: its process or machine was killed. The next run completes its work.",
            )
        ],
    )


def _notify_of_events(block: UUID, held: bool) -> Automation:
    kinds = {kind for kind in KINDS if held or kind != "candidate.held"}
    return Automation(
        name="retrain: tell what happened",
        description="Every event of the night, as it says itself.",
        trigger=EventTrigger(
            match={"prefect.resource.id": "retrain.model.*"},
            expect=kinds | {f"{kind}.ended" for kind in CONDITIONS},
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[_notification(block, "{{ event.payload.subject }}", "{{ event.payload.body }}")],
    )


def _notify_of_killed_runs(block: UUID) -> Automation:
    body = (
        "The run {{ flow_run.name }} ended without a result: {{ flow_run.state.message }}\n"
        "Since: {{ event.occurred.strftime('%Y-%m-%d %H:%M') }} UTC\n"
        f"What to do: {CONDITIONS['retrain.failed']}\n"
        "Run: {{ flow_run|ui_url }}"
    )
    return Automation(
        name="retrain: tell killed runs",
        description="A killed run cannot tell of itself.",
        trigger=EventTrigger(
            match=_RUN,
            match_related=_FLOW,
            expect={"prefect.flow-run.Crashed"},
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[_notification(block, "retrain: retrain.failed (a run was killed)", body)],
    )


def _notify_of_missed_nights(block: UUID, late: timedelta) -> Automation:
    body = (
        f"No scheduled night has begun, {late} after one was late. Production still loads the champion it had.\n"
        "Since: {{ event.occurred.strftime('%Y-%m-%d %H:%M') }} UTC\n"
        f"What to do: {CONDITIONS['night.missed']}\n"
        "Run: {{ flow_run|ui_url }}"
    )
    return Automation(
        name="retrain: tell missed nights",
        description="No worker took the scheduled run. `retrain status --check` sees the same without Prefect.",
        trigger=EventTrigger(
            match=_RUN,
            match_related=_NIGHTLY,
            after={"prefect.flow-run.Late"},
            expect={"prefect.flow-run.Running", "prefect.flow-run.Cancelled"},
            for_each={"related:deployment:prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=late,
        ),
        actions=[_notification(block, "retrain: night.missed", body)],
    )


def _notification(block: UUID, subject: str, body: str) -> SendNotification:
    return SendNotification(block_document_id=block, subject=subject, body=body)


def save_block(target: str) -> UUID:
    """Keep where alerts go as a block of the server, encrypted there; gives its id."""
    if is_webhook(target):
        body: dict[str, Any] = dict(webhook_json("{{subject}}", "{{body}}"))
        webhook = CustomWebhookNotificationBlock(name=BLOCK, url="{{url}}", secrets={"url": target}, json_data=body)
        return cast(UUID, webhook.save(BLOCK, overwrite=True))
    # This class hands every address that is not Slack's own to Apprise as it is; the server knows it without a plug-in.
    return cast(UUID, SlackWebhook(url=SecretStr(target)).save(f"{BLOCK}-apprise", overwrite=True))


def apply(
    target: str | None, *, held: bool = False, late: timedelta = LATE, silent: timedelta | None = None
) -> dict[str, bool]:
    """Bring the server's automations in line; those there are now, and whether each is on.

    One that a person switched off stays off.
    """
    block = None if target is None else save_block(target)
    kept: dict[str, bool] = {}
    wanted = {new.name: new for new in automations(block, held=held, late=late, silent=silent)}
    with get_client(sync_client=True) as client:
        for known in client.read_automations():
            if not known.name.startswith("retrain: "):
                continue
            new = wanted.get(known.name)
            if new is not None:
                new.enabled = known.enabled
            if _same(known, new):
                kept[known.name] = known.enabled
                del wanted[known.name]  # an automation that is written anew forgets the runs that it watches
            else:
                client.delete_automation(known.id)
        for new in wanted.values():
            client.create_automation(_core(new))
            kept[new.name] = new.enabled
    return {automation.name: kept[automation.name] for automation in automations(block)}


def _same(known: AutomationCore, wanted: Automation | None) -> bool:
    return wanted is not None and _core(known).model_dump() == _core(wanted).model_dump()


def _core(automation: AutomationCore) -> AutomationCore:
    return AutomationCore(**automation.model_dump(include=set(AutomationCore.model_fields)))
