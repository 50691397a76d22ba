"""One night at a time on one machine."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from flows.errors import NightRefused
from flows.operations.runs.lock import run_lock
from registry import Registry, SystemClock
from registry.errors import StoreDenied
from tests.clocks import FixedClock

NONE = timedelta(0)
HOLD = """
import sys, time
from datetime import timedelta
from flows.operations.runs.lock import run_lock
from registry import SystemClock
with run_lock(sys.argv[1], "m", clock=SystemClock(), limit=timedelta(0)):
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("place", ["{}/registry", "s3://bucket/{}"])
def test_two_runs_of_a_model_are_never_at_work_together(tmp_path: Path, place: str) -> None:
    registry = place.format(tmp_path).replace("s3://bucket//", "s3://bucket/")
    with run_lock(registry, "m", clock=SystemClock(), limit=NONE):
        with (
            pytest.raises(NightRefused, match="another run of m"),
            run_lock(registry, "m", clock=FixedClock(), limit=NONE),
        ):
            pass
        with run_lock(registry, "other", clock=SystemClock(), limit=NONE):
            pass
        with run_lock(f"{registry}2", "m", clock=SystemClock(), limit=NONE):
            pass
    with run_lock(registry, "m", clock=SystemClock(), limit=NONE):
        pass


def test_the_second_waits_and_goes_on_when_the_first_is_done(tmp_path: Path) -> None:
    registry, order = str(tmp_path), []
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with run_lock(registry, "m", clock=SystemClock(), limit=timedelta(seconds=30)):
            order.append("second")

    with run_lock(registry, "m", clock=SystemClock(), limit=NONE):
        thread = threading.Thread(target=second)
        thread.start()
        begun.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_killed_run_gives_its_turn_back_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stdout.readline() == "holds\n"
        with pytest.raises(NightRefused), run_lock(str(tmp_path), "m", clock=FixedClock(), limit=NONE):
            pass
        run.send_signal(signal.SIGKILL)
        run.wait()
        with run_lock(str(tmp_path), "m", clock=SystemClock(), limit=NONE):
            pass


def test_the_turn_leaves_nothing_that_the_registry_would_take_for_its_own(tmp_path: Path) -> None:
    with run_lock(str(tmp_path), "m", clock=SystemClock(), limit=NONE):
        assert Registry(str(tmp_path)).store.list("") == []


def test_a_place_that_cannot_be_written_to_is_named() -> None:
    with pytest.raises(StoreDenied, match="/dev/null/x"), run_lock("/dev/null/x", "m", clock=SystemClock(), limit=NONE):
        pass
