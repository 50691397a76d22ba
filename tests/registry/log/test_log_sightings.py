"""What a log's entries saw of the other log stays: who removes or rewrites an end of one is told of by the other."""

from __future__ import annotations

import pytest

from registry.errors import HistoryCut
from registry.format import keys
from registry.format.entries import digest
from tests.registry.actors import HandClock, a_model, crowned, promote, register
from tests.registry.corruptions import body_with, key_of
from tests.registry.long_logs import entry_of, rewritten
from tests.servers.stores import CountingStore, MemoryStore

WHO = {"author": "ann", "reason": "why"}


def decided(*labels: str) -> MemoryStore:
    """Versions promoted one after the other, and one more registered."""
    store = MemoryStore()
    register(crowned(*labels, store=store), "last")
    return store


def both_heads(store: MemoryStore) -> None:
    """What a night begins with: it reads both logs."""
    model = a_model(store, who=9)
    model.versions.head()
    model.decisions.head()


def removed(store: MemoryStore, log: str, *numbers: int) -> None:
    for n in numbers:
        del store.objects[key_of(n, log)]


def test_an_entry_names_the_newest_of_the_other_log_that_its_writer_saw():
    store = decided("a", "b")
    for log, n, seen in (
        ("versions", 1, 0),
        ("decisions", 1, 1),
        ("versions", 2, 1),
        ("decisions", 2, 2),
        ("versions", 3, 2),
    ):
        entry = entry_of(store, n, log=log)
        other = next(name for name in keys.LOGS if name != log)
        told = None if seen == 0 else {"n": seen, "sha256": digest(store.objects[key_of(seen, other)])}
        assert entry.seen == told, (log, n)


def test_what_was_seen_once_is_carried_on_by_writers_who_did_not_look():
    store = decided("a", "b")
    before = entry_of(store, 3).seen
    register(a_model(store, who=5), "another")  # a training job looks at its own log alone
    assert before is not None and entry_of(store, 4).seen == before


@pytest.mark.parametrize(
    ("log", "numbers"),
    [
        *(("decisions", (3,)), ("decisions", (2, 3)), ("decisions", (1, 2, 3))),
        *(("versions", (3, 4)), ("versions", (1, 2, 3, 4))),
    ],
    ids=["the newest decision", "the last two", "every decision", "the newest versions", "every version"],
)
def test_an_end_that_was_removed_is_noticed_by_whoever_reads_both_logs(log, numbers):
    store = decided("a", "b", "c")
    both_heads(store)
    removed(store, log, *numbers)
    with pytest.raises(HistoryCut, match="is gone"):
        both_heads(store)


def test_nothing_is_written_upon_it():
    store = decided("a", "b")
    removed(store, "decisions", 2)
    before = dict(store.objects)
    with pytest.raises(HistoryCut):
        model = a_model(store, who=9)
        promote(model, model.version(3))
    model = a_model(store, who=10)
    model.versions.head()
    with pytest.raises(HistoryCut):
        model.suspend(**WHO)
    assert store.objects == before


def test_a_log_that_was_rewritten_is_noticed():
    store = decided("a", "b")
    rewritten(store, 1, resight=False, body=body_with(store, 1, metrics={"accuracy": 0.9}))
    removed(store, "versions", 3)
    with pytest.raises(HistoryCut, match="is another than it was"):
        both_heads(store)


def test_a_follower_goes_on_with_the_champion_it_has_where_decisions_were_removed():
    store, clock = MemoryStore(), HandClock()
    person = crowned("a", "b", store=store)
    follower_model = a_model(store, who=4)
    follower_model.decisions.head()
    removed(store, "decisions", 2)
    with pytest.raises(HistoryCut, match="this process read it before"):
        follower_model.in_production()
    assert person.decisions._newest is not None and clock is not None


def test_a_history_that_grew_again_in_the_place_of_another_is_noticed():
    store = decided("a", "b")
    reader = a_model(store, who=4)
    reader.decisions.head()
    removed(store, "decisions", 2)
    forger = a_model(store, who=5)
    forger.suspend(**WHO)
    assert reader.decisions.head().n == 2  # the same number: nothing new, as far as a listing tells
    a_model(store, who=6).resume(**WHO)
    with pytest.raises(HistoryCut, match="another than it was"):
        reader.decisions.head()


def test_nothing_more_is_asked_where_nothing_is_missing():
    store = decided("a", "b")
    counting = CountingStore(store)
    model = a_model(counting, who=4)
    model.versions.head(), model.decisions.head()
    assert dict(counting.requests) == {"list": 2, "get": 2}
    counting.reset()
    model.versions.head(), model.decisions.head()
    assert dict(counting.requests) == {"list": 2}


def test_an_entry_written_since_this_process_looked_is_not_missing():
    store = decided("a")
    reader = a_model(store, who=4)
    reader.versions.head(), reader.decisions.head()
    other = a_model(store, who=5)
    promote(other, register(other, "b"))
    assert reader.decisions.head().n == 2 and reader.versions._newest.n == 3
