"""What every store must do alike: memory, folder, moto over HTTP and, where asked for, Ceph RADOS Gateway."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import Exists, InvalidName, InvalidRequest, NotFound
from registry.store import Store, probe

THREADS = 16
ROUNDS = {"memory": 100, "folder": 60, "moto": 6, "rgw": 100, "yours": 450}

KEYS = ["a-/x", "a-b", "a.b", "a/1", "a/2/x", "a/2/y", "a0", "b/deep/er/z", "format.json"]


@pytest.fixture
def filled(store: Store) -> Store:
    for key in reversed(KEYS):
        store.create(key, key.encode())
    return store


def test_what_was_created_is_read_back(store: Store) -> None:
    for key, data in {"empty": b"", "one/two/three.json": b"{}", "bytes": bytes(range(256)) * 4096}.items():
        store.create(key, data)
        assert store.get(key) == data


def test_a_second_create_is_refused_and_changes_nothing(store: Store) -> None:
    store.create("k", b"first")
    for data in (b"second", b"first"):
        with pytest.raises(Exists, match="k"):
            store.create("k", data)
    assert store.get("k") == b"first"


def test_another_connection_sees_what_was_created(new_store: Callable[[], Store]) -> None:
    new_store().create("a/k", b"data")
    other = new_store()
    assert other.get("a/k") == b"data"
    with pytest.raises(Exists):
        other.create("a/k", b"other")


def test_reading_nothing_says_so(filled: Store) -> None:
    for key in ("absent", "a", "a/2", "format.json/below", "no/such/folder"):
        with pytest.raises(NotFound, match=key):
            filled.get(key)


def test_an_empty_store_lists_nothing(store: Store) -> None:
    assert store.list("") == [] and store.folders("") == [] and [*store.stat("")] == []
    assert store.list("a/b/", limit=1) == []
    store.delete("a")


def test_keys_come_in_byte_order_across_folders(filled: Store) -> None:
    assert filled.list("") == KEYS


def test_a_listing_is_the_beginning_of_what_has_the_prefix(filled: Store) -> None:
    for prefix in ("", "a", "a/", "a/2", "a/2/", "b/deep/", "b/d", "form", "zz", "a/2/x/", "format.json"):
        for limit in (None, 1, 2, 100):
            expected = [key for key in KEYS if key.startswith(prefix)][:limit]
            assert filled.list(prefix, limit=limit) == expected, (prefix, limit)


def test_a_listing_goes_on_after_a_key(filled: Store) -> None:
    for after in ("", "a", "a-b", "a/", "a/1", "a/2", "a/2/x", "a/3", "b/deep/er", "format.json", "zz"):
        later = [key for key in KEYS if key > after]
        assert filled.list("", after=after) == later, after
        assert filled.list("", after=after, limit=2) == later[:2], after
        assert filled.list("a/", after=after) == [key for key in later if key.startswith("a/")], after


def test_folders_are_the_next_segments_with_keys_below(filled: Store) -> None:
    assert filled.folders("") == ["a", "a-", "b"]
    assert filled.folders("a/") == ["2"]
    assert filled.folders("b/deep/") == ["er"]
    assert filled.folders("none/") == []


def test_a_deleted_object_is_gone_and_its_key_free(filled: Store) -> None:
    filled.delete("b/deep/er/z")
    filled.delete("b/deep/er/z")
    filled.delete("format.json/below")
    with pytest.raises(NotFound):
        filled.get("b/deep/er/z")
    assert filled.folders("") == ["a", "a-"]
    assert filled.list("b") == []
    filled.create("b/deep/er/z", b"again")
    assert filled.get("b/deep/er/z") == b"again"


def test_size_and_age_are_told(filled: Store) -> None:
    found = {stored.key: stored for stored in filled.stat("a")}
    assert [*found] == [key for key in KEYS if key.startswith("a")]
    assert found["a/2/x"].size == len("a/2/x")
    assert all(timedelta(0) <= stored.age < timedelta(minutes=2) for stored in found.values())


BAD_SEGMENTS = ("..", ".", ".hidden", "", "a b", "a\\b", "a\n", "é", "a\0b", "a?b", "a%2Fb", "s" * 256)


def test_a_key_outside_the_alphabet_is_refused(store: Store) -> None:
    around = [text for bad in BAD_SEGMENTS for text in (bad, f"a/{bad}", f"{bad}/a", f"a/{bad}/b")]
    for key in (*around, "/".join(["k" * 100] * 10)):
        for operation in (lambda key: store.create(key, b""), store.get, store.delete):
            with pytest.raises(InvalidName, match="key"):
                operation(key)
    assert store.list("") == []


def test_a_prefix_no_key_begins_with_is_refused(store: Store) -> None:
    for prefix in ("/", "..", "a//", "a/../", " ", "é", "a/."):
        for operation in (store.list, store.folders, lambda prefix: [*store.stat(prefix)]):
            with pytest.raises(InvalidName, match="prefix"):
                operation(prefix)
        with pytest.raises(InvalidName, match="prefix"):
            store.list("", after=prefix)
    with pytest.raises(InvalidName, match="prefix"):
        store.folders("part-of-a-name")


def test_a_listing_of_no_keys_is_refused(store: Store) -> None:
    for limit in (0, -1):
        with pytest.raises(InvalidRequest):
            store.list("", limit=limit)


def test_an_honest_store_passes_the_probe(store: Store) -> None:
    store.create("format.json", b"{}")
    probe(store, "format.json", b"{}")
    assert store.get("format.json") == b"{}"


def test_of_sixteen_writers_exactly_one_wins(kind: str, new_store: Callable[[], Store]) -> None:
    stores = [new_store()] * THREADS if kind in ("moto", "rgw", "yours") else [new_store() for _ in range(THREADS)]
    winners: list[list[int]] = [[] for _ in range(ROUNDS[kind])]
    together = threading.Barrier(THREADS, timeout=60)

    def write(thread: int) -> None:
        for number, won in enumerate(winners):
            together.wait()
            try:
                stores[thread].create(f"race/{number:04d}", str(thread).encode() * 1000)
            except Exists:
                continue
            won.append(thread)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(won) for won in winners] == [1] * len(winners)
    for number, won in enumerate(winners):
        assert stores[0].get(f"race/{number:04d}") == str(won[0]).encode() * 1000


examples = itertools.count()
segments = st.sampled_from(["a", "b", "a-", "a.", "a0", "Z", "_", "10", "9"])
keys = st.lists(segments, min_size=1, max_size=3).map("/".join)


@pytest.mark.parametrize("kind", ["memory", "folder"], indirect=True)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.sets(keys, max_size=12), prefix=st.one_of(st.just(""), keys), after=st.one_of(st.none(), keys))
def test_listings_agree_with_sorted_strings(store: Store, wanted: set[str], prefix: str, after: str | None) -> None:
    root = f"example-{next(examples)}/"
    # A folder cannot hold both the object "a" and objects below "a/".
    kept = {key for key in wanted if not any(other.startswith(key + "/") for other in wanted)}
    for key in kept:
        store.create(root + key, b"")
    for asked in (prefix, prefix + "/" if prefix else prefix):
        expected = sorted(root + key for key in kept if key.startswith(asked) and root + key > (after or ""))
        assert store.list(root + asked, after=after) == expected
    assert store.folders(root) == sorted({key.split("/")[0] for key in kept if "/" in key})
