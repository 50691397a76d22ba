"""Verifying: every kind of damage is named, with the key it stands at; what is whole is called clean."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest
from actors import NAME, NOON, a_model, crowned, night, promote, register
from auditing import audit
from hypothesis import given, settings
from hypothesis import strategies as st
from long_logs import entry_of, long_store, rewritten
from servers.stores import CountingStore, MemoryStore

from registry import Registry, keys, segments
from registry.cache import Cache
from registry.entries import digest
from registry.errors import FormatTooNew
from registry.store import connect
from registry.verify import KINDS, verify

LARGE = {"sentence": "told", "record": {"numbers": [i / 7 for i in range(500)]}}


def whole() -> MemoryStore:
    """Five versions, three decisions on two of them and one with a large record, a night's evidence, a retired one."""
    store = MemoryStore()
    model = crowned("a", "b", store=store)
    for label in "cde":
        register(model, label)
    model.hold(expected=model.champion(), author="gate", body=LARGE, night=night(2))
    model.score(b"scores", night="2024-05-02", through="2024-05-02", bars=90, fold=b"".join, author="night")
    model.retire([3], author="ann", reason="old")
    model.tag("best", 4, author="ann")
    return store


def found(store) -> list[tuple[str, str]]:
    return [(finding.kind, finding.key) for finding in verify(a_model(store)).findings]


def key_of(n: int, log: str = "versions") -> str:
    return keys.entry_key(NAME, log, n)


def object_below(store: MemoryStore, folder: str, number: int = 0) -> str:
    return store.list(f"models/{NAME}/{folder}/")[number]


def artifact_of(store: MemoryStore, n: int) -> str:
    return str(entry_of(store, n).body["version"]["artifact"])


def state_with(store: MemoryStore, n: int, log: str, **values: object) -> dict[str, object]:
    return {**entry_of(store, n, log=log).state, **values}


def champion_with(store: MemoryStore, n: int, **values: object) -> dict[str, object]:
    state = entry_of(store, n, log="decisions").state
    return {**state, "champion": {**state["champion"], **values}}


def body_with(store: MemoryStore, n: int, **values: object) -> dict[str, object]:
    body = entry_of(store, n).body
    return {**body, "version": {**body["version"], **values}}


def plant(kind: str) -> Callable[[Callable[[MemoryStore], str]], Callable[[MemoryStore], str]]:
    def planted(corrupt: Callable[[MemoryStore], str]) -> Callable[[MemoryStore], str]:
        PLANTED[corrupt.__name__.replace("_", " ")] = (kind, corrupt)
        return corrupt

    return planted


PLANTED: dict[str, tuple[str, Callable[[MemoryStore], str]]] = {}
"""By what was done: the kind of finding, and the function that does it and gives the key that must be named."""


@plant("gap")
def an_entry_deleted(store):
    del store.objects[key_of(3)]
    return key_of(3)


@plant("gap")
def the_first_two_entries_deleted(store):
    del store.objects[key_of(1)], store.objects[key_of(2)]
    return key_of(2)


@plant("head without predecessor")
def the_entry_before_the_newest_deleted(store):
    del store.objects[key_of(7)]
    return key_of(7)


@plant("fork")
def an_entry_replaced_by_a_valid_one(store):
    other = dataclasses.replace(entry_of(store, 4), author="mallory")
    store.objects[key_of(4)] = other.to_bytes()
    return key_of(5)


@plant("damaged entry")
def a_byte_changed_in_an_entry(store):
    store.objects[key_of(4)] = store.objects[key_of(4)].replace(b'"format":1', b'"format": 1')
    return key_of(4)


@plant("damaged entry")
def an_entry_cut_short(store):
    store.objects[key_of(2, "decisions")] = store.objects[key_of(2, "decisions")][:100]
    return key_of(2, "decisions")


@plant("damaged entry")
def an_entry_copied_over_another(store):
    store.objects[key_of(2)] = store.objects[key_of(5)]
    return key_of(2)


@plant("damaged artifact")
def an_artifact_damaged(store):
    store.objects[artifact_of(store, 2)] = b"something else"
    return artifact_of(store, 2)


@plant("missing artifact")
def an_artifact_deleted(store):
    key = artifact_of(store, 4)
    del store.objects[key]
    return key


@plant("missing evidence")
def a_nights_evidence_deleted(store):
    key = next(key for key in store.list(f"models/{NAME}/evidence/") if store.objects[key] == b"scores")
    del store.objects[key]
    return key


@plant("damaged evidence")
def a_decisions_record_damaged(store):
    key = next(key for key in store.list(f"models/{NAME}/evidence/") if store.objects[key] != b"scores")
    store.objects[key] = b"{}"
    return key


@plant("orphan")
def an_artifact_that_nothing_names(store):
    key = f"models/{NAME}/artifacts/{digest(b'lost')}-0123"
    store.objects[key] = b"lost"
    return key


@plant("stray key")
def a_stray_name_in_a_log(store):
    key = f"models/{NAME}/versions/9999999/notes.txt"
    store.objects[key] = b"?"
    return key


