"""Who does the fits of a replay: this process, processes of this machine, or a Dask cluster. One function either way.

The past is sent once to each worker, a lesson is a few numbers, and what comes back is the same bits in any order.

>>> for place, said in Crew(workers=2).ask(past, lessons): ...
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from flows.errors import RequestRefused, WorkersLost
from flows.recipes import environment
from flows.replay.fits import FitContext, FitTask, Floats, ask
from registry.extras import needing

Answers = Iterator[tuple[int, Floats]]

PATIENCE = 10
"""Seconds to wait for a Dask scheduler, and for its first worker."""


@dataclass(frozen=True)
class WorkerPool:
    """``workers``: processes of this machine; 1 is this one. ``dask``: the address of a scheduler instead."""

    workers: int = 1
    dask: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise RequestRefused(f"{self.workers} workers fit nothing: give at least one")

    def ask(self, past: FitContext, lessons: Sequence[FitTask]) -> Answers:
        """The number of each lesson and what its fit says, as they are done.

        Raises :class:`WorkersLost` where workers died, :class:`RequestRefused` where the cluster cannot be used, and
        whatever a fit raises.
        """
        if not lessons:
            return iter(())
        if self.dask is not None:
            return _by_dask(self.dask, past, lessons)
        if self.workers == 1:
            return ((place, ask(past, lesson)) for place, lesson in enumerate(lessons))
        return _by_processes(min(self.workers, len(lessons)), past, lessons)


def _by_processes(workers: int, past: FitContext, lessons: Sequence[FitTask]) -> Answers:
    # Forked from a server that has imported and nothing more: OpenMP's threads do not survive a fork, so the first fit
    # in a fork of this process could wait for ever, and spawned processes would each import anew.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(workers, mp_context=server, initializer=_begin, initargs=(past,))
    try:
        waiting = {pool.submit(_ask_here, lesson): place for place, lesson in enumerate(lessons)}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
    except BrokenProcessPool as broken:
        raise WorkersLost(
            f"a worker process died while {workers} were fitting, of too little memory most often: start the replay "
            "again with fewer --workers; it goes on from the fits that are kept"
        ) from broken
    finally:
        pool.shutdown(cancel_futures=True)


_HERE: list[FitContext] = []  # the past of this worker process


def _begin(past: FitContext) -> None:
    """A worker's first act: keep the past, leave Ctrl-C to the parent, and never outlive it."""
    _HERE[:] = [past]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


def _ask_here(lesson: FitTask) -> Floats:
    return ask(_HERE[0], lesson)


def _by_dask(address: str, past: FitContext, lessons: Sequence[FitTask]) -> Answers:
    with needing("cluster", "--dask"):
        distributed: Any = importlib.import_module("distributed")
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as refused:
        raise RequestRefused(f"there is no Dask scheduler at {address}: start one, or check the address") from refused
    with client:
        _check_workers(client, address)
        sent = client.scatter(past, broadcast=True)
        futures = [client.submit(ask, sent, lesson, pure=False) for lesson in lessons]
        places = {future.key: place for place, future in enumerate(futures)}
        try:
            for future, said in distributed.as_completed(futures, loop=client.loop, with_results=True):
                yield places[future.key], said
        except distributed.KilledWorker as killed:
            raise WorkersLost(
                f"workers of {address} died over a fit again and again, of too little memory most often: give them "
                "more and start the replay again; it goes on from the fits that are kept"
            ) from killed


def _check_workers(client: Any, address: str) -> None:
    """Refused are a cluster without workers, and one whose packages would give other bits than this machine's."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
        theirs = client.run(environment)
    except TimeoutError as none:
        raise RequestRefused(f"the Dask scheduler at {address} has no workers: start some") from none
    except ImportError as missing:
        raise RequestRefused(f"the workers of {address} cannot import this project: install it there") from missing
    ours = environment()
    wrong = [
        f"{package} {found.get(package)} on {worker}, {here} here"
        for worker, found in theirs.items()
        for package, here in ours.items()
        if found.get(package) != here
    ]
    if wrong:
        raise RequestRefused(f"the workers of {address} would fit other models: {'; '.join(wrong)}: install the same")
