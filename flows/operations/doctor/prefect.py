"""Checks of the Prefect server: it answers, a worker is online, and runs are scheduled."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from flows.errors import RequestRefused
from flows.operations.api import answers, prepare_environment, shown
from flows.operations.doctor.finding import Finding
from flows.operations.orchestrator.deployments import POOL

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, Worker
    from prefect.client.schemas.responses import DeploymentResponse

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_START = "start it with `retrain up`, or point PREFECT_API_URL at yours"


def examine_server(api: str | None, now: datetime, nights: str = "nightly") -> Iterator[Finding]:
    """The findings on the server at ``api``; without one nights run from cron, which may be meant. ``nights``: the
    deployment that has their schedule."""
    if api is None:
        yield Finding("Prefect", "look", "no server is configured, so nothing runs by itself", _START)
        return
    try:
        theirs, nightly, workers, runs = _query(api, now, nights)
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        yield _refused(api) or Finding("Prefect", "wrong", f"{shown(api)} answers {code}", _fix_for(code))
        return
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        yield _refused(api) or Finding("Prefect", "wrong", f"{shown(api)} does not answer ({error})", _START)
        return
    ours = version("prefect")
    if theirs == ours:
        yield Finding("Prefect", "fine", f"{shown(api)}, version {theirs}")
    else:
        yield Finding("Prefect", "look", f"server {theirs}, here {ours}", "bring both to the same version")
    host = urlsplit(api).hostname
    if host not in LOOPBACK and not os.environ.get("PREFECT_API_AUTH_STRING"):
        yield Finding("password", "look", f"{host} is asked without one", "set PREFECT_SERVER_API_AUTH_STRING there")
    yield _deployment_finding(nightly, nights)
    yield _worker_finding(workers)
    yield _schedule_finding(runs, nights)


def _refused(api: str) -> Finding | None:
    """The finding on an address at which something else than Prefect's API answers; None where it may be that."""
    try:
        answers(api)
    except RequestRefused as refused:
        statement, _, fix = str(refused).partition(": write ")
        return Finding("Prefect", "wrong", statement, f"write {fix}")
    return None


def _deployment_finding(nightly: Sequence[DeploymentResponse], name: str) -> Finding:
    if not nightly:
        return Finding("deployments", "wrong", f"there is no deployment {name}", "retrain deploy")
    if any(deployment.paused for deployment in nightly):
        return Finding("deployments", "wrong", f"{name} is paused", "resume it in the UI: a deploy keeps the pause")
    active = [schedule for deployment in nightly for schedule in deployment.schedules if schedule.active]
    if not active:
        return Finding("deployments", "wrong", f"{name} has no active schedule", "switch it on in the UI")
    if len(active) > 1 and name == "nightly":
        return Finding("deployments", "look", f"nightly has {len(active)} schedules", "delete all but one in the UI")
    return Finding("deployments", "fine", f"{name} is scheduled")


def _worker_finding(workers: Sequence[Worker]) -> Finding:
    online = [worker.name for worker in workers if worker.status == "ONLINE"]
    if not online:
        return Finding("worker", "wrong", "none is online in the pool retrain", "prefect worker start --pool retrain")
    return Finding("worker", "fine", f"{', '.join(online)} online")


def _schedule_finding(runs: Sequence[FlowRun], name: str) -> Finding:
    due = runs[0].expected_start_time if runs else None
    if due is None:
        return Finding(
            "scheduler", "wrong", f"no run of {name} is scheduled", "look at the server's log; see SQLAlchemy below"
        )
    return Finding("scheduler", "fine", f"next run {due.astimezone(UTC):%Y-%m-%dT%H:%M}Z")


def _fix_for(status: int) -> str:
    return "set PREFECT_API_AUTH_STRING=user:password" if status in (401, 403) else "look at the server's log"


def _query(api: str, now: datetime, nights: str) -> tuple[str, list[DeploymentResponse], list[Worker], list[FlowRun]]:
    """The server's version, its nightly deployments, the workers of the pool, and the nightly run that is next."""
    prepare_environment()
    from prefect.client.orchestration import get_client  # over a second, which only a configured server is worth
    from prefect.client.schemas import filters, sorting
    from prefect.client.schemas.objects import StateType
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    nightly = filters.DeploymentFilter(name=filters.DeploymentFilterName(any_=[nights]))
    scheduled = filters.FlowRunFilter(
        state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=filters.FlowRunFilterExpectedStartTime(after_=now - timedelta(minutes=1)),
    )
    # a server that does not answer now is a finding, and nothing to wait for
    with (
        temporary_settings({PREFECT_API_URL: api, PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client({"timeout": 5}, True) as client,
    ):
        return (
            client.api_version(),
            client.read_deployments(deployment_filter=nightly),
            client.read_workers_for_work_pool(POOL),
            client.read_flow_runs(
                deployment_filter=nightly,
                flow_run_filter=scheduled,
                sort=sorting.FlowRunSort.EXPECTED_START_TIME_ASC,
                limit=1,
            ),
        )
