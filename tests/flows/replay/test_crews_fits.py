"""Fits of a replay by one process, by several, on a cluster, and after a kill: always the same bits, each made once."""

from __future__ import annotations

import errno
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
from flows.errors import BarsMissing, RequestRefused, WorkersLost
from flows.fitting import workers
from flows.fitting.tasks import FitContext, FitTask, dataset_at, fit_and_predict, runs
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.replay import NightSpan, WorkerPool, fill_cache
from flows.settings import Settings
from registry.commands.ending import INTERRUPTED

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


@pytest.mark.parametrize(("end", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, INTERRUPTED)])
def test_a_replay_killed_between_fits_goes_on_with_the_others(
    job: Job, data: Dataset, alone: Path, tmp_path: Path, end: signal.Signals, status: int
) -> None:
    span = ["--from", str(FIRST), "--to", str(LAST), "--tape", str(tmp_path), "--workers", "2"]
    recipes = [option for recipe in job.recipes for option in ("--recipe", recipe.name)]
    command = [sys.executable, "-m", "flows.cli", "replay", "--data", job.source, *span, *recipes]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while len(fits(tmp_path)) < 3:
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    pool = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(end)
    told = running.communicate(timeout=60)[1]
    assert running.returncode == status
    assert "Traceback" not in told
    if end == signal.SIGINT:
        assert told.splitlines()[-1].startswith("retrain: stopped by Ctrl-C")
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert len(finished) < len(fits(alone))
    assert pool
    left = psutil.wait_procs(pool, timeout=20)[1]
    assert all(worker.status() == psutil.STATUS_ZOMBIE for worker in left), "dead, be they still in the table"
    fill_cache(job, data, SPAN, tmp_path, pool=WorkerPool(workers=2))
    assert fits(tmp_path) == fits(alone)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished


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
