"""How many requests an operation makes: the budgets that a bill and a person's patience depend on."""

from __future__ import annotations

import itertools
import threading
from functools import cache

import pytest

from registry.errors import StoreUnavailable
from registry.format import keys
from registry.log.cache import Cache
from tests.registry.actors import NAME, a_model, crowned, promote, register
from tests.registry.long_logs import extend, long_store
from tests.servers.stores import CountingStore, MemoryStore


@cache
def ten_thousand() -> dict[str, bytes]:
    store = long_store(10_000)
    a_model(store).fold()
    return store.objects


@pytest.fixture
def long(tmp_path):
    """Ten thousand versions, folded, and a counter before them."""
    store = MemoryStore()
    store.objects |= ten_thousand()
    return CountingStore(store)


def counted(store):
    """A counter before ``store`` and a model that has probed it and remembers nothing."""
    counting = CountingStore(store)
    model = a_model(counting, who=9)
    model.store.create("probed", b"")
    counting.reset()
    return counting, model


def test_registering_takes_four_requests():
    counting, model = counted(crowned("a", "b").store)
    register(model, "c", key="tonight")
    assert counting.total == 4, counting.requests


def test_promoting_takes_three_requests():
    place = crowned("a").store
    version = register(a_model(place, who=2), "b")
    expected = a_model(place, who=3).champion()
    counting, model = counted(place)
    promote(model, version, expected=expected, key="tonight", day=9)
    assert counting.total == 3, counting.requests


def test_loading_the_champion_takes_three_requests():
    counting, model = counted(crowned("a", "b").store)
    champion = model.champion()
    assert model.store.get(champion.artifact) == b"archive b"
    assert counting.total == 3, counting.requests


def test_looking_again_with_nothing_new_takes_one_request():
    counting, model = counted(crowned("a", "b").store)
    model.champion()
    counting.reset()
    assert model.champion().version == "v2"
    assert dict(counting.requests) == {"list": 1}


def test_a_history_of_ten_thousand_versions_takes_at_most_150_requests(long):
    assert [str(version) for version in a_model(long).history()] == [f"v{n}" for n in range(1, 10_001)]
    assert long.total <= 150, long.requests


def test_the_same_history_again_takes_two_requests_with_a_cache(long, tmp_path):
    a_model(long, cache=tmp_path / "cache").history()
    long.reset()
    versions = a_model(long, cache=tmp_path / "cache").history()
    assert [str(version) for version in versions] == [f"v{n}" for n in range(1, 10_001)]
    assert dict(long.requests) == {"list": 1, "get": 1}


def test_with_a_cache_a_history_asks_for_what_is_new_alone(tmp_path):
    store = long_store(350)
    cache = Cache(tmp_path)
    a_model(store, cache=cache).history()
    extend(store, 5, after=a_model(store).versions.head())
    counting = CountingStore(store)
    assert len(a_model(counting, cache=cache).history()) == 355
    assert dict(counting.requests) == {"list": 1, "get": 6}, "the newest entry, four new ones and the one newest before"


def test_a_history_without_segments_still_is_read_whole():
    counting = CountingStore(long_store(230))
    assert len(a_model(counting).history()) == 230
    assert counting.requests["get"] == 230 and counting.requests["list"] == 2


def test_of_a_missing_segment_only_its_own_entries_are_asked_for():
    store = long_store(460)
    a_model(store).fold()
    folded = store.list(f"models/{NAME}/segments/")
    store.delete(folded[1])
    counting = CountingStore(store)
    assert len(a_model(counting).history()) == 460
    assert counting.requests["get"] == 60 + 3 + 100


def test_many_entries_are_asked_for_at_once():
    """With an answer a tenth of a second away a tail of a hundred would take ten seconds one by one."""
    asked, together = itertools.count(), threading.Barrier(12)

    class Slow(CountingStore):
        def get(self, key):
            if 10 <= next(asked) < 22:
                together.wait(10)  # breaks unless twelve wait here at one time
            return super().get(key)

    store = Slow(long_store(60))
    assert len(a_model(store).history()) == 60
    assert not together.broken


def test_what_one_of_many_requests_says_is_raised():
    class Silent(CountingStore):
        def get(self, key):
            if keys.entry_number(NAME, "versions", key) == 20:
                raise StoreUnavailable("no answer")
            return super().get(key)

    with pytest.raises(StoreUnavailable):
        a_model(Silent(long_store(60))).history()
