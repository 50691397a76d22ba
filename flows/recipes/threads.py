"""Numerical libraries are held to one thread while a model is fitted or predicts, and imported by one thread at a time.

Two of their threads at once fight for the cores with ours (boosting took 0.2 s on one thread and 7 to 13 s on two
beside other work), and their sums could depend on the number of threads: the same inputs would not give the same bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import OpenBLASController, ThreadpoolController

importing = threading.RLock()
"""Held where a module of scikit-learn may be imported for the first time. Its modules import each other: of two threads
that begin at once each can be shown a half of one, an ``ImportError`` of a name that is there a moment later."""


class _OneBlasThread:
    """BLAS has one number of threads a process, so the first holder sets it and the last one restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._limit: Any = None

    @contextmanager
    def held(self, blas: ThreadpoolController) -> Iterator[None]:
        """``blas``: the libraries that are loaded now."""
        with self._lock:
            if self._holders == 0:
                _let_this_thread_set_blas()
                self._limit = blas.limit(limits=1)
            self._holders += 1
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                _let_this_thread_set_blas()
                self._limit.restore_original_limits()
                OpenBLASController.clear_controlling_thread()


def _let_this_thread_set_blas() -> None:
    # threadpoolctl silently ignores every thread but the first to set OpenBLAS; here one lock orders them all.
    OpenBLASController.clear_controlling_thread(force=True)


_ONE_BLAS_THREAD = _OneBlasThread()


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and OpenMP on one thread inside; any number of our threads may be inside at once.

    OpenMP keeps a number for each of our threads, so each enters for itself.
    """
    libraries = ThreadpoolController()  # looks through all that the process has loaded: once for both
    # Selected first: with `user_api=...` one kind is limited, but every kind is set back on leaving.
    blas, openmp = libraries.select(user_api="blas"), libraries.select(user_api="openmp")
    with _ONE_BLAS_THREAD.held(blas), openmp.limit(limits=1):
        yield
