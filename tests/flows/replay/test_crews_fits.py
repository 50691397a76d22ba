"""Fits of a replay by one process, by several, on a cluster, and after a kill: always the same bits, each made once."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import psutil
import pytest
from syrupy.assertion import SnapshotAssertion

from flows.bars import Dataset, prepare, write_sample
from flows.commands.replay import replay
from flows.errors import BarsMissing, RequestRefused, WorkersLost
from flows.fitting import workers
from flows.fitting.tasks import FitContext, FitTask, dataset_at, fit_and_predict, runs
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.replay import NightSpan, WorkerPool, fill_cache
from flows.settings import Settings
from registry.commands.ending import INTERRUPTED
from registry.errors import StoreFull

FIRST, LAST = date(2022, 6, 6), date(2022, 6, 9)
SPAN = NightSpan(FIRST, LAST)
REQUEST = RetrainRequest(recipes=("logistic", "hist_gradient_boosting"))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    place = write_sample(tmp_path_factory.mktemp("short") / "bars", first=date(2022, 1, 3), last=date(2022, 6, 17))
    return plan(REQUEST, Settings(data=str(place), model="m", cores=2))


@pytest.fixture(scope="module")
def data(job: Job) -> Dataset:
    return job.load_dataset()


@pytest.fixture(scope="module")
def alone(job: Job, data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cache whose fits one process made."""
    place = tmp_path_factory.mktemp("alone")
    fill_cache(job, data, SPAN, place)
    return place


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    """One worker process with two threads: fits run beside each other in one process too."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as started:
        yield started


def fits(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(place.rglob("*.npy"))}


def test_two_processes_say_what_one_says(job: Job, data: Dataset, alone: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    cache = fill_cache(job, data, SPAN, tmp_path, lambda *each: told.append(each), pool=WorkerPool(workers=2))
    assert len(fits(alone)) == (4 + 4) * 2  # four nights and four refits before them, of two recipes
    assert fits(tmp_path) == fits(alone)
    assert told == [(done, 16) for done in range(17)]
    assert [night.night for night in cache.nights] == ["2022-06-06", "2022-06-07", "2022-06-08", "2022-06-09"]


def test_a_cluster_says_what_one_process_says(
    job: Job, data: Dataset, alone: Path, tmp_path: Path, cluster: distributed.LocalCluster
) -> None:
    fill_cache(job, data, SPAN, tmp_path, pool=WorkerPool(dask=cluster.scheduler_address))
    assert fits(tmp_path) == fits(alone)


def replay_command(job: Job, place: Path) -> list[str]:
    span = ["--from", str(FIRST), "--to", str(LAST), "--tape", str(place), "--workers", "2", "--json"]
    recipes = [option for recipe in job.recipes for option in ("--recipe", recipe.name)]
    return [sys.executable, "-m", "flows.cli", "replay", "--data", job.source, *span, *recipes]


def stopped(command: list[str], place: Path, end: signal.Signals, *, at: int, later: float = 0.0) -> tuple[int, str]:
    """How the command ended and what it told, sent a signal ``later`` seconds after it kept its fit number ``at``."""
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(fits(place)) < at:
        assert running.poll() is None, "it ended before it could be stopped"
        time.sleep(0.01)
    time.sleep(later)
    pool = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(end)
    told = running.communicate(timeout=60)[1]
    assert pool
    left = psutil.wait_procs(pool, timeout=20)[1]
    assert all(worker.status() == psutil.STATUS_ZOMBIE for worker in left), "dead, be they still in the table"
    return running.returncode, told


def kept_since(place: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in place.rglob("*.npy")}


def test_a_replay_stopped_by_a_person_goes_on_with_the_other_fits(
    job: Job, data: Dataset, alone: Path, tmp_path: Path
) -> None:
    status, told = stopped(replay_command(job, tmp_path), tmp_path, signal.SIGINT, at=3)
    assert status == INTERRUPTED
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith("retrain: stopped by Ctrl-C")
    finished = kept_since(tmp_path)
    assert len(finished) < len(fits(alone))
    fill_cache(job, data, SPAN, tmp_path, pool=WorkerPool(workers=2))
    assert fits(tmp_path) == fits(alone)
    assert finished.items() <= kept_since(tmp_path).items()


@pytest.mark.timeout(300)  # three runs, each with processes of its own
def test_a_replay_killed_twice_says_in_the_end_what_one_says_that_nobody_killed(
    job: Job, alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = np.random.default_rng(18)
    killed = tmp_path / "killed"
    finished: dict[Path, int] = {}
    for first, last in ((1, 6), (8, 12)):  # of sixteen fits
        at, later = int(moments.integers(first, last)), float(moments.uniform(0.0, 0.05))
        status, told = stopped(replay_command(job, killed), killed, signal.SIGKILL, at=at, later=later)
        assert (status, "Traceback" in told) == (-signal.SIGKILL, False)
        assert finished.items() <= kept_since(killed).items()  # none is made again
        finished = kept_since(killed)
        assert at <= len(finished) < len(fits(alone))
    undisturbed = copied(alone, tmp_path)
    tables = [table(job, place, capsys) for place in (killed, undisturbed)]
    assert tables[0] == tables[1]
    assert json.loads(tables[0])["lines"]
    assert finished.items() <= kept_since(killed).items()
    assert fits(killed) == fits(undisturbed)


def table(job: Job, place: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints, fits that are missing made by two processes."""
    recipes = [recipe.name for recipe in job.recipes]
    replay(str(FIRST), str(LAST), job.source, recipes, tape=place, workers=2, as_json=True)
    return capsys.readouterr().out


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_ends_a_replay_with_what_to_do_and_keeps_the_fits_before(
    job: Job, data: Dataset, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    room = iter(range(3))

    def fsync(descriptor: int) -> None:
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr("registry.store.files.os.fsync", fsync)
        with pytest.raises(StoreFull, match=r"No space left on device.*free some space, or choose another by --tape"):
            fill_cache(job, data, SPAN, tmp_path, pool=WorkerPool(workers=workers))
    assert len(fits(tmp_path)) == 3
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".npy"] * 3  # nothing half written
    finished = kept_since(tmp_path)
    fill_cache(job, data, SPAN, tmp_path, pool=WorkerPool(workers=workers))
    assert fits(tmp_path) == fits(alone)
    assert finished.items() <= kept_since(tmp_path).items()


