"""What a gate decides: compare-and-swap on the champion it was judged against, every night once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from registry import Night, VersionRecord
from registry.errors import (
    ArtifactMissing,
    Corrupt,
    EntryTooLarge,
    InvalidName,
    InvalidRequest,
    NightDecided,
    NoChampion,
    StaleDecision,
    UploadTooOld,
)
from registry.format.entries import digest
from tests.registry.actors import NOON, HandClock, a_model, crowned, night, promote, register
from tests.registry.long_logs import begun
from tests.servers.stores import MemoryStore


@pytest.mark.parametrize("data", [b"[]", b"null", b"{", b"[" * 9000, b"\xff"])
def test_a_record_beside_the_log_that_is_none_is_corrupt(data):
    """Its digest fits: whoever wrote the entry wrote the file."""
    store = begun()
    model = a_model(store)
    key = f"models/{model.name}/evidence/{digest(data)}-0123"
    store.create(key, data)
    entry = hold(model, expected=None, record={"key": key, "sha256": digest(data), "size": len(data)})
    with pytest.raises(Corrupt, match="is no record of a decision"):
        model.decision_record(entry)


def hold(model, *, expected, day=None, key=None, **body):
    return model.hold(
        expected=expected,
        author="gate",
        body={"sentence": "held", **body},
        night=None if day is None else night(day),
        key=key,
    )


def test_the_first_champion_is_judged_against_none():
    model = a_model()
    entry = promote(model, register(model), expected=None, day=1)
    champion = model.champion()
    assert (champion.version, champion.decision, champion.how, champion.by) == ("v1", 1, "promoted", "gate")
    assert champion.identity == ("v1", 1) and entry.body["against"] is None
    assert (champion.artifact, champion.sha256) == (model.version(1).record.artifact, model.version(1).record.sha256)


@pytest.mark.parametrize("act", [promote, lambda model, version, expected: hold(model, expected=expected)])
def test_a_decision_judged_against_a_former_champion_is_refused(act, snapshot):
    model = crowned("a")
    judged_against = model.champion()
    promote(model, register(model, "b"))
    third = register(model, "c")
    before = model.decisions.head()
    with pytest.raises(StaleDecision, match=r"against v1 .* has v2") as refused:
        act(model, third, expected=judged_against)
    assert str(refused.value) == snapshot
    with pytest.raises(StaleDecision, match="judged against no champion"):
        act(model, third, expected=None)
    assert model.decisions.head() == before


def test_a_champion_that_went_and_came_back_is_another_one(snapshot):
    model = crowned("a", "b")
    a_again = model.rollback(author="ann", reason="b is bad")
    assert a_again.body["version"] == "v1"
    first = model.champion(at=NOON)
    assert first.version == "v1"
    stale = crowned("a").champion()
    assert (stale.version, stale.decision) == ("v1", 1) and model.champion().identity == ("v1", 3)
    with pytest.raises(StaleDecision, match=r"v1 \(decision 1\), .* v1 \(decision 3\)") as refused:
        promote(model, register(model, "c"), expected=stale)
    assert str(refused.value) == snapshot


def test_a_night_is_decided_once():
    model = crowned("a")
    hold(model, expected=model.champion(), day=2)
    for day in (2, 1):
        with pytest.raises(NightDecided, match="2024-05-02"):
            hold(model, expected=model.champion(), day=day)
        with pytest.raises(NightDecided, match="2024-05-02"):
            promote(model, register(model, f"{day}"), day=day)
    assert model.decisions.head().n == 2
    assert promote(model, register(model, "next"), day=3).n == 3


def test_the_same_decision_repeated_with_its_key_adds_nothing():
    store = MemoryStore()
    model = crowned("a", store=store)
    version, expected = register(model, "b"), model.champion()
    large = {"sentence": "s", "record": {"numbers": [0.123456789] * 1000}}
    first = promote(model, version, expected=expected, day=2, key="tonight", body=large)
    stored = len(store.objects)
    again = a_model(store, who=2)
    assert promote(again, version, expected=expected, day=2, key="tonight", body=large) == first
    assert hold(again, expected=expected, day=2, key="tonight") == first, "a night has one decision, whatever is asked"
    assert len(store.objects) == stored, "no second copy of the record"


@pytest.mark.parametrize("day", ["", "2024-5-1", "20240501", "2024-02-30", "tomorrow", "9999", None])
def test_a_night_is_a_day_of_the_calendar(day):
    with pytest.raises(InvalidRequest, match="night"):
        Night(day, NOON)


def test_a_night_needs_a_moment_with_a_zone():
    with pytest.raises(InvalidRequest, match="zone"):
        Night("2024-05-01", datetime(2024, 5, 1))  # noqa: DTZ001  # without a zone on purpose


def test_the_champion_cannot_be_promoted_over_itself():
    model = crowned("a")
    with pytest.raises(InvalidRequest, match="v1 is the champion already"):
        promote(model, model.version(1))


def test_a_record_without_artifact_is_never_champion():
    model = a_model()
    version = model.register(None, VersionRecord(recipe="imported"), author="importer")
    with pytest.raises(ArtifactMissing, match="record without artifact"):
        promote(model, version)
    with pytest.raises(ArtifactMissing, match="cannot be loaded"):
        model.load("v1")


def test_a_large_record_moves_to_a_file_named_by_its_digest():
    store = MemoryStore()
    model = crowned("a", store=store)
    record = {"numbers": [i / 7 for i in range(1000)]}
    entry = hold(model, expected=model.champion(), record=record)
    assert set(entry.body["record"]) == {"key", "sha256", "size"} and len(entry.to_bytes()) < 3000
    assert model.decision_record(entry) == record
    store.objects[entry.body["record"]["key"]] += b" "
    with pytest.raises(Corrupt, match="SHA-256 differs"):
        model.decision_record(entry)
    del store.objects[entry.body["record"]["key"]]
    with pytest.raises(ArtifactMissing, match="is gone"):
        model.decision_record(entry)


def test_a_small_record_stands_in_the_entry():
    model = crowned("a")
    entry = hold(model, expected=model.champion(), record={"z": 2.4})
    assert model.decision_record(entry) == {"z": 2.4}
    assert model.decision_record(model.decisions.read(1)) is None


def test_a_sentence_of_many_kilobytes_is_refused():
    model = crowned("a")
    for body in ({}, {"record": {"z": 2.4}}):
        with pytest.raises(EntryTooLarge, match="shorten its sentence"):
            model.hold(expected=model.champion(), author="gate", body={"sentence": "s" * 5000, **body})
    assert model.decisions.head().n == 1


def test_a_commit_long_after_its_upload_is_refused():
    clock = HandClock()
    model = crowned("a", clock=clock)
    create = model.store.create

    def slow(key, data):
        create(key, data)
        if "artifacts" in key or "evidence" in key:
            clock.pass_time(hours=12, seconds=1)

    model.store.create = slow
    with pytest.raises(UploadTooOld, match="repeat the operation"):
        register(model, "b")
    with pytest.raises(UploadTooOld, match="repeat the operation"):
        hold(model, expected=model.champion(), record={"numbers": [0.123456789] * 1000})
    assert (model.versions.head().n, model.decisions.head().n) == (1, 1)


def test_a_retired_version_is_not_promoted_again():
    clock = HandClock()
    model = crowned("a", clock=clock)
    register(model, "b")
    third = register(model, "c")
    model.retire([2, 3], author="ann", reason="never used")
    clock.pass_time(days=1)
    for promoting in (lambda: promote(model, third), lambda: model.force(2, author="ann", reason="why not")):
        with pytest.raises(ArtifactMissing, match="is retired"):
            promoting()


def test_a_version_whose_artifact_was_deleted_by_hand_is_not_promoted():
    store, clock = MemoryStore(), HandClock()
    model = crowned("a", store=store, clock=clock)
    version = register(model, "b")
    clock.pass_time(days=1)
    assert model.champion().version == "v1"
    del store.objects[version.record.artifact]
    with pytest.raises(ArtifactMissing, match="gone from memory"):
        promote(model, version)


def test_the_gate_does_not_promote_what_a_person_rolled_back_from(snapshot):
    model = crowned("a", "b")
    model.rollback(author="ann", reason="lost money")
    with pytest.raises(StaleDecision) as refused:
        promote(model, model.version(2))
    assert str(refused.value) == snapshot
    assert model.force(2, author="ann", reason="mended data").kind == "promoted"
    promote(model, register(model, "c"))
    assert promote(model, model.version(2), returned=True).kind == "returned"


def test_production_is_empty_before_the_first_promotion():
    model = a_model()
    register(model)
    assert model.champion() is None and model.champion(at=NOON + timedelta(days=1)) is None
    with pytest.raises(NoChampion, match="no champion"):
        model.load()
    with pytest.raises(NoChampion, match="at 2024-07-01"):
        model.load(at=NOON)


@pytest.mark.parametrize("author", ["", "a\nb", "é" * 65])
def test_a_decision_needs_an_author(author):
    model = crowned("a")
    with pytest.raises(InvalidName, match="author"):
        model.hold(expected=model.champion(), author=author, body={})


def test_which_night_was_decided_by_which_entry():
    model = crowned("a")
    for day in (1, 2, 5):
        hold(model, expected=model.champion(), day=day)
        model.suspend(author="ann", reason="between nights")
    assert [model.decided(f"2024-05-0{day}") and model.decided(f"2024-05-0{day}").n for day in (1, 2, 3, 5, 6)] == [
        2,
        4,
        None,
        6,
        None,
    ]


@pytest.mark.parametrize("named", [None, 2])
@pytest.mark.parametrize("forced", [False, True])
def test_the_key_of_a_night_stands_for_whatever_it_decided_that_of_a_person_for_the_promotion_alone(named, forced):
    model = crowned("a")
    told = {"sentence": "told", "reason": "why"}
    on = None if named is None else night(named)
    held = model.hold(expected=model.champion(), author="gate", body=told, night=on, key="once")
    version = register(model, "b")
    if forced and named is None:
        with pytest.raises(InvalidRequest, match="used for another operation"):
            promote(model, version, key="once", body=told, forced=True)
    else:
        assert promote(model, version, key="once", day=named, body=told, forced=forced) == held
    assert model.decisions.head() == held
