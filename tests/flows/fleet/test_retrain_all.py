"""The nights of a fleet on a real Prefect server: a task run a model."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.flows.nights import RECIPES, short_bars
from tests.servers.prefect_server import PrefectServer, ask

RUN = "from flows.fleet.dag import retrain_all; retrain_all()"


@pytest.mark.server
def test_each_model_is_a_task_run_and_a_failed_one_is_named(prefect_server: PrefectServer, tmp_path: Path) -> None:
    (tmp_path / "recipes.toml").write_text(RECIPES)
    short_bars(tmp_path / "bars")
    (tmp_path / "fleet.toml").write_text("""
[defaults]
recipes_file = "recipes.toml"
recipes = ["line"]
[models.lines]
data = "bars"
[models.broken]
data = "nowhere"
""")
    before = datetime.now(UTC)
    done = prefect_server.run("python", "-c", RUN, cwd=tmp_path)
    assert done.returncode != 0
    # where somebody deployed others are scheduled
    begun = {"start_time": {"after_": before.isoformat(), "is_null_": False}}
    wanted = {"flows": {"name": {"any_": ["retrain-all"]}}, "flow_runs": begun}
    (flow,) = ask(prefect_server.url, "flow_runs/filter", wanted)
    assert flow["state"]["type"] == "FAILED" and flow["state"]["message"].startswith("broken: ")
    wanted = {"flow_runs": {"id": {"any_": [flow["id"]]}}}
    tasks = {each["name"]: each["state"]["type"] for each in ask(prefect_server.url, "task_runs/filter", wanted)}
    assert tasks == {"lines": "COMPLETED", "broken": "COMPLETED"}
    assert (tmp_path / ".retrain" / "registry" / "models" / "lines").is_dir()
