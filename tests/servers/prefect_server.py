"""Fixture: a real Prefect server in a process of its own, with its database in a temporary folder.

It takes eight seconds of a core to start, and a thirtieth of one while nobody asks it: the files that ask for it are
run one after the other by one process (``tests/conftest.py``), and it is ended after the last test that does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.processes import free_ports, start, stop, wait_until_answers


def ask(api: str, path: str, body: Any = None, method: str | None = None) -> Any:
    """What the Prefect API at ``api`` answers, as it says it: Prefect's client would check and complete it.

    A server whose SQLite is busy answers 503, or nothing: what only reads is asked again then, anything after a 503.
    ``method``: where it is neither GET without a ``body`` nor POST with one. Raises ``httpx.HTTPError``, and
    ``AssertionError`` where no answer came in two minutes.
    """
    method = method or ("GET" if body is None else "POST")
    reads = method == "GET" or path.endswith("/filter")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            answer = httpx.request(method, f"{api}/{path}", json=body, timeout=30, verify=False)
        except httpx.ReadTimeout:
            if not reads:  # it may have been done
                raise
            continue
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return answer.raise_for_status().json() if answer.content else None
        time.sleep(0.5)
    raise AssertionError(f"{method} {path}: no answer for two minutes but 503 or none at all")


@dataclass(frozen=True)
class PrefectServer:
    """Where the server is, and the environment in which a process uses it and nothing else of this machine."""

    url: str
    env: dict[str, str]

    def run(self, *command: str, cwd: Path, seconds: float = 110) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment's Python against the server."""
        return subprocess.run(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            env=self.env,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


_LEFT = pytest.StashKey[set[str]]()
_SERVER = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    session.stash[_LEFT] = {item.nodeid for item in session.items if "prefect_server" in _fixtures(item)}


@pytest.hookimpl(trylast=True)  # what the test itself set up is undone by then
def pytest_runtest_teardown(item: pytest.Item) -> None:
    left = item.session.stash[_LEFT]
    left.discard(item.nodeid)
    if not left and _SERVER in item.session.stash:
        stop(item.session.stash[_SERVER])
        del item.session.stash[_SERVER]


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture(scope="session")
def prefect_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server on a free port of 127.0.0.1, its scheduler looking every second."""
    home = tmp_path_factory.mktemp("prefect")
    port = free_ports(1)[0]
    url = f"http://127.0.0.1:{port}/api"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RETRAIN_", "AWS_"))}
    env |= {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_UI_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
        "NO_PROXY": "127.0.0.1",
    }
    log = home / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = start(command, log=log, env=env)
    request.session.stash[_SERVER] = server
    try:
        wait_until_answers(server, f"{url}/health", log, seconds=90)
        yield PrefectServer(url, env)
    finally:
        stop(server)
