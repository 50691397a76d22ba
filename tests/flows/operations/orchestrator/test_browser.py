"""What a browser asks for when it shows the server's pages: everything that is not the server goes to a recorder.

Runs with ``TEST_SLOW=1`` where Chromium is installed (Debian's package chromium).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.operations.orchestrator.up import Place, environment
from tests.paths import ROOT
from tests.servers.handlers import EveryVerb, serving
from tests.servers.processes import free_ports, start, stop, wait_until_answers

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not os.environ.get("TEST_SLOW"), reason="takes a minute; make test-slow"),
]

PAGES = ("dashboard", "runs", "deployments", "automations", "blocks/catalog", "settings", "events")
QUIET = (  # what Chromium itself would ask Google for
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-domain-reliability", "--no-pings"),
    *("--disable-default-apps", "--disable-extensions", "--disable-client-side-phishing-detection"),
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,InterestFeedContentSuggestions",
)

BROWSERS_OWN = {  # and what it asks for all the same, on an empty page too
    *("accounts.google.com", "clients2.google.com", "update.googleapis.com", "redirector.gvt1.com"),
    *("optimizationguide-pa.googleapis.com", "safebrowsing.googleapis.com", "content-autofill.googleapis.com"),
    *("www.google.com", "android.clients.google.com"),
}


@contextmanager
def recorder() -> Iterator[tuple[str, set[str]]]:
    """The address of a proxy that lets nothing through, and the hosts that were asked for."""
    asked: set[str] = set()

    class Recorder(EveryVerb):
        def answer(self) -> None:
            asked.add(self.path.removeprefix("http://").partition("/")[0].partition(":")[0])
            self.send_error(403)

    with serving(Recorder) as address:
        yield address, asked


def hosts_asked(app: str, folder: Path) -> set[str]:
    """The hosts beside the server that showing its pages asked for."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    place = Place(folder, port=free_ports(1)[0])
    command = [sys.executable, "-m", "uvicorn", "--factory", app, "--port", str(place.port), "--log-level", "warning"]
    env = environment(place, {**os.environ, "NO_PROXY": "127.0.0.1"})
    server = start(command, log=folder / "log", env=env, cwd=ROOT)
    try:
        wait_until_answers(server, f"{place.api}/health", folder / "log", seconds=120)
        with recorder() as (proxy, asked):
            for number, page in enumerate(PAGES):
                profile = folder / f"profile-{number}"
                words = [f"--user-data-dir={profile}", f"--proxy-server=http://{proxy}", "--virtual-time-budget=8000"]
                url = f"{place.ui}/v2/{page}"
                shown = subprocess.run(
                    [chromium, *QUIET, *words, "--dump-dom", url],
                    capture_output=True,
                    text=True,
                    timeout=90,
                    check=True,
                )
                assert "Prefect" in shown.stdout
            return asked - BROWSERS_OWN
    finally:
        stop(server)


def test_the_pages_of_up_ask_nobody_else(tmp_path: Path) -> None:
    assert hosts_asked("flows.operations.orchestrator.server:create_app", tmp_path) == set()


def test_the_recorder_sees_what_prefects_own_server_would_ask_for(tmp_path: Path) -> None:
    asked = hosts_asked("prefect.server.api.server:create_app", tmp_path)
    assert any("amplitude" in host for host in asked), asked
