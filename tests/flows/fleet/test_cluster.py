"""The nights of a fleet on a Dask cluster of two workers, by the same flow.

Runs with ``TEST_SLOW=1`` (`make test-slow`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.flows.nights import RECIPES, short_bars
from tests.servers.prefect_server import PrefectServer, ask

RUN = """
import json
from distributed import Client, LocalCluster
from flows.fleet.dag import retrain_all

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        with open("fleet.toml", "r+") as file:
            rest = file.read()
            file.seek(0)
            file.write(f'dask = "{cluster.scheduler_address}"\\n' + rest)
        state = retrain_all(return_state=True)
        with Client(cluster) as client:
            done = client.run(lambda dask_worker: dask_worker.state.executed_count)
        print(json.dumps({"message": state.message, "done": list(done.values())}))
"""


@pytest.mark.server
@pytest.mark.skipif(not os.environ.get("TEST_SLOW"), reason="takes a minute; make test-slow")
@pytest.mark.timeout(400)
def test_a_fleet_has_its_nights_on_two_workers(prefect_server: PrefectServer, tmp_path: Path) -> None:
    (tmp_path / "recipes.toml").write_text(RECIPES)
    (tmp_path / "night.py").write_text(RUN)
    short_bars(tmp_path / "bars")
    (tmp_path / "fleet.toml").write_text(f"""
[defaults]
recipes_file = "{tmp_path}/recipes.toml"
registry = "{tmp_path}/registry"
data = "{tmp_path}/bars"
[models.lines]
recipes = ["line"]
[models.bayes]
recipes = ["bayes"]
[models.broken]
data = "{tmp_path}/nowhere"
""")
    done = prefect_server.run("python", "night.py", cwd=tmp_path, seconds=380)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["message"].startswith("broken: ") and "lines" not in told["message"]
    assert sum(told["done"]) >= 3 and min(told["done"]) >= 1, "both workers had nights"
    tasks = ask(prefect_server.url, "task_runs/filter", {"flows": {"name": {"any_": ["retrain-all"]}}, "limit": 50})
    assert {"lines", "bayes", "broken"} <= {each["name"] for each in tasks}
    assert {path.name for path in (tmp_path / "registry" / "models").iterdir()} == {"lines", "bayes"}
