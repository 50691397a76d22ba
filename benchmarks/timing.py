"""Times are measured in turns on one machine, so that a busy minute slows all alternatives down alike."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.arrays import Floats

TIMES = 7
"""Turns behind a median, unless a part says why it takes more or fewer."""

Work = Callable[[], float | None]
"""Something to be measured: its seconds are taken by the clock, unless it returns a figure of its own."""


def in_turns(*works: Work, times: int = TIMES, warm: int = 1) -> Floats:
    """What each work took, shape (times, number of works): A B, B A, A B, ...; ``warm`` turns before do not count."""
    for _ in range(warm):
        for work in works:
            work()
    seconds = np.empty((times, len(works)))
    for turn in range(times):
        order = range(len(works)) if turn % 2 == 0 else reversed(range(len(works)))
        for place in order:
            seconds[turn, place] = _measured(works[place])
    return seconds


def _measured(work: Work) -> float:
    begun = time.perf_counter()
    figure = work()
    return time.perf_counter() - begun if figure is None else float(figure)


@dataclass(frozen=True)
class Ran:
    """A process from start to exit: ``seconds`` by the wall, ``cpu_seconds`` of all its threads and children,
    ``peak_mib``: the most memory that it held at once, its children apart."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str


class ProcessFailed(Exception):
    """A measured process did not exit with 0; its last words are in the message."""


def run_process(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
    """Run to the exit. ``env`` is added to this process's. Raises :class:`ProcessFailed`.

    Bytecode is kept as Python does by default, so that nobody's imports are compiled anew in every turn.
    """
    whole = {**os.environ, **(env or {})}
    whole.pop("PYTHONDONTWRITEBYTECODE", None)
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=whole, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    peak = [0.0]
    watch = threading.Thread(target=_watch, args=(process.pid, peak))
    watch.start()
    assert process.stdout is not None
    try:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:  # also SIGTERM: nothing that was measured goes on
        process.kill()
        process.wait()
        raise
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    watch.join()
    if process.returncode:
        raise ProcessFailed(f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}")
    return Ran(seconds, usage.ru_utime + usage.ru_stime, peak[0], output)


def _watch(process: int, peak: list[float]) -> None:
    """The high-water mark until the process is gone. What wait4 reports begins with the memory of this process."""
    status = Path(f"/proc/{process}/status")
    while True:
        try:
            marks = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        except (FileNotFoundError, ProcessLookupError):
            return
        if marks:
            peak[0] = max(peak[0], int(marks[0].split()[1]) / 1024)
        time.sleep(0.005)
