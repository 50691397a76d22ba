"""The steps of a night as Prefect tasks: none is left to its plain function, each has the name that the UI shows."""

from __future__ import annotations

import dataclasses

from prefect import Task

from flows.night.run import PLAIN, Steps
from flows.operations.orchestrator import tasks
from flows.retrain import STEPS

NAMES = {
    "load": "load bars",
    "look_up": "decided before?",
    "gather": "score new bars",
    "train": "train {recipe.name}",
    "register": "register versions",
    "judge": "judge against the champion",
    "promote_or_hold": "promote or hold",
    "write_report": "write the report",
    "publish": "publish the pages",
}


def test_the_flow_leaves_no_step_to_its_plain_function() -> None:
    for step in dataclasses.fields(Steps):
        assert getattr(STEPS, step.name) is not getattr(PLAIN, step.name), step.name


def test_each_task_run_is_named_by_what_it_does_and_only_talking_to_the_store_is_retried() -> None:
    found = {name: task for name, task in vars(tasks).items() if isinstance(task, Task)}
    assert {name: task.task_run_name for name, task in found.items()} == NAMES
    assert all(task.description and task.description.endswith(".") for task in found.values())
    assert {name for name, task in found.items() if not task.retries} == {"train", "write_report"}
