"""A registry before its first write: it asks its store for the one promise it rests on, and what format is there."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from registry import Registry, store
from registry.clock import SystemClock
from registry.errors import Corrupt, FormatTooNew, RegistryError, StoreDenied, StoreRefused
from registry.format import keys
from registry.format.entries import digest
from registry.log.cache import OBJECTS, Cache
from tests.registry.actors import NAME, HandClock, a_model, counted_ids, register
from tests.servers.faulty import FaultyStore
from tests.servers.stores import CountingStore, MemoryStore

FORMAT = b'{"created":"","format":2,"oldest_reader":2,"registry":"' + b"1d" * 16 + b'"}\n'


class Overwrites(MemoryStore):
    """Ignores the condition, as some S3 servers do."""

    def create(self, key, data):
        self.objects[key] = data


def test_a_store_that_overwrites_is_refused_before_anything_is_lost():
    place = Overwrites()
    place.objects[keys.format_key(2)] = FORMAT
    with pytest.raises(StoreRefused, match="overwrites existing objects"):
        register(a_model(place))
    assert [*place.objects] == [keys.format_key(2)]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        *((b"{}", Corrupt), (b"hello", Corrupt), (b"[]", Corrupt), (b"", Corrupt), (b"\xff", Corrupt)),
        *((b'{"oldest_reader":"2"}', Corrupt), (b'{"oldest_reader":null}', Corrupt)),
        pytest.param(b"[" * 100_000, Corrupt, id="nested deeply"),
        (b'{"oldest_reader":3}', FormatTooNew),
    ],
)
def test_a_registry_of_another_format_is_not_written_to(content, error):
    place = MemoryStore()
    place.objects[keys.format_key(2)] = content
    with pytest.raises(error, match=r"format/2\.json"):
        register(a_model(place))
    assert [*place.objects] == [keys.format_key(2)]


def test_the_store_is_asked_once_whether_it_refuses_to_overwrite():
    counting = CountingStore(MemoryStore())
    registry = Registry(counting, clock=HandClock(), new_id=counted_ids())
    registry.store.create("a", b"")
    assert counting.requests == {"list": 2, "create": 3}  # which registry, models; identity; again; the write
    counting.reset()
    registry.store.create("b", b"")
    assert counting.requests == {"create": 1}
    counting.reset()
    Registry(counting).store.create("c", b"")
    assert counting.requests == {"list": 1, "get": 1, "create": 2}


def test_a_probe_that_got_no_answer_is_repeated_by_the_next_write():
    place = FaultyStore({keys.format_key(2): FORMAT}, {2: "denied"})
    model = a_model(place)
    with pytest.raises(StoreDenied):
        model.store.create("a", b"")
    assert [*place.objects] == [keys.format_key(2)]
    model.store.create("a", b"")
    assert place.asked == ["list", "get", "create", "create", "create"]


@pytest.mark.parametrize("fault", ["answer lost", "answer lost, repeated below"])
def test_a_format_whose_answer_was_lost_is_there(fault):
    place = FaultyStore(faults={2: fault})
    assert str(register(a_model(place))) == "v1"


def test_of_two_who_write_first_the_later_reads_what_the_other_wrote():
    class Late(MemoryStore):
        """Another process writes the format between the look for it and the create."""

        def create(self, key, data):
            self.objects.setdefault(keys.format_key(2), b'{"format":3,"oldest_reader":3}')
            super().create(key, data)

    place = Late()
    with pytest.raises(FormatTooNew, match="format 3"):
        a_model(place).store.create("a", b"")
    assert [*place.objects] == [keys.format_key(2)]


def test_the_format_is_looked_at_once_before_what_is_deleted_and_not_after_a_write():
    counting = CountingStore(MemoryStore())
    writer, cleaner = (Registry(counting, clock=HandClock()).store for _ in range(2))
    for key in "abc":
        writer.create(key, b"")
    for store_seen, key, asked in (
        *((writer, "a", {"delete": 1}), (cleaner, "b", {"list": 1, "get": 1, "delete": 1})),
        (cleaner, "c", {"delete": 1}),
    ):
        counting.reset()
        store_seen.delete(key)
        assert counting.requests == asked


def test_what_is_deleted_is_deleted_in_the_store_below():
    place = MemoryStore()
    model = a_model(place)
    model.store.create("a", b"")
    model.store.delete("a")
    assert [*place.objects] == [keys.format_key(2)]


def test_nothing_is_deleted_in_a_registry_of_a_newer_format():
    place = MemoryStore()
    place.objects |= {keys.format_key(2): b'{"format":3,"oldest_reader":3}', "a": b""}
    for _ in range(2):
        with pytest.raises(FormatTooNew, match="format 3"):
            a_model(place).store.delete("a")
    assert "a" in place.objects


def test_the_format_is_looked_at_before_the_first_delete_alone():
    place = MemoryStore()
    place.objects |= {keys.format_key(2): FORMAT, "a": b"", "b": b""}
    counting = CountingStore(place)
    model = a_model(counting)
    for key in "ab":
        model.store.delete(key)
    assert counting.requests == {"list": 1, "get": 1, "delete": 2}


def test_without_a_clock_it_is_this_machines():
    version = register(Registry(MemoryStore()).model(NAME))
    assert abs(datetime.now(UTC) - version.registered_at) < timedelta(minutes=5)


def test_its_monotonic_clock_goes_on_while_the_machine_sleeps(monkeypatch):
    """An upload that waited through the night in a closed laptop is a night old."""
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.01)
    assert 0.01 <= clock.monotonic() - before < 60
    if hasattr(time, "CLOCK_BOOTTIME"):
        assert abs(clock.monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


@pytest.mark.parametrize("given", [str, lambda path: path, Cache])
def test_a_cache_is_a_folder_or_one_made_before(tmp_path, given):
    a_model(cache=given(tmp_path / "cache")).versions.cache.put(OBJECTS, "", b"data")
    assert Cache(tmp_path / "cache").names(OBJECTS) == [digest(b"data")]


@pytest.mark.parametrize("given", [str, lambda path: path, store.connect])
def test_a_place_is_a_path_text_or_a_store(tmp_path, given):
    register(Registry(given(tmp_path / "here")).model(NAME))
    assert Registry(tmp_path / "here").models() == [NAME]


def test_models_are_listed_by_name():
    place = MemoryStore()
    for name in ("b", "a"):
        register(a_model(place, name=name))
    place.objects["models/No Name/k"] = b""
    assert Registry(place).models() == ["a", "b"]


@pytest.mark.parametrize("url", ["ftp://x", "", "s3://", "s3://UPPER_/x/../y"])
def test_a_url_of_another_kind_is_refused(url):
    with pytest.raises(RegistryError):
        store.connect(url)
