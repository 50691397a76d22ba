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
from flows.report.data import ReportData
from flows.report.writing import night_report
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


@task(
    name="load bars",
    task_run_name="load bars",
    description="Bars up to the run's as-of, checked, with labels.",
    **RETRIED,
)
def load(job: Job, clock: Clock) -> NightBars:
    bars = steps.load(job, clock)
    artifacts.rename_run(job.model, bars.night.day)
    _log(log_lines.loaded(bars))
    return bars


@task(
    name="decided before?",
    task_run_name="decided before?",
    description="Whether this night is decided already; then only the report is left.",
    **RETRIED,
)
def look_up(night: NightContext) -> Outcome | None:
    outcome = steps.look_up(night)
    _log(log_lines.looked_up(outcome))
    return outcome


@task(
    name="score new bars",
    task_run_name="score new bars",
    description="Each bar that has no score yet, by the newest version trained before it.",
    **RETRIED,
)
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
    """One recipe, on every bar known."""
    candidate = steps.train(night, recipe)
    screen = open_screen()
    if screen is not None:
        screen.trained(recipe.name)
    _log(log_lines.trained(candidate))
    return candidate


def train_all(night: NightContext) -> list[TrainedCandidate]:
    """A task run for each recipe; the flow's runner starts them one at a time, since each fit uses every core."""
    return train.map(unmapped(night), list(night.job.recipes)).result()


@task(
    name="register versions",
    task_run_name="register versions",
    description="Each trained model, as a version of the registry.",
    **RETRIED,
)
def register(
    night: NightContext, evidence: Evidence | None, candidates: Sequence[TrainedCandidate]
) -> list[Version | None]:
    versions = steps.register(night, evidence, candidates)
    _log(log_lines.registered(versions))
    return versions


@task(
    name="judge against the champion",
    task_run_name="judge against the champion",
    description="The gate compares evidence; it promotes on nothing else.",
    **RETRIED,
)
def judge(
    night: NightContext,
    evidence: Evidence | None,
    candidates: Sequence[TrainedCandidate],
    versions: Sequence[Version | None],
) -> Verdict:
    verdict = steps.judge(night, evidence, candidates, versions)
    _log(log_lines.judged(verdict, dry_run=night.job.request.dry_run))
    return verdict


@task(
    name="promote or hold",
    task_run_name="promote or hold",
    description="The decision is written; where the champion changed meanwhile the night is judged again.",
    **RETRIED,
)
def promote_or_hold(night: NightContext, versions: Sequence[Version | None], verdict: Verdict) -> Outcome | None:
    outcome = steps.promote_or_hold(night, versions, verdict)
    _log(log_lines.promoted_or_held(outcome))
    return outcome


@task(
    name="write the report",
    task_run_name="write the report",
    description="One HTML file; a report that fails changes nothing about the decision.",
    **UNCACHED,
)
def write_report(night: NightContext, outcome: Outcome) -> tuple[Outcome, ReportData | None]:
    outcome, told = night_report(night.job, outcome, data=night.bars.data)
    _log(log_lines.reported(outcome))
    return outcome, told


@task(
    name="publish the pages",
    task_run_name="publish the pages",
    description="The artifacts of this run: decision, champion, versions.",
    **RETRIED,
)
def publish(model: Model, outcome: Outcome, told: ReportData | None) -> None:
    artifacts.publish(model, outcome, told)
    artifacts.rename_run(outcome.model, outcome.night, "dry run" if outcome.dry_run else outcome.action)


def report(night: NightContext, outcome: Outcome) -> Outcome:
    """The outcome with its report, and its artifacts where it is new: it is decided, whatever becomes of them."""
    outcome, told = write_report(night, outcome)
    if not outcome.already_decided:
        publish(night.model, outcome, told, return_state=True)
    return outcome


def _log(lines: Iterable[str]) -> None:
    for line in lines:
        get_run_logger().info(line)
