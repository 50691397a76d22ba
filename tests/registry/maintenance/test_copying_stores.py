"""Copying a model to another store: whole, byte for byte, begun again after a cut, never onto another history."""

from __future__ import annotations

import pytest

from registry import Registry
from registry.errors import ArtifactMissing, Corrupt, Exists, InvalidRequest, StoreUnavailable
from registry.format import keys
from registry.maintenance import copying
from registry.maintenance.copying import copy
from registry.maintenance.gc import collect
from registry.maintenance.verify import verify
from registry.model.evidence import ScoredNight
from registry.store import connect
from tests.registry.actors import NAME, HandClock, a_model, crowned, night, promote, register
from tests.registry.auditing import audit
from tests.servers.stores import CountingStore, CutStore, MemoryStore

LARGE = {"sentence": "told", "record": {"numbers": [i / 7 for i in range(500)]}}


def filled(store: MemoryStore) -> MemoryStore:
    model = crowned("a", "b", store=store)
    register(model, "c")
    model.score(ScoredNight(b"scores", "2024-05-02", "2024-05-02", 90), fold=b"".join, author="night")
    model.hold(expected=model.champion(), author="gate", body=LARGE, night=night(2))
    return store


@pytest.fixture
def source():
    return filled(MemoryStore("source"))


def of_model(store) -> dict[str, bytes]:
    return {key: data for key, data in store.objects.items() if key.startswith("models/")}


def copied(source, target):
    return copy(a_model(source), a_model(target, who=2))


def test_a_copy_holds_the_same_bytes_under_the_same_keys(source):
    target = MemoryStore("target")
    done = copied(source, target)
    assert of_model(target) == of_model(source)
    assert (done.entries, done.objects) == (4 + 3, 3 + 2)
    assert done.bytes == sum(map(len, of_model(source).values()))


def test_a_copy_is_a_registry_like_any_other(source):
    target = MemoryStore("target")
    copied(source, target)
    model = a_model(target, who=3)
    promote(model, register(model, "d"))
    assert model.champion().version == "v4" and verify(model).findings == ()


def test_copied_again_it_adds_nothing(source):
    target = MemoryStore("target")
    copied(source, target)
    counting = CountingStore(target)
    done = copied(source, counting)
    assert (done.entries, done.objects, done.bytes) == (0, 0, 0)
    assert counting.requests["create"] == 0


def test_what_is_new_at_the_source_is_added(source):
    target = MemoryStore("target")
    copied(source, target)
    promote(a_model(source, who=4), register(a_model(source, who=5), "d"))
    done = copied(source, target)
    assert (done.entries, done.objects) == (2, 1) and of_model(target) == of_model(source)


def test_cut_off_at_any_write_it_is_whole_up_to_there_and_goes_on(source, monkeypatch):
    monkeypatch.setattr(copying, "_BATCH", 2)
    target = MemoryStore("target")

    cut, cuts = CutStore(target), 0
    while True:
        cut.left = 3  # the probe and two objects of the copy (the first time one: the registry gets its format too)
        try:
            copied(source, cut)
        except StoreUnavailable:
            cuts += 1
            assert {finding.kind for finding in verify(a_model(target)).findings} <= {"orphan", "cut log"}
            audit(target.objects, cut=True)
        else:
            break
    assert cuts == 6 and of_model(target) == of_model(source)


def test_another_history_is_not_written_over(source):
    target = MemoryStore("target")
    target.objects[keys.format_key(2)] = source.objects[keys.format_key(2)]
    register(a_model(target, who=7), "mine")
    before = dict(target.objects)
    with pytest.raises(InvalidRequest, match="has another history"):
        copied(source, target)
    assert target.objects == before


def test_a_history_that_parts_later_is_not_written_over(source):
    target = MemoryStore("target")
    copied(source, target)
    register(a_model(source, who=8), "here")
    register(a_model(target, who=9), "there")
    before = dict(target.objects)
    with pytest.raises(InvalidRequest, match=r"entry 4\s+differs"):
        copied(source, target)
    assert target.objects == before


def test_somebody_who_writes_to_the_target_is_not_written_over(source):
    target = MemoryStore("target")

    class Busy(CountingStore):
        def create(self, key, data):
            if key == keys.entry_key(NAME, "versions", 2):
                register(a_model(target, who=9), "there")
            super().create(key, data)

    with pytest.raises(InvalidRequest, match="somebody writes to the target"):
        copied(source, Busy(target))


def test_what_the_target_lost_is_put_back(source):
    """Restoring: also where the backup is older than the registry."""
    backup = MemoryStore("backup")
    copied(source, backup)
    promote(a_model(source, who=4), register(a_model(source, who=5), "d"))
    lost = a_model(source).version(2).record.artifact
    source.delete(lost)
    assert [finding.kind for finding in verify(a_model(source)).findings] == ["missing artifact"]
    done = copied(backup, source)
    assert (done.entries, done.objects) == (0, 1)
    assert source.objects[lost] == b"archive b" and verify(a_model(source)).clean


def test_a_damaged_source_is_not_copied(source, snapshot):
    source.objects[a_model(source).version(2).record.artifact] = b"?"
    target = MemoryStore("target")
    with pytest.raises(Corrupt, match=r"source .* damaged artifact") as refused:
        copied(source, target)
    assert str(refused.value) == snapshot
    assert of_model(target) == {}


