"""Retired artifacts go a day late and never while somebody may need them; retention says which are retired."""

from __future__ import annotations

import pytest

from registry import VersionRecord
from registry.errors import ArtifactMissing
from registry.log.log import Draft
from registry.maintenance import gc
from registry.maintenance.gc import collect
from registry.maintenance.verify import verify
from registry.model.evidence import ScoredNight
from tests.registry.actors import NAME, a_model, crowned, promote, register
from tests.registry.auditing import audit
from tests.registry.garbage import artifact, nights
from tests.servers.stores import CountingStore

WHY = {"author": "ann", "reason": "old"}


# --- retired artifacts ------------------------------------------------------------------------------------------------


def test_a_retired_artifact_goes_a_day_after_it_was_retired(store, clock):
    model = crowned("a", store=store, clock=clock)
    register(model, "b")
    clock.pass_time(days=9)
    model.retire([2], **WHY)
    key = artifact(store, 2)
    clock.pass_time(hours=24)
    assert collect(model, dry_run=False).garbage == ()
    clock.pass_time(hours=1)
    assert collect(model).waiting == 0
    assert [each.why for each in collect(model, dry_run=False).garbage] == ["retired"] and key not in store.objects
    assert verify(model).findings == ()
    with pytest.raises(ArtifactMissing):
        promote(model, model.version(2))


def test_a_version_that_is_retired_twice_goes_a_day_after_the_first_time(store, clock):
    model = crowned("a", store=store, clock=clock)
    register(model, "b")
    clock.pass_time(days=9)
    for _ in range(2):
        model.retire([2], **WHY)
        clock.pass_time(hours=20)
    assert len(collect(model, dry_run=False).garbage) == 1


def test_evidence_that_a_version_calls_its_artifact_stays_when_that_is_given_up(store, clock):
    model = crowned("a", store=store, clock=clock)
    model.score(ScoredNight(b"scores", "2024-05-01", "2024-05-01", 90), fold=b"".join, author="night")
    key = store.list(f"models/{NAME}/evidence/")[0]
    _named(model, "v2", key)
    model.retire([2], **WHY)
    clock.pass_time(days=9)
    assert collect(model, dry_run=False).garbage == () and key in store.objects


def test_an_artifact_that_two_versions_name_stays_until_both_are_given_up(store, clock):
    model = crowned("a", "b", store=store, clock=clock)
    register(model, "c")
    key = artifact(store, 3)
    _named(model, "v4", key)
    clock.pass_time(days=9)
    model.retire([3], **WHY)
    clock.pass_time(days=9)
    assert collect(model, dry_run=False).garbage == () and key in store.objects
    model.retire([4], **WHY)
    clock.pass_time(days=9)
    assert [each.key for each in collect(model, dry_run=False).garbage] == [key]


def _named(model, version: str, key: str) -> None:
    """A version whose record names ``key`` as its artifact: what a trainer without this package could write."""
    record = VersionRecord(version=version, artifact=key, sha256=key.rpartition("/")[2][:64])
    body, n = {"version": record.to_dict()}, model.versions.head().n + 1
    draft = Draft("registered", body, {"latest": {"version": version, "entry": n}})
    model.versions.append(lambda head, n, time: draft, author="mallory")


def test_two_versions_never_share_an_artifact(store, clock):
    model = crowned("a", store=store, clock=clock)
    again = model.register(None, model.version(1).record, author="ann")
    assert (again.record.artifact, again.record.sha256, again.record.size) == (None, None, None)


def test_a_young_artifact_stays_two_days_though_it_is_retired(store, clock):
    """A promotion of so young a version does not look whether it is retired."""
    model = crowned("a", store=store, clock=clock)
    register(model, "b")
    model.retire([2], **WHY)
    clock.pass_time(hours=47)
    assert collect(model, dry_run=False).garbage == ()
    clock.pass_time(hours=2)
    assert len(collect(model, dry_run=False).garbage) == 1


def test_what_waits_for_the_grace_period_is_told(store, clock):
    model = crowned("a", store=store, clock=clock)
    register(model, "bcd")
    clock.pass_time(days=9)
    model.retire([2], **WHY)
    assert collect(model).waiting == len(b"archive bcd")


def test_the_champion_and_the_last_ten_champions_stay_though_they_are_retired(store, clock):
    """So young that their promotions did not look whether they were retired."""
    model = a_model(store, clock=clock)
    versions = [register(model, label) for label in "abcdefghijkl"]
    model.retire(range(2, 13), **WHY)
    for version in versions:
        promote(model, version)
    model.retire([1], **WHY)  # the eleventh before the champion
    clock.pass_time(days=9)
    assert [each.key for each in collect(model, dry_run=False).garbage] == [artifact(store, 1)]
    audit(store.objects)


