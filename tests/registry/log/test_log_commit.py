"""A log added to: what one conditional write promises, whatever answer is lost and whoever else writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from registry import Night
from registry.errors import (
    ClockSkew,
    InvalidName,
    InvalidRequest,
    NightDecided,
    OutcomeUnknown,
    StoreUnavailable,
)
from registry.log.log import Draft
from tests.registry.actors import NAME, NOON, HandClock, a_model, crowned, promote, register
from tests.servers.faulty import FaultyStore
from tests.servers.stores import CountingStore, MemoryStore


def test_a_repeated_key_adds_nothing_and_gives_the_first_version():
    store = MemoryStore()
    first = register(a_model(store), "a", key="tonight")
    again = register(a_model(store, who=2), "a", key="tonight")
    assert again == first
    assert [str(version) for version in a_model(store).history()] == ["v1"]
    assert sum("artifacts" in key for key in store.objects) == 1, "nothing was uploaded a second time"


def test_keys_that_begin_alike_are_two_keys():
    model = a_model()
    assert str(register(model, "a", key="rollback-2024-05-01")) == "v1"
    assert str(register(model, "b", key="rollback-2024-05-02")) == "v2"
    assert str(register(model, "a", key="rollback-2024-05-01")) == "v1"


@pytest.mark.parametrize("key", ["a:b", ":", "日本", "k" * 400, "0" * 32])
def test_any_printable_key_works(key):
    model = a_model()
    assert register(model, key=key) == register(model, key=key)
    assert str(register(model, "next")) == "v2"


@pytest.mark.parametrize("key", ["two\nlines", "k" * 501, "\x00", " "])
def test_a_key_that_is_not_printable_is_refused(key):
    model = a_model()
    with pytest.raises(InvalidName, match="idempotency key"):
        register(model, key=key)
    assert model.versions.head() is None


def test_the_error_of_an_unknown_outcome_names_a_key_that_continues():
    model = a_model()
    first = register(model, key="by hand")
    assert register(model, key=model.versions.read(1).key) == first


def test_a_key_used_for_a_tag_cannot_register():
    model = a_model()
    register(model)
    model.tag("best", 1, author="ann", key="once")
    with pytest.raises(InvalidRequest, match="used for another operation"):
        register(model, "b", key="once")


def test_times_never_go_back_though_a_clock_is_behind():
    store, clock = MemoryStore(), HandClock()
    register(a_model(store, clock=clock))
    behind = HandClock(NOON - timedelta(minutes=30))
    register(a_model(store, clock=behind, who=2), "b")
    entries = [*a_model(store).versions.walk()][::-1]
    assert [entry.time for entry in entries] == [NOON, NOON]


@pytest.mark.parametrize("behind", [timedelta(hours=1, seconds=1), timedelta(days=730)])
def test_a_clock_hours_behind_is_refused_and_nothing_is_written(behind):
    store = MemoryStore()
    register(a_model(store))
    late = a_model(store, clock=HandClock(NOON - behind), who=2)
    with pytest.raises(ClockSkew, match="nothing was written"):
        register(late, "b")
    assert late.versions.head().n == 1


def test_a_write_without_answer_is_asked_about_after_a_pause_and_one_with_an_answer_at_once():
    clock = HandClock()
    register(a_model(clock=clock))
    assert clock.slept == []
    store = FaultyStore()
    model = a_model(store, clock=clock)
    model.store.create("probed", b"")
    store.faults[len(store.asked) + 2] = "never lands"  # after the upload and the listing
    assert str(register(model)) == "v1"
    assert clock.slept == [0.4]
    store.faults[len(store.asked)] = "answer lost"  # of the next upload
    assert str(register(model, "b")) == "v2"
    assert clock.slept == [0.4, 0.4]
    store.faults[len(store.asked) + 2] = "answer lost"  # of the entry: asked about once, it is there
    assert str(register(model, "c")) == "v3"
    assert clock.slept == [0.4, 0.4, 0.4]
    entry = len(store.asked) + 2
    store.faults |= {entry: "answer lost", entry + 1: "denied"}  # what is denied now may be stored all the same
    assert str(register(model, "d")) == "v4"
    assert clock.slept == [0.4, 0.4, 0.4, 0.4, 0.8]


def test_a_write_that_is_never_answered_is_told_to_be_unknown():
    store, clock = FaultyStore(), HandClock()
    model = a_model(store, clock=clock)
    model.store.create("probed", b"")
    store.faults |= {len(store.asked) + 2 + number: "never lands" for number in range(5)}
    with pytest.raises(OutcomeUnknown, match="gave no answer"):
        register(model)
    assert clock.slept == [0.4, 0.8, 1.6, 3.2] and model.versions.head() is None


@pytest.mark.parametrize("fault", ["unreached", "denied"])
def test_who_cannot_read_the_entry_in_the_way_does_not_know_whether_it_is_its_own(fault):
    store = FaultyStore()
    model = a_model(store)
    model.store.create("probed", b"")
    entry = len(store.asked) + 2
    store.faults |= {entry: "answer lost, repeated below", entry + 1: fault}
    with pytest.raises(OutcomeUnknown, match="Repeat the same call") as raised:
        register(model)
    assert str(register(a_model(store, who=2), key=raised.value.idempotency_key)) == "v1"
    assert model.versions.head().n == 1


@pytest.mark.parametrize("key", [None, "night 1"])
def test_a_registration_takes_at_most_four_requests(key):
    counting = CountingStore(MemoryStore())
    register(a_model(counting))
    model = a_model(counting, who=2)
    model.tag("probed", 1, author="ann")  # the probe of this process is done
    model.versions._newest = None
    counting.reset()
    register(model, "b", key=key)
    assert dict(counting.requests) == {"list": 1, "get": 1, "create": 2}


def test_a_promotion_takes_at_most_three_requests():
    counting = CountingStore(MemoryStore())
    model = crowned("a", store=counting)
    version, champion = register(model, "b"), model.champion()
    model.decisions._newest = None
    counting.reset()
    promote(model, version, expected=champion, key="tonight")
    assert dict(counting.requests) == {"list": 1, "get": 1, "create": 1}


def test_work_older_than_what_is_remembered_is_not_done_again():
    store, start = MemoryStore(), datetime(2023, 1, 1, 22, tzinfo=UTC)
    model = a_model(store)
    for i in range(260):
        register(model, "same", key=f"night {i}", as_of=start + timedelta(days=i))
    assert str(register(model, "same", key="night 4", as_of=start + timedelta(days=4))) == "v5"
    for forgotten in (3, 0):
        with pytest.raises(NightDecided, match="cannot be known"):
            register(model, "same", key=f"night {forgotten}", as_of=start + timedelta(days=forgotten))
    assert str(register(model, "same", key="late, but known to be new", as_of=start + timedelta(days=5))) == "v261"
    assert str(register(model, "same", key="without a night")) == "v262"


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(days=400)])
def test_work_of_a_moment_that_has_not_come_is_refused_and_stands_in_nobodys_way(ahead, snapshot):
    model = a_model()
    with pytest.raises(InvalidRequest, match="later than now") as refused:
        register(model, as_of=NOON + ahead)
    assert str(refused.value).replace(f"{NOON + ahead:%Y-%m-%d}", "<day>") == snapshot
    version, future = register(model), Night("2024-07-01", NOON + ahead)
    with pytest.raises(InvalidRequest, match="later than now"):
        model.promote(version, expected=None, author="gate", body={"sentence": "promoted"}, night=future)
    assert model.decisions.head() is None
    assert str(register(model, "b", as_of=NOON + timedelta(minutes=59))) == "v2"


def test_while_nothing_is_forgotten_work_of_any_age_is_done():
    store, start = MemoryStore(), datetime(2024, 1, 10, 22, tzinfo=UTC)
    model = a_model(store)
    register(model, as_of=start)
    assert str(register(model, "b", key="older than the first", as_of=start - timedelta(days=5))) == "v2"
    assert model.versions.head().state["as_of"] == model.versions.read(1).state["as_of"], "the newest, not the last"


def test_a_night_that_adds_more_than_is_remembered_goes_on():
    model, tonight = a_model(), datetime(2024, 1, 10, 22, tzinfo=UTC)
    for i in range(258):
        register(model, "same", key=f"recipe {i}", as_of=tonight)
    assert str(register(model, "same", key="one more", as_of=tonight)) == "v259"


def test_keys_of_which_the_remembered_part_is_the_same_are_two_keys():
    model, alike = a_model(), "0123456789ab"
    first = register(model, "a", key=alike + "0" * 20)
    assert str(register(model, "b", key=alike + "1" * 20)) == "v2"
    assert register(a_model(model.store, who=2), "a", key=alike + "0" * 20) == first


def test_an_as_of_without_a_zone_is_refused():
    model = a_model()
    with pytest.raises(InvalidRequest, match="time zone"):
        register(model, as_of=datetime(2024, 5, 1))  # noqa: DTZ001  # without a zone on purpose
    assert model.versions.head() is None


def test_unknown_fields_of_a_state_are_carried_forward():
    model = crowned("a")
    model.decisions.append(lambda head, n, time: Draft("held", {}, {"novel": {"b": 1}}), author="later version")
    assert model.freeze(author="ann", reason="why").state["novel"] == {"b": 1}


def test_a_writer_who_always_loses_gives_up_without_having_written(monkeypatch):
    monkeypatch.setattr("registry.log.log._CONTENTION_TRIES", 3)
    store = MemoryStore()
    model, rival = a_model(store), a_model(store, who=2)
    register(rival)
    create = store.create

    def beaten(key, data):
        if key.startswith(f"models/{NAME}/versions/") and b"slow" in data:
            rival.tag("fast", 1, author="ann")
        create(key, data)

    store.create = beaten
    with pytest.raises(StoreUnavailable, match="other writers were faster 3 times"):
        model.tag("slow", 1, author="bob")
    assert all("slow" not in entry.state.get("tags", {}) for entry in rival.versions.walk())