def test_one_recipe_more_is_fitted_alone(job: Job, data: Dataset, alone: Path) -> None:
    more = plan(
        REQUEST.model_copy(update={"recipes": (*(REQUEST.recipes or ()), "stationary")}),
        Settings(data=job.source, model="m"),
    )
    before = fits(alone)
    told: list[tuple[int, int]] = []
    with pytest.raises(KeyboardInterrupt):
        fill_cache(more, data, SPAN, alone, lambda *each: told.append(each) or interrupt(told))
    assert told[0] == (16, 24)
    assert before.items() <= fits(alone).items()


def interrupt(told: list[Any]) -> None:
    if len(told) == 2:
        raise KeyboardInterrupt


def test_a_dataset_known_then_is_the_bars_of_then_prepared(data: Dataset) -> None:
    ends = np.flatnonzero(np.diff(data.trading_day.astype(np.int64)) > 0) + 1
    for bars in ends[-8:].tolist():
        frame = data.bars.frame.iloc[:bars]
        then = replace(
            data.bars, frame=frame, file_time=data.bars.file_time[:bars], as_of=frame.index[-1] + data.instrument.step
        )
        anew, found = prepare(then), dataset_at(data, bars)
        assert found.bars.as_of == anew.bars.as_of
        assert found.known_at.equals(anew.known_at)
        for name in ("label", "move_pips", "trading_day", "rollover", "counted"):
            np.testing.assert_array_equal(getattr(found, name), getattr(anew, name), err_msg=name)


@pytest.mark.parametrize(
    ("positions", "found"),
    [([], ()), ([3], ((3, 4),)), ([3, 4, 5], ((3, 6),)), ([0, 2, 3, 9], ((0, 1), (2, 4), (9, 10)))],
)
def test_positions_are_given_as_runs(positions: list[int], found: Any) -> None:
    assert runs(np.array(positions, dtype=np.intp)) == found


def test_too_few_bars_to_train_on_are_a_fault_of_a_night_and_none_of_the_first_refits(job: Job, data: Dataset) -> None:
    context = FitContext(data, train_days=365, seed=0)
    task = FitTask(job.recipes[0], 5_000, ((5_000, 5_010),), end=data.bars.frame.index[50])
    assert fit_and_predict(context, replace(task, early=True)).shape == (0,)
    with pytest.raises(BarsMissing, match="to train on"):
        fit_and_predict(context, task)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"nothing of the kind"])
