"""The DAG of a fleet: one task run a model, here or on a Dask cluster, as the fleet's file says."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.fleet.evidence import judge_fleet
from flows.fleet.members import Fleet, FleetRefused, read_fleet
from flows.fleet.nights import FleetNight, run_night_of
from flows.fleet.planning import offset_of
from flows.fleet.watching import WatchedModel, watch_fleet
from flows.operations.runs.unattended import by_schedule
from flows.settings import load_settings
from flows.watch import examine_as_task
from registry import SystemClock
from registry.extras import needing


@task(name="night of a model", task_run_name="{model}", cache_policy=NO_CACHE, persist_result=False)
def _night(model: str, scheduled: bool, begins: datetime) -> FleetNight:
    (member,) = [
        each for each in _fleet().members if each.name == model
    ]  # Prefect would look into a member given to it
    return run_night_of(member, ("--scheduled",) if scheduled else ("--no-prefect",), begins)


def _fleet() -> Fleet:
    settings = load_settings()
    return read_fleet(Path(settings.fleet), settings)


def _runner(fleet: Fleet) -> TaskRunner[Any]:
    """Threads of this process, each waiting for the process of a night; or the workers of the fleet's cluster."""
    if fleet.dask is None:
        return ThreadPoolTaskRunner(max_workers=fleet.at_once)
    with needing("cluster", "dask in the file of a fleet"):
        from prefect_dask.task_runners import DaskTaskRunner
    return DaskTaskRunner(address=fleet.dask)


@flow(name="watch", flow_run_name="watch of the fleet", persist_result=False)
def watch_all() -> State[list[WatchedModel]]:
    """What is wrong with the champion or the bars of each model of the fleet; a model that cannot be looked at fails
    the run, when the others were."""
    seen = list(watch_fleet(_fleet(), SystemClock().now(), tell=True, examine=examine_as_task))
    told = "; ".join(each.line for each in seen)
    return Failed(message=told) if any(each.fault for each in seen) else Completed(message=told, data=seen)


@flow(name="retrain-all", flow_run_name="fleet", persist_result=False)
def retrain_all() -> State[list[FleetNight]]:
    """The night of every model of the fleet (RETRAIN_FLEET), each in a process of its own; one that fails stops no
    other, and the run ends as failed and names it."""
    fleet = _fleet()
    scheduled, begun = by_schedule(), SystemClock().now()
    with _runner(fleet) as runner:
        futures = [
            runner.submit(
                _night,
                {
                    "model": member.name,
                    "scheduled": scheduled,
                    "begins": begun + offset_of(fleet, place) if scheduled else begun,
                },
            )
            for place, member in enumerate(fleet.members)
        ]
        nights = [future.result() for future in futures]
    told = "; ".join(f"{night.member.name} {night.ended}" for night in nights)
    failed = [f"{night.member.name}: {night.sentence}" for night in nights if night.ended == "failed"]
    try:
        pooled = judge_fleet(fleet)
        told += "" if pooled is None else f"; {pooled}"
    except FleetRefused as refused:
        failed.append(f"pooled: {refused}")
    return Failed(message="; ".join(failed)) if failed else Completed(message=told, data=nights)
