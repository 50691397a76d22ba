"""The job templates of examples/pools are ones that a Prefect server takes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prefect.server.schemas.actions import WorkPoolCreate
from pydantic import ValidationError

from tests.paths import ROOT

POOLS = ROOT / "examples" / "pools"


def template(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((POOLS / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("name", ["docker", "kubernetes"])
def test_every_variable_is_used_and_every_one_used_is_declared(name: str) -> None:
    found = template(name)
    WorkPoolCreate(name="retrain", type=name, base_job_template=found)
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(found["job_configuration"])))
    assert used == set(found["variables"]["properties"])


def test_a_variable_that_is_not_declared_is_refused() -> None:
    found = template("docker")
    del found["variables"]["properties"]["image"]
    with pytest.raises(ValidationError, match="image"):
        WorkPoolCreate(name="retrain", type="docker", base_job_template=found)


@pytest.mark.parametrize("name", ["docker", "kubernetes"])
def test_a_killed_run_is_noticed_and_no_secret_is_written_down(name: str) -> None:
    values = template(name)["variables"]["properties"]["env"]["default"]
    assert values["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    secrets = {key: value for key, value in values.items() if key.startswith("AWS_") and "ENDPOINT" not in key}
    assert all(re.fullmatch(r"\{\{ prefect\.blocks\.secret\.[a-z-]+ \}\}", value) for value in secrets.values())
