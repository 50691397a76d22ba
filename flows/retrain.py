"""The nightly DAG: load, score what is new, train every recipe, register them, judge them, promote one or hold."""

from __future__ import annotations

from typing import Any, cast

from prefect import State, flow, unmapped
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.night.run import JUDGED_AGAIN, changed_too_often
from flows.operations.orchestrator import tasks
from flows.operations.orchestrator.approval import approved
from flows.operations.orchestrator.artifacts import run_name
from flows.operations.runs.unattended import by_schedule, unattended
from flows.settings import load_settings

# each fit uses every core itself; the runner is typed for futures of another kind than flow() asks for
_ONE_FIT_AT_A_TIME = cast("TaskRunner[Any]", ThreadPoolTaskRunner(max_workers=1))


@flow(
    name="retrain",
    flow_run_name=run_name,
    task_runner=_ONE_FIT_AT_A_TIME,
    persist_result=False,
    validate_parameters=True,
)
def retrain(request: RetrainRequest = RetrainRequest()) -> State[Outcome]:  # noqa: B008  # frozen; the UI's form
    """Train candidates on the newest bars; promote one only when it beats the champion."""
    with unattended(request, scheduled=by_schedule()) as tonight:
        if tonight.covered is None:
            tonight.outcome = night(plan(tonight.request, load_settings()))
    return tasks.ended(tonight)


def night(job: Job) -> Outcome:
    """The steps, one line each; inside the flow, because each is a task."""
    model = job.open_model()
    bars = tasks.load(job)
    done = tasks.look_up(job, model, bars)
    if done is not None:
        return tasks.shown(job, model, bars, done)
    evidence = tasks.gather(job, model, bars)
    trials = tasks.train.map(unmapped(job), unmapped(bars), list(job.recipes)).result()
    versions = tasks.register(job, model, bars, evidence, trials)
    for _ in range(JUDGED_AGAIN):
        verdict = tasks.gate(job, model, bars, evidence, trials, versions)
        verdict = approved(job, model, bars, verdict)
        outcome = tasks.promote(job, model, bars, versions, verdict)
        if outcome is not None:
            break
    else:
        raise changed_too_often(job)
    return tasks.shown(job, model, bars, outcome)
