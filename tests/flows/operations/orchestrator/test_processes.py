"""What ``retrain up`` started ends with all that it started, be it in a session of its own or deaf to signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from flows.operations.orchestrator.processes import Child, end_all

PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, *sys.argv[1:]], start_new_session=True).wait()"
GRANDCHILD = "import os, signal, sys; signal.signal(signal.SIGTERM, getattr(signal, sys.argv[1])); print(os.getpid(), "
GRANDCHILD += "flush=True); signal.pause()"


@contextmanager
def family(folder: Path, on_end: str) -> Iterator[tuple[Child, psutil.Process]]:
    """A child and the process that it started, which answers SIGTERM by ``on_end``."""
    command = [sys.executable, "-c", PARENT, "-c", GRANDCHILD, on_end]
    child = Child("parent", command, env=os.environ, log=folder / "log", cwd=folder)
    while not child.last_words():
        assert child.ended() is None
    grandchild = psutil.Process(int(child.last_words()))
    try:
        yield child, grandchild
    finally:
        with suppress(psutil.NoSuchProcess):
            grandchild.kill()
        child.process.wait()


@pytest.mark.parametrize("on_end", ["SIG_DFL", "SIG_IGN"])
def test_all_that_a_child_started_ends_with_it(tmp_path: Path, on_end: str) -> None:
    with family(tmp_path, on_end) as (child, grandchild):
        assert os.getsid(grandchild.pid) == grandchild.pid and os.getsid(child.process.pid) != os.getsid(0)
        end_all([child], patience=0.2 if on_end == "SIG_IGN" else 20.0)
        assert child.ended() == -signal.SIGTERM
        left = psutil.wait_procs([grandchild], timeout=2)[1]
        assert all(process.status() == psutil.STATUS_ZOMBIE for process in left), "dead, be it still in the table"


def test_one_that_ended_by_itself_keeps_its_status(tmp_path: Path) -> None:
    child = Child("short", [sys.executable, "-c", "print('why'); exit(7)"], env={}, log=tmp_path / "log", cwd=tmp_path)
    assert child.process.wait(30) == 7
    end_all([child], patience=20.0)
    assert (child.ended(), child.last_words()) == (7, "why")


def test_what_a_child_wrote_is_told_apart_from_what_stood_in_its_log_before(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("of an earlier one\n")
    child = Child("short", [sys.executable, "-c", "print('now')"], env={}, log=tmp_path / "log", cwd=tmp_path)
    child.process.wait(30)
    assert child.output() == "now\n"
