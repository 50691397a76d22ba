"""A record of five hundred features: registered as often as one likes, read whole, and no wall in a log grown full."""

from __future__ import annotations

import dataclasses
import json

import pytest

from registry import Registry, VersionRecord, compare
from registry.analysis.history import read_history
from registry.errors import ArtifactMissing, Corrupt, EntryTooLarge, RegisteredOtherwise
from registry.exchange.bundle import bundle
from registry.exchange.export import export
from registry.format.entries import MAX_ENTRY_BYTES, canonical
from registry.maintenance.copying import copy
from registry.maintenance.gc import collect
from registry.maintenance.verify import verify
from registry.model import large_records
from registry.model.large_records import MOST_BYTES, split
from registry.trust.signing import Signer
from tests.registry.actors import HandClock, a_model, counted_ids, promote
from tests.registry.archives import packed
from tests.registry.long_logs import entry_of
from tests.servers.stores import CountingStore, MemoryStore

FEATURES = tuple(f"feature_{number:03d}" for number in range(500))
WIDE = VersionRecord(
    recipe="forest",
    recipe_fingerprint="f" * 64,
    features=FEATURES,
    columns=FEATURES,
    dtypes=("float64",) * 500,
    metrics={"accuracy": 0.513},
    measured_on={"bars": 24_926, "no_skill": 0.506},
    parameters={"depth": 3},
    environment={"scikit-learn": "1.9.0"},
    night="2024-06-28",
)


def register_wide(model, archive: bytes = b"archive", *, key: str | None = None, record: VersionRecord = WIDE):
    return model.register(archive, record, author="trainer", key=key)


def whole(record: VersionRecord):
    """What was asked for, as JSON gives it back."""
    return json.loads(
        canonical(dataclasses.replace(record, version="", artifact=None, sha256=None, size=None).to_dict())
    )


def test_three_hundred_versions_of_five_hundred_features_load_and_verify(store, clock):
    model = a_model(store, clock=clock)
    for number in range(300):
        register_wide(model, f"archive {number}".encode(), key=f"night {number}")
    assert max(len(data) for key, data in store.objects.items() if "/versions/" in key) < MAX_ENTRY_BYTES - 4000
    model = a_model(store, clock=clock, who=2)
    assert [str(version) for version in model.history()] == [f"v{number}" for number in range(1, 301)]
    assert all(whole(version.record) == whole(WIDE) for version in model.history())
    report = verify(model)
    assert (report.findings, report.objects) == ((), 600)


def test_a_wide_version_is_loaded_shown_compared_exported_bundled_and_copied(store, clock, tmp_path):
    model = a_model(store, clock=clock)
    first = register_wide(model, packed())
    second = register_wide(model, packed(), record=dataclasses.replace(WIDE, parameters={"depth": 4}))
    promote(model, first)
    again = a_model(store, clock=clock, who=2)
    assert [again.version("v1"), again.version("latest"), again.version("champion")] == [first, second, first]
    assert list(again.version("v1").record.features) == list(FEATURES)
    assert str(compare(again.version("v1"), again.version("v2")))
    assert list(read_history(again)["param_depth"]) == [3, 4]
    assert again.load("v2").expected.bars == again.load().expected.bars == 24_926
    files = {path.name: path.read_text() for path in export(again, "v1", tmp_path) if path.suffix == ".json"}
    assert json.loads(files["version.json"])["record"]["features"] == list(FEATURES)
    assert b"version.json" in bundle(again, 1)
    target = a_model(MemoryStore(), who=3)
    copy(again, target)
    assert [whole(version.record) for version in target.history()] == [whole(each.record) for each in (first, second)]


def test_only_what_is_large_is_moved(store):
    model = a_model(store)
    register_wide(model)
    record = entry_of(store, 1).body["version"]
    assert record["moved"]["fields"] == ["columns", "dtypes", "features"]
    assert (record["metrics"], record["parameters"], record["night"]) == (
        {"accuracy": 0.513},
        {"depth": 3},
        "2024-06-28",
    )
    assert str(entry_of(store, 1)) == "v1 (forest) registered by trainer: accuracy 0.5130 (no_skill 0.5060)"
    small = dataclasses.replace(WIDE, features=FEATURES[:9], columns=FEATURES[:9], dtypes=("float64",) * 9)
    assert split(small) == (small, None)


def test_a_small_record_costs_no_request_more():
    counting = CountingStore(MemoryStore())
    model = a_model(counting)
    register_wide(model)
    counting.reset()
    small = dataclasses.replace(WIDE, features=FEATURES[:9], columns=FEATURES[:9], dtypes=("float64",) * 9)
    register_wide(model, b"b", record=small)
    assert dict(counting.requests) == {"list": 1, "create": 2}
    counting.reset()
    register_wide(model, b"c")
    assert dict(counting.requests) == {"list": 1, "create": 3}


def test_repeated_with_its_key_it_is_the_same_one(store):
    model = a_model(store)
    first = register_wide(model, key="tonight")
    stored = len(store.objects)
    assert register_wide(a_model(store, who=2), key="tonight") == first and len(store.objects) == stored
    other_run = dataclasses.replace(WIDE, environment={"scikit-learn": "1.9.1"}, seconds=3.0)
    assert register_wide(a_model(store, who=2), key="tonight", record=other_run) == first
    for changed in ({"features": FEATURES[::-1]}, {"parameters": {"depth": 4}}, {"columns": FEATURES[:9]}):
        with pytest.raises(RegisteredOtherwise, match=next(iter(changed))):
            register_wide(a_model(store, who=2), key="tonight", record=dataclasses.replace(WIDE, **changed))


# --- the object damaged or gone ---------------------------------------------------------------------------------------


