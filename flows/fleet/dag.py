"""The DAG of a fleet: one task run a model, so many at once as the fleet's file says."""

from __future__ import annotations

from pathlib import Path

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.fleet.evidence import judge_fleet
from flows.fleet.members import Fleet, FleetRefused, read_fleet
from flows.fleet.nights import FleetNight, run_night_of
from flows.operations.runs.unattended import by_schedule
from flows.settings import load_settings


@task(name="night of a model", task_run_name="{model}", cache_policy=NO_CACHE, persist_result=False)
def _night(model: str, scheduled: bool) -> FleetNight:
    (member,) = [
        each for each in _fleet().members if each.name == model
    ]  # Prefect would look into a member given to it
    return run_night_of(member, ("--scheduled",) if scheduled else ("--no-prefect",))


def _fleet() -> Fleet:
    settings = load_settings()
    return read_fleet(Path(settings.fleet), settings)


@flow(name="retrain-all", flow_run_name="fleet", persist_result=False)
def retrain_all() -> State[list[FleetNight]]:
    """The night of every model of the fleet (RETRAIN_FLEET), each in a process of its own; one that fails stops no
    other, and the run ends as failed and names it."""
    fleet = _fleet()
    runner: ThreadPoolTaskRunner[FleetNight] = ThreadPoolTaskRunner(max_workers=fleet.at_once)
    with runner:
        futures = [
            runner.submit(_night, {"model": member.name, "scheduled": by_schedule()}) for member in fleet.members
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
