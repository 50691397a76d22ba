"""Registering and tagging versions, and finding them again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import VersionRecord
from registry.errors import (
    ArtifactMissing,
    Corrupt,
    InvalidName,
    InvalidRequest,
    ModelNotFound,
    RegisteredOtherwise,
    RegistryError,
    StoreUnavailable,
    VersionNotFound,
)
from registry.format.entries import digest
from registry.model import transitions
from tests.registry.actors import NOON, HandClock, a_model, crowned, promote, register
from tests.servers.faulty import FaultyStore
from tests.servers.stores import MemoryStore


def test_versions_are_numbered_without_a_gap_by_any_number_of_processes():
    place = MemoryStore()
    names = [str(register(a_model(place, who=i + 1), f"{i}")) for i in range(12)]
    assert names == [f"v{i}" for i in range(1, 13)]


def test_a_version_keeps_what_was_said_of_it():
    model = a_model()
    record = VersionRecord(
        recipe="rf", parameters={"depth": 3}, metrics={"auc": 0.53, "f1": None}, features=("rsi_14",), cut=0.49, seed=7
    )
    model.register(b"archive", record, author="trainer", as_of=NOON)
    kept = a_model(model.store).version("latest")
    assert (kept.record.parameters, kept.record.metrics, kept.record.cut) == (record.parameters, record.metrics, 0.49)
    assert (kept.record.sha256, kept.record.size, kept.author) == (digest(b"archive"), 7, "trainer")
    assert model.store.get(kept.record.artifact) == b"archive"


def test_no_version_is_named_whose_upload_was_never_answered():
    store = FaultyStore()
    model = a_model(store)
    model.store.create("probed", b"")
    store.faults |= {len(store.asked) + number: "never lands" for number in range(5)}
    with pytest.raises(StoreUnavailable, match="did not answer the upload"):
        register(model)
    assert model.versions.head() is None


def test_equal_archives_of_two_versions_are_two_objects():
    model = a_model()
    assert register(model).record.artifact != register(model).record.artifact


@given(st.lists(st.sampled_from(["register", "tag", "retire"]), max_size=40))
def test_any_version_is_found_whatever_lies_between(acts):
    model = a_model()
    register(model, "first")
    entries = [1]
    for i, act in enumerate(acts):
        if act == "register":
            register(model, f"{i}")
            entries.append(i + 2)
        elif act == "tag":
            model.tag(f"t{i % 5}", len(entries), author="ann")
        else:
            model.retire([1], author="ann", reason="old")
    reader = a_model(model.store)
    assert [reader.version(f"v{number}").entry for number in range(1, len(entries) + 1)] == entries
    assert reader.version("latest").entry == entries[-1]
    assert [version.entry for version in reader.history()] == entries


@pytest.mark.parametrize("skips", [{2}, {1, 3}, {4, 6}, {3, 4, 5, 6}])
def test_a_version_that_a_damaged_log_skips_is_told_and_not_looked_for_without_end(monkeypatch, skips, snapshot):
    there = [number for number in range(1, 9) if number not in skips]
    model = a_model()
    for at, number in enumerate(there):
        monkeypatch.setattr(transitions, "version_name", lambda _, number=number: f"v{number}")
        register(model, f"{number}")
        for tagged in range(at % 3):
            model.tag(f"t{tagged}", number, author="ann")
    reader = a_model(model.store)
    for number in range(1, 8):
        if number in skips:
            with pytest.raises(Corrupt, match=rf"models/gbpusd/versions/ .* v{number},") as refused:
                reader.version(number)
            assert str(refused.value).replace(f"v{number},", "v<n>,") == snapshot
        else:
            assert str(reader.version(number)) == f"v{number}"


@pytest.mark.parametrize("number", ["v3", 3, "99"])
def test_a_version_that_is_not_there_is_told_with_those_that_are(number):
    model = crowned("a", "b")
    with pytest.raises(VersionNotFound, match="it has v1 to v2"):
        model.version(number)


def test_a_model_that_is_not_there_is_told():
    with pytest.raises(ModelNotFound, match="there is no model"):
        a_model().version("latest")


@pytest.mark.parametrize("which", ["v0", "newest", "../v1", "", None, -1])
def test_what_names_no_version_is_refused(which):
    with pytest.raises(InvalidName):
        crowned("a").version(which)


def test_a_tag_is_a_second_name_that_can_move_and_go():
    model = crowned("a", "b")
    model.tag("audited", "v1", author="ann")
    assert str(model.version("audited")) == "v1"
    model.tag("audited", 2, author="ann")
    assert str(a_model(model.store).version("audited")) == "v2"
    model.tag("audited", None, author="ann")
    with pytest.raises(InvalidName):
        model.version("audited")
    with pytest.raises(VersionNotFound, match="no tag 'audited'"):
        model.tag("audited", None, author="ann")


@pytest.mark.parametrize("tag", ["latest", "champion", "v1", "12", "a/b", "..", "Ü", "x" * 101])
def test_a_tag_that_would_mislead_is_refused(tag):
    model = crowned("a")
    with pytest.raises(RegistryError, match="tag"):
        model.tag(tag, 1, author="ann")
    assert model.versions.head().n == 1


def test_a_tag_of_a_version_that_is_not_there_is_refused():
    with pytest.raises(VersionNotFound, match="the newest is v1"):
        crowned("a").tag("best", 2, author="ann")
    with pytest.raises(VersionNotFound, match="no version yet"):
        a_model().tag("best", 1, author="ann")


def test_a_model_has_at_most_32_tags():
    model = crowned("a")
    for i in range(32):
        model.tag(f"t{i}", 1, author="ann")
    with pytest.raises(InvalidRequest, match="at most 32 tags"):
        model.tag("one-more", 1, author="ann")


@pytest.mark.parametrize("field", ["recipe", "recipe_fingerprint", "known_at", "night"])
def test_names_too_long_for_a_decision_are_refused_when_the_version_is_registered(field):
    model = a_model()
    with pytest.raises(InvalidName, match=field):
        model.register(b"x", VersionRecord(**{field: "x" * 101}), author="trainer")
    assert model.versions.head() is None


def test_a_damaged_archive_is_never_loaded():
    model = crowned("a")
    key = model.champion().artifact
    model.store._store.objects[key] = b"archive b"
    with pytest.raises(Corrupt, match="SHA-256 differs"):
        model.load()
    del model.store._store.objects[key]
    with pytest.raises(ArtifactMissing, match="registry verify"):
        model.load()


def test_loading_by_name_needs_to_know_where(monkeypatch):
    import registry as package

    monkeypatch.delenv("RETRAIN_REGISTRY", raising=False)
    with pytest.raises(InvalidRequest, match="RETRAIN_REGISTRY"):
        package.load("gbpusd")


def test_the_times_of_versions_are_those_of_the_clock_passed_in():
    clock = HandClock()
    model = a_model(clock=clock)
    register(model)
    clock.pass_time(minutes=5)
    assert register(model, "b").registered_at == NOON + timedelta(minutes=5)


def test_the_same_calls_write_the_same_bytes():
    places = [MemoryStore(), MemoryStore()]
    for place in places:
        model = crowned("a", "b", store=place)
        model.rollback(author="ann", reason="why")
        promote(model, register(model, "c"))
    assert places[0].objects == places[1].objects


def test_what_another_registered_under_the_key_of_this_work_is_not_given_for_it():
    model = a_model()
    register(model, "planted", key="tonight")
    honest = a_model(model.store, who=2)
    with pytest.raises(RegisteredOtherwise, match=r"v1 .* another sha256, size"):
        register(honest, "ours", key="tonight")
    assert [str(version) for version in honest.history()] == ["v1"]


@pytest.mark.parametrize(
    "changed", [{"cut": 0.6}, {"recipe": "other"}, {"metrics": {"accuracy": 0.7}}, {"known_at": "2024-05-01T12:00Z"}]
)
def test_a_record_planted_under_the_key_of_this_work_is_not_given_for_it(changed: dict[str, Any]):
    model, asked = a_model(), VersionRecord(recipe="rf", metrics={"accuracy": 0.51}, cut=0.5)
    model.register(b"archive", replace(asked, **changed), author="mallory", key="tonight")
    with pytest.raises(RegisteredOtherwise, match=f"by mallory .* another {next(iter(changed))}"):
        model.register(b"archive", asked, author="night", key="tonight")


def test_the_same_work_may_take_longer_and_run_elsewhere_the_second_time():
    model, asked = a_model(), VersionRecord(recipe="rf", parameters={"depth": (3, 4)}, seconds=1.5)
    first = model.register(b"archive", asked, author="night", key="tonight")
    again = replace(asked, seconds=9.0, environment={"numpy": "2.5"}, source_revision="abc")
    assert str(model.register(b"archive", again, author="night", key="tonight")) == str(first) == "v1"


def test_what_was_planted_while_this_work_was_registered_is_seen_too():
    class Overtaken(MemoryStore):
        """A rogue trainer's entry lies there when the archive of this work is uploaded."""

        planting = False

        def create(self, key: str, data: bytes) -> None:
            if "/artifacts/" in key and not Overtaken.planting:
                Overtaken.planting = True
                register(a_model(self, who=2), "planted", key="tonight")
            super().create(key, data)

    model = a_model(Overtaken())
    with pytest.raises(RegisteredOtherwise):
        register(model, "ours", key="tonight")
    assert [str(version) for version in model.history()] == ["v1"]