def test_a_retired_version_that_nobody_can_promote_any_more_is_refused_not_lost(store, clock):
    model = crowned("a", store=store, clock=clock)
    register(model, "b")
    clock.pass_time(days=9)
    model.retire([2], **WHY)
    with pytest.raises(ArtifactMissing, match="retired"):
        promote(model, model.version(2))
    assert artifact(store, 2) in store.objects


def test_a_promotion_that_looked_before_the_retirement_keeps_its_artifact(store, clock):
    model = crowned("a", store=store, clock=clock)
    register(model, "b")
    clock.pass_time(days=9)
    waiting = a_model(store, clock=clock, who=5)

    class Slow(CountingStore):
        def create(self, key, data):
            if "/decisions/" in key:  # it has looked; now another retires, and the collector comes as soon as it may
                model.retire([2], **WHY)
                clock.pass_time(hours=11)
                assert collect(waiting, dry_run=False).garbage == ()
            super().create(key, data)

    promote(a_model(Slow(store), clock=clock, who=6), model.version(2))
    clock.pass_time(hours=14)
    assert collect(waiting, dry_run=False).garbage == ()
    audit(store.objects)


def test_a_version_that_is_champion_again_is_not_collected(store, clock):
    model = crowned("a", "b", store=store, clock=clock)
    model.rollback(author="ann", reason="why")
    clock.pass_time(days=400)
    assert collect(model, dry_run=False).garbage == ()
    assert model.champion().version == "v1"


# --- retention --------------------------------------------------------------------------------------------------------


def test_versions_that_never_were_champion_go_after_ninety_nights(store, clock):
    model = a_model(store, clock=clock)
    nights(model, 95)
    promote(model, model.version(2))
    promote(model, model.version(95))
    clock.pass_time(days=3)
    assert collect(model, dry_run=False).retired == ("v1", "v3", "v4", "v5")
    newest = model.versions.head()
    assert (newest.kind, newest.author) == ("retired", "gc") and "90 nights" in newest.body["reason"]
    assert len(store.list(f"models/{NAME}/artifacts/")) == 95, "first the record, the artifacts another day"
    clock.pass_time(hours=25)
    done = collect(model, dry_run=False)
    assert [each.key for each in done.garbage] == sorted(artifact(store, n) for n in (1, 3, 4, 5))
    assert done.retired == () and verify(model).findings == ()
    assert len(model.history()) == 95, "their records stay"


def test_a_former_champion_is_kept_however_long_ago(store, clock):
    model = a_model(store, clock=clock)
    nights(model, 105)
    for number in range(1, 14):
        promote(model, model.version(number))
    clock.pass_time(days=9)
    assert collect(model, dry_run=False).retired == ("v14", "v15"), "v1 to v13 were champions"


@pytest.mark.parametrize(("count", "kept", "expected"), [(90, 90, 0), (91, 90, 1), (10, 3, 7), (1, 1, 0), (0, 1, 0)])
def test_nights_are_counted_not_days(store, clock, count, kept, expected):
    model = a_model(store, clock=clock)
    nights(model, count)
    clock.pass_time(days=4000)
    assert len(collect(model, nights_kept=kept).retired) == expected


def test_versions_of_no_night_count_by_the_day_they_were_registered(store, clock):
    model = a_model(store, clock=clock)
    for label in "abcde":
        register(model, label)
        clock.pass_time(days=1)
    assert collect(model, nights_kept=3).retired == ("v1", "v2")


def test_many_versions_are_retired_by_several_entries(store, clock, monkeypatch):
    monkeypatch.setattr(gc, "_AT_ONCE", 20)
    model = a_model(store, clock=clock)
    nights(model, 150)
    assert len(collect(model, dry_run=False, nights_kept=100).retired) == 50
    bodies = [entry.body["versions"] for entry in model.versions.walk() if entry.kind == "retired"]
    assert [len(names) for names in bodies] == [10, 20, 20]


def test_two_collectors_at_once_retire_once(store, clock):
    model = a_model(store, clock=clock)
    nights(model, 95)
    other = a_model(store, clock=clock, who=2)

    class Overtaken(CountingStore):
        def create(self, key, data):
            if "/versions/" in key:
                collect(other, dry_run=False)
            super().create(key, data)

    collect(a_model(Overtaken(store), clock=clock, who=3), dry_run=False)
    assert [entry.kind for entry in model.versions.walk()].count("retired") == 1