@plant("stray key")
def an_entry_under_a_wrong_inversion(store):
    key = key_of(3).replace("-3.json", "-4.json")
    store.objects[key] = store.objects[key_of(3)]
    return key


@plant("stray key")
def a_file_beside_the_logs(store):
    key = f"models/{NAME}/backup/old.zip"
    store.objects[key] = b"?"
    return key


@plant("wrong state")
def a_champion_that_was_not_promoted(store):
    fifth = entry_of(store, 5).body["version"]
    other = {name: fifth[name] for name in ("version", "artifact", "sha256")}
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, entry=5, **other))
    return key_of(2, "decisions")


@plant("wrong state")
def a_champion_of_another_decision(store):
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, decision=1))
    return key_of(2, "decisions")


@plant("wrong state")
def a_champion_whose_artifact_is_anothers(store):
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, artifact=artifact_of(store, 5)))
    return key_of(2, "decisions")


@plant("wrong state")
def a_champion_changed_by_what_is_no_promotion(store):
    rewritten(store, 3, log="decisions", state=champion_with(store, 3, cut=0.9))
    return key_of(3, "decisions")


@plant("wrong state")
def a_stale_decision_applied(store):
    entry = entry_of(store, 2, log="decisions")
    rewritten(store, 2, log="decisions", body={**entry.body, "against": None})
    return key_of(2, "decisions")


@plant("wrong state")
def a_former_champion_forgotten(store):
    rewritten(store, 2, log="decisions", state=state_with(store, 2, "decisions", former=[]))
    return key_of(2, "decisions")


@plant("wrong state")
def a_latest_version_that_is_not(store):
    rewritten(store, 4, state=state_with(store, 4, "versions", latest={"version": "v3", "entry": 3}))
    return key_of(4)


@plant("wrong state")
def a_latest_version_changed_by_a_tag(store):
    rewritten(store, 8, state=state_with(store, 8, "versions", latest={"version": "v9", "entry": 8}))
    return key_of(8)


@plant("wrong state")
def a_retired_version_not_remembered(store):
    rewritten(store, 7, state=state_with(store, 7, "versions", retired=""))
    return key_of(7)


@plant("wrong state")
def an_artifact_of_another_digest_named(store):
    rewritten(store, 5, body=body_with(store, 5, sha256="0" * 64))
    return key_of(5)


@plant("wrong state")
def an_idempotency_key_not_remembered(store):
    rewritten(store, 5, key="0" * 32)
    return key_of(5)


@plant("wrong state")
def a_state_of_unknown_form(store):
    rewritten(store, 3, log="decisions", state=state_with(store, 3, "decisions", champion=["v2"]))
    return key_of(3, "decisions")


@plant("wrong state")
def a_manifest_of_unknown_form(store):
    rewritten(store, 6, body={"night": "2024-05-02"})
    return key_of(6)


@plant("version numbers")
def a_version_number_left_out(store):
    rewritten(store, 5, body=body_with(store, 5, version="v6"))
    return key_of(5)


@plant("time goes back")
def an_entry_older_than_the_one_before_it(store):
    rewritten(store, 3, time=NOON - timedelta(hours=1))
    return key_of(3)


@plant("work done twice")
def one_work_done_twice(store):
    rewritten(store, 5, key=entry_of(store, 4).key)
    return key_of(5)


@plant("damaged segment")
def a_segment_damaged(store):
    store.objects[object_below(store, "segments/versions")] += b"x"
    return object_below(store, "segments/versions")


@plant("damaged segment")
def a_segment_of_other_entries(store):
    data = b"".join(store.objects[key_of(n)] for n in (1, 2, 3, 5))
    segment = segments.Segment(NAME, "versions", 1, 4, digest(data))
    store.objects[segment.key] = data
    return segment.key


