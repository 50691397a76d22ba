"""A night runs unattended: it is planned, waits for its turn and its bars, and its outcome or its error is reported.

::

    with unattended(request, scheduled=by_schedule()) as tonight:
        if tonight.covered is None:
            tonight.outcome = run_night(tonight.job)

The run is planned here, once. Inside the ``with`` no other run of the model is at work on this machine, the feed has
run, and on schedule the bars of the newest trading day are complete and the job's as-of is exactly its close. After an
outage Prefect runs every late run, oldest first: the first of them therefore does the newest night, which scores the
bars of all, and the others find themselves ``covered``. An error sends an alert and is raised as it is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from flows.bars import night_of
from flows.errors import BarsMissing, BarsRejected, NightRefused, RecipeRefused, RequestRefused, RetrainError
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.operations.alerts.notifier import Notifier, flow_run
from flows.operations.runs.digest import due_digest
from flows.operations.runs.feed import MINUTE, DayBars, bars_of, run_feed, wait_for_bars
from flows.operations.runs.lock import run_lock
from flows.operations.settings import Operations, load_operations
from flows.settings import DEFAULT_MODEL, load_settings
from registry import Clock, SystemClock
from registry.errors import InvalidName, InvalidRequest, KeyRefused, RegistryError
from registry.format.phrases import shortened

log = logging.getLogger("flows.unattended")

_TROUBLES = ("data.missing", "data.rejected", "retrain.failed", "night.missed")
"""The alerts that a decided night ends."""

_MISTAKES = (RequestRefused, RecipeRefused, NightRefused, InvalidName, InvalidRequest, KeyRefused)
"""Errors that whoever typed the run reads at once, so no alert is sent; on schedule nobody is there to read them."""


@dataclass
class NightRun:
    """A night under way. ``covered``: why there is nothing to do; else whoever runs ``job`` sets ``outcome``.
    ``scheduled``: nobody is there to read what it says."""

    job: Job
    covered: str | None = None
    outcome: Outcome | None = None
    scheduled: bool = False


@contextmanager
def unattended(request: RetrainRequest, *, scheduled: bool, clock: Clock | None = None) -> Iterator[NightRun]:
    """The night of ``request``, planned and surrounded by what the module's head says.

    Raises what the night raises, :class:`~flows.errors.BarsMissing` where its bars do not arrive, and
    :class:`~flows.errors.NightRefused` where another run keeps the model busy for too long.
    """
    clock = clock or SystemClock()
    if request.dry_run:  # it writes nothing: no other run has to wait for it, and nobody waits for its outcome
        yield NightRun(plan(request, load_settings()))
        return
    model = request.advanced.model or os.environ.get("RETRAIN_MODEL") or DEFAULT_MODEL
    notifier = Notifier(model, Operations.model_construct())
    try:
        operations = load_operations()
        notifier = Notifier(model, operations)
        job = plan(request, load_settings())
        notifier = Notifier(job.model, operations)
        if scheduled and notifier.has_no_recipient:
            log.warning("nobody is told of anything: RETRAIN_ALERT_URL is not set")
        with run_lock(job.registry, job.model, clock=clock, limit=timedelta(minutes=operations.turn_minutes)):
            tonight = _night_run(job, operations, clock, scheduled=scheduled)
            tonight.scheduled = scheduled
            yield tonight
    except Exception as error:  # whatever it is, somebody is told, and it goes on
        if scheduled or not isinstance(error, _MISTAKES):
            notifier.update({_kind(error): _sentence(error)}, now=clock.now())
        raise
    _notify_of_outcome(notifier, tonight, clock.now())


def by_schedule() -> bool:
    """Whether this code is in a Prefect run that a schedule made."""
    run = flow_run()
    return run is not None and bool(run.auto_scheduled)


def _night_run(job: Job, operations: Operations, clock: Clock, *, scheduled: bool) -> NightRun:
    """The night once its bars are there; ``covered`` where it is decided already."""
    as_of = None
    if scheduled and not job.simulated and job.request.as_of is None:
        as_of = operations.calendar(job.instrument.hours).last_close(clock.now())
        covered = covered_by(job, night_of(as_of - MINUTE, job.instrument))
        if covered is not None:
            return NightRun(job, covered)
    if operations.feed is not None and as_of is None:
        run_feed(operations.feed, seconds=operations.feed_seconds)
    if as_of is None:
        return NightRun(job)
    _wait(job, operations, clock, as_of)
    return NightRun(replace(job, request=job.request.model_copy(update={"as_of": as_of})))


def _wait(job: Job, operations: Operations, clock: Clock, as_of: datetime) -> None:
    def look() -> DayBars:
        if operations.feed is not None:
            run_feed(operations.feed, seconds=operations.feed_seconds)
        return bars_of(job.source, job.clock, as_of, job.instrument)

    wait_for_bars(
        look,
        as_of=as_of,
        calendar=operations.calendar(job.instrument.hours),
        clock=clock,
        limit=timedelta(minutes=operations.wait_minutes),
        every=timedelta(minutes=operations.look_minutes),
    )


def covered_by(job: Job, night: date) -> str | None:
    """The sentence that says by which decision ``night`` is covered; None where it is still to be decided."""
    head = job.open_model().decisions.head()
    last = None if head is None else head.state.get("night")
    if head is None or last is None or last < night.isoformat():
        return None
    return f"covered by the night of {last}, which is decided: nothing was trained"


def _kind(error: Exception) -> str:
    if isinstance(error, BarsRejected):
        return "data.rejected"
    return "data.missing" if isinstance(error, BarsMissing) else "retrain.failed"


def _sentence(error: Exception) -> str:
    """The error's message; with its type in front where it is none of ours, whose messages say enough."""
    typed = isinstance(error, RetrainError | RegistryError)
    return shortened(f"{error}" if typed else f"{type(error).__name__}: {error}")


def _findings(tonight: NightRun) -> dict[str, str | None]:
    """What a night that came to its end says of each condition: what is wrong, or None where it is over.

    Whoever typed the run reads its questions; those of a scheduled one are sent, and are over when no more are.
    """
    outcome, findings = tonight.outcome, dict[str, str | None].fromkeys(_TROUBLES)
    if outcome is None:
        return findings
    if tonight.scheduled or not outcome.questions:
        findings["data.questioned"] = "; ".join(outcome.questions) or None
    if _is_new(outcome):
        findings["gate.suspicious"] = outcome.sentence if outcome.suspicious else None
    return findings


def _is_new(outcome: Outcome) -> bool:
    """Whether it was decided by this run."""
    return not outcome.already_decided and not outcome.dry_run and outcome.decision is not None


def _notify_of_outcome(notifier: Notifier, tonight: NightRun, now: datetime) -> None:
    outcome = tonight.outcome
    if outcome is None and tonight.covered is None:
        return
    notifier.update(_findings(tonight), now=now)  # at once: each asks the memory, which may be a server
    if outcome is None or outcome.decision is None or not _is_new(outcome):
        return
    notifier.send_sign_of_life()
    kind = "candidate.promoted" if outcome.action in ("promoted", "returned") else "candidate.held"
    if outcome.waiting:
        kind = "candidate.waiting"
    said = outcome.sentence if outcome.waiting is None else f"{outcome.sentence}\nTo approve it: {outcome.waiting}"
    notifier.send_occurrence(kind, said, now=now)
    try:
        week = due_digest(tonight.job.open_model(), outcome.decision)
    except RegistryError as error:  # the night is decided, whatever becomes of its digest
        log.error("the weekly digest cannot be made: %s", error)
        return
    if week is not None:
        notifier.send_occurrence("night.digest", week, now=now)