def test_a_damaged_fit_is_named(job: Job, data: Dataset, alone: Path, tmp_path: Path, content: bytes) -> None:
    copy = copied(alone, tmp_path)
    path = sorted(copy.rglob("2022-06-07-*.npy"))[0]
    path.write_bytes(content)
    with pytest.raises(RequestRefused, match=f"{path.name} is damaged: remove it"):
        fill_cache(job, data, SPAN, copy)


def test_a_fit_of_other_bars_is_named(job: Job, data: Dataset, alone: Path, tmp_path: Path) -> None:
    copy = copied(alone, tmp_path)
    path = sorted(copy.rglob("2022-06-07-*.npy"))[0]
    np.save(path, np.zeros(7))
    with pytest.raises(RequestRefused, match=f"{path.name} does not hold"):
        fill_cache(job, data, SPAN, copy)


def test_a_dead_worker_ends_the_replay_with_what_to_do(data: Dataset, tmp_path: Path) -> None:
    context = FitContext(data, train_days=365, seed=0)
    with pytest.raises(WorkersLost, match="fewer --workers; it goes on"):
        list(WorkerPool(workers=2).run(context, [Deadly(), Deadly()]))  # type: ignore[list-item]  # no fit


def test_a_worker_that_dies_while_the_next_one_starts_is_lost_as_well(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pipes_closed(pool: ProcessPoolExecutor, *_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")  # a race of the pool's own, lost once in hundreds of runs

    monkeypatch.setattr(ProcessPoolExecutor, "submit", pipes_closed)
    with pytest.raises(WorkersLost, match="fewer --workers; it goes on"):
        list(WorkerPool(workers=2).run(FitContext(data, 365, 0), [Deadly(), Deadly()]))  # type: ignore[list-item]  # no fit


class Deadly:
    """A task that ends whoever takes it, as the kernel does when memory is short."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


def test_a_script_without_a_guard_does_not_begin_anew_in_each_worker(job: Job, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from flows.fitting.tasks import FitContext, FitTask\n"
        "from flows.fitting.workers import WorkerPool\n"
        "from flows.job.plan import plan\n"
        "from flows.job.request import RetrainRequest\n"
        "from flows.settings import Settings\n"
        "print('begun')\n"
        f"job = plan(RetrainRequest(recipes=('logistic',)), Settings(data={job.source!r}, model='m'))\n"
        "task = FitTask(job.recipes[0], 5_000, ((5_000, 5_010),))\n"
        "done = list(WorkerPool(workers=2).run(FitContext(job.load_dataset(), 365, 0), [task, task]))\n"
        "print(sorted(each.number for each in done), (done[0].p == done[1].p).all())\n"
    )
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=100)
    assert (said.returncode, said.stderr, said.stdout) == (0, "", "begun\n[0, 1] True\n")


def test_no_workers_are_refused() -> None:
    with pytest.raises(RequestRefused, match="at least one"):
        WorkerPool(workers=0)


def test_a_missing_scheduler_is_named(data: Dataset, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RequestRefused, match=f"no Dask scheduler at {address}"):
            list(WorkerPool(dask=address).run(FitContext(data, 365, 0), [FitTask(job.recipes[0], 5_000, ())]))


def test_workers_with_other_versions_are_refused(
    data: Dataset,
    job: Job,
    cluster: distributed.LocalCluster,
    monkeypatch: pytest.MonkeyPatch,
    snapshot: SnapshotAssertion,
) -> None:
    monkeypatch.setattr(workers, "environment", lambda: {"scikit-learn": str(os.getpid())})
    with pytest.raises(RequestRefused, match=f"scikit-learn .* {os.getpid()} here") as refused:
        list(
            WorkerPool(dask=cluster.scheduler_address).run(
                FitContext(data, 365, 0), [FitTask(job.recipes[0], 5_000, ())]
            )
        )
    assert re.sub(r"tcp://[^ ,:]+:\d+|\d{2,}", "<n>", str(refused.value)) == snapshot


def copied(place: Path, to: Path) -> Path:
    import shutil

    return Path(shutil.copytree(place, to / "copy"))
