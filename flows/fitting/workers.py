"""Many fits run in this process, in processes of this machine, or on a Dask cluster, by one method.

The context is sent once to each worker and a task is a few numbers. The results are the same bits in any order.

>>> for number, p in WorkerPool(workers=2).run(context, tasks): ...
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from flows.arrays import Floats
from flows.errors import RequestRefused, WorkersLost
from flows.fitting.tasks import FitContext, FitTask, fit_and_predict
from flows.recipes import environment
from registry.extras import needing

Predictions = Iterator[tuple[int, Floats]]

PATIENCE = 10
"""Seconds to wait for a Dask scheduler, and for its first worker."""


@dataclass(frozen=True)
class WorkerPool:
    """``workers``: processes of this machine; 1 is this one. ``dask``: the address of a scheduler instead."""

    workers: int = 1
    dask: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise RequestRefused(f"{self.workers} workers cannot fit anything: give at least one")

    def run(self, context: FitContext, tasks: Sequence[FitTask]) -> Predictions:
        """The number of each task and the probabilities that its fit gives, as they are done.

        Raises :class:`WorkersLost` where workers died, :class:`RequestRefused` where the cluster cannot be used, and
        whatever a fit raises.
        """
        if not tasks:
            return iter(())
        if self.dask is not None:
            return _by_dask(self.dask, context, tasks)
        if self.workers == 1:
            return ((number, fit_and_predict(context, task)) for number, task in enumerate(tasks))
        return _by_processes(min(self.workers, len(tasks)), context, tasks)


def _by_processes(workers: int, context: FitContext, tasks: Sequence[FitTask]) -> Predictions:
    # Forked from a server that has imported and nothing more: OpenMP's threads do not survive a fork, so the first fit
    # in a fork of this process could wait for ever, and spawned processes would each import anew.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(workers, mp_context=server, initializer=_begin, initargs=(context,))
    try:
        numbers = {_submit(pool, task): number for number, task in enumerate(tasks)}
        for done in as_completed(numbers):
            yield numbers[done], done.result()
    except BrokenProcessPool as broken:
        raise WorkersLost(
            f"a worker process died while {workers} were fitting, of too little memory most often: start the replay "
            "again with fewer --workers; it goes on from the fits that are kept"
        ) from broken
    except (KeyboardInterrupt, GeneratorExit):  # Ctrl-C, here or in whoever takes the predictions
        for worker in multiprocessing.active_children():
            worker.kill()  # what it is fitting is wanted by nobody, and may take minutes
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, task: FitTask) -> Future[Floats]:
    try:
        return pool.submit(_run_here, task)
    except OSError as closed:  # the pool closes its pipes as it sees a worker dead, also while it starts the next one
        raise BrokenProcessPool(f"a worker could not be started ({closed})") from closed


_CONTEXT: list[FitContext] = []  # of this worker process


def _begin(context: FitContext) -> None:
    """A worker's first act: keep the context, leave Ctrl-C to the parent, and never outlive it."""
    _CONTEXT[:] = [context]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


def _run_here(task: FitTask) -> Floats:
    return fit_and_predict(_CONTEXT[0], task)


def _by_dask(address: str, context: FitContext, tasks: Sequence[FitTask]) -> Predictions:
    with needing("cluster", "--dask"):
        distributed: Any = importlib.import_module("distributed")
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as refused:
        raise RequestRefused(f"there is no Dask scheduler at {address}: start one, or check the address") from refused
    with client:
        _check_workers(client, address)
        sent = client.scatter(context, broadcast=True)
        futures = [client.submit(fit_and_predict, sent, task, pure=False) for task in tasks]
        numbers = {future.key: number for number, future in enumerate(futures)}
        try:
            for future, p in distributed.as_completed(futures, loop=client.loop, with_results=True):
                yield numbers[future.key], p
        except distributed.KilledWorker as killed:
            raise WorkersLost(
                f"workers of {address} died over a fit again and again, of too little memory most often: give them "
                "more and start the replay again; it goes on from the fits that are kept"
            ) from killed


def _check_workers(client: Any, address: str) -> None:
    """Refuses a cluster without workers, and one whose packages would give other bits than this machine's."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        environments = client.run(environment)
    except TimeoutError as none:
        raise RequestRefused(f"the Dask scheduler at {address} has no workers: start some") from none
    except ImportError as missing:
        raise RequestRefused(f"the workers of {address} cannot import this project: install it there") from missing
    ours = environment()
    different = [
        f"{package} {theirs.get(package)} on {worker}, {here} here"
        for worker, theirs in environments.items()
        for package, here in ours.items()
        if theirs.get(package) != here
    ]
    if different:
        raise RequestRefused(
            f"the workers of {address} would fit other models: {'; '.join(different)}: install the same"
        )
