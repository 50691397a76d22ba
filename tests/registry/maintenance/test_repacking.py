"""Repacking: a copy whose archives are smaller and say the same; what cannot be proved, or signed, stays as it was."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
from datetime import timedelta

import numpy as np
import pytest

from registry import Registry, VersionRecord
from registry.archive import repacking as archives
from registry.archive.archive import ARRAYS, HEAD, MODEL, unpack
from registry.archive.canonical_zip import canonical_zip
from registry.archive.probe import probe_rows
from registry.errors import (
    ArtifactMissing,
    Corrupt,
    InvalidRequest,
    KeyRefused,
    NotPortable,
    StoreUnavailable,
    UntrustedSignature,
)
from registry.format.entries import digest
from registry.maintenance import repacking
from registry.maintenance.copying import copy
from registry.maintenance.gc import collect
from registry.maintenance.repacking import repack
from registry.maintenance.verify import verify
from registry.model import transitions
from registry.store import connect
from registry.trust.signing import Signer, Trusted
from tests.registry.actors import NAME, HandClock, a_model, promote
from tests.registry.archives import (
    OTHERS,
    PORTABLE,
    SIGNATURE,
    fitted,
    lesson,
    members,
    opened,
    pack_as_format_1,
    packed,
    packed_with_estimator,
)
from tests.registry.format_1 import REGISTRY
from tests.servers.stores import CountingStore, CutStore, MemoryStore

KINDS = ("one tree", "logistic", "boosting", "random forest", "scaled logistic")
PROMOTER, TRAINER = Signer("promoter", bytes([2] * 32)), Signer("trainer", bytes([1] * 32))
TRUSTED = Trusted(promoters=[PROMOTER.public], trainers=[TRAINER.public])
ROWS = lesson()[0]


@functools.cache
def written(**options) -> dict[str, bytes]:
    """v1 to v5 as format 1 has them, v6 without arrays, v7 of today; v2 is champion, v1 was."""
    store = MemoryStore("source")
    model = a_model(store, **options)
    for data in (*map(packed_with_estimator, KINDS), packed("naive Bayes"), packed("logistic")):
        model.register(data, VersionRecord(recipe="rf"), author="trainer")
    for version in (1, 2):
        promote(model, model.version(version))
    return store.objects


def source(name: str = "source", clock=None, **options) -> MemoryStore:
    store = MemoryStore(name, clock=clock)
    store.objects.update(written(**options))
    return store


def repacked(origin, target, **options):
    return repack(a_model(origin), a_model(target, who=2, **options), author="ann")


def entries(store) -> dict[str, bytes]:
    return {key: data for key, data in store.objects.items() if "/versions/" in key or "/decisions/" in key}


def test_archives_become_arrays_alone_and_say_the_same():
    origin, target = source(), MemoryStore("target")
    done = repacked(origin, target)
    assert (done.archives, done.copied.entries) == (3, 9) and done.bytes_after < done.bytes_before / 2
    before, after = a_model(origin), a_model(target, who=3)
    for version in range(1, 8):
        old, new = before.load(version).archive, after.load(version).archive
        assert np.array_equal(old.up(ROWS), new.up(ROWS))
        assert new.has_estimator == (version in (1, 2, 6))
    assert after.load(3).archive.members.keys() == opened(packed("boosting")).members.keys()


def test_what_stays_as_it_was_is_named(snapshot):
    done = repacked(source(), MemoryStore("target"))
    assert [*done.kept] == ["v1", "v2"] and dict(done.kept) == snapshot


def test_the_copy_is_clean_and_keeps_every_entry():
    origin, target = source(), MemoryStore("target")
    repacked(origin, target)
    assert verify(a_model(target)).findings == ()
    assert entries(origin).items() <= entries(target).items()
    (new,) = (key for key in entries(target) if key not in entries(origin))
    entry = json.loads(target.objects[new])
    assert entry["kind"] == "repacked" and sorted(entry["body"]["replaced"]) == ["v3", "v4", "v5"]
    assert entry["body"]["replaced"]["v3"]["sha256"] == digest(packed_with_estimator("boosting"))
    assert entry["body"]["replaced"]["v3"]["artifact"].startswith(f"artifacts/{digest(packed('boosting'))}-")


def test_the_entry_says_what_was_done(snapshot):
    target = MemoryStore("target")
    repacked(source(), target)
    assert str(a_model(target).decisions.head()) == snapshot


def test_the_source_stays_as_it_was_and_still_loads():
    origin = source()
    repacked(origin, MemoryStore("target"))
    assert origin.objects == written() and a_model(origin).load(3).archive.has_estimator


def test_the_champion_is_loaded_at_no_further_request():
    target = MemoryStore("target")
    repacked(source(), target)
    counting = CountingStore(target)
    assert a_model(counting).load().archive.has_estimator
    assert counting.requests["list"] == 1 and counting.requests["get"] == 2


def test_a_repacked_version_becomes_champion_and_is_served():
    clock, target = HandClock(), MemoryStore("target")
    repacked(source(), target)
    clock.pass_time(days=3)
    model = a_model(target, who=3, clock=clock)
    promote(model, model.version(3))
    served = a_model(target, who=4).load()
    assert served.version == "v3" and not served.archive.has_estimator
    model.rollback(author="ann", reason="worse")
    assert verify(a_model(target)).findings == ()


def test_repacked_again_it_adds_nothing():
    origin, target = source(), MemoryStore("target")
    repacked(origin, target)
    counting = CountingStore(target)
    done = repacked(origin, counting)
    assert (done.archives, done.copied.entries, done.copied.objects) == (0, 0, 0)
    assert counting.requests["create"] == 0


def test_a_copy_of_the_copy_is_the_same():
    target, backup, smaller = (MemoryStore(name) for name in ("target", "backup", "smaller"))
    repacked(source(), target)
    copy(a_model(target), a_model(backup, who=3))
    assert backup.objects == target.objects
    assert repack(a_model(target), a_model(smaller, who=4), author="ann").archives == 0
    assert smaller.objects == target.objects


def test_what_is_no_longer_a_champions_is_repacked_by_the_next():
    """The second entry names the first."""
    first, second = MemoryStore("first"), MemoryStore("second")
    repacked(source(), first)
    model = a_model(first, who=3)
    for _ in range(6):
        for version in (3, 4, 5, 6, 7, 2):
            promote(model, model.version(version))
    for number in range(9):
        promote(model, model.register(packed("one leaf"), VersionRecord(recipe=str(number)), author="trainer"))
    assert "v1" not in model.protected_versions()
    assert repack(a_model(first), a_model(second, who=4), author="ann").archives == 1
    again = a_model(second)
    assert again.decisions.head().body["before"] == 3
    assert not again.load(1).archive.has_estimator and not again.load(3).archive.has_estimator
    assert verify(again).findings == ()


def test_cut_off_at_any_write_it_goes_on(monkeypatch):
    monkeypatch.setattr(repacking, "_AT_ONCE", 2)
    target, cuts = MemoryStore("target"), 0

    origin, cut, ids = source(), CutStore(target), iter(range(10, 100))
    while True:
        cut.left = 4
        try:
            repack(a_model(origin), a_model(cut, who=next(ids)), author="ann")
        except StoreUnavailable:
            cuts += 1
        else:
            break
    report = verify(a_model(target))
    assert cuts > 3 and report.clean and {finding.kind for finding in report.findings} <= {"orphan"}
    replaced = [each for entry in a_model(target).decisions.walk() for each in entry.body.get("replaced", ())]
    assert sorted(replaced) == ["v3", "v4", "v5"]
    assert all(not a_model(target).load(version).archive.has_estimator for version in (3, 4, 5))


def test_a_source_that_went_on_since_is_refused():
    origin, target = source(), MemoryStore("target")
    repacked(origin, target)
    promote(a_model(origin, who=5), a_model(origin).version(4))
    before = dict(target.objects)
    with pytest.raises(InvalidRequest, match="has another history"):
        repacked(origin, target)
    assert target.objects == before


def test_versions_registered_at_the_source_since_are_added():
    origin, target = source(), MemoryStore("target")
    repacked(origin, target)
    a_model(origin, who=5).register(packed_with_estimator("extra trees"), VersionRecord(recipe="new"), author="trainer")
    done = repacked(origin, target, clock=HandClock())
    assert done.archives == 1 and verify(a_model(target)).findings == ()
    assert not a_model(target).load(8).archive.has_estimator and not a_model(target).load(3).archive.has_estimator


def test_a_model_without_old_archives_is_merely_copied():
    origin, target = MemoryStore("source"), MemoryStore("target")
    a_model(origin).register(packed("logistic"), VersionRecord(), author="trainer")
    assert repacked(origin, target).archives == 0 and target.objects == origin.objects


def test_an_empty_model_is_repacked_to_nothing():
    assert repacked(MemoryStore(), MemoryStore("target")).copied.entries == 0


def test_a_registry_without_id_is_asked_to_have_one(tmp_path, snapshot):
    origin, target = Registry(REGISTRY).model("nightly"), Registry(tmp_path / "new").model("nightly")
    with pytest.raises(InvalidRequest) as refused:
        repack(origin, target, author="ann")
    assert str(refused.value).replace(str(REGISTRY), "REGISTRY") == snapshot
    assert target.store.list("") == []


def test_the_registry_of_format_1_is_repacked(tmp_path):
    shutil.copytree(REGISTRY, tmp_path / "old")
    Registry(tmp_path / "old").begin()
    origin, target = (Registry(tmp_path / name).model("nightly") for name in ("old", "new"))
    done = repack(origin, target, author="ann")
    assert done.archives > 0 and verify(Registry(tmp_path / "new").model("nightly")).clean
    for version in origin.history():
        if version.record.artifact is not None:
            x = probe_rows(len(origin.load(version.record.version).archive.signature.features))
            old, new = (model.load(version.record.version).archive.up(x) for model in (origin, target))
            assert np.abs(old - new).max() <= 1e-12


def test_from_a_folder_to_a_bucket(tmp_path, bucket):
    here, there = (Registry(place).model(NAME) for place in (tmp_path / "a", f"{bucket}/r"))
    here.register(packed_with_estimator("logistic"), VersionRecord(), author="trainer")
    assert repack(here, there, author="ann").archives == 1
    assert not there.load("v1").archive.has_estimator and len(connect(f"{bucket}/r").list(f"models/{NAME}/")) == 3


# --- archives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PORTABLE)
def test_an_archive_becomes_the_one_that_would_be_written_today(kind):
    old = opened(packed_with_estimator(kind))
    assert archives.is_old(old) and archives.repacked(old) == packed(kind)


@pytest.mark.parametrize("kind", [*OTHERS, "logistic"])
def test_what_is_written_today_is_not_old(kind):
    assert not archives.is_old(opened(packed(kind)))


def with_other(part: str):
    """Arrays of one model beside the estimator of another."""
    found, other = (members(packed_with_estimator(kind)) for kind in ("random forest", "extra trees"))
    wanted = {name: data for name, data in found.items() if (name == MODEL) != (part == MODEL)}
    taken = {name: data for name, data in other.items() if (name == MODEL) == (part == MODEL) and name != HEAD}
    return canonical_zip({**wanted, **taken, HEAD: found[HEAD]})


def broken():
    return canonical_zip({**members(packed_with_estimator()), MODEL: canonical_zip({"schema.json": b"{}"})})


UNPROVABLE = {
    "arrays of another model": (lambda: with_other(ARRAYS), "its estimator and what is served differ by up to"),
    "the estimator of another model": (lambda: with_other(MODEL), "its estimator and what is served differ by up to"),
    "an estimator that cannot be read": (broken, "cannot be read"),
}


@pytest.mark.parametrize(("make", "why"), UNPROVABLE.values(), ids=UNPROVABLE)
def test_an_archive_whose_scores_are_not_proved_stays_and_is_named(make, why):
    origin, target = MemoryStore("source"), MemoryStore("target")
    model = a_model(origin)
    for data in (make(), packed_with_estimator("logistic")):
        model.register(data, VersionRecord(), author="trainer")
    done = repacked(origin, target)
    assert [*done.kept] == ["v1"] and done.archives == 1 and why in done.kept["v1"]
    kept = a_model(target).version(1).record
    assert target.objects[kept.artifact] == origin.objects[kept.artifact]
    assert verify(a_model(target)).findings == ()
    assert (again := repacked(origin, target)).archives == 0 and [*again.kept] == ["v1"]


def test_without_scikit_learn_an_archive_stays(monkeypatch):
    def missing(self):
        raise NotPortable("the estimator needs scikit-learn")

    monkeypatch.setattr("registry.archive.archive.Archive.estimator", missing)
    done = repacked(source(), MemoryStore("target"))
    assert done.archives == 0 and {*done.kept} == {"v1", "v2", "v3", "v4", "v5"}


def test_an_archive_of_no_model_is_copied_as_it_is():
    origin, target = MemoryStore("source"), MemoryStore("target")
    a_model(origin).register(b"no archive", VersionRecord(), author="trainer")
    assert repacked(origin, target).archives == 0 and target.objects == origin.objects


# --- what a reader may believe ----------------------------------------------------------------------------------------


def signed(signer=PROMOTER) -> MemoryStore:
    return source(signer=signer)


def test_decisions_that_are_signed_ask_for_a_promoters_key(snapshot):
    for options in ({}, {"signer": TRAINER}):
        target = MemoryStore("target")
        with pytest.raises(KeyRefused) as refused:
            repacked(signed(), target, **options)
        assert str(refused.value) == snapshot and target.objects == {}


def test_trusted_keys_ask_for_one_of_them(snapshot):
    other = Signer("promoter", bytes([9] * 32))
    target = MemoryStore("target")
    with pytest.raises(KeyRefused) as refused:
        repacked(signed(), target, signer=other, trusted=TRUSTED)
    assert str(refused.value) == snapshot and target.objects == {}


def test_what_a_promoter_vouches_for_is_loaded_where_keys_are_trusted():
    target = MemoryStore("target")
    repacked(signed(), target, signer=PROMOTER, trusted=TRUSTED)
    reader = a_model(target, trusted=TRUSTED)
    assert not reader.load(3).archive.has_estimator and reader.load().version == "v2"
    assert verify(reader).findings == ()
    assert entries(signed()).items() <= entries(target).items()


def test_what_another_vouches_for_is_refused_where_keys_are_trusted():
    target = MemoryStore("target")
    repacked(signed(), target, signer=Signer("promoter", bytes([9] * 32)))
    with pytest.raises(UntrustedSignature, match="not a trusted promoter"):
        a_model(target, trusted=TRUSTED).load(3)
    assert a_model(target, trusted=TRUSTED).load().version == "v2"
    assert "untrusted entry" in {finding.kind for finding in verify(a_model(target, trusted=TRUSTED)).findings}


def replacing(model, log, **said) -> None:
    item = {"sha256": model.version(3).record.sha256, "artifact": f"artifacts/{digest(b'new')}-1", "size": 3, **said}
    model.store.create(f"models/{NAME}/{item['artifact']}", b"new")
    log.append(transitions.repacked({"v3": item}, "forged"), author="mallory")


def test_who_may_only_register_replaces_nothing():
    store = source()
    model = a_model(store, who=6)
    replacing(model, model.versions)
    del store.objects[model.version(3).record.artifact]
    with pytest.raises(ArtifactMissing):
        a_model(store).load(3)
    assert "missing artifact" in {finding.kind for finding in verify(a_model(store)).findings}


def test_who_takes_a_repacked_versions_name_is_not_given_its_archive():
    target = MemoryStore("target")
    repacked(source(), target)
    model = a_model(target, who=3)
    record = model.version(3).record
    named = dataclasses.replace(record, artifact=f"models/{NAME}/artifacts/{'0' * 64}-1", sha256="0" * 64)
    assert model.replacement(record) is not None and model.replacement(named) is None
    with pytest.raises(ArtifactMissing):
        model.archive(named)


def test_an_archive_that_is_there_is_not_replaced():
    store = source()
    model = a_model(store, who=6)
    replacing(model, model.decisions)
    assert a_model(store).load(3).archive.has_estimator


def test_what_replaces_another_archive_than_the_versions_is_damage():
    store = source()
    model = a_model(store, who=6)
    replacing(model, model.decisions, sha256="0" * 64)
    assert [finding.kind for finding in verify(a_model(store)).findings] == ["wrong state"]
    del store.objects[model.version(3).record.artifact]
    with pytest.raises(ArtifactMissing):
        a_model(store).load(3)


@pytest.mark.parametrize(("change", "kind"), [("gone", "missing artifact"), ("other", "damaged artifact")])
def test_a_smaller_archive_that_is_lost_or_damaged_is_found(change, kind):
    target = MemoryStore("target")
    repacked(source(), target)
    key = a_model(target).replacement(a_model(target).version(3).record).key
    if change == "gone":
        del target.objects[key]
    else:
        target.objects[key] = b"?"
    assert [(finding.kind, finding.key) for finding in verify(a_model(target)).findings] == [(kind, key)]
    with pytest.raises(ArtifactMissing if change == "gone" else Corrupt):
        a_model(target).load(3)


def test_a_broken_chain_of_entries_is_said():
    target = MemoryStore("target")
    repacked(source(), target)
    model = a_model(target, who=3)
    model.decisions.append(lambda head, n, time: _pointing(n), author="mallory")
    with pytest.raises(Corrupt, match="should say which archives were repacked"):
        a_model(target).load(3)


def _pointing(n):
    draft = transitions.frozen(None, "forged")(None, n, HandClock().now())
    return type(draft)(draft.kind, draft.body, {**draft.changes, "repacked": 1})


# --- upkeep -----------------------------------------------------------------------------------------------------------


def test_nothing_that_is_needed_is_garbage():
    clock = HandClock()
    target = MemoryStore("target", clock=clock)
    repacked(source(), target, clock=clock)
    clock.pass_time(days=30)
    assert collect(a_model(target, clock=clock), dry_run=False).garbage == ()


def test_a_retired_versions_smaller_archive_goes():
    clock = HandClock()
    target = MemoryStore("target", clock=clock)
    repacked(source(), target, clock=clock)
    model = a_model(target, clock=clock, who=3)
    clock.pass_time(days=9)
    model.retire([3], author="ann", reason="old")
    key = model.replacement(model.version(3).record).key
    assert collect(model, dry_run=False).garbage == ()
    clock.pass_time(days=9)
    assert [garbage.key for garbage in collect(model, dry_run=False).garbage] == [key]
    assert verify(a_model(target)).findings == ()
    with pytest.raises(ArtifactMissing):
        promote(a_model(target, clock=clock, who=4), model.version(3))


def test_a_version_whose_smaller_archive_is_gone_is_not_promoted():
    clock, target = HandClock(), MemoryStore("target")
    repacked(source(), target)
    del target.objects[a_model(target).replacement(a_model(target).version(3).record).key]
    clock.pass_time(days=9)
    with pytest.raises(ArtifactMissing):
        promote(a_model(target, clock=clock, who=4), a_model(target).version(3))


def test_many_archives_are_few_entries_of_a_few_kilobytes():
    origin, target = MemoryStore("source"), MemoryStore("target")
    model = a_model(origin, name="m" * 100)
    data = pack_as_format_1(fitted("one leaf"), SIGNATURE)
    for _ in range(40):
        model.register(data, VersionRecord(), author="trainer")
    done = repack(model, a_model(target, name="m" * 100, who=2), author="a" * 128)
    written = [entry for entry in a_model(target, name="m" * 100).decisions.walk() if entry.kind == "repacked"]
    assert done.archives == 40 and [len(entry.body["replaced"]) for entry in written] == [8, 16, 16]
    assert max(len(json.dumps(dict(entry.body))) for entry in written) <= 4096
    assert not a_model(target, name="m" * 100).load(1).archive.has_estimator


def test_uploads_that_waited_too_long_are_not_named(monkeypatch):
    clock, target = HandClock(), MemoryStore("target")

    def slow(archive):
        clock.pass_time(hours=13)
        return archives.repacked(archive)

    monkeypatch.setattr(repacking, "repacked", slow)
    with pytest.raises(Exception, match=f"waited over {timedelta(hours=12)}"):
        repacked(source(), target, clock=clock)
    assert not [entry for entry in a_model(target).decisions.walk() if entry.kind == "repacked"]


def test_an_archive_unpacks_by_the_digest_that_the_entry_names():
    target = MemoryStore("target")
    repacked(source(), target)
    found = a_model(target).replacement(a_model(target).version(4).record)
    assert unpack(target.objects[found.key], sha256=found.sha256, where="here").not_portable is None
