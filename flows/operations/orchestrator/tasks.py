"""The steps of a night as Prefect tasks: one line of Prefect around one plain function each.

Nothing is cached: the bars would have to be hashed, which takes longer than reading them. Retries stand where a retry
can help: at the store and the bars, which may be out of reach for a moment. A wrong file or recipe fails at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.tasks import Task

from flows.evidence.backfill import cost_sentence
from flows.evidence.collect import Evidence
from flows.job.plan import Job
from flows.night import run as night
from flows.night.outcome import Outcome
from flows.night.state import NightBars
from flows.operations.orchestrator import log_lines
from flows.operations.orchestrator.artifacts import progress, publish, rename_run
from flows.operations.runs.unattended import NightRun
from flows.report.writing import after_night
from registry import Model
from registry.errors import OutcomeUnknown, StoreUnavailable


def worth_a_retry(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again can help: the store did not answer."""
    return isinstance(state.result(raise_on_failure=False), StoreUnavailable | OutcomeUnknown)


_ASK_AGAIN: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": [2, 10],
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": worth_a_retry,
}
P = ParamSpec("P")
R = TypeVar("R")


def _load(job: Job) -> NightBars:
    bars = night.load(job)
    rename_run(job.model, bars.night.day)
    return bars


def _gather(job: Job, model: Model, bars: NightBars) -> Evidence | None:
    with progress(cost_sentence) as told:
        return night.gather(job, model, bars, told)


def _step(name: str, step: Callable[P, R], says: Callable[[R], Iterable[str]], **options: Any) -> Task[P, R]:
    """A task that does ``step`` and logs what ``says`` makes of its result; its runs are named like the task."""

    @wraps(step)
    def told(*given: P.args, **named: P.kwargs) -> R:
        result = step(*given, **named)
        for line in says(result):
            get_run_logger().info(line)
        return result

    usual: dict[str, Any] = {"task_run_name": name, "cache_policy": NO_CACHE, "persist_result": False}
    made: Task[P, R] = task(name=name, **(usual | options))(told)
    return made


load = _step("load bars", _load, log_lines.loaded, **_ASK_AGAIN)
look_up = _step("decided before?", night.decided, log_lines.looked_up, **_ASK_AGAIN)
gather = _step("score new bars", _gather, log_lines.gathered, **_ASK_AGAIN)
train = _step("train", night.train, log_lines.trained, task_run_name="train {recipe.name}")
register = _step("register", night.register, log_lines.registered, **_ASK_AGAIN)
gate = _step("gate", night.judge, log_lines.judged, **_ASK_AGAIN)
promote = _step("promote or hold", night.settle, log_lines.settled, **_ASK_AGAIN)
report = _step("report", after_night, log_lines.reported)
show = _step("show the night", publish, lambda _: (), **_ASK_AGAIN)


def shown(job: Job, model: Model, bars: NightBars, outcome: Outcome) -> Outcome:
    """The outcome with its report, and its artifacts where it is new: it is decided, whatever becomes of them."""
    outcome = report(job, outcome, data=bars.data)
    if not outcome.already_decided:
        show(model, outcome, return_state=True)
    return outcome


def ended(tonight: NightRun) -> State[Outcome]:
    """How a run that went well ends: its state says what came of the night."""
    outcome = tonight.outcome
    if outcome is None:
        return Completed(name="Covered", message=tonight.covered)
    name = "Decided before" if outcome.already_decided else "Completed"
    return Completed(name=name, message=outcome.sentence, data=outcome)
