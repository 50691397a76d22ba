"""A promotion that waits for a person: the run pauses, its page has a button "Resume" and a form beside the report.

The run keeps its process and its turn while it waits, so nothing is trained twice and no other night of the model comes
between; what a person does to the champion meanwhile is seen when the decision is written. Without an answer in time
the run resumes itself: left to Prefect, a pause that runs out ends the run as failed, and the night undecided.

Where trusted keys are configured nobody is asked here, since a click proves nothing: the night is held, and an approver
signs with :meth:`registry.Model.approve`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import SetStateStatus
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field, ValidationError

from flows.gate.nightly.decision import NightlyDecision
from flows.job.form import Author, Reason
from flows.job.plan import Job
from flows.night.outcome import outcome_of
from flows.night.overrides import needs_approval
from flows.night.state import Answer, NightBars, Verdict
from flows.operations.alerts.notifier import Notifier, flow_run
from flows.operations.api import configured_api
from flows.operations.settings import load_operations
from flows.report.decisions import proposal_summary
from flows.report.markdown import proposal_markdown
from registry import Clock, Model, SystemClock

log = logging.getLogger("flows.approving")

_LOOK_SECONDS = 5
_SPARE_SECONDS = 600  # Prefect's own end of the pause comes well after ours


class Approval(RunInput):
    """What the form asks."""

    decision: Literal["promote", "hold"] = Field(title="Decision", description="What production shall load.")
    author: Author = Field(title="Author", description="Your name: Prefect does not know who presses the button.")
    reason: Reason = Field(title="Reason", description="Why, in one line; it stays in the log for good.")


def approved(job: Job, model: Model, bars: NightBars, verdict: Verdict, clock: Clock | None = None) -> Verdict:
    """``verdict`` with what a person said to it, waiting for that where it has to be asked for.

    Without an answer it comes back as it was, and the night is held.
    """
    if job.needs_signature:  # a click has no key
        return verdict
    run, clock = flow_run(), clock or SystemClock()
    if job.approval is None or not needs_approval(job, verdict) or run is None or configured_api() is None:
        return verdict
    until = clock.monotonic() + job.approval.total_seconds()
    waits = f"{verdict.sentence}; it waits {_long(job.approval)} for a person's yes"
    Notifier(job.model, load_operations()).send_occurrence("candidate.waiting", waits, now=clock.now())
    outcome, decision = outcome_of(job, bars, verdict, model.champion(), None), verdict.decision
    told = proposal_summary(decision, outcome.night) if isinstance(decision, NightlyDecision) else None
    form = Approval.with_initial_data(proposal_markdown(outcome, told))
    while (left := until - clock.monotonic()) > _LOOK_SECONDS:
        with _resumed_after(run.id, left) as ran_out:
            try:
                said = pause_flow_run(form, timeout=int(left) + _SPARE_SECONDS, poll_interval=_LOOK_SECONDS)
            except ValidationError as wrong:
                log.warning("the answer cannot be used, so it is asked for again: %s", wrong)
                continue
        if ran_out.is_set():
            break
        log.info("%s by %s: %s", said.decision, said.author, said.reason)
        return replace(verdict, answer=Answer(said.decision == "promote", said.author, said.reason))
    log.warning("nobody answered within %s", _long(job.approval))
    return verdict


@contextmanager
def _resumed_after(run: UUID, seconds: float) -> Iterator[threading.Event]:
    """Resumes a paused run after so many seconds; the event is set where it was this that resumed it."""
    ran_out = threading.Event()

    def resume() -> None:
        try:
            with get_client(sync_client=True) as client:
                found = client.resume_flow_run(run, {"decision": "hold", "author": "nobody", "reason": "no answer"})
        except httpx.HTTPError as error:
            log.error("the wait is over, but the Prefect server cannot be told: %s", error)
            return
        if found.status == SetStateStatus.ACCEPT:
            ran_out.set()

    timer = threading.Timer(seconds, resume)
    timer.daemon = True
    timer.start()
    try:
        yield ran_out
    finally:
        timer.cancel()


def _long(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"
