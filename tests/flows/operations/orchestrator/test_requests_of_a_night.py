"""What a night asks Prefect's server: each request of ours is known, and none is made for each recipe."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

import pytest

from flows.bars import write_sample
from tests.paths import ROOT
from tests.servers.prefect_server import PrefectServer


@pytest.fixture(scope="module")
def requests(prefect_server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Those of one night with two recipes and its first champion."""
    place = tmp_path_factory.mktemp("asked")
    bars = write_sample(place / "bars", first=date(2023, 7, 3), last=date(2024, 6, 28))
    where = ["--data", str(bars), "--registry", str(place / "registry")]
    years = ["--train", "2023", "--holdout", "2024"]
    recipes = ["--recipe", "logistic", "--recipe", "hist_gradient_boosting"]
    night = ["run", "--prefect", "--accept-unskilled", *where, *years, *recipes]
    done = prefect_server.run("python", "-m", "benchmarks.asked", str(place / "asked.json"), *night, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads((place / "asked.json").read_text())["requests"]
    return found


def test_a_night_asks_of_its_own_once_a_name_an_artifact_and_the_open_conditions(
    requests: list[dict[str, Any]],
) -> None:
    ours = Counter(each["what"] for each in requests if each["ours"])
    assert ours == {
        "GET /health": 1,  # is there a server at all?
        "PATCH /flow_runs/…": 2,  # the run is named by its night, and then by what came of it
        "POST /artifacts/": 3,  # the decision, the versions, the champion
        "GET /variables/name/…": 1,  # which conditions are open
    }


def test_no_task_asks_for_its_states_one_by_one(requests: list[dict[str, Any]]) -> None:
    """Ten task runs: their states go as events, through one connection beside the night."""
    assert not [each for each in requests if "task_runs" in each["what"]]
    assert sum(each["waits"] for each in requests) <= 20
