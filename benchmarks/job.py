"""The whole job of two named years, from cold start to exit: without Prefect, and through it on a running server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import httpx

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.timing import ProcessFailed, Work, in_turns, run_process

TITLE = "The whole job: two years loaded, two forests trained, scored, registered, one chosen"

NOTEBOOK = "a notebook's script: nothing checked, pickles, one core"


def measure(bench: Bench) -> Iterator[Figure]:
    """``retrain run --train 2022 --holdout 2024`` with the notebook's two recipes, beside a script of the same."""
    if not bench.real:
        raise ProcessFailed("the whole job is that of 2022 and 2024: give the folder of the real files with --data")
    numbers = count()

    def notebook() -> None:
        run_process([sys.executable, "benchmarks/notebook.py", str(bench.data), str(place("notebook"))], cwd=ROOT)

    def place(kind: str) -> Path:
        return bench.scratch / f"{kind}-{next(numbers)}"

    def retrain(how: str, env: Mapping[str, str]) -> Work:
        def work() -> None:
            run_process(job_command(["flows.cli"], how, bench.data, place("registry")), env=env, cwd=ROOT)

        return work

    with prefect_server(bench.folder("prefect")) as server:
        bench.say("the whole job, without Prefect and through it")
        works = retrain("--no-prefect", {}), retrain("--prefect", server), notebook
        seconds = in_turns(*works, times=bench.times)
    yield Figure.ratio_of("the whole job, `retrain run`", NOTEBOOK, seconds[:, 0], seconds[:, 2], bound=0.7)
    what = "the whole job through Prefect, on a running server"
    yield Figure.ratio_of(what, NOTEBOOK, seconds[:, 1], seconds[:, 2], bound=1.0)


def job_command(program: Sequence[str], how: str, data: Path, registry: Path) -> list[str]:
    """The whole job by a module and its arguments, which end as those of ``retrain`` do."""
    where = ["--data", str(data), "--registry", str(registry)]
    years = ["--train", "2022", "--holdout", "2024", "--recipe", "rf_shallow", "--recipe", "rf_deep"]
    return [sys.executable, "-m", *program, "run", how, *where, *years]


@contextlib.contextmanager
def prefect_server(home: Path) -> Iterator[dict[str, str]]:
    """A server on a free port of this machine, and the environment in which a process uses it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    env = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(f"{url}/health", home / "server.log")
        yield env
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait(url: str, log: Path, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, timeout=5, verify=False).raise_for_status()
            return
        time.sleep(0.2)
    raise ProcessFailed(f"the Prefect server did not answer in {seconds:.0f} s:\n{log.read_text()[-2000:]}")
