"""A store in a local folder: an object is a file, a create is a hard link.

``os.link`` fails if the name is taken, is atomic, and makes a name for bytes that are complete already: they were
written to ``<root>/.incoming/`` and synced before. ``rename`` would overwrite, ``O_EXCL`` would show a half-written
file.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from registry.clock import NewId, random_id
from registry.errors import (
    Exists,
    InvalidName,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from registry.store.contract import Stored, check_key, check_limit, check_prefix, is_listed

INCOMING = ".incoming"
LEFT_BEHIND_SECONDS = 24 * 3600.0  # what a killed writer left in .incoming is removed after a day

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


class FolderStore:
    """The store in the folder ``url``, which the first create makes; :class:`InvalidRequest` for what is no path."""

    def __init__(self, url: str | Path, *, new_id: NewId = random_id) -> None:
        self.url = str(url)
        self._root = _place(url)
        self._new_id = new_id
        self._durable: set[Path] = set()
        self._swept = False

    def create(self, key: str, data: bytes) -> None:
        target = self._path(key)
        with self._store_errors(key):
            incoming = self._write_incoming(data)
        try:
            with self._store_errors(key):
                self._make_folder(target.parent)
                self._link(incoming, target, key)
            self._sync_name(target, key)
        finally:
            with contextlib.suppress(OSError):  # the outcome is decided; a file left here is swept another day
                incoming.unlink()

    def get(self, key: str) -> bytes:
        path = self._path(key)
        with self._store_errors(key):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                self._insist_on_folder()
                raise NotFound(f"nothing is stored under {key} in {self.url}") from None

    def folders(self, prefix: str) -> list[str]:
        check_prefix(prefix, whole=True)
        with self._store_errors(prefix):
            names = [name[:-1] for name, _ in self._entries(prefix) if name.endswith("/")]
            # A folder whose objects are all deleted stays behind empty; on S3 it would be gone.
            return sorted(name for name in names if next(self._walk(f"{prefix}{name}/", ""), None))

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._store_errors(key):
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                self._insist_on_folder()
                return
            _sync(path.parent)

    def stat(self, prefix: str) -> Iterator[Stored]:
        check_prefix(prefix)
        with self._store_errors(prefix):
            now = self._file_clock()
            for key, entry in self._walk(prefix, ""):
                try:
                    status = entry.stat()
                except FileNotFoundError:
                    continue  # deleted since it was listed
                age = timedelta(seconds=max(0.0, now - status.st_mtime))
                yield Stored(key, status.st_size, age, datetime.fromtimestamp(now, UTC))

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _write_incoming(self, data: bytes) -> Path:
        """A synced file with ``data`` in ``.incoming``; none if that fails."""
        folder = self._root / INCOMING
        missing = [ancestor for ancestor in (self._root, *self._root.parents) if not ancestor.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for ancestor in missing:
            _sync(ancestor.parent)
        path = folder / self._new_id()
        try:
            with path.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                path.unlink()
            raise
        self._sweep(folder, now=path.stat().st_mtime)
        return path

    def _make_folder(self, folder: Path) -> None:
        """Make ``folder`` and sync its name, and those of the folders above it, once per store object.

        Also where it exists: another writer may have made it and not yet synced it.
        """
        if folder in self._durable and folder.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        for parent in itertools.takewhile(lambda parent: parent.is_relative_to(self._root), folder.parents):
            _sync(parent)
        self._durable.add(folder)

    def _link(self, incoming: Path, target: Path, key: str) -> None:
        try:
            os.link(incoming, target)
        except FileExistsError:
            if incoming.stat().st_nlink > 1:
                return  # NFS repeats a link whose answer was lost; the second one meets the first
            if target.is_dir():
                raise InvalidName(f"{key} is a folder of other keys in {self.url}; name the object otherwise") from None
            raise Exists(f"{key} exists already in {self.url}") from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise StoreRefused(
                f"cannot make the hard link {key} in {self.url} ({error.strerror}): the folder is immutable or its "
                "file system has no hard links, without which two writers could overwrite each other. Use a local disk "
                "or a bucket"
            ) from error

    def _sync_name(self, target: Path, key: str) -> None:
        try:
            _sync(target.parent)
        except OSError as error:
            raise OutcomeUnknown(
                f"{key} was linked into {self.url} but could not be synced to the disk ({error.strerror}): it may be "
                "gone after a power cut. Look at the disk, then repeat the operation",
                key=key,
            ) from error

    def _sweep(self, folder: Path, *, now: float) -> None:
        """Remove what writers killed long ago left in ``.incoming``, once per store object."""
        if self._swept:
            return
        self._swept = True
        for left in folder.iterdir():
            with contextlib.suppress(OSError):  # gone meanwhile, or another user's: nothing depends on it
                if now - left.stat().st_mtime > LEFT_BEHIND_SECONDS:
                    left.unlink()

    def _file_clock(self) -> float:
        """Now, by the clock that stamps the files: on a network file system it is the server's."""
        incoming = self._write_incoming(b"")
        try:
            return incoming.stat().st_mtime
        finally:
            incoming.unlink()

    def _walk(self, prefix: str, after: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Keys below ``prefix`` and greater than ``after`` in order, reading a folder only when its turn comes."""
        folder = prefix[: prefix.rfind("/") + 1]
        for name, entry in self._entries(folder):
            key = folder + name
            if not key.startswith(prefix):
                continue
            if not name.endswith("/"):
                if key > after:
                    yield key, entry
            elif key > after or after.startswith(key):
                yield from self._walk(key, after)

    def _entries(self, folder: str) -> list[tuple[str, os.DirEntry[str]]]:
        """What is in ``folder``, in key order: a folder ``a`` stands where ``a/`` sorts, after ``a-b`` and ``a.b``."""
        try:
            with os.scandir(self._root / folder) as scanned:
                named = [(entry.name + "/" if entry.is_dir() else entry.name, entry) for entry in scanned]
        except (FileNotFoundError, NotADirectoryError):
            self._insist_on_folder()
            return []
        return sorted((pair for pair in named if is_listed(pair[0].removesuffix("/"))), key=lambda pair: pair[0])

    def _insist_on_folder(self) -> None:
        """Nothing is there: fine, unless the store itself is a file."""
        if self._root.exists() and not self._root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    @contextlib.contextmanager
    def _store_errors(self, key: str) -> Iterator[None]:
        """Raise what the file system says as a store error."""
        try:
            yield
        except OSError as error:
            where = f"{key or 'the keys'} in {self.url}"
            raise _as_store_error(error, where) from error

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        keys = self._walk(check_prefix(prefix), check_prefix(after or ""))
        with self._store_errors(prefix):
            return [key for key, _ in itertools.islice(keys, check_limit(limit))]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_store_error(error: OSError, where: str) -> StoreError:
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return StoreFull(f"no room to write {where} ({reason}): nothing was stored. Free some space or raise the quota")
    if error.errno in _DENIED:
        return StoreDenied(
            f"not allowed to reach {where} ({reason}): check the folder's owner and permissions, and that it is not "
            "mounted read-only"
        )
    if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EEXIST):
        return StoreDenied(f"{where} runs through something that is not a folder ({reason}): give another path")
    return StoreUnavailable(
        f"the file system failed at {where} ({reason}): look at the disk or the mount, then try again"
    )


def _place(url: str | Path) -> Path:
    """Where the folder lies."""
    try:
        if b"\0" not in os.fsencode(url):
            return Path(url).expanduser().absolute()
        why = "no path holds a zero byte"
    except (UnicodeError, RuntimeError) as error:  # half a character; a home of nobody
        why = str(error)
    raise InvalidRequest(f"{str(url)[:200]!a} cannot be the folder of a registry: {why}; give another path")
