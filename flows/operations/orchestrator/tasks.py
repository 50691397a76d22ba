"""The steps of a night as Prefect tasks: each calls the plain function of the same name and logs what came of it.

Nothing is cached: the bars would have to be hashed, which takes longer than reading them. Retries stand where a retry
can help: at the store and the bars, which may be out of reach for a moment. A wrong file or recipe fails at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prefect import get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.evidence.collect import Evidence
from flows.fitting.queue import QueueProgress
from flows.job.plan import Job
from flows.night import steps
from flows.night.outcome import Outcome
from flows.night.state import NightBars, NightContext, TrainedCandidate, Verdict
from flows.operations.orchestrator import artifacts, log_lines
from flows.operations.runs.screen import open_screen
from flows.recipes import Recipe
from flows.report.writing import after_night
from registry import Clock, Model, Version
from registry.errors import OutcomeUnknown, StoreUnavailable


def worth_a_retry(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again can help: the store did not answer."""
    return isinstance(state.result(raise_on_failure=False), StoreUnavailable | OutcomeUnknown)


UNCACHED: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
RETRIED: dict[str, Any] = {
    **UNCACHED,
    "retries": 2,
    "retry_delay_seconds": [2, 10],
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": worth_a_retry,
}


@task(name="load bars", task_run_name="load bars", **RETRIED)
def load(job: Job, clock: Clock) -> NightBars:
    bars = steps.load(job, clock)
    artifacts.rename_run(job.model, bars.night.day)
    _log(log_lines.loaded(bars))
    return bars


@task(name="decided before?", task_run_name="decided before?", **RETRIED)
def look_up(night: NightContext) -> Outcome | None:
    outcome = steps.look_up(night)
    _log(log_lines.looked_up(outcome))
    return outcome


@task(name="score new bars", task_run_name="score new bars", **RETRIED)
def gather(night: NightContext) -> Evidence | None:
    with artifacts.walk_forward_progress() as on_page:
        screen = open_screen()

        def progress(now: QueueProgress) -> None:
            on_page(now)
            if screen is not None:
                screen.walk(now)

        evidence = steps.gather(night, progress)
    _log(log_lines.gathered(evidence))
    return evidence


@task(name="train", task_run_name="train {recipe.name}", **UNCACHED)
def train(night: NightContext, recipe: Recipe) -> TrainedCandidate:
    candidate = steps.train(night, recipe)
    screen = open_screen()
    if screen is not None:
        screen.trained(recipe.name)
    _log(log_lines.trained(candidate))
    return candidate


def train_all(night: NightContext) -> list[TrainedCandidate]:
    """A task run for each recipe; the flow's runner starts them one at a time, since each fit uses every core."""
    return train.map(unmapped(night), list(night.job.recipes)).result()


@task(name="register", task_run_name="register", **RETRIED)
def register(
    night: NightContext, evidence: Evidence | None, candidates: Sequence[TrainedCandidate]
) -> list[Version | None]:
    versions = steps.register(night, evidence, candidates)
    _log(log_lines.registered(versions))
    return versions


@task(name="gate", task_run_name="gate", **RETRIED)
def judge(
    night: NightContext,
    evidence: Evidence | None,
    candidates: Sequence[TrainedCandidate],
    versions: Sequence[Version | None],
) -> Verdict:
    verdict = steps.judge(night, evidence, candidates, versions)
    _log(log_lines.judged(verdict))
    return verdict


@task(name="promote or hold", task_run_name="promote or hold", **RETRIED)
def promote_or_hold(night: NightContext, versions: Sequence[Version | None], verdict: Verdict) -> Outcome | None:
    outcome = steps.promote_or_hold(night, versions, verdict)
    _log(log_lines.promoted_or_held(outcome))
    return outcome


@task(name="report", task_run_name="report", **UNCACHED)
def write_report(night: NightContext, outcome: Outcome) -> Outcome:
    outcome = after_night(night.job, outcome, data=night.bars.data)
    _log(log_lines.reported(outcome))
    return outcome


@task(name="show the night", task_run_name="show the night", **RETRIED)
def publish(model: Model, outcome: Outcome) -> None:
    artifacts.publish(model, outcome)


def report(night: NightContext, outcome: Outcome) -> Outcome:
    """The outcome with its report, and its artifacts where it is new: it is decided, whatever becomes of them."""
    outcome = write_report(night, outcome)
    if not outcome.already_decided:
        publish(night.model, outcome, return_state=True)
    return outcome


def _log(lines: Iterable[str]) -> None:
    for line in lines:
        get_run_logger().info(line)