def damaged(store, key: str) -> type[Exception]:
    store.objects[key] += b" "
    return Corrupt


def gone(store, key: str) -> type[Exception]:
    del store.objects[key]
    return ArtifactMissing


@pytest.mark.parametrize("harm", [damaged, gone])
def test_the_object_of_a_record_harmed_is_named_and_hinders_no_champion(store, clock, harm, tmp_path):
    model = a_model(store, clock=clock)
    promote(model, register_wide(model, packed()))
    promote(model, model.register(packed(), VersionRecord(recipe="rf"), author="trainer"))
    key = entry_of(store, 1).body["version"]["moved"]["key"]
    error = harm(store, key)
    model = a_model(store, clock=clock, who=2)
    [finding] = verify(model).findings
    assert (finding.kind, finding.key) == (f"{'missing' if harm is gone else 'damaged'} artifact", key)
    for read in (lambda: model.version("v1"), model.history, lambda: export(model, "v1", tmp_path)):
        with pytest.raises(error, match=key):
            read()
    assert model.load("v1").version == "v1"
    model.rollback(author="ann", reason="why")
    assert model.load().version == "v1"
    model.force("v2", author="ann", reason="why")
    model.force("v1", author="ann", reason="why")
    frame = {"rsi_14": [50.0], "atr_14": [0.01]}
    with pytest.warns(RuntimeWarning, match="what to expect of v1 is not known"):
        assert model.load().predict(frame, pick=True).expected is None


@pytest.mark.parametrize(
    "content",
    [b"[]\n", b"junk", {"features": ["a"]}, {"features": 1, "columns": [], "dtypes": []}, {"version": "v9"}],
)
def test_an_object_of_other_fields_is_refused(store, content):
    data = content if isinstance(content, bytes) else canonical(content)
    kept, rest = split(dataclasses.replace(WIDE, version="v1"))
    assert rest is not None and list(large_records.whole(kept, rest, where="here").features) == list(FEATURES)
    with pytest.raises(Corrupt, match=r"its entry names|that is none"):
        large_records.whole(kept, data, where="here")


def test_what_stands_beside_a_retired_version_stays(store, clock):
    model = a_model(store, clock=clock)
    version = register_wide(model)
    clock.pass_time(days=9)
    model.retire([1], author="ann", reason="old")
    clock.pass_time(days=9)
    assert [each.key for each in collect(model, dry_run=False).garbage] == [version.record.artifact]
    assert whole(model.version("v1").record) == whole(WIDE) and verify(model).findings == ()


def test_an_entry_that_names_another_object_as_the_rest_is_named(store):
    from tests.registry.corruptions import key_of
    from tests.registry.long_logs import rewritten

    model = a_model(store)
    register_wide(model)
    body = entry_of(store, 1).body["version"]
    other = {**body["moved"], "sha256": "0" * 64}
    rewritten(store, 1, body={"version": {**body, "moved": other}})
    assert ("wrong state", key_of(1)) in [(each.kind, each.key) for each in verify(a_model(store)).findings]


# --- the fullest state ------------------------------------------------------------------------------------------------


LONGEST = "m" * 100


@pytest.mark.parametrize("moved", [False, True], ids=["in the entry", "beside it"])
def test_the_fullest_state_leaves_room_for_a_record(moved):
    """Entries with numbers of seven digits, the longest names, every list full, a signature."""
    registry = Registry(MemoryStore(), clock=HandClock(), new_id=counted_ids(), signer=Signer("trainer", b"s" * 32))
    model, who = registry.model(LONGEST), "é" * 64
    first = model.register(b"first", VersionRecord(), author=who)
    head = model.versions.head()
    far = {
        "keys": [f"{n:012x}:{9_990_000 + n}" for n in range(256)],
        "retired": ",".join(f"{1_000_000 + 2 * n}-{1_000_000 + 2 * n}" for n in range(94)),
        "newest": {f"{n:016x}": 9_990_000 + n for n in range(32)},
        "tags": {f"{n:02d}" + "t" * 98: "v9990000" for n in range(32)},
        "latest": {"version": "v9990000", "entry": 9_990_000},
        "watermark": {"entry": 9_990_000, "through": "2024-06-28T20:30:00.000000Z"},
        "as_of": "2024-06-28T21:00:00.000000Z",
        "repaired": 9_990_000,
    }
    model.versions._newest = dataclasses.replace(head, n=9_990_000, state=far)
    model.versions.head = lambda: model.versions._newest
    plain = VersionRecord(
        recipe="r" * 100, recipe_fingerprint="e" * 64, parameters={"p": ""}, sha256="a" * 64, size=len(b"archive")
    )
    room = MOST_BYTES - len(canonical(plain.to_dict()))
    record = dataclasses.replace(plain, parameters={"p": "x" * room})
    if moved:
        record = dataclasses.replace(record, features=FEATURES, metrics={"m" * 300: 0.5})
    version = model.register(b"archive", record, author=who, as_of=HandClock().now())
    entry = model.versions._newest
    assert (entry.n, str(version), str(first)) == (9_990_001, "v9990001", "v1")
    assert len(entry.state["keys"]) == 256 and ("moved" in entry.body["version"]) == moved
    most = len(entry.to_bytes())
    assert most < MAX_ENTRY_BYTES - 200 and (moved or most > MAX_ENTRY_BYTES - 1000), most


def test_a_record_too_large_for_both_is_refused_and_nothing_is_written():
    model = a_model()
    for record in (
        VersionRecord(parameters={"p": "x" * large_records.MOST_MOVED_BYTES}),
        VersionRecord(source_revision="x" * MOST_BYTES),
    ):
        with pytest.raises(EntryTooLarge, match="shorten its parameters"):
            model.register(b"x", record, author="trainer")
    assert model.store.list("") == []
