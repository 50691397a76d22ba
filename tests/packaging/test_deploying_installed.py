"""`retrain deploy` where the wheel is installed and there is no checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from flows.operations.orchestrator.deployments import DeployFailed, deploy
from flows.operations.settings import Operations
from tests.servers.prefect_server import PrefectServer


@pytest.mark.server
@pytest.mark.timeout(300)  # a busy machine takes minutes for what takes ten seconds
def test_deployments_name_modules_and_the_folder_they_were_made_in(
    wheel: Path, prefect_server: PrefectServer, tmp_path: Path
) -> None:
    installed, folder = tmp_path / "installed", tmp_path / "somewhere"
    for name in ("flows", "registry"):  # packages of the user's own
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise RuntimeError('the package of the user')\n")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli", "deploy"],
        cwd=folder,
        env={**prefect_server.env, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["flows", "registry"]
    body = json.dumps({}).encode()
    request = urllib.request.Request(
        f"{prefect_server.url}/deployments/filter", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        made = {each["name"]: each for each in json.load(answer)}
    assert {name: each["entrypoint"] for name, each in made.items()} == {
        "nightly": "flows.retrain.retrain",
        "manual": "flows.retrain.retrain",
        "watch": "flows.watch.watch",
    }
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}
    assert [each["pull_steps"] for each in made.values()] == [[step]] * 3


def test_an_installation_without_the_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeployFailed, match=r"prefect\.yaml is there: install champion-gate again"):
        deploy(Operations(), package=tmp_path / "flows")
