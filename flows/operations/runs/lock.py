"""One night at a time: runs of one model on one machine take turns, however they were started.

The turn is the kernel's lock on a file, so a killed run gives it back at once, whatever Prefect believes of it.
A lock of Prefect's would not be seen by ``retrain run`` from cron, and its leases, kept in the server's memory, block
for ever after a restart. Runs on two machines do not see each other here: both may train, and the registry, which
decides a night once, lets the first one decide and tells the other.
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

log = logging.getLogger("flows.turn")

_LOOK_SECONDS = 1.0


@contextmanager
def run_lock(registry: str, model: str, *, clock: Clock, limit: timedelta) -> Iterator[None]:
    """Holds the only turn of ``model`` in ``registry`` on this machine, waiting for it up to ``limit``.

    Raises :class:`NightRefused` when another run still has it then, :class:`~registry.errors.StoreDenied` where the
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
    told = False
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
        if not told:
            log.info("another run of %s is at work on this machine: waiting for it", model)
            told = True
        clock.sleep(_LOOK_SECONDS)


def _lock_file(registry: str, model: str) -> Path:
    """Beside a registry in a folder, where everybody finds it (stores skip names with a dot); else below /tmp."""
    if "://" not in registry:
        return Path(registry).expanduser() / ".turns" / model
    name = hashlib.sha256(f"{registry.rstrip('/')}\0{model}".encode()).hexdigest()[:32]
    return Path(tempfile.gettempdir()) / f"retrain-turns-{os.getuid()}" / name
