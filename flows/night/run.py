"""Runs one night: the steps in their order, whether they are plain functions or Prefect tasks.

::

    job = plan(request, settings)           what is asked for, checked before anything is read
    outcome = run_night(job)                the steps as plain functions
    outcome = run_night(job, steps)         the same steps done another way: as Prefect tasks (``flows/retrain.py``)

Both ways leave the same log. Every step can be repeated after a crash and then adds only what is missing.

Scoring new bars and training need nothing of each other: the one is done beside the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass

from flows.evidence.collect import Evidence
from flows.job.plan import Job
from flows.night import steps as plain
from flows.night.outcome import Outcome
from flows.night.state import NightBars, NightContext, TrainedCandidate, Verdict
from registry import Clock, NewId, SystemClock, Version, random_id
from registry.errors import StaleDecision
from registry.log.parallel import threads
from registry.model.evidence import watermark

JUDGED_AGAIN = 3
"""How often a night is judged again because a person changed the champion meanwhile."""


@dataclass(frozen=True)
class Steps:
    """The steps of a night, in their order. Each is by default the plain function of :mod:`flows.night.steps`."""

    load: Callable[[Job, Clock], NightBars] = plain.load
    """Bars to as-of, with labels; which of them to train on, and which to evaluate on."""

    look_up: Callable[[NightContext], Outcome | None] = plain.look_up
    """The outcome where the night was decided before; the steps up to the report are then left out."""

    gather: Callable[[NightContext], Evidence | None] = plain.gather
    """Every new bar scored by the versions trained before it."""

    train_all: Callable[[NightContext], Sequence[TrainedCandidate]] = plain.train_all
    """Every recipe, on everything known, in recipe order."""

    register: Callable[[NightContext, Evidence | None, Sequence[TrainedCandidate]], Sequence[Version | None]] = (
        plain.register
    )
    """Every candidate as a version, in recipe order; None each on a dry run."""

    judge: Callable[[NightContext, Evidence | None, Sequence[TrainedCandidate], Sequence[Version | None]], Verdict] = (
        plain.judge
    )
    """What the gate decides, or the person who forces something else."""

    wait_for_approval: Callable[[NightContext, Verdict], Verdict] = plain.go_on_without_approval
    """The verdict with a person's answer, where a promotion needs one and somebody can be asked."""

    promote_or_hold: Callable[[NightContext, Sequence[Version | None], Verdict], Outcome | None] = plain.promote_or_hold
    """The decision written by compare-and-swap; None where the champion changed meanwhile: judge again."""

    report: Callable[[NightContext, Outcome], Outcome] = plain.go_on_without_report
    """The outcome with where its report is."""


PLAIN = Steps()


def run_night(job: Job, steps: Steps = PLAIN, *, clock: Clock | None = None, new_id: NewId = random_id) -> Outcome:
    """The whole night of ``job``, step by step; what each raises is raised as it is.

    Raises :class:`~registry.errors.StaleDecision` where a person kept changing the champion while it was judged.
    """
    clock = clock or SystemClock()
    model = job.open_model(clock=clock, new_id=new_id)
    night = NightContext(job, model, steps.load(job, clock), clock)
    outcome = steps.look_up(night)
    if outcome is None:
        outcome = _decide(night, steps)
    return steps.report(night, outcome)


def _decide(night: NightContext, steps: Steps) -> Outcome:
    evidence, candidates = _gathered_and_trained(night, steps)
    versions = steps.register(night, evidence, candidates)
    for _ in range(JUDGED_AGAIN):
        verdict = steps.judge(night, evidence, candidates, versions)
        verdict = steps.wait_for_approval(night, verdict)
        outcome = steps.promote_or_hold(night, versions, verdict)
        if outcome is not None:
            return outcome
    raise StaleDecision(
        f"the champion of {night.job.model} changed {JUDGED_AGAIN} times while the night was judged: run it again"
    )


def _gathered_and_trained(night: NightContext, steps: Steps) -> tuple[Evidence | None, Sequence[TrainedCandidate]]:
    """New bars scored beside the fits, which neither read nor write the logs. A first night scores its past before:
    the walk-forward uses every core itself. Of two errors that of the scores is raised, as one after the other."""
    evidence_begins = night.job.request.advanced.holdout is None and watermark(night.model.decisions.head()) is None
    if evidence_begins:
        return steps.gather(night), steps.train_all(night)
    with threads(1) as beside:
        gathering = beside.submit(copy_context().run, steps.gather, night)
        try:
            candidates = steps.train_all(night)
        except Exception:  # whichever: scoring ends first, and its own error is told where it has one
            gathering.result()
            raise
        return gathering.result(), candidates
