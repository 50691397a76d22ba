"""The run lock: one night of a model at a time on one machine, however the runs were started.

It is the kernel's lock on a file, so a killed run releases it at once, even while Prefect still shows the run as
running. A lock of Prefect's would not be seen by ``retrain run`` from cron, and its leases, which are held in the
server's memory, block for ever after a restart. Runs on two machines do not see each other here: both may train, and
the registry, which decides a night once, lets the first one decide and gives the other that decision.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from flows.errors import NightRefused
from registry import Clock
from registry.errors import StoreDenied
from registry.store.place import is_bucket

log = logging.getLogger("flows.run_lock")

_LOOK_SECONDS = 1.0


@contextmanager
def run_lock(registry: str, model: str, *, clock: Clock, limit: timedelta) -> Iterator[None]:
    """Holds the only run lock of ``model`` in ``registry`` on this machine; waits for it up to ``limit``.

    Raises :class:`NightRefused` where another run still holds it then, :class:`~registry.errors.StoreDenied` where the
    lock's file cannot be made.
    """
    path = _lock_file(registry, model)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreDenied(f"{path} cannot be made ({error.strerror}): give a place that can be written to") from error
    try:
        _wait(descriptor, model, clock, limit)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, model: str, clock: Clock, limit: timedelta) -> None:
    began = clock.monotonic()
    logged = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if clock.monotonic() - began >= limit.total_seconds():
                raise NightRefused(
                    f"another run of {model} has been at work for over {limit.total_seconds() / 60:g} minutes: "
                    "let it end, or stop it, and run again; nothing was done"
                ) from error
        if not logged:
            log.info("another run of %s is at work on this machine: waiting for it", model)
            logged = True
        clock.sleep(_LOOK_SECONDS)


def _lock_file(registry: str, model: str) -> Path:
    """Inside a registry that is a folder, where every run finds it (stores skip names with a dot); else below /tmp."""
    if not is_bucket(registry):
        return Path(registry).expanduser() / ".turns" / model
    name = hashlib.sha256(f"{registry.rstrip('/')}\0{model}".encode()).hexdigest()[:32]
    return Path(tempfile.gettempdir()) / f"retrain-turns-{os.getuid()}" / name
