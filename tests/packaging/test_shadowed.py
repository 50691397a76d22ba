"""A user's own folders called ``flows`` and ``registry`` in the working folder are not taken for the packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.operations.orchestrator.up import Place, environment
from flows.operations.runs.feed import run_feed
from tests.paths import ROOT

SCRIPT = "import sys\nfrom {package}.cli import main\nsys.exit(main())\n"

WORKER = """
import os
from concurrent.futures import ProcessPoolExecutor
from flows.fitting.workers import _Starting

if __name__ == "__main__":
    server = _Starting()
    server.set_forkserver_preload(["flows.fitting.workers"])
    with ProcessPoolExecutor(1, mp_context=server) as pool:
        print(pool.submit(os.getcwd).result(timeout=60))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working folder of somebody who has packages of these names."""
    for name in ("flows", "registry", "champion_gate"):
        (tmp_path / "work" / name).mkdir(parents=True)
        (tmp_path / "work" / name / "__init__.py").write_text("raise RuntimeError('the package of the user')\n")
    return tmp_path / "work"


def called(folder: Path, *command: str, **variables: str) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    env |= {"PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run([sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", ["flows", "registry"])
def test_a_console_script_imports_what_is_installed(folder: Path, package: str) -> None:
    script = folder.parent / "script"  # as pip writes it: Python begins its path with the folder of the script
    script.write_text(SCRIPT.format(package=package))
    assert "Commands" in called(folder, str(script), "--help")


def test_what_up_starts_imports_what_is_installed(folder: Path) -> None:
    env = environment(Place(folder / "home"), {})
    safe = {"PYTHONSAFEPATH": env["PYTHONSAFEPATH"]}  # a worker hands it on to the processes of its runs
    assert "Commands" in called(folder, "-m", "flows.cli", "--help", **safe)
    assert called(folder, "-c", "import flows.retrain; print('ok')", **safe) == "ok\n"


def test_a_worker_that_fits_imports_what_is_installed(folder: Path) -> None:
    script = folder.parent / "script.py"
    script.write_text(WORKER)
    assert called(folder, str(script)) == f"{folder}\n"


def test_the_command_of_a_feed_imports_what_lies_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.chdir(folder)
    (folder / "mine.py").write_text("print('fetched')\n")
    assert run_feed(f"{sys.executable} -m mine", seconds=30) == "fetched"
