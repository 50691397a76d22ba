"""What is a folder's own: hard links, syncing, listing by folders, what a killed writer leaves."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from registry.errors import Exists, InvalidName, StoreDenied
from registry.store import Store, connect
from registry.store.folder import INCOMING, LEFT_BEHIND_SECONDS
from tests.registry.store.folders import files


@pytest.fixture
def store(root: Path) -> Store:
    return connect(root)


def name_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def trace_syncs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is synced from now on."""
    synced: list[str] = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(str(name_of(descriptor))), sync(descriptor)))
    return synced


def test_nothing_but_the_object_is_left(store: Store, root: Path) -> None:
    store.create("a/k", b"data")
    with pytest.raises(Exists):
        store.create("a/k", b"other")
    assert files(root) == {"a/k"}
    assert [stored.size for stored in store.stat("")] == [4]
    assert files(root) == {"a/k"}


def test_bytes_are_on_the_disk_before_they_have_a_name_and_the_name_before_it_is_told(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, link = os.fsync, os.link

    def traced_sync(descriptor: int) -> None:
        name = os.path.relpath(name_of(descriptor), root).split("/")[0]
        steps.append(f"sync {name}" + (f", {os.fstat(descriptor).st_size} bytes" if name == INCOMING else ""))
        sync(descriptor)

    def traced_link(source: Path, target: Path) -> None:
        steps.append("link")
        link(source, target)

    store.create("other", b"")
    monkeypatch.setattr(os, "fsync", traced_sync)
    monkeypatch.setattr(os, "link", traced_link)
    store.create("a/k", b"data")
    assert steps == [f"sync {INCOMING}, 4 bytes", "sync .", "link", "sync a"]
    steps.clear()
    store.create("a/l", b"data")
    assert steps == [f"sync {INCOMING}, 4 bytes", "link", "sync a"], "a folder's own name is synced once"


def test_a_folder_another_writer_made_is_synced_too(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a/b").mkdir(parents=True)
    synced = trace_syncs(monkeypatch)
    store.create("a/b/k", b"data")
    assert {str(root), str(root / "a"), str(root / "a/b")} <= set(synced)


def test_a_new_registrys_own_name_is_synced_and_no_folder_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = trace_syncs(monkeypatch)
    connect(tmp_path / "new/registry").create("k", b"data")
    folders = {name for name in synced if INCOMING not in name}
    assert folders == {str(tmp_path), str(tmp_path / "new"), str(tmp_path / "new/registry")}


def test_no_file_stays_open(store: Store) -> None:
    store.create("a/k", b"data")
    before = len([*Path("/proc/self/fd").iterdir()])
    for number in range(5):
        store.create(f"a/{number}", b"data")
        store.delete(f"a/{number}")
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_delete_is_synced(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create("a/k", b"data")
    synced = trace_syncs(monkeypatch)
    store.delete("a/k")
    assert synced == [str(root / "a")]


def test_objects_have_the_permissions_that_the_umask_leaves(store: Store, root: Path) -> None:
    before = os.umask(0o027)
    try:
        store.create("k", b"data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "k").stat().st_mode) == 0o640


def test_the_first_of_many_is_found_without_walking_the_tree(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in ("m", "n"):
        for folder in ("0001", "0002", "0003"):
            for number in range(3):
                store.create(f"models/{model}/versions/{folder}/{number}.json", b"")
    read: list[str] = []
    scandir = os.scandir

    def counted(folder: Path) -> Any:
        read.append(str(Path(folder).relative_to(root)))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    assert store.list("models/m/versions/", limit=1) == ["models/m/versions/0001/0.json"]
    assert read == ["models/m/versions", "models/m/versions/0001"]
    read.clear()
    assert store.list("models/m/versions/", limit=1, after="models/m/versions/0002/1.json") == [
        "models/m/versions/0002/2.json"
    ]
    assert read == ["models/m/versions", "models/m/versions/0002"]


def test_hidden_files_and_unfinished_ones_are_not_listed(store: Store, root: Path) -> None:
    store.create("a/k", b"data")
    for name in (".DS_Store", f"{INCOMING}/half", "a/.k.swp", ".git/config"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    assert store.list("") == ["a/k"]
    assert store.folders("") == ["a"]
    assert [stored.key for stored in store.stat("")] == ["a/k"]


def test_what_a_killed_writer_left_is_removed_after_a_day(store: Store, root: Path) -> None:
    (root / INCOMING).mkdir(parents=True)
    old, young = root / INCOMING / "old", root / INCOMING / "young"
    for path, age in ((old, LEFT_BEHIND_SECONDS + 60), (young, LEFT_BEHIND_SECONDS - 60)):
        path.write_bytes(b"half")
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
    store.create("k", b"data")
    assert files(root) == {"k", f"{INCOMING}/young"}
    os.utime(young, (then - 120, then - 120))
    store.create("l", b"data")
    assert files(root) == {"k", "l", f"{INCOMING}/young"}, "one look a process: it must not cost every write"
    connect(root).create("m", b"data")
    assert files(root) == {"k", "l", "m"}


def test_a_folder_removed_under_a_running_process_is_made_again(store: Store, root: Path) -> None:
    store.create("a/k", b"data")
    (root / "a/k").unlink()
    (root / "a").rmdir()
    store.create("a/k", b"again")
    assert store.get("a/k") == b"again"


def test_an_object_is_not_a_folder(store: Store, snapshot: SnapshotAssertion) -> None:
    store.create("a/k", b"data")
    with pytest.raises(InvalidName, match=r"^a ") as refused:
        store.create("a", b"")
    assert str(refused.value) == snapshot
    with pytest.raises(StoreDenied, match="not a folder"):
        store.create("a/k/below", b"")
    assert store.list("") == ["a/k"]


def test_an_object_deleted_while_listed_is_left_out(store: Store, root: Path) -> None:
    for key in ("a/1", "a/2", "a/3"):
        store.create(key, b"data")
    found = store.stat("")
    assert next(found).key == "a/1"
    (root / "a/2").unlink()
    assert [stored.key for stored in found] == ["a/3"]


def test_a_link_whose_answer_was_lost_and_repeated_is_ours(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def link_twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", link_twice)
    store.create("k", b"data")
    assert store.get("k") == b"data"
    with pytest.raises(Exists):
        store.create("k", b"other")
