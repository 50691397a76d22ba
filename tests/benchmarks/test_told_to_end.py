"""A benchmark that is told to end leaves no process behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.paths import ROOT

PART = """
import subprocess, sys
from contextlib import contextmanager
from benchmarks.timing import run_process

TITLE = "A part that never ends"
SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]

@contextmanager
def server():
    process = subprocess.Popen(SLEEPS, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()

def measure(bench):
    with server() as process:
        code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
        with open("server", "w") as file:
            file.write(str(process.pid))
        run_process([sys.executable, "-c", code, "measured"])
    yield
"""

PROGRAM = "import sys, benchmarks, benchmarks.__main__ as it; benchmarks.PARTS['endless'] = 'endless'; it.main()"


def test_servers_and_what_is_measured_end_with_it(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(PART)
    command = [sys.executable, "-c", PROGRAM, "endless", "--dry-run", "--data", str(tmp_path)]
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    bench = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    started: list[int] = []
    try:
        started += [_process(tmp_path / name, bench) for name in ("server", "measured")]
        bench.send_signal(signal.SIGTERM)
        assert bench.wait(timeout=30) == 128 + signal.SIGTERM
        assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
    finally:
        bench.kill()
        bench.wait()
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _process(told: Path, bench: subprocess.Popen[bytes]) -> int:
    """The process whose number is written there, once it is."""
    end = time.monotonic() + 60
    while time.monotonic() < end and bench.poll() is None:
        if told.exists() and told.read_text():
            return int(told.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{told.name} did not start")
