"""A log read: its newest entry behind stale listings and stray keys, its chain, what is missing or another's."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Corrupt
from registry.format import keys
from registry.log.log import Draft
from tests.registry.actors import NAME, NOON, HandClock, a_model, crowned, promote, register
from tests.registry.long_logs import begun
from tests.servers.stores import CountingStore, MemoryStore


def test_entries_form_a_chain():
    entries = [*crowned("a", "b", "c").decisions.walk()][::-1]
    assert [entry.n for entry in entries] == [1, 2, 3]
    assert [entry.previous for entry in entries] == [None, entries[0].digest, entries[1].digest]


STRAYS = [f"!stray-{i:03d}" for i in range(150)]


@pytest.mark.parametrize("count", [1, 99, 100, 150])
def test_stray_keys_are_ignored_however_many_sort_first(count):
    store = begun()
    model = a_model(store)
    store.objects |= {f"models/{NAME}/versions/{name}": b"?" for name in STRAYS[:count]}
    assert model.versions.head() is None
    register(model)
    store.objects[f"models/{NAME}/versions/0000000/0000000000-1.json"] = b"?"
    assert str(register(a_model(store, who=2), "b")) == "v2"
    assert [entry.n for entry in a_model(store).versions.walk()] == [2, 1]


def test_a_missing_entry_is_told_with_what_to_run():
    store = MemoryStore()
    for label in "abc":
        register(a_model(store, who=ord(label)), label)
    del store.objects[keys.entry_key(NAME, "versions", 2)]
    with pytest.raises(Corrupt, match=f"registry verify {NAME}"):
        a_model(store).history()


def test_an_entry_of_another_model_is_not_taken_for_this_ones():
    store = MemoryStore()
    register(a_model(store, name="other"))
    store.objects[keys.entry_key(NAME, "versions", 1)] = store.objects[keys.entry_key("other", "versions", 1)]
    with pytest.raises(Corrupt, match="copied or renamed"):
        a_model(store).versions.head()


def test_a_replaced_entry_breaks_the_chain(snapshot):
    store = MemoryStore()
    model = crowned("a", "b", store=store)
    entry = dataclasses.replace(model.versions.read(1), author="mallory")
    store.objects[keys.entry_key(NAME, "versions", 1)] = entry.to_bytes()
    with pytest.raises(Corrupt, match="entry 2") as refused:
        a_model(store).history()
    assert str(refused.value) == snapshot


class Stale(MemoryStore):
    """Its listings do not show the newest ``hidden`` entries of a log."""

    hidden = 0

    def list(self, prefix, *, limit=None, after=None):
        found = super().list(prefix, after=after)
        return (found[self.hidden :] if prefix.endswith(("versions/", "decisions/")) else found)[:limit]


@pytest.mark.parametrize("hidden", [1, 2, 3, 9])
def test_a_stale_listing_costs_requests_but_loses_and_doubles_nothing(hidden):
    store = Stale()
    for label in "abc":
        register(a_model(store, who=ord(label)), label, key=f"key {label}")
    store.hidden = hidden
    for label in "abcd":
        register(a_model(store, who=9), label, key=f"key {label}")
    store.hidden = 0
    assert [str(version) for version in a_model(store).history()] == ["v1", "v2", "v3", "v4"]


def test_a_listing_staler_than_what_was_seen_is_not_believed():
    store = Stale()
    model = a_model(store)
    register(model)
    store.hidden = 1
    assert model.versions.head().n == 1


def test_what_another_process_added_is_seen_at_the_next_look():
    store = MemoryStore()
    model = a_model(store)
    assert model.versions.head() is None
    for n in (1, 2):
        register(a_model(store, who=n + 1), f"{n}")
        assert model.versions.head().n == n


def test_the_newest_entry_is_found_behind_a_stale_listing():
    store = Stale()
    assert a_model(store).versions.newest() is None
    for n in (1, 2, 3):
        register(a_model(store, who=n), f"{n}")
        store.hidden = n
        assert a_model(store).versions.newest().n == n


def test_nothing_new_costs_one_listing():
    counting = CountingStore(MemoryStore())
    model = crowned("a", store=counting)
    counting.reset()
    assert model.champion().version == "v1" and dict(counting.requests) == {"list": 1}


def test_a_walk_begins_where_it_is_told_and_an_empty_log_has_none():
    assert [*a_model().versions.walk()] == []
    assert [entry.n for entry in crowned("a", "b", "c").decisions.walk(newest=2)] == [2, 1]


def test_an_empty_log_costs_one_listing():
    counting = CountingStore(MemoryStore())
    assert a_model(counting).versions.head() is None and dict(counting.requests) == {"list": 1}


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(-5, 70))
def test_the_champion_at_a_moment_is_that_of_the_last_decision_before_it(gaps, minute):
    clock = HandClock()
    model = a_model(clock=clock)
    times = []
    for i, gap in enumerate(gaps):
        clock.pass_time(minutes=gap)
        promote(model, register(model, f"{i}"))
        times.append(clock.time)
    moment = NOON + timedelta(minutes=minute)
    expected = sum(time <= moment for time in times)
    champion = model.champion(at=moment)
    assert (0 if champion is None else champion.decision) == expected


@pytest.mark.parametrize("entry", [6, 7, 99])
def test_a_version_is_not_looked_for_without_end_where_states_contradict_each_other(entry):
    model = a_model()
    for _ in range(5):
        register(model)
    for n, latest in ((6, {"version": "v100", "entry": entry}), (7, {"version": "v101", "entry": 7})):
        draft = Draft("tagged", {"tag": f"t{n}", "version": "v1"}, {"latest": latest})
        model.versions.append(lambda head, n, time, draft=draft: draft, author="mallory")
    for number in range(1, 100):
        try:
            assert a_model(model.store).version(number).record.number == number <= 5
        except Corrupt as error:
            assert "registry verify" in str(error) or "should register" in str(error)
