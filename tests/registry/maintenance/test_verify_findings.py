"""Verifying: every kind of damage is named, with the key it stands at; what is whole is called clean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import Registry
from registry.errors import Corrupt, FormatTooNew, RegistryMissing
from registry.format import keys
from registry.log import segments
from registry.log.cache import Cache
from registry.maintenance.findings import KINDS
from registry.maintenance.verify import verify
from registry.store import connect
from tests.registry.actors import NAME, a_model, promote, register
from tests.registry.auditing import audit
from tests.registry.corruptions import (
    PLANTED,
    an_artifact_damaged,
    an_artifact_that_nothing_names,
    artifact_of,
    key_of,
    whole,
)
from tests.registry.long_logs import long_store
from tests.servers.stores import CountingStore, MemoryStore


def found(store) -> list[tuple[str, str]]:
    return [(finding.kind, finding.key) for finding in verify(a_model(store)).findings]


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
    assert not report.clean and all(finding.fix for finding in report.findings)


def test_every_kind_of_finding_is_planted():
    with_keys = {"untrusted champion", "untrusted entry", "unsigned beginning"}  # test_verify_signatures.py
    assert {kind for kind, _ in PLANTED.values()} | with_keys == set(KINDS) and len(KINDS) >= 12


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
    store.objects[key_of(4)] = store.objects[key_of(4)].replace(b'"format":2', b'"format":3')
    with pytest.raises(FormatTooNew):
        verify(a_model(store))


@pytest.mark.parametrize("content", [b"junk", b"", b"{}", b"\xff", b'{"oldest_reader":"1"}', b"[" * 100_000])
def test_a_format_that_refuses_every_write_is_a_finding(content):
    store = whole()
    store.objects[keys.format_key(2)] = content
    with pytest.raises(Corrupt):
        register(a_model(store), "f")
    (finding,) = verify(a_model(store)).findings
    assert (finding.kind, finding.key, finding.severity) == ("damaged format", "format/2.json", "damage")


def test_a_format_for_newer_readers_is_not_called_damaged():
    store = whole()
    store.objects[keys.format_key(2)] = b'{"oldest_reader":3}'
    with pytest.raises(FormatTooNew):
        verify(a_model(store))


def test_a_registry_whose_identity_was_removed_is_not_begun_anew():
    store = whole()
    del store.objects[keys.format_key(2)]
    with pytest.raises(RegistryMissing, match="init"):
        register(a_model(store, who=5), "f")
    assert found(store) == [("missing format", keys.format_key(2))] and keys.format_key(2) not in store.objects


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
    assert set(counting.requests) == {"get", "list", "folders"}


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
    steps = ["entries of versions"] * 7 + ["entries of decisions"] * 4 + ["artifacts, evidence, segments"] * 7
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
        newest = key in (key_of(7), key_of(4, "decisions"))
        try:
            assert not verify(a_model(store)).clean or newest, "the newest entry has none after it that would name it"
        except FormatTooNew:
            pass
