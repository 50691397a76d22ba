"""A real server must create scheduled runs: with some versions of its libraries it silently does not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.paths import ROOT
from tests.servers.prefect_server import PrefectServer, ask


@pytest.mark.server
def test_the_server_creates_the_nightly_runs_at_17_20_new_york(prefect_server: PrefectServer) -> None:
    made = prefect_server.run("prefect", "work-pool", "create", "retrain", "--type", "process", "--overwrite", cwd=ROOT)
    assert made.returncode == 0, made.stderr
    deployed = prefect_server.run("prefect", "--no-prompt", "deploy", "--all", cwd=ROOT)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr

    deployments = {each["name"]: each for each in ask(prefect_server.url, "deployments/filter", {})}
    assert set(deployments) >= {"nightly", "manual"}
    nightly = deployments["nightly"]
    assert [schedule["active"] for schedule in nightly["schedules"]] == [True]
    assert deployments["manual"]["schedules"] == []

    wanted = {"deployments": {"id": {"any_": [nightly["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    runs: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while not runs and time.monotonic() < deadline:
        time.sleep(0.25)  # the scheduler works by itself; this asks it until it has
        runs = ask(prefect_server.url, "flow_runs/filter", wanted)
    assert runs, "no scheduled run appeared within 60 s"
    hours = {run["expected_start_time"][11:16] for run in runs}
    assert hours <= {"21:20", "22:20"}, "17:20 New York is 21:20 UTC in summer and 22:20 in winter"
