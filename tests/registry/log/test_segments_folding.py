"""Folding old entries into segments: the same bytes whoever folds, and nothing that is read depends on them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import Corrupt, StoreUnavailable
from registry.format import keys
from registry.format.entries import digest
from registry.log import segments
from tests.registry.actors import NAME, a_model, crowned, register
from tests.registry.long_logs import extend, long_store, rewritten
from tests.servers.stores import CountingStore, MemoryStore


@pytest.fixture
def small(monkeypatch):
    """Segments of 4 and 12 entries."""
    monkeypatch.setattr(segments, "SIZES", (4, 12))


def runs(store, log="versions"):
    found = [segments.segment_of(NAME, log, key) for key in store.list(segments.prefix(NAME, log))]
    return [(each.first, each.last) for each in found]


def versions_of(store):
    return [str(version) for version in a_model(store).history()]


def test_full_runs_with_an_entry_after_them_are_folded(small):
    store = long_store(29)
    folded = a_model(store).fold()
    assert runs(store) == [(1, 4), (1, 12), (5, 8), (9, 12), (13, 16), (13, 24), (17, 20), (21, 24), (25, 28)]
    assert len(folded.segments) == 9
    assert folded.bytes == sum(len(store.objects[segment.key]) for segment in folded.segments)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_short_log_is_not_folded(small, count):
    store = long_store(count)
    assert a_model(store).fold().segments == () and runs(store) == []


def test_an_empty_model_has_nothing_to_fold():
    assert a_model(MemoryStore()).fold().segments == ()


def test_a_segment_is_the_entries_as_they_are_stored(small):
    store = long_store(5)
    (segment,) = a_model(store).fold().segments
    lines = [store.objects[keys.entry_key(NAME, "versions", n)] for n in range(1, 5)]
    assert store.objects[segment.key] == b"".join(lines)
    assert segment.key.endswith(f"-{digest(b''.join(lines))}.jsonl")


def test_whoever_folds_writes_the_same_bytes(small):
    at_once, step_by_step = long_store(29), long_store(5)
    a_model(at_once).fold()
    a_model(step_by_step, who=2).fold()
    newest = a_model(step_by_step).versions.head()
    for _ in range(8):
        newest = extend(step_by_step, 3, after=newest)
        a_model(step_by_step, who=3).fold()
    assert at_once.objects == step_by_step.objects


def test_folding_again_adds_nothing_and_asks_twice(small):
    store = CountingStore(long_store(29))
    a_model(store).fold()
    model = a_model(store)
    model.versions.head()
    store.reset()
    assert model.fold().segments == ()
    assert dict(store.requests) == {"list": 3}, "each log's newest entry, and the segments of the one that has entries"


def test_both_logs_are_folded(small):
    store = MemoryStore()
    crowned(*"abcdef", store=store).fold()
    assert runs(store) == runs(store, "decisions") == [(1, 4)]


def test_small_segments_are_not_made_again_below_a_large_one(small):
    store = long_store(29)
    a_model(store).fold()
    for key in store.list(segments.prefix(NAME, "versions")):
        if segments.segment_of(NAME, "versions", key).size == 4:
            store.delete(key)
    a_model(store).fold()
    assert runs(store) == [(1, 12), (13, 24), (25, 28)]


def test_two_who_fold_at_once_do_not_meet_an_error(small):
    store = long_store(9)
    other = a_model(store, who=2)

    class Overtaken(CountingStore):
        def create(self, key, data):
            other.fold()
            super().create(key, data)

    assert a_model(Overtaken(store)).fold().segments == ()
    assert runs(store) == [(1, 4), (5, 8)]


def test_a_damaged_log_is_not_folded(small):
    store = long_store(9)
    key = keys.entry_key(NAME, "versions", 6)
    store.objects[key] = store.objects[key].replace(b"trainer", b"trained")
    with pytest.raises(Corrupt, match="registry verify"):
        a_model(store).fold()
    assert runs(store) == [(1, 4)]


def test_an_entry_replaced_by_a_valid_one_is_not_folded(small, snapshot):
    store = long_store(9)
    other = long_store(9)
    key = keys.entry_key(NAME, "versions", 7)
    store.objects[key] = other.objects[key].replace(b'"author":"trainer"', b'"author":"nobody1"')
    with pytest.raises(Corrupt, match="entry 8") as refused:
        a_model(store).fold()
    assert str(refused.value) == snapshot


@pytest.mark.parametrize("in_a_segment", [False, True])
def test_an_entry_that_says_another_number_is_not_read(small, in_a_segment):
    store = long_store(9)
    rewritten(store, 6, n=60)
    if in_a_segment:
        data = b"".join(store.objects[keys.entry_key(NAME, "versions", n)] for n in range(5, 9))
        store.create(segments.Segment(NAME, "versions", 5, 8, digest(data)).key, data)
    with pytest.raises(Corrupt, match="holds entry 60"):
        list(a_model(store).versions.walk())


DAMAGES = {
    "gone": lambda data: None,
    "cut": lambda data: data[:-7],
    "empty": lambda data: b"",
    "one byte changed": lambda data: data.replace(b"trainer", b"trained", 1),
    "the last entry changed": lambda data: b"trained".join(data.rpartition(b"trainer")[::2]),
    "entries missing": lambda data: b"".join(data.splitlines(keepends=True)[1:]),
    "entries swapped": lambda data: b"".join(data.splitlines(keepends=True)[::-1]),
    "not text": lambda data: b"\xff\x00" * 50,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_history_does_not_depend_on_segments(small, damage):
    store = long_store(29)
    expected = versions_of(store)
    a_model(store).fold()
    for key in store.list(segments.prefix(NAME, "versions")):
        damaged = DAMAGES[damage](store.objects[key])
        assert damaged != store.objects[key]
        store.delete(key)
        if damaged is not None:
            store.create(key, damaged)
    assert versions_of(store) == expected == [f"v{n}" for n in range(1, 30)]


def test_a_segment_of_another_history_is_not_believed(small):
    """Whoever may create under ``segments/`` and nowhere else cannot change what is read."""
    store, forged = long_store(5), long_store(5)
    for n in range(1, 6):
        forged.delete(keys.entry_key(NAME, "versions", n))
    register(a_model(forged), "forged")
    extend(forged, 4, after=a_model(forged).versions.head())
    (segment,) = a_model(forged).fold().segments
    store.create(segment.key, forged.objects[segment.key])
    assert versions_of(store) == ["v1", "v2", "v3", "v4", "v5"]
    assert [entry.author for entry in a_model(store).versions.walk()] == ["trainer"] * 5
    assert [entry.digest for entry in a_model(store).versions.walk()] == [
        digest(store.objects[keys.entry_key(NAME, "versions", n)]) for n in range(5, 0, -1)
    ]


def test_a_damaged_entry_is_found_even_where_no_segment_holds_it(small):
    store = long_store(9)
    a_model(store).fold()
    store.delete(keys.entry_key(NAME, "versions", 9))
    newest = a_model(store).versions.head()
    assert newest.n == 8 and [entry.n for entry in segments.older(a_model(store).versions, newest)] == [
        *range(7, 0, -1)
    ]
    store.delete(keys.entry_key(NAME, "versions", 6))
    with pytest.raises(Corrupt, match="missing from the log"):
        list(a_model(store).versions.walk())


def test_a_store_that_does_not_answer_is_not_taken_for_a_missing_segment(small):
    store = long_store(29)
    a_model(store).fold()

    class Silent(CountingStore):
        def get(self, key):
            if "/segments/" in key:
                raise StoreUnavailable("no answer")
            return super().get(key)

    with pytest.raises(StoreUnavailable):
        versions_of(Silent(store))


STRAY = [
    "0000000001-0000000004-" + "0" * 63 + ".jsonl",
    "0000000001-0000000005-" + "0" * 64 + ".jsonl",
    "0000000002-0000000005-" + "0" * 64 + ".jsonl",
    "0000000004-0000000001-" + "0" * 64 + ".jsonl",
    "1-4-" + "0" * 64 + ".jsonl",
    "notes.txt",
]


@pytest.mark.parametrize("name", STRAY)
def test_stray_names_are_no_segments(small, name):
    key = segments.prefix(NAME, "versions") + name
    assert segments.segment_of(NAME, "versions", key) is None
    store = long_store(9)
    store.create(key, b"?")
    assert len(a_model(store).fold().segments) == 2 and len(versions_of(store)) == 9


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.sets(st.integers(0, 30)), st.data())
def test_any_segments_left_give_the_same_history_from_any_entry_on(count, gone, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SIZES", (4, 12))
        store = long_store(count)
        a_model(store).fold()
        for number, key in enumerate(store.list(segments.prefix(NAME, "versions"))):
            if number in gone:
                store.delete(key)
        newest = data.draw(st.integers(1, count))
        log = a_model(store).versions
        assert [entry.n for entry in log.walk(newest=newest)] == [*range(newest, 0, -1)]
        first = data.draw(st.integers(1, newest))
        entries = segments.older(log, log.read(newest), first=first)
        assert [entry.n for entry in entries] == [*range(newest - 1, first - 1, -1)]


def test_reading_a_few_of_the_newest_entries_asks_for_little():
    store = CountingStore(long_store(450))
    a_model(store).fold()
    store.reset()
    newest = [*itertools.islice(a_model(store).log(), 5)]
    assert [entry.n for entry in newest] == [450, 449, 448, 447, 446]
    assert store.requests["get"] <= 10
