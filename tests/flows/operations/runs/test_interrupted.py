"""Ctrl-C ends a night at once, in whatever phase: one line, status 130, nothing half written; a rerun does the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from syrupy.assertion import SnapshotAssertion

from registry import Registry
from registry.maintenance.verify import verify
from tests.paths import ROOT
from tests.servers.prefect_server import PrefectServer, ask

PROGRAM = Path(__file__).with_name("interrupted_night.py")
SLOW = """
[slow]
estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
parameters = { max_iter = 10000, early_stopping = false }
features = ["rsi_14", "adx_14", "atr_14"]

[slower]
estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
parameters = { max_iter = 9999, early_stopping = false }
features = ["rsi_14", "adx_14", "atr_14"]
"""
"""Minutes of fitting."""

Night = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def night(june: Path, tmp_path: Path) -> Night:
    (tmp_path / "recipes.toml").write_text(SLOW)
    Registry(tmp_path / "registry").begin()  # else the first write says that a registry begins

    def run(*place: str, recipes: tuple[str, ...] = ("logistic",), env: dict[str, str] | None = None) -> object:
        base = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RETRAIN_"))}
        program = [str(PROGRAM), place[0]] if place else ["-m", "flows.cli"]
        where = ["--data", str(june), "--registry", str(tmp_path / "registry"), "--model", "m", "--no-backfill"]
        chosen = [word for recipe in recipes for word in ("--recipe", recipe)]
        own = {"PREFECT_PROFILES_PATH": os.devnull, "RETRAIN_RECIPES_FILE": str(tmp_path / "recipes.toml")}
        return subprocess.run(
            [sys.executable, *program, "run", "--prefect" if env else "--no-prefect", *where, *chosen],
            env={**base, **own, "PYTHONPATH": str(ROOT), **(env or {})},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    return run  # type: ignore[return-value]  # a function of these parameters


def children_left(before: set[int]) -> list[psutil.Process]:
    """Processes that began meanwhile, belong to the program and do not end by themselves."""
    begun = [each for each in psutil.process_iter() if each.pid not in before and str(PROGRAM) in _command(each)]
    left: list[psutil.Process] = psutil.wait_procs(begun, timeout=20)[1]
    return left


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_a_night_interrupted_again_and_again_is_completed_by_a_plain_run(
    night: Night, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    model = Registry(tmp_path / "registry").model("m")
    for place, versions in (("load", 0), ("train_all", 0), ("judge", 1), ("promote_or_hold", 1)):
        ended = night(place)
        assert (ended.returncode, "Traceback" in ended.stderr) == (130, False), (place, ended.stderr)
        assert ended.stderr == snapshot
        head = model.versions.head()
        assert len(model.history()) == versions and [*model.acts()] == [], place
        assert head is None or verify(model).clean
    done = night()
    assert done.returncode == 0, done.stderr
    assert [version.record.recipe for version in model.history()] == ["logistic"]
    assert [entry.kind for entry in model.decisions.walk()] == ["held", "scored"] and verify(model).clean


def test_a_fit_that_would_take_minutes_is_not_waited_for(night: Night) -> None:
    before = {each.pid for each in psutil.process_iter()}
    ended = night("fit", recipes=("slow", "slower"))
    assert ended.returncode == 130
    assert ended.stderr.startswith("retrain: stopped by Ctrl-C") and ended.stderr.count("\n") == 1
    assert children_left(before) == []


def test_an_interruption_while_the_program_is_loaded_is_one_line_too() -> None:
    program = (
        "import signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from flows.cli import main\n"
        "main()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "retrain: stopped by Ctrl-C; nothing was begun\n")


@pytest.mark.server
def test_through_prefect_the_run_is_ended_too(night: Night, prefect_server: PrefectServer) -> None:
    ended = night("train_all", env=prefect_server.env)
    assert (ended.returncode, "Traceback" in ended.stdout + ended.stderr) == (130, False), ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("retrain: stopped by Ctrl-C")
    wanted = {"sort": "EXPECTED_START_TIME_DESC", "limit": 200, "flows": {"name": {"any_": ["retrain"]}}}
    runs = ask(prefect_server.url, "flow_runs/filter", wanted)
    # other tests of this server may have left a schedule, whose runs have not begun
    assert next(run["state_type"] for run in runs if run["state_type"] != "SCHEDULED") == "CRASHED"
