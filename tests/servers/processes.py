"""Starting a server as a process of its own, seeing that it answers, and ending it for certain."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx


def free_ports(count: int) -> list[int]:
    """``count`` different TCP ports of 127.0.0.1 that nobody listens on now."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def answers(url: str) -> bool:
    """Whether a server at ``url`` answers HTTP at all, whatever it says."""
    try:
        httpx.get(url, timeout=2, verify=False, trust_env=False)  # on this machine: no TLS, no proxy
    except httpx.HTTPError:
        return False
    return True


def start(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start ``command`` with its output in ``log``."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd
        )


def wait_until_answers(process: subprocess.Popen[bytes], url: str, log: Path, *, seconds: float = 30.0) -> None:
    """Return once ``url`` answers; raise with the end of ``log`` if the process ends first or time runs out."""
    deadline = time.monotonic() + seconds
    while not answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise RuntimeError(f"{url} does not answer: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes], *, seconds: float = 10.0) -> None:
    """Ask the process to end, insist after ``seconds``, and wait until it is gone."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
