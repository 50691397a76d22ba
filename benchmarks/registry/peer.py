"""A peer: a process in the environment of MLflow, pins and modelstore, asked to do one thing at a time."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench

REQUIREMENTS = ("mlflow>=3.17,<3.18", "pins", "modelstore", "boto3")
WORKER = Path(__file__).with_name("worker.py")

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
"""A measurement asks nobody outside this machine."""


@dataclass(frozen=True)
class Done:
    """``seconds`` by the peer's own clock, ``requests`` that it made over HTTP, ``again``: seconds of the same work a
    second time; 0 where it was not asked for them."""

    seconds: float = 0.0
    requests: int = 0
    again: float = 0.0


class Peer:
    """One process. ``ask("mlflow_load")`` does what :mod:`~.worker` calls so."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def ask(self, what: str, **arguments: Any) -> Done:
        """Raises :class:`RuntimeError` with the process's last words where it ended instead of answering."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended: there is no answer either
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{what} failed in the peers' environment:\n{self._log.read_text()[-2000:]}")
        return Done(**json.loads(answer))


def environment(bench: Bench) -> Path:
    """The Python of the peers, installed on first use."""
    return bench.peers("registries", *REQUIREMENTS)


@contextmanager
def peer(python: Path, log: Path, env: Mapping[str, str]) -> Iterator[Peer]:
    """A process that ends with the block; what it prints goes to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(python), str(WORKER)],
            env={**os.environ, **QUIET, **env},
            cwd=log.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    try:
        yield Peer(process, log)
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait()
        process.stdout.close()
