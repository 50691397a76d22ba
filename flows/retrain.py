"""The nightly DAG: load, score what is new, train every recipe, register them, judge them, promote one or hold."""

from __future__ import annotations

from typing import Any, cast

from prefect import State, flow
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.night.run import Steps, run_night
from flows.operations.orchestrator import tasks
from flows.operations.orchestrator.approval import wait_for_approval
from flows.operations.orchestrator.artifacts import run_name
from flows.operations.runs.screen import watched
from flows.operations.runs.unattended import NightRun, by_schedule, unattended

STEPS = Steps(
    load=tasks.load,  # bars to as-of, with labels
    look_up=tasks.look_up,  # was the night decided before? then only the report is left
    gather=tasks.gather,  # every new bar scored by the versions trained before it: the evidence
    train_all=tasks.train_all,  # every recipe on everything known: a task run each
    register=tasks.register,  # as versions, in recipe order
    judge=tasks.judge,  # the gate: evidence → verdict
    wait_for_approval=wait_for_approval,  # a person's yes, where one is required
    promote_or_hold=tasks.promote_or_hold,  # compare-and-swap; judged again where the champion changed meanwhile
    report=tasks.report,  # the report, and what the UI shows
)
"""The steps of the night in their order, as Prefect tasks; :func:`~flows.night.run.run_night` calls them."""

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
            tonight.outcome = run_night(tonight.job, watched(STEPS))
    return final_state(tonight)


def final_state(tonight: NightRun) -> State[Outcome]:
    """The state in which a run ends that met no error: its name and message say what came of the night."""
    outcome = tonight.outcome
    if outcome is None:
        return Completed(name="Covered", message=tonight.covered)
    name = "Decided before" if outcome.already_decided else "Completed"
    return Completed(name=name, message=outcome.sentence, data=outcome)
