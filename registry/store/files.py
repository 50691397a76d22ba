"""Writing a file of this machine so that nobody ever reads half of it."""

from __future__ import annotations

import os
from pathlib import Path

from registry.clock import random_id
from registry.errors import InvalidRequest

UNFINISHED = ".incoming-"
"""How the name of a file begins that a kill left half written."""


def write_atomically(
    path: Path, data: bytes, *, incoming: Path | None = None, mode: int = 0o666, sync: bool = True
) -> None:
    """Write ``data`` to ``path``, wholly or not at all; what was there before is replaced. Raises :class:`OSError`.

    It holds after a crash of the machine too, unless ``sync`` is false: for a cache, whose files are checked when read.

    ``incoming``: the folder of the unfinished file, on the same disk; that of ``path`` by default. ``mode``: the file's
    permissions, less the process's umask.
    """
    unfinished = (incoming or path.parent) / f"{UNFINISHED}{random_id()}"
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def write_once(path: Path, data: bytes, *, otherwise: str) -> None:
    """Write a result to ``path``, which must not hold another one.

    Raises :class:`InvalidRequest` that says so and what to do ``otherwise``, or why it cannot be written.
    """
    try:
        if path.exists() and path.read_bytes() != data:
            raise InvalidRequest(f"{path} is there with other content: {otherwise}")
        write_atomically(path, data)
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror or error}") from error
