"""The steps of a night as Prefect tasks: one line of Prefect around one plain function each.

Nothing is cached: the bars would have to be hashed, which takes longer than reading them. Retries stand where a retry
can help: at the store and the bars, which may be out of reach for a moment. A wrong file or recipe fails at once.
"""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed
from prefect.tasks import Task

from flows import night
from flows.evidence import Evidence
from flows.operations.attending import Tonight
from flows.outcome import Outcome
from flows.plan import Job
from flows.report.writing import after_night
from flows.steps import NightBars
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
_OPTIONS: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}


def _gather(job: Job, book: Model, bars: NightBars) -> Evidence | None:
    log = get_run_logger()

    def told(done: int, total: int) -> None:
        log.info("scoring the past, once before the first night: refit %d of %d", done, total)

    return night.gather(job, book, bars, told)


load = task(name="load bars", task_run_name="load bars", **_OPTIONS, **_ASK_AGAIN)(night.load)
look_up = task(name="decided before?", task_run_name="decided before?", **_OPTIONS, **_ASK_AGAIN)(night.decided)
gather = task(name="score new bars", task_run_name="score new bars", **_OPTIONS, **_ASK_AGAIN)(_gather)
train = task(name="train", task_run_name="train {recipe.name}", **_OPTIONS)(night.train)
register = task(name="register", task_run_name="register", **_OPTIONS, **_ASK_AGAIN)(night.register)
gate = task(name="gate", task_run_name="gate", **_OPTIONS, **_ASK_AGAIN)(night.judge)
report = task(name="report", task_run_name="report", **_OPTIONS)(after_night)
promote = task(name="promote or hold", task_run_name="promote or hold", **_OPTIONS, **_ASK_AGAIN)(night.settle)


def ended(tonight: Tonight) -> State[Outcome]:
    """How a run that went well ends: its state says what came of the night."""
    outcome = tonight.outcome
    if outcome is None:
        return Completed(name="Covered", message=tonight.covered)
    name = "Decided before" if outcome.already_decided else "Completed"
    return Completed(name=name, message=outcome.sentence, data=outcome)