def test_a_damaged_target_is_not_added_to(source, snapshot):
    target = MemoryStore("target")
    copied(source, target)
    target.objects[keys.entry_key(NAME, "versions", 2)] = b"?"
    register(a_model(source, who=5), "d")
    before = dict(target.objects)
    with pytest.raises(Corrupt, match=r"target .* damaged entry") as refused:
        copied(source, target)
    assert str(refused.value) == snapshot
    assert target.objects == before


def test_a_store_that_damages_what_it_stores_is_found_out(source):
    class Bad(MemoryStore):
        def create(self, key, data):
            super().create(key, data[:-1] if "/artifacts/" in key else data)

    with pytest.raises(Corrupt, match="damaged artifact"):
        copied(source, Bad("target"))


def test_a_repetition_that_meets_its_own_first_attempt_is_no_conflict(source):
    class Doubling(MemoryStore):
        def create(self, key, data):
            super().create(key, data)
            if key.startswith("models/"):
                raise Exists("asked twice below, and met itself")

    target = Doubling("target")
    copied(source, target)
    assert of_model(target) == of_model(source)


def test_models_of_different_names_are_not_copied_onto_each_other(source, snapshot):
    with pytest.raises(InvalidRequest) as refused:
        copy(a_model(source), a_model(MemoryStore(), name="eurusd"))
    assert str(refused.value) == snapshot


def test_other_models_and_strays_stay_where_they_are(source):
    register(a_model(source, name="eurusd", who=4))
    target = MemoryStore("target")
    copied(source, target)
    assert not [key for key in target.objects if "eurusd" in key]


def with_garbage(clock):
    """A source, and its model, of which gc may take one artifact by now."""
    source = filled(MemoryStore("source", clock=clock))
    model = a_model(source, clock=clock)
    clock.pass_time(days=9)
    model.retire([3], author="ann", reason="old")
    clock.pass_time(days=9)
    return source, model


def test_what_gc_took_at_the_source_is_not_missed_in_the_copy():
    clock = HandClock()
    source, model = with_garbage(clock)
    assert len(collect(model, dry_run=False).garbage) == 1
    target = MemoryStore("target", clock=clock)
    copy(model, a_model(target, clock=clock, who=2))
    assert of_model(target) == of_model(source)


class Collected(CountingStore):
    """A source that ``gc`` looks after at a moment of the copying: what it takes was there when it was listed."""

    def __init__(self, store, model, *, before: str) -> None:
        super().__init__(store)
        self.model, self.before, self.done = model, before, False

    def get(self, key):
        if self.before in key and not self.done:
            self.done = True
            self.collect()
        return super().get(key)

    def collect(self):
        assert len(collect(self.model, dry_run=False).garbage) == 1


def test_what_gc_takes_while_it_is_copied_is_not_missed():
    """Both between the listing and the reading of the artifact, and while the source is verified."""
    for before in (f"models/{NAME}/artifacts/", f"models/{NAME}/decisions/"):
        clock = HandClock()
        source, model = with_garbage(clock)
        watched = Collected(source, model, before=before)
        target = MemoryStore("target", clock=clock)
        copy(a_model(watched, clock=clock), a_model(target, clock=clock, who=2))
        assert watched.done and of_model(target) == of_model(source)


class Emptied(CountingStore):
    """A source that loses the artifact of v2 when it is read for the second time: first to be verified, then to be
    copied. ``retires``: an entry that was added meanwhile gave it up."""

    def __init__(self, store, *, retires: bool) -> None:
        super().__init__(store)
        self.retires, self.reads = retires, 0
        self.lost = str(a_model(store).version(2).record.artifact)

    def get(self, key):
        self.reads += key == self.lost
        if key == self.lost and self.reads == 2:
            self.store.delete(key)
            if self.retires:
                a_model(self.store, who=5).retire([2], author="ann", reason="old")
        return super().get(key)


def test_what_was_given_up_while_it_is_copied_is_not_missed():
    source, target = of_versions_alone(), MemoryStore("target")
    copied(Emptied(source, retires=True), target)
    assert of_model(target) == of_model(source)


def test_what_is_removed_while_it_is_copied_and_needed_is_an_error(snapshot):
    source, target = of_versions_alone(), MemoryStore("target")
    with pytest.raises(ArtifactMissing) as refused:
        copied(Emptied(source, retires=False), target)
    assert str(refused.value) == snapshot


def of_versions_alone() -> MemoryStore:
    """None of them is protected."""
    store = MemoryStore("source")
    model = a_model(store)
    for label in "abc":
        register(model, label)
    return store


def test_an_empty_model_copies_to_nothing():
    target = MemoryStore("target")
    assert copied(MemoryStore(), target).entries == 0 and of_model(target) == {}


def test_from_a_folder_to_a_bucket_and_back(tmp_path, bucket):
    here, there, back = (Registry(place).model(NAME) for place in (tmp_path / "a", f"{bucket}/r", tmp_path / "b"))
    promote(here, register(here))
    assert copy(here, there).entries == copy(there, back).entries == 2
    assert back.champion() == here.champion() == there.champion()
    folder, again = connect(tmp_path / "a"), connect(tmp_path / "b")
    names = folder.list("models/")
    assert names == again.list("models/") and [folder.get(key) for key in names] == [again.get(key) for key in names]
