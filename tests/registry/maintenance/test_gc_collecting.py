"""Collecting garbage: what nobody can need goes, a day late; what somebody may need stays, whatever comes between."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest

from registry import Registry
from registry.errors import Corrupt, InvalidRequest, StoreUnavailable
from registry.format import keys
from registry.format.entries import digest
from registry.log import segments
from registry.maintenance.gc import collect
from registry.maintenance.verify import verify
from registry.model.evidence import ScoredNight
from registry.store import connect
from tests.registry.actors import NAME, a_model, crowned, night, promote, register
from tests.registry.auditing import audit
from tests.registry.garbage import lost, nights
from tests.registry.long_logs import rewritten
from tests.servers.stores import CountingStore

LARGE = {"sentence": "told", "record": {"numbers": [i / 7 for i in range(500)]}}


# --- orphans ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["artifacts", "evidence"])
def test_what_no_entry_names_goes_after_a_day(store, clock, folder):
    model = crowned("a", store=store, clock=clock)
    key = lost(store, folder=folder)
    clock.pass_time(hours=24)
    assert collect(model, dry_run=False).garbage == () and key in store.objects
    clock.pass_time(hours=1)
    done = collect(model, dry_run=False)
    assert [(each.key, each.size, each.why) for each in done.garbage] == [(key, 4, "orphan")]
    assert done.bytes == 4 and key not in store.objects
    assert verify(model).findings == ()


def test_a_dry_run_says_the_same_and_touches_nothing(store, clock):
    model = crowned("a", store=store, clock=clock)
    nights(model, 100)
    lost(store)
    clock.pass_time(hours=25)
    before = dict(store.objects)
    told = collect(model)
    assert told.dry_run and store.objects == before
    done = collect(model, dry_run=False)
    assert (told.garbage, told.retired, told.waiting) == (done.garbage, done.retired, done.waiting)
    assert done.garbage and done.retired and store.objects != before


def test_what_any_entry_names_stays(store, clock):
    """Also the files of nights and the records of decisions that older entries name."""
    model = crowned("a", "b", store=store, clock=clock)
    for day in ("30", "31"):
        month = f"2024-05-{day}"
        model.score(ScoredNight(day.encode(), month, month, 90), fold=b"".join, author="night")
    model.score(ScoredNight(b"june", "2024-06-01", "2024-06-01", 90), fold=b"".join, author="night")
    model.hold(expected=model.champion(), author="gate", body=LARGE, night=night(2))
    clock.pass_time(days=400)
    before = dict(store.objects)
    assert collect(model, dry_run=False).garbage == () and store.objects == before


def test_what_this_package_did_not_write_is_left_alone(store, clock):
    model = crowned("a", store=store, clock=clock)
    strays = [f"models/{NAME}/artifacts/notes.txt", f"models/{NAME}/versions/9999999/x", f"models/{NAME}/x/y", "other"]
    for key in strays:
        store.create(key, b"?")
    other = register(a_model(store, name="eurusd", clock=clock))
    clock.pass_time(days=400)
    assert collect(model, dry_run=False).garbage == ()
    assert {*strays, other.record.artifact} <= set(store.objects)


def test_an_upload_that_waits_for_its_entry_is_not_taken(store, clock):
    """The commit comes as late as it may, a collector at every moment."""
    model = crowned("a", store=store, clock=clock)

    class Waiting(CountingStore):
        def create(self, key, data):
            super().create(key, data)
            if "/artifacts/" in key:
                for _ in range(11):
                    clock.pass_time(hours=1)
                    collect(a_model(store, clock=clock, who=8), dry_run=False)

    register(a_model(Waiting(store), clock=clock, who=9), "slow")
    for _ in range(40):
        clock.pass_time(hours=1)
        collect(model, dry_run=False)
    audit(store.objects)


def test_an_entry_that_a_stale_listing_hides_is_seen(store, clock):
    model = crowned("a", store=store, clock=clock)
    register(model, "b")
    clock.pass_time(days=10)

    class Stale(CountingStore):
        def list(self, prefix, *, limit=None, after=None):
            found = self.store.list(prefix, after=after)
            hidden = found[1:] if "versions/" in prefix else found
            return hidden[:limit]

    assert collect(a_model(Stale(store), clock=clock), dry_run=False).garbage == ()
    audit(store.objects)


# --- segments ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Segments of 4 and 12 entries."""
    monkeypatch.setattr(segments, "SIZES", (4, 12))


def sizes(store) -> list[int]:
    found = [segments.segment_of(NAME, "versions", key) for key in store.list(segments.prefix(NAME, "versions"))]
    return [each.size for each in found]


