"""What a folder's file system can refuse: full and read-only disks, permissions, no hard links, syncs that fail."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from registry.errors import OutcomeUnknown, StoreDenied, StoreError, StoreFull, StoreRefused, StoreUnavailable
from registry.store import Store, connect
from registry.store.folder import INCOMING
from tests.registry.store.folders import failing, files

NOBODY = 65534


@pytest.fixture
def store(root: Path) -> Store:
    return connect(root)


def test_a_file_is_not_a_registry(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"data")
    store = connect(path)
    operations: list[Callable[[], object]] = [
        *(lambda: store.create("k", b""), lambda: store.get("k"), lambda: store.list(""), lambda: store.delete("k")),
        *(lambda: store.folders(""), lambda: [*store.stat("")]),
    ]
    for operation in operations:
        with pytest.raises(StoreDenied, match=r"^(k|the keys) in .*file\.csv") as refused:
            operation()
        assert str(refused.value).removeprefix("the keys").removeprefix("k") == snapshot
    assert path.read_bytes() == b"data"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_does_not_fit_leaves_nothing(store: Store, root: Path, snapshot: SnapshotAssertion) -> None:
    with largest_file(8192), pytest.raises(StoreFull, match="a/big in ") as refused:
        store.create("a/big", b"x" * 1_000_000)
    assert str(refused.value) == snapshot
    assert files(root) == set()
    store.create("a/big", b"x" * 1_000_000)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "link"])
def test_a_full_disk_leaves_nothing(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str, snapshot: SnapshotAssertion
) -> None:
    store.create("a/before", b"")
    monkeypatch.setattr(os, call, failing(getattr(os, call), code))
    with pytest.raises(StoreFull, match="a/k in ") as refused:
        store.create("a/k", b"data")
    assert str(refused.value) == snapshot(name=os.strerror(code))
    assert files(root) == {"a/before"}
    store.create("a/k", b"data")


def test_a_failing_disk_is_told_and_leaves_nothing(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setattr(os, "fsync", failing(os.fsync, errno.EIO))
    with pytest.raises(StoreUnavailable, match=r"k in .* \(Input/output error\)") as refused:
        store.create("k", b"data")
    assert str(refused.value) == snapshot
    assert files(root) == set()


def test_an_error_without_a_number_is_told_in_its_own_words(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError("the mount is gone")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(StoreUnavailable, match=r"\(the mount is gone\)"):
        store.create("k", b"data")


def test_a_name_that_cannot_be_synced_is_an_unknown_outcome(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create("a/before", b"")
    link = os.link

    def link_then_fail(source: Path, target: Path) -> None:
        link(source, target)
        monkeypatch.setattr(os, "fsync", failing(os.fsync, errno.EIO))

    monkeypatch.setattr(os, "link", link_then_fail)
    with pytest.raises(OutcomeUnknown, match="power cut") as raised:
        store.create("a/k", b"data")
    assert raised.value.key == "a/k"
    assert files(root) == {"a/before", "a/k"}


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV])
def test_a_file_system_without_hard_links_is_refused(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", failing(os.link, code))
    with pytest.raises(StoreRefused, match="hard link"):
        store.create("a/k", b"data")
    assert files(root) == set()


@contextmanager
def without_rights() -> Iterator[None]:
    """As a user whom permission bits bind."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may read; pytest's own are private."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700)


def test_a_read_only_folder_is_read_and_not_written(open_folder: Path) -> None:
    connect(open_folder).create("a/k", b"data")
    for path in (open_folder / "a", open_folder / INCOMING, open_folder):
        path.chmod(0o555)
    store = connect(open_folder)
    with without_rights():
        assert store.get("a/k") == b"data"
        assert store.list("") == ["a/k"]
        for operation in (lambda: store.create("a/l", b""), lambda: store.delete("a/k"), lambda: [*store.stat("")]):
            with pytest.raises(StoreDenied, match=r"permissions"):
                operation()
    assert files(open_folder) == {"a/k"}


def test_a_folder_closed_to_this_user_is_told(open_folder: Path) -> None:
    connect(open_folder).create("a/k", b"data")
    (open_folder / "a/k").chmod(0)
    (open_folder / "a").chmod(0o711)
    store = connect(open_folder)
    with without_rights():
        for operation in (lambda: store.get("a/k"), lambda: store.list("a/"), lambda: store.folders("a/")):
            with pytest.raises(StoreDenied, match="permissions"):
                operation()


def test_a_read_only_mount_is_told(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", failing(os.link, errno.EROFS))
    with pytest.raises(StoreDenied, match="mounted read-only"):
        store.create("k", b"data")
    assert files(root) == set()


def test_every_error_names_the_store_and_the_key(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in (errno.ENOSPC, errno.EACCES, errno.EIO, errno.EPERM, errno.EXDEV, errno.ESTALE):
        monkeypatch.setattr(os, "link", failing(os.link, code))
        with pytest.raises(StoreError) as raised:
            store.create("a/k", b"data")
        assert "a/k" in str(raised.value) and str(root) in str(raised.value)