@plant("damaged segment")
def a_segment_under_a_wrong_digest(store):
    data = b"".join(store.objects[key_of(n)] for n in (1, 2, 3, 4))
    segment = segments.Segment(NAME, "versions", 1, 4, "0" * 64)
    store.objects[segment.key] = data
    return segment.key


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Segments of 4 and 12 entries."""
    monkeypatch.setattr(segments, "SIZES", (4, 12))


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_corruption_is_named(what):
    kind, corrupt = PLANTED[what]
    store = whole()
    a_model(store).fold()
    key = corrupt(store)
    assert (kind, key) in found(store)


@pytest.mark.parametrize("what", [what for what, (kind, _) in PLANTED.items() if kind != "orphan"])
def test_a_corrupted_registry_is_not_clean(what):
    store = whole()
    a_model(store).fold()
    PLANTED[what][1](store)
    report = verify(a_model(store))
    assert not report.clean and all(finding.mend for finding in report.findings)


def test_every_kind_of_finding_is_planted():
    assert {kind for kind, _ in PLANTED.values()} == set(KINDS) and len(KINDS) >= 12


def test_a_whole_registry_is_clean():
    store = whole()
    a_model(store).fold()
    report = verify(a_model(store))
    assert report.findings == () and report.clean
    assert (report.entries, report.objects) == (11, 5 + 2 + 1)
    audit(store.objects)


def test_a_model_without_entries_is_clean():
    assert verify(a_model(MemoryStore())).clean


def test_what_a_cut_off_writer_left_is_noted_and_clean():
    store = whole()
    an_artifact_that_nothing_names(store)
    report = verify(a_model(store))
    assert report.clean and [finding.kind for finding in report.findings] == ["orphan"]


def test_a_retired_artifact_that_was_collected_is_not_missed():
    store = whole()
    store.delete(artifact_of(store, 3))
    assert found(store) == []


def test_the_artifact_of_a_champion_is_missed_even_where_it_is_retired():
    """A promotion that looked just before the retirement was written."""
    store = whole()
    model = a_model(store, who=4)
    model.retire([4], author="ann", reason="old")
    promote(model, model.version(4))  # so young that it does not look
    store.delete(artifact_of(store, 4))
    assert found(store) == [("missing artifact", artifact_of(store, 4))]


def test_several_corruptions_are_all_named():
    store = whole()
    keys_named = [
        PLANTED[what][1](store) for what in ("an artifact damaged", "a stray name in a log", "an entry deleted")
    ]
    assert set(keys_named) <= {key for _, key in found(store)}


def test_a_gap_of_many_entries_is_one_finding():
    store = long_store(60)
    for n in range(10, 50):
        del store.objects[key_of(n)]
    (finding,) = verify(a_model(store)).findings
    assert finding.kind == "gap" and "entries 10 to 49" in str(finding)


def test_a_finding_says_where_what_and_how_to_mend():
    store = whole()
    key = an_artifact_damaged(store)
    (finding,) = verify(a_model(store)).findings
    assert finding.severity == "damage"
    assert key in str(finding) and "entry 2 of versions" in str(finding) and "from a copy" in str(finding)


def test_an_entry_of_a_newer_format_is_not_called_damaged():
    store = whole()
    store.objects[key_of(4)] = store.objects[key_of(4)].replace(b'"format":1', b'"format":2')
    with pytest.raises(FormatTooNew):
        verify(a_model(store))


def test_other_models_are_not_looked_at():
    store = whole()
    register(a_model(store, name="gbpusd-2"))
    assert found(store) == []


def test_verifying_writes_nothing_and_believes_no_cache(tmp_path):
    store = whole()
    cache = Cache(tmp_path)
    champion = a_model(store).champion()
    cache.put("objects", "", store.objects[champion.artifact])
    store.delete(champion.artifact)
    counting = CountingStore(store)
    assert not verify(a_model(counting, cache=cache)).clean
    assert set(counting.requests) == {"get", "list"}


def test_what_is_added_while_it_looks_is_at_most_noted():
    store = whole()
    other = a_model(store, who=7)

    class Growing(CountingStore):
        def get(self, key):
            if len(store.objects) < 60:
                promote(other, register(other, f"new {len(store.objects)}"))
            return super().get(key)

    assert {finding.kind for finding in verify(a_model(Growing(store))).findings} == {"orphan"}


def test_a_champion_made_while_the_logs_are_listed_is_known():
    store = whole()
    other = a_model(store, who=7)

    class Growing(CountingStore):
        def list(self, prefix, *, limit=None, after=None):
            found = super().list(prefix, limit=limit, after=after)
            if prefix.endswith(("versions/", "decisions/")):
                promote(other, register(other, f"new {len(store.objects)}"))
            return found

    assert {finding.kind for finding in verify(a_model(Growing(store))).findings} == {"orphan"}


def test_what_gc_removes_while_it_looks_is_no_finding():
    store = whole()
    lost = an_artifact_that_nothing_names(store)

    class Collected(CountingStore):
        def get(self, key):
            if key == lost:
                store.delete(key)
            return super().get(key)

    assert verify(a_model(Collected(store))).findings == ()


def test_progress_is_told():
    told = []
    verify(a_model(whole()), progress=lambda *each: told.append(each))
    steps = ["entries of versions"] * 8 + ["entries of decisions"] * 3 + ["artifacts, evidence, segments"] * 7
    assert [what for what, _, _ in told] == steps
    assert all(0 <= done < of for _, done, of in told)


def test_a_folder_is_verified_like_a_store_in_memory(tmp_path):
    model = Registry(connect(tmp_path)).model(NAME)
    promote(model, register(model))
    assert verify(model).findings == ()
    next((tmp_path / "models" / NAME / "artifacts").iterdir()).write_bytes(b"?")
    assert [finding.kind for finding in verify(model).findings] == ["damaged artifact"]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_change_of_any_byte_goes_unnoticed(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SIZES", (4, 12))
        store = whole()
        a_model(store).fold()
        below = [key for key in sorted(store.objects) if key.startswith("models/")]
        key = data.draw(st.sampled_from(below))
        old = store.objects[key]
        at = data.draw(st.integers(0, len(old) - 1))
        new = old[:at] + bytes([old[at] ^ data.draw(st.integers(1, 255))]) + old[at + 1 :]
        store.objects[key] = new
        newest = key in (key_of(8), key_of(3, "decisions"))
        try:
            assert not verify(a_model(store)).clean or newest, "the newest entry has none after it that would name it"
        except FormatTooNew:
            pass
