"""Processes that belong together: started apart from the terminal, watched, and ended with all they started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from registry.clock import Clock

_LOOK_SECONDS = 0.05


class Child:
    """A process in a session of its own, so that a terminal's Ctrl-C reaches its starter alone; output in ``log``."""

    def __init__(self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float | None = None) -> int:
        """Its exit status, once it has ended; ``subprocess.TimeoutExpired`` after ``seconds``."""
        return self._process.wait(seconds)

    def last_words(self, characters: int = 1500) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-characters:].strip()


def end_all(children: Iterable[Child], *, patience: float, clock: Clock) -> None:
    """End the children and everything they started: asked first, killed after ``patience`` seconds."""
    children = list(children)
    tree = descendants(child.pid for child in children)  # a run is in a session of its own: no group holds them all
    for pid in tree:
        _signal(pid, signal.SIGTERM)
    deadline = clock.monotonic() + patience
    while clock.monotonic() < deadline and (_running(children) or _alive(tree)):
        clock.sleep(_LOOK_SECONDS)
    for pid in {*_alive(tree), *descendants(child.pid for child in _running(children))}:
        _signal(pid, signal.SIGKILL)
    for child in children:
        child.wait()


def descendants(roots: Iterable[int]) -> list[int]:
    """The processes ``roots`` and all that they started and that did not leave them, each once."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.append(pid)
            waiting += children.get(pid, [])
    return found


def _parents() -> list[tuple[int, int]]:
    """(process, its parent) of every process."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():  # macOS
        told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        return [(int(pid), int(parent)) for pid, parent in map(str.split, told.splitlines())]
    found = []
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # ended since
                continue
            if after_name[0] != "Z":
                found.append((int(folder.name), int(after_name[1])))
    return found


def _running(children: Iterable[Child]) -> list[Child]:
    return [child for child in children if child.ended() is None]


def _alive(pids: Iterable[int]) -> list[int]:
    there = {pid for pid, _ in _parents()}
    return [pid for pid in pids if pid in there]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it ended by itself
