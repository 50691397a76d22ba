"""The local cache: it saves requests, never decides what is true, and may be damaged or deleted at any time."""

from __future__ import annotations

import os
import shutil
import threading

import pytest

from registry.errors import ArtifactMissing, Corrupt, InvalidRequest
from registry.format.entries import digest
from registry.log.cache import OBJECTS, Cache
from registry.model.reader import ModelReader
from tests.registry.actors import NAME, a_model, crowned, promote, register
from tests.registry.long_logs import extend, long_store
from tests.servers.stores import CountingStore, MemoryStore


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def artifact_bytes(model: ModelReader) -> bytes:
    """The champion's artifact, as loading it reads it."""
    champion = model.champion()
    return model.read_object(champion.artifact, champion.sha256)


def test_what_was_put_is_found_again(tmp_path):
    Cache(tmp_path).put(OBJECTS, "", b"data")
    assert Cache(tmp_path).get(OBJECTS, digest(b"data")) == b"data"
    assert Cache(tmp_path).names(OBJECTS) == [digest(b"data")]


def test_what_was_not_put_is_not_there(tmp_path):
    cache = Cache(tmp_path / "new")
    assert cache.get(OBJECTS, digest(b"data")) is None and cache.names("elsewhere") == []


@pytest.mark.parametrize("damaged", [b"", b"dat", b"data!", b"\x00" * 4])
def test_a_damaged_file_counts_as_absent_and_is_removed(tmp_path, damaged):
    cache = Cache(tmp_path)
    cache.put(OBJECTS, "", b"data")
    (file,) = files(tmp_path)
    file.write_bytes(damaged)
    assert cache.get(OBJECTS, digest(b"data")) is None
    assert files(tmp_path) == []
    cache.put(OBJECTS, "", b"data")
    assert cache.get(OBJECTS, digest(b"data")) == b"data"


def test_the_files_used_longest_ago_make_room(tmp_path):
    cache = Cache(tmp_path, limit=1000)
    for number in range(9):
        cache.put(OBJECTS, f"{number}-", bytes([number]) * 100)
        os.utime(next(iter((tmp_path / OBJECTS).glob(f"{number}-*"))), (number, number))
    cache.get(OBJECTS, f"0-{digest(bytes([0]) * 100)}")  # the oldest is used again
    cache.put(OBJECTS, "9-", bytes([9]) * 100)
    cache.put(OBJECTS, "a-", bytes([10]) * 100)
    assert [name[:1] for name in cache.names(OBJECTS)] == ["0", "3", "4", "5", "6", "7", "8", "9", "a"]


def test_it_stays_bounded_with_others_writing_beside(tmp_path):
    for number in range(40):
        Cache(tmp_path, limit=1000).put("runs/x", f"{number}-", bytes([number]) * 100)
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 1000


def test_what_is_larger_than_the_whole_cache_is_not_kept(tmp_path):
    cache = Cache(tmp_path, limit=10)
    cache.put(OBJECTS, "", b"small")
    cache.put(OBJECTS, "", b"larger than ten bytes")
    assert cache.names(OBJECTS) == [digest(b"small")]


def test_a_writer_killed_half_way_leaves_nothing_that_is_found(tmp_path, monkeypatch):
    cache = Cache(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", full)
        cache.put(OBJECTS, "", b"data")
    assert cache.get(OBJECTS, digest(b"data")) is None and files(tmp_path) == []


def test_many_threads_may_use_it_at_once(tmp_path):
    cache = Cache(tmp_path, limit=5000)
    wrong = []

    def work(who: int) -> None:
        for number in range(60):
            data = f"{number % 20}".encode() * 100
            cache.put(OBJECTS, "", data)
            if cache.get(OBJECTS, digest(data)) not in (None, data):
                wrong.append((who, number))

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and sum(path.stat().st_size for path in files(tmp_path)) <= 5000


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InvalidRequest, match="cannot be a cache"):
        Cache(tmp_path / "file" / "cache")


