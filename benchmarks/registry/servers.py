"""Servers for the time of a measurement: S3 (moto) and MLflow's, on free ports of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import botocore.session
import httpx
import urllib3.connectionpool

from benchmarks.bench import ROOT

MOTO = ROOT / "tests" / "servers" / "moto_process.py"
BUCKET = "bench"

WAIT = 120.0
"""Seconds that a server may take to answer: MLflow makes its tables first."""


@contextmanager
def bucket() -> Iterator[Mapping[str, str]]:
    """An S3 server with one bucket; the variables by which clients find it are set in this process for as long, and
    given for other ones."""
    server = subprocess.Popen([sys.executable, str(MOTO)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    found = {
        "AWS_ENDPOINT_URL": url,
        "MLFLOW_S3_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in found}
    os.environ.update(found)
    try:
        client().create_bucket(Bucket=BUCKET)
        yield found
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        server.terminate()
        server.wait()
        server.stdout.close()


def client():
    """A client of the server whose bucket is open."""
    return botocore.session.get_session().create_client("s3")


@contextmanager
def mlflow(python: Path, database: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The url of MLflow's server on this database, its artifacts in the bucket, its log beside the database."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    places = ["--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination", f"s3://{BUCKET}/mlflow"]
    command = [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", 1, *places]
    log = database.with_suffix(".log")
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **env},
            cwd=database.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it starts processes of its own, which end with it
        )
    try:
        _wait(server, f"{url}/health", log)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url, timeout=2, verify=False).raise_for_status()
            return
        time.sleep(0.2)
    raise RuntimeError(f"MLflow's server does not answer: {log.read_text(errors='replace')[-2000:]}")


@contextmanager
def requests_counted() -> Iterator[list[int]]:
    """How many HTTP requests this process makes meanwhile, as the one item of the list."""
    count, original = [0], urllib3.connectionpool.HTTPConnectionPool._make_request

    def counting(*arguments, **named):
        count[0] += 1
        return original(*arguments, **named)

    urllib3.connectionpool.HTTPConnectionPool._make_request = counting
    try:
        yield count
    finally:
        urllib3.connectionpool.HTTPConnectionPool._make_request = original
