"""What a later version of this package names, in kinds and fields not known here: it is kept, copied and no orphan."""

from __future__ import annotations

import dataclasses

import pytest

from registry.log.log import Draft
from registry.maintenance.copying import copy
from registry.maintenance.gc import collect
from registry.maintenance.verify import verify
from registry.model import retention
from tests.registry.actors import NAME, a_model, crowned, promote, register
from tests.registry.garbage import artifact, lost
from tests.registry.long_logs import entry_of, rewritten
from tests.servers.stores import MemoryStore

WHY = {"author": "ann", "reason": "old"}


def an_unknown_kind(model, key):
    body = {"plan": [{"uses": {key.removeprefix(f"models/{NAME}/"): "as the teacher"}}]}
    model.versions.append(lambda head, n, time: Draft("distilled", body, {}), author="later")


def an_unknown_kind_of_decision(model, key):
    model.decisions.append(lambda head, n, time: Draft("mirrored", {"by": key}, {}), author="later")


def an_unknown_field_of_a_body(model, key):
    draft = Draft("tagged", {"tag": "best", "version": "v1", "notes": f"see {key}."}, {"tags": {"best": "v1"}})
    model.versions.append(lambda head, n, time: draft, author="later")


def an_unknown_field_of_a_record(model, key):
    entry = entry_of(model.store._store, 1)
    rewritten(model.store._store, 1, body={"version": {**entry.body["version"], "teacher": {"key": key}}})


def an_unknown_field_of_the_state(model, key):
    draft = Draft("tagged", {"tag": "best", "version": "v1"}, {"tags": {"best": "v1"}, "mirror": [key]})
    model.versions.append(lambda head, n, time: draft, author="later")


def an_unknown_field_of_an_entry(model, key):
    rewritten(model.store._store, 1, log="decisions", extra={"mirror": key})


NAMED_BY = [
    an_unknown_kind,
    an_unknown_kind_of_decision,
    an_unknown_field_of_a_body,
    an_unknown_field_of_a_record,
    an_unknown_field_of_the_state,
    an_unknown_field_of_an_entry,
]


@pytest.mark.parametrize("folder", ["artifacts", "evidence"])
@pytest.mark.parametrize("name_it", NAMED_BY)
def test_what_a_later_version_names_is_kept_and_copied_and_no_orphan(store, clock, name_it, folder):
    model = crowned("a", store=store, clock=clock)
    key, other = lost(store, folder=folder), lost(store, "nobody's", folder)
    name_it(model, key)
    model = a_model(store, clock=clock)
    assert [each.key for each in verify(model).findings if each.kind == "orphan"] == [other]
    clock.pass_time(days=9)
    assert [each.key for each in collect(model, dry_run=False).garbage] == [other] and key in store.objects
    target = MemoryStore()
    copy(model, a_model(target, who=2))
    assert target.objects[key] == store.objects[key] and other not in target.objects


@pytest.mark.parametrize("name_it", NAMED_BY)
def test_an_artifact_that_a_later_version_names_stays_though_its_version_is_retired(store, clock, name_it):
    model = crowned("a", store=store, clock=clock)
    register(model, "b")
    key = artifact(store, 2)
    name_it(model, key)
    model = a_model(store, clock=clock)
    clock.pass_time(days=9)
    model.retire([2], **WHY)
    clock.pass_time(days=9)
    assert collect(model, dry_run=False).garbage == () and key in store.objects


def test_what_is_known_to_name_an_artifact_does_not_keep_it(store, clock):
    """Its own registration, and the states of decisions in which it was champion."""
    model = crowned(*"abcdefghijkl", store=store, clock=clock)
    clock.pass_time(days=9)
    assert "v1" not in model.protected_versions()
    model.retire([1], **WHY)
    clock.pass_time(days=9)
    assert [(each.key, each.why) for each in collect(model, dry_run=False).garbage] == [(artifact(store, 1), "retired")]
    promote(model, register(model, "m"))
    assert verify(model).findings == ()


def test_in_entries_of_this_version_nothing_is_unknown(store, clock):
    model = crowned("a", "b", store=store, clock=clock)
    for act in (model.rollback, model.suspend, model.freeze):
        act(**WHY)
    model.tag("best", 2, author="ann")
    assert [entry for entry in model.log() if retention.unknown_objects(entry)] == []
    entry = model.versions.head()
    assert retention.unknown_objects(dataclasses.replace(entry, extra={"x": artifact(store, 1)})) == {
        artifact(store, 1)
    }
