"""``retrain up`` for the browser: a real server with its worker, and its API beside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.settings import Settings
from registry import Model, Registry
from tests.paths import ROOT
from tests.servers.prefect_server import ask
from tests.servers.processes import free_ports

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
RECIPES = ("logistic", "stationary")
NIGHTS = 23  # of model m before the server starts, two versions each
CHEAP: dict[str, Any] = {"train_days": 60, "backfill_days": 60}


class Served:
    """A running ``retrain up``; promotions wait an hour for a person."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry = folder, folder / "registry"
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "RETRAIN", "AWS"))}
        self.env = kept | {
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_PROFILES_PATH": os.devnull,
            "RETRAIN_REGISTRY": str(self.registry),
            "RETRAIN_SAMPLE": str(folder / "sample"),
            "RETRAIN_CORES": "1",
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
        }
        self.log = folder / "up.log"

    @property
    def settings(self) -> Settings:
        return Settings(registry=str(self.registry), sample=str(self.folder / "sample"), cores=1)

    @contextmanager
    def up(self) -> Iterator[None]:
        command = [str(Path(sys.executable).with_name("retrain")), "up", "--port", str(self.port)]
        with self.log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--home", str(self.folder / "prefect")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**self.env, "RETRAIN_APPROVAL_HOURS": "1"},
                cwd=self.folder,
            )
        try:
            self.until("up", lambda: "Ctrl-C stops" in self.log.read_text() or process.poll() is not None, 240)
            assert process.poll() is None, self.log.read_text()
            yield
        finally:
            process.terminate()
            process.wait(30)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return ask(f"{self.url}/api", path, body)

    def start_run(self, request: Mapping[str, Any], **env: str) -> str:
        """The id of a run of the manual deployment, made without the browser; ``env``: for its process alone."""
        (manual,) = self.ask("deployments/filter", {"deployments": {"name": {"any_": ["manual"]}}})
        body = {"parameters": {"request": request}, "job_variables": {"env": env}}
        return str(self.ask(f"deployments/{manual['id']}/create_flow_run", body)["id"])

    def newest_run(self) -> dict[str, Any] | None:
        """The newest run of the manual deployment."""
        manual = {"deployments": {"name": {"any_": ["manual"]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 1}
        return next(iter(self.ask("flow_runs/filter", manual)), None)

    def state_of(self, run: str) -> dict[str, Any]:
        state: dict[str, Any] = self.ask(f"flow_runs/{run}")["state"]
        return state

    def wait_for(self, run: str, *types: str, seconds: float = 180) -> dict[str, Any]:
        """The state of a run once it is of one of these types; it must not end otherwise."""

        def found() -> dict[str, Any] | None:
            state = self.state_of(run)
            return state if state["type"] in (*types, *ENDED) else None

        state: dict[str, Any] = self.until(f"{run} to be {' or '.join(types)}", found, seconds)
        assert state["type"] in types, state
        return state

    def until(self, what: str, found: Callable[[], Any], seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := found()):
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}. {self.log.read_text()[-2000:]}"
            time.sleep(0.3)
        return value

    def model(self, name: str) -> Model:
        return Registry(str(self.registry)).model(name)
