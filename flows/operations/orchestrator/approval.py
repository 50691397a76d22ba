"""A promotion waits for a person: the run pauses, and its page has a button "Resume" and a form below the report.

The run keeps its process and its run lock while it waits, so nothing is trained twice and no other night of the model
comes between. If a person changes the champion meanwhile, that is seen when the decision is written. Without an answer
in time the run resumes itself: Prefect alone would end the run as failed, with the night undecided.

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
from flows.night.outcome import outcome_of
from flows.night.overrides import needs_approval
from flows.night.state import Answer, NightContext, Verdict
from flows.operations.alerts.notifier import Notifier, flow_run
from flows.operations.api import configured_api
from flows.operations.settings import load_operations
from flows.report.decisions import proposal_summary
from flows.report.markdown import proposal_markdown

log = logging.getLogger("flows.approval")

_LOOK_SECONDS = 5
_SPARE_SECONDS = 600  # Prefect's own end of the pause comes well after ours


class Approval(RunInput):
    """The fields of the form."""

    decision: Literal["promote", "hold"] = Field(title="Decision", description="What production shall load.")
    author: Author = Field(title="Author", description="Your name: Prefect does not know who presses the button.")
    reason: Reason = Field(title="Reason", description="Why, in one line; it stays in the log for good.")


def wait_for_approval(night: NightContext, verdict: Verdict) -> Verdict:
    """``verdict`` with a person's answer, for which the run waits where one is required.

    Without an answer it comes back as it was, and the night is held.
    """
    job, clock = night.job, night.clock
    if job.needs_signature:  # a click has no key
        return verdict
    run = flow_run()
    if job.approval is None or not needs_approval(job, verdict) or run is None or configured_api() is None:
        return verdict
    until = clock.monotonic() + job.approval.total_seconds()
    waits = f"{verdict.sentence}; it waits {_duration(job.approval)} for a person's yes"
    Notifier(job.model, load_operations()).send_occurrence("candidate.waiting", waits, now=clock.now())
    form = Approval.with_initial_data(_proposal(night, verdict))
    while (left := until - clock.monotonic()) > _LOOK_SECONDS:
        with _resumed_after(run.id, left) as ran_out:
            try:
                answer = pause_flow_run(form, timeout=int(left) + _SPARE_SECONDS, poll_interval=_LOOK_SECONDS)
            except ValidationError as wrong:
                log.warning("the answer cannot be used, so it is asked for again: %s", wrong)
                continue
        if ran_out.is_set():
            break
        log.info("%s by %s: %s", answer.decision, answer.author, answer.reason)
        return replace(verdict, answer=Answer(answer.decision == "promote", answer.author, answer.reason))
    log.warning("nobody answered within %s", _duration(job.approval))
    return verdict


def _proposal(night: NightContext, verdict: Verdict) -> str:
    """The text above the form, in Markdown: what would be promoted, and why."""
    outcome, decision = outcome_of(night, verdict, None), verdict.decision
    details = proposal_summary(decision, outcome.night) if isinstance(decision, NightlyDecision) else None
    return proposal_markdown(outcome, details)


@contextmanager
def _resumed_after(run: UUID, seconds: float) -> Iterator[threading.Event]:
    """Resumes a paused run after so many seconds; the event is set where it was this that resumed it."""
    ran_out = threading.Event()

    def resume() -> None:
        try:
            with get_client(sync_client=True) as client:
                resumed = client.resume_flow_run(run, {"decision": "hold", "author": "nobody", "reason": "no answer"})
        except httpx.HTTPError as error:
            log.error("the wait is over, but the Prefect server cannot be told: %s", error)
            return
        if resumed.status == SetStateStatus.ACCEPT:
            ran_out.set()

    timer = threading.Timer(seconds, resume)
    timer.daemon = True
    timer.start()
    try:
        yield ran_out
    finally:
        timer.cancel()


def _duration(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"
