"""What ``retrain doctor`` looks at on the Prefect server: it answers, a worker is there, runs are scheduled."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from flows.operations.doctor.finding import Finding

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_START = "start it with `retrain up`, or point PREFECT_API_URL at yours"


def examine_server(api: str | None, now: datetime) -> Iterator[Finding]:
    """The findings on the server at ``api``; without one nights run from cron, which may be meant."""
    if api is None:
        yield Finding("Prefect", "look", "no server is configured, so nothing runs by itself", _START)
        return
    try:
        theirs = _ask(api, "admin/version")
        ready = _ask(api, "deployments/filter", {})
        workers = _ask(api, "work_pools/retrain/workers/filter", {})
        runs = _ask(api, "flow_runs/filter", _scheduled(now))
    except urllib.error.HTTPError as error:
        yield Finding("Prefect", "wrong", f"{api} answers {error.code}", _why(error.code))
        return
    except (OSError, ValueError) as error:
        yield Finding("Prefect", "wrong", f"{api} does not answer ({error})", _START)
        return
    ours = version("prefect")
    if theirs == ours:
        yield Finding("Prefect", "fine", f"{api}, version {theirs}")
    else:
        yield Finding("Prefect", "look", f"server {theirs}, here {ours}", "bring both to the same version")
    host = urlsplit(api).hostname
    if host not in LOOPBACK and not os.environ.get("PREFECT_API_AUTH_STRING"):
        yield Finding("password", "look", f"{host} is asked without one", "set PREFECT_SERVER_API_AUTH_STRING there")
    yield _deployed(ready)
    yield _worked(workers)
    yield _planned(runs)


def _deployed(deployments: list[dict[str, Any]]) -> Finding:
    nightly = [each for each in deployments if each["name"] == "nightly"]
    if not nightly:
        return Finding("deployments", "wrong", "there is no deployment nightly", "retrain deploy")
    active = [schedule for each in nightly for schedule in each["schedules"] if schedule["active"]]
    if not active or any(each["paused"] for each in nightly):
        return Finding(
            "deployments", "wrong", "nightly has no active schedule", "switch it on in the UI, or retrain deploy"
        )
    if len(active) > 1:
        return Finding("deployments", "look", f"nightly has {len(active)} schedules", "delete all but one in the UI")
    return Finding("deployments", "fine", "nightly is scheduled")


def _worked(workers: list[dict[str, Any]]) -> Finding:
    online = [each["name"] for each in workers if each.get("status") == "ONLINE"]
    if not online:
        return Finding("worker", "wrong", "none is online in the pool retrain", "prefect worker start --pool retrain")
    return Finding("worker", "fine", f"{', '.join(online)} online")


def _planned(runs: list[dict[str, Any]]) -> Finding:
    if not runs:
        return Finding(
            "scheduler", "wrong", "no run of nightly is scheduled", "look at the server's log; see SQLAlchemy below"
        )
    return Finding("scheduler", "fine", f"next run {runs[0]['expected_start_time'][:16]}Z")


def _scheduled(now: datetime) -> dict[str, Any]:
    return {
        "deployments": {"name": {"any_": ["nightly"]}},
        "flow_runs": {
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "expected_start_time": {"after_": (now - timedelta(minutes=1)).astimezone(UTC).isoformat()},
        },
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": 1,
    }


def _why(status: int) -> str:
    return "set PREFECT_API_AUTH_STRING=user:password" if status in (401, 403) else "look at the server's log"


def _ask(api: str, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    secret = os.environ.get("PREFECT_API_AUTH_STRING")
    if secret:
        headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{api}/{path}", data, headers), timeout=5) as answer:
        return json.load(answer)