@pytest.mark.parametrize("way", ["../../precious", "{folder}/precious", f"../../precious-{'0' * 64}"])
def test_what_an_entry_calls_a_digest_leads_to_no_file_outside(tmp_path, way):
    name = way.format(folder=tmp_path)
    precious = tmp_path / name.rpartition("/")[2]
    precious.write_bytes(b"not the cache's")
    cache = Cache(tmp_path / "cache")
    cache.put(OBJECTS, "", b"data")
    assert cache.get(OBJECTS, name) is None
    assert precious.exists(), "a file that does not match its name is removed, but only one of the cache"


# --- below a registry -------------------------------------------------------------------------------------------------


def test_the_champions_artifact_is_fetched_once(tmp_path):
    store = CountingStore(crowned("a", "b").store)
    assert artifact_bytes(a_model(store, cache=tmp_path)) == b"archive b"
    store.reset()
    assert artifact_bytes(a_model(store, cache=tmp_path)) == b"archive b"
    assert dict(store.requests) == {"list": 1, "get": 1}


def test_no_cache_is_made_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    artifact_bytes(crowned("a"))
    assert files(tmp_path) == []


def test_a_damaged_artifact_is_not_kept(tmp_path):
    store = MemoryStore()
    champion = crowned("a", store=store).champion()
    store.objects[champion.artifact] = b"something else"
    with pytest.raises(Corrupt):
        artifact_bytes(a_model(store, cache=tmp_path))
    assert files(tmp_path) == []


def test_a_missing_artifact_is_missing_with_a_cache_too(tmp_path):
    store = MemoryStore()
    champion = crowned("a", store=store).champion()
    store.delete(champion.artifact)
    with pytest.raises(ArtifactMissing):
        artifact_bytes(a_model(store, cache=tmp_path))


@pytest.mark.parametrize("deleted", ["everything", "half of it", "contents"])
def test_it_may_be_deleted_or_damaged_at_any_time(tmp_path, deleted):
    store, folder = long_store(150), tmp_path / "cache"
    model = a_model(store, cache=folder)
    model.fold()
    assert len(model.history()) == 150
    if deleted == "everything":
        shutil.rmtree(folder)
    for file in files(folder)[:: 2 if deleted == "half of it" else 1]:
        file.write_bytes(b"") if deleted == "contents" else file.unlink()
    assert len(model.history()) == 150 and len(a_model(store, cache=folder).history()) == 150


def test_the_cache_of_a_registry_that_was_begun_anew_is_not_believed(tmp_path):
    """The same address, another history: only what the newest entry proves is used."""
    old = long_store(150)
    a_model(old, cache=tmp_path).history()
    new = MemoryStore()
    register(a_model(new), "the first of the new ones")
    extend(new, 160, after=a_model(new).versions.head())
    told = [entry.digest for entry in a_model(new, cache=tmp_path).versions.walk()]
    assert told == [entry.digest for entry in a_model(new).versions.walk()] and len(told) == 161


def test_two_models_do_not_share_their_entries(tmp_path):
    store = MemoryStore()
    cache = Cache(tmp_path)
    for name, label in ((NAME, "a"), ("other", "b")):
        model = a_model(store, name=name, cache=cache)
        promote(model, register(model, label))
        register(model, label)
    for name in (NAME, "other"):
        for _ in range(2):
            assert {entry.model for entry in a_model(store, name=name, cache=cache).log()} == {name}


def test_damage_in_the_store_is_found_though_the_cache_is_whole(tmp_path):
    """What is cached is used where it is proven; what is damaged in the store is named when it is read from there."""
    store = long_store(20)
    a_model(store, cache=tmp_path).history()
    key = a_model(store).versions.prefix
    newest = next(iter(store.list(key, limit=1)))
    store.objects[newest] = store.objects[newest].replace(b"trainer", b"trained")
    assert len(a_model(store, cache=tmp_path).history()) == 20, "the newest entry alone is valid, whoever wrote it"
    store.objects[newest] = store.objects[newest].replace(b'"previous":"', b'"previous":"0')
    with pytest.raises(Corrupt):
        a_model(store, cache=tmp_path).history()
