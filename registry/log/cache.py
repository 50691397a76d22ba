"""A local cache of what never changes: artifacts, evidence, runs of old log entries.

::

    Registry("s3://models/registry", cache=Path("~/.cache/retrain").expanduser())

Off unless asked for: a registry in a folder is local already, and whoever serves from a bucket chooses where a gigabyte
may lie. Every file's name ends in the SHA-256 of what it holds, compared each time it is read; a file that does not
match is removed and counts as absent. Nothing here decides what is true: an artifact is asked for by the digest that a
log names, a run of entries is used only where the entry after it names its last one (:mod:`registry.log.segments`). So
a cache may be shared by registries, be of another one of the same address, or be deleted at any time. Tables of history
alone are this package's own writing (:mod:`registry.analysis.history`): keep a cache where only its readers can write.

The files used longest ago are removed when there are more bytes than ``limit``.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from registry.errors import InvalidRequest
from registry.format.entries import digest
from registry.store.files import write_atomically
from registry.store.forking import begin_anew_in_forks
from registry.store.place import local_path

GIBIBYTE = 1 << 30
OBJECTS = "objects"

_LEFT = 0.9  # share of the limit that is left after a removal, so that not every write removes
_NAME = re.compile(r"(?:[0-9a-f]+-)*[0-9a-f]{64}")


class Cache:
    """Files below ``folder``, at most about ``limit`` bytes; safe to use from many threads and processes.

    Raises :class:`InvalidRequest` where the folder is none or cannot be made. Later faults of the disk cost the cache's
    help and nothing else: what cannot be read or written is as if it were not there.
    """

    def __init__(self, folder: str | Path, *, limit: int = GIBIBYTE) -> None:
        self.folder = local_path(folder, "a cache")
        self.limit = limit
        self._size: int | None = None
        self.begin_anew()
        begin_anew_in_forks(self)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidRequest(
                f"{self.folder} cannot be a cache ({error.strerror}): name a folder that may be written to, or none"
            ) from error

    def begin_anew(self) -> None:
        """In a forked process: no thread holds the lock there."""
        self._lock = threading.Lock()

    def get(self, place: str, name: str) -> bytes | None:
        """The bytes called ``name`` (which ends in their SHA-256) in the folder ``place``; None if not there.

        Also None for a name of another form: what an entry calls a digest may be the way to a file outside.
        """
        if _NAME.fullmatch(name) is None:
            return None
        path = self.folder / place / name
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if digest(data) != name.rpartition("-")[2]:
            with contextlib.suppress(OSError):  # another process removed it
                path.unlink()
            return None
        with contextlib.suppress(OSError):  # removed since, or another user's file: it only looks older than it is
            os.utime(path)
        return data

    def put(self, place: str, label: str, data: bytes) -> None:
        """Keep ``data`` in ``place`` under ``label`` and its digest: wholly or not at all."""
        path = self.folder / place / f"{label}{digest(data)}"
        if len(data) > self.limit or path.exists():
            return
        with contextlib.suppress(OSError):  # a full disk, or a folder deleted meanwhile: not kept
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data, incoming=self.folder, mode=0o600, sync=False)
            self._make_room(len(data))

    def names(self, place: str) -> list[str]:
        """The names in ``place``, ascending."""
        try:
            return sorted(path.name for path in (self.folder / place).iterdir())
        except OSError:
            return []

    def _make_room(self, added: int) -> None:
        """Remove the files used longest ago where there is too much; the folder is looked through only then."""
        with self._lock:
            self._size = None if self._size is None else self._size + added
            if self._size is not None and self._size <= self.limit:
                return
            files = sorted(self._files())
            self._size = sum(size for _, size, _ in files)
            if self._size <= self.limit:
                return
            for _, size, path in files:
                if self._size <= self.limit * _LEFT:
                    return
                with contextlib.suppress(OSError):  # another process removed it first
                    path.unlink()
                self._size -= size

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """(when last used, bytes, path) of every file, those of killed writers included."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = Path(folder) / name
                with contextlib.suppress(OSError):  # removed since it was listed
                    status = path.stat()
                    yield status.st_mtime_ns, status.st_size, path
