"""Processes that belong together: started apart from the terminal, watched, and ended with all they started."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil


class Child:
    """A process in a session of its own, so that a terminal's Ctrl-C reaches its starter alone; output in ``log``."""

    def __init__(self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._begin = output.tell()
            self.process = psutil.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )

    def ended(self) -> int | None:
        """Its exit status; None while it runs."""
        status: int | None = self.process.poll()
        return status

    def output(self) -> str:
        """All that it has written."""
        with self.log.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode("utf-8", errors="replace")

    def last_words(self, characters: int = 1500) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-characters:].strip()


def end_all(children: Iterable[Child], *, patience: float) -> None:
    """End the children and everything they started: asked first, killed after ``patience`` seconds."""
    roots = [child.process for child in children]
    tree = list(_with_descendants(roots))  # a run is in a session of its own: no group holds them all
    for process in tree:
        with suppress(psutil.NoSuchProcess):  # it ended by itself
            process.terminate()
    _, left = psutil.wait_procs(tree, timeout=patience)
    for process in {*left, *_with_descendants(roots)}:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for root in roots:
        root.wait()


def _with_descendants(roots: Iterable[psutil.Process]) -> Iterator[psutil.Process]:
    """``roots`` and all that they started and that did not leave them."""
    for root in roots:
        yield root
        with suppress(psutil.NoSuchProcess):
            yield from root.children(recursive=True)