def test_segments_that_are_damaged_or_folded_again_go_and_come_back_right(small, store, clock):
    model = a_model(store, clock=clock)
    nights(model, 29)
    model.fold()
    (large,) = [key for key in store.list(segments.prefix(NAME, "versions")) if "0000000013-0000000024" in key]
    store.objects[large] += b"x"
    done = collect(model, dry_run=False)
    assert sorted(each.why for each in done.garbage) == ["damaged", "folded", "folded", "folded"]
    assert sizes(store) == [12, 4, 4, 4, 4]
    model.fold()
    collect(model, dry_run=False)
    assert sizes(store) == [12, 12, 4] and verify(model).findings == ()
    assert collect(model).garbage == () and model.fold().segments == ()


def test_a_segment_of_one_log_does_not_stand_for_one_of_the_other(small, store, clock):
    model = crowned("a", store=store, clock=clock)
    nights(model, 5)
    for day in range(1, 14):
        model.hold(expected=model.champion(), author="gate", body={"sentence": "held"}, night=night(day))
    model.fold()
    collect(model, dry_run=False)
    assert sizes(store) == [4]


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", keys.LOGS)
def test_where_a_log_is_damaged_nothing_is_removed(store, clock, log):
    model = crowned("a", "b", "c", store=store, clock=clock)
    lost(store)
    clock.pass_time(days=9)
    del store.objects[keys.entry_key(NAME, log, 2)]
    before = dict(store.objects)
    with pytest.raises(Corrupt, match="registry verify"):
        collect(model, dry_run=False)
    assert store.objects == before


def test_where_it_is_not_known_what_an_entry_names_nothing_is_removed(store, clock):
    """Who may write entries may write nonsense; that costs nobody an artifact."""
    model = crowned("a", store=store, clock=clock)
    model.score(ScoredNight(b"scores", "2024-05-02", "2024-05-02", 90), fold=b"".join, author="night")
    register(model, "b")
    rewritten(store, 2, log="decisions", body={"night": "2024-05-02"})
    before = {*store.objects}
    clock.pass_time(days=9)
    with pytest.raises(Corrupt, match=r"entry 2 \('scored'\) of gbpusd/decisions: body\.bars is None"):
        collect(a_model(store, clock=clock), dry_run=False)
    assert store.objects.keys() == before


def test_what_another_collector_removed_meanwhile_is_no_error(small, store, clock):
    model = a_model(store, clock=clock)
    nights(model, 9)
    model.fold()
    store.create(segments.prefix(NAME, "versions") + "notes.txt", b"?")

    class Overtaken(CountingStore):
        def get(self, key):
            if "/segments/" in key:
                store.delete(key)
            return super().get(key)

    assert collect(a_model(Overtaken(store), clock=clock), dry_run=False).garbage == ()


def test_cut_off_at_any_delete_and_repeated_it_ends_the_same(store, clock):
    model = crowned("a", store=store, clock=clock)
    for label in ("x", "y", "z"):
        lost(store, label)
    clock.pass_time(hours=25)

    class Failing(CountingStore):
        def delete(self, key):
            super().delete(key)
            raise StoreUnavailable("no answer")

    for left in (2, 1, 0):
        with pytest.raises(StoreUnavailable):
            collect(a_model(Failing(store), clock=clock), dry_run=False)
        assert len(collect(model).garbage) == left
    audit(store.objects)


def test_to_keep_no_night_is_refused(store):
    with pytest.raises(InvalidRequest, match="at least 1 night must be kept, not of 0"):
        collect(a_model(store), nights_kept=0)


def test_the_grace_period_is_that_of_the_writers(store, clock):
    model = a_model(store, clock=clock, grace=timedelta(hours=72))
    promote(model, register(model))
    lost(store)
    clock.pass_time(hours=71)
    assert collect(model).garbage == ()
    clock.pass_time(hours=2)
    assert len(collect(model).garbage) == 1


def test_a_model_without_entries_has_no_garbage(store, snapshot):
    done = collect(a_model(store), dry_run=False)
    assert done.garbage == () and done.retired == ()
    assert str(done).startswith(f"{NAME}: 0 objects (0.0 MB)") and str(done) == snapshot


def test_in_a_folder_ages_are_those_of_the_files(tmp_path):
    model = Registry(connect(tmp_path)).model(NAME)
    promote(model, register(model))
    orphans = [tmp_path / "models" / NAME / "artifacts" / f"{digest(b'?')}-{number}" for number in range(2)]
    for orphan, hours in zip(orphans, (23, 25), strict=True):
        orphan.write_bytes(b"?")
        then = time.time() - hours * 3600
        os.utime(orphan, (then, then))
    assert [each.key for each in collect(model, dry_run=False).garbage] == [str(orphans[1].relative_to(tmp_path))]
    assert [orphan.exists() for orphan in orphans] == [True, False] and verify(model).clean
