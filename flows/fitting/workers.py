"""Many fits run in this process, in processes of this machine, or on a Dask cluster, by one method.

The context is sent once to each worker and a task is a few numbers. The results are the same bits in any order.

>>> for done in WorkerPool(workers=2).run(context, tasks): done.number, done.p, done.seconds
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

from flows.errors import RequestRefused, WorkersLost
from flows.fitting.tasks import DoneFit, FitContext, FitTask, fit_measured
from flows.recipes import environment
from registry.extras import needing

DoneFits = Generator[DoneFit, None, None]
"""Whoever stops taking results before the last closes it: fits that nobody waits for are then not begun."""

PATIENCE = 10
"""Seconds to wait for a Dask scheduler, and for its first worker."""


_OF_SCIKIT_LEARN = ("sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline")
"""What fits import first of all, a second of work: once, and its memory is shared by all workers."""

GO_ON = "start the replay again with fewer --workers; it goes on from the fits that are kept"


@dataclass(frozen=True)
class WorkerPool:
    """``workers``: processes of this machine; 1 is this one. ``dask``: the address of a scheduler instead.
    ``mend``: what to do where a process died, for the message."""

    workers: int = 1
    dask: str | None = None
    mend: str = GO_ON

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise RequestRefused(f"{self.workers} workers cannot fit anything: give at least one")

    def run(self, context: FitContext, tasks: Sequence[FitTask]) -> DoneFits:
        """Each task with what its fit said, as they are done; begun in the order given.

        Raises :class:`WorkersLost` where workers died, :class:`RequestRefused` where the cluster cannot be used, and
        whatever a fit raises.
        """
        if not tasks:
            return (fit for fit in list[DoneFit]())
        if self.dask is not None:
            return _by_dask(self.dask, context, tasks)
        if self.workers == 1:
            return (fit_measured(context, number, task) for number, task in enumerate(tasks))
        return _by_processes(replace(self, workers=min(self.workers, len(tasks))), context, tasks)


def _by_processes(workers: WorkerPool, context: FitContext, tasks: Sequence[FitTask]) -> DoneFits:
    # Forked from a server that has imported and nothing more: OpenMP's threads do not survive a fork, so the first fit
    # in a fork of this process could wait for ever, and spawned processes would each import anew.
    server = _Starting()
    server.set_forkserver_preload([__name__, *_OF_SCIKIT_LEARN])
    pool = ProcessPoolExecutor(workers.workers, mp_context=server, initializer=_begin, initargs=(context,))
    try:
        waiting = [_submit(pool, number, task) for number, task in enumerate(tasks)]
        for done in as_completed(waiting):
            yield done.result()
    except BrokenProcessPool as broken:
        raise WorkersLost(
            f"a worker process died while {workers.workers} were fitting, of too little memory most often: "
            f"{workers.mend}"
        ) from broken
    except (KeyboardInterrupt, GeneratorExit):  # Ctrl-C, here or in whoever takes the results
        for worker in filter(lambda started: started.pid, server.started):
            worker.kill()  # what it is fitting is wanted by nobody, and may take minutes
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _ProcessWithoutMain(ForkServerProcess):
    """A worker that does not run the caller's main module again: no fit needs it, Prefect's takes a second to import,
    and a script that is not guarded by ``if __name__ == "__main__"`` would begin its work anew in each worker."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  # its name in multiprocessing
        with _STARTING:
            main, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
            safe = os.environ.get(_SAFE_PATH)
            os.environ[_SAFE_PATH] = "1"  # the server must not import a folder of the user's that is called flows
            try:
                return ForkServerProcess._Popen(process_obj)
            finally:
                sys.modules["__main__"] = main
                if safe is None:
                    del os.environ[_SAFE_PATH]
                else:
                    os.environ[_SAFE_PATH] = safe


_STARTING = threading.Lock()
_SAFE_PATH = "PYTHONSAFEPATH"


class _Starting(ForkServerContext):
    """Starts workers, and knows those that it ``started``: other pools of this process have theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[ForkServerProcess] = []

    def Process(self, *given: Any, **named: Any) -> ForkServerProcess:  # type: ignore[override]  # noqa: N802  # as multiprocessing calls it
        self.started.append(_ProcessWithoutMain(*given, **named))
        return self.started[-1]


def _submit(pool: ProcessPoolExecutor, number: int, task: FitTask) -> Future[DoneFit]:
    try:
        return pool.submit(_run_here, number, task)
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


def _run_here(number: int, task: FitTask) -> DoneFit:
    return fit_measured(_CONTEXT[0], number, task)


def _by_dask(address: str, context: FitContext, tasks: Sequence[FitTask]) -> DoneFits:
    with needing("cluster", "--dask"):
        distributed: Any = importlib.import_module("distributed")
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as refused:
        raise RequestRefused(f"there is no Dask scheduler at {address}: start one, or check the address") from refused
    with client:
        _check_workers(client, address)
        sent = client.scatter(context, broadcast=True)
        futures = [client.submit(fit_measured, sent, number, task, pure=False) for number, task in enumerate(tasks)]
        try:
            for _, done in distributed.as_completed(futures, loop=client.loop, with_results=True):
                yield done
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
