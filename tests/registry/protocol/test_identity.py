"""Which registry it is: an id that is given once, named by every entry, and insisted on where a person wants it."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import pytest

from registry import Registry
from registry.errors import FormatTooNew, InvalidRequest, OtherRegistry, RegistryMissing
from registry.format import keys
from registry.maintenance.copying import copy
from tests.registry.actors import NAME, HandClock, a_model, counted_ids, crowned, register
from tests.registry.long_logs import REGISTRY, begun, entry_of
from tests.registry.test_format_1 import REGISTRY as FORMAT_1
from tests.servers.stores import MemoryStore

OTHER = "5a" * 16
LATER = HandClock(datetime(2026, 3, 2, tzinfo=UTC))


def id_of(store: MemoryStore) -> str:
    return str(json.loads(store.objects[keys.format_key(2)])["registry"])


def of_format_1() -> MemoryStore:
    """The registry that the fixture of format 1 is."""
    store = MemoryStore("source")
    files = (path for path in FORMAT_1.rglob("*") if path.is_file())
    store.objects |= {path.relative_to(FORMAT_1).as_posix(): path.read_bytes() for path in files}
    return store


def test_the_first_write_gives_it_an_id_and_says_so(caplog):
    store = MemoryStore("here")
    with caplog.at_level(logging.WARNING):
        register(a_model(store))
    assert id_of(store) in caplog.text and "a new registry begins in here" in caplog.text
    caplog.clear()
    register(a_model(store, who=2), "b")
    assert caplog.text == ""


def test_every_entry_and_every_champion_names_it():
    store = MemoryStore()
    crowned("a", store=store)
    assert {entry_of(store, 1, log=log).registry for log in keys.LOGS} == {id_of(store)}
    assert a_model(store).champion().registry == id_of(store)


@pytest.mark.parametrize("write", [register, lambda model: model.suspend(author="ann", reason="why")])
def test_an_empty_mount_is_no_new_registry_where_an_id_is_insisted_on(monkeypatch, write):
    monkeypatch.setenv("RETRAIN_REGISTRY_ID", REGISTRY)
    empty = MemoryStore("mount")
    with pytest.raises(RegistryMissing, match="is the folder mounted"):
        write(a_model(empty))
    with pytest.raises(RegistryMissing):
        a_model(empty).champion()
    assert empty.objects == {}
    write(a_model(begun()))


def test_a_mistyped_prefix_that_is_another_registry_is_refused(monkeypatch):
    store = begun()
    register(a_model(store))
    monkeypatch.setenv("RETRAIN_REGISTRY_ID", OTHER)
    before = dict(store.objects)
    for act in (register, lambda model: model.version("latest")):
        with pytest.raises(OtherRegistry, match=OTHER):
            act(a_model(store, who=2))
    assert store.objects == before


@pytest.mark.parametrize("text", ["", "x", "5A" * 16, "5a" * 17])
def test_an_id_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("RETRAIN_REGISTRY_ID", text)
    with pytest.raises(InvalidRequest, match="RETRAIN_REGISTRY_ID"):
        a_model(begun())


def test_it_is_begun_once():
    store = MemoryStore()
    first = Registry(store, clock=HandClock(), new_id=counted_ids()).begin()
    assert first == Registry(store, clock=HandClock(), new_id=counted_ids(2)).begin() == id_of(store)
    assert Registry(store).begin(first) == first
    with pytest.raises(InvalidRequest, match="not " + OTHER):
        Registry(store).begin(OTHER)


def test_a_lost_identity_is_put_back_by_its_id():
    store = MemoryStore()
    register(a_model(store))
    given = id_of(store)
    del store.objects[keys.format_key(2)]
    with pytest.raises(RegistryMissing, match="registry init"):
        register(a_model(store, who=2), "b")
    assert Registry(store).begin(given) == given
    assert str(register(a_model(store, who=3), "b")) == "v2"


def test_the_highest_format_counts():
    store = begun()
    store.objects[keys.format_key(10)] = store.objects[keys.format_key(2)].replace(
        b'"oldest_reader":2', b'"oldest_reader":3'
    )
    with pytest.raises(FormatTooNew, match=r"format/10\.json"):
        register(a_model(store))
    store.objects[keys.format_key(11)] = store.objects[keys.format_key(2)]
    register(a_model(store))


def test_one_of_format_1_gets_an_id_by_its_first_write_and_keeps_what_was_there():
    store = of_format_1()
    before = dict(store.objects)
    model = a_model(store, name="acts", clock=LATER)
    assert model.decisions.head().registry is None
    model.unfreeze(author="ann", reason="back")
    assert model.decisions.head().registry == id_of(store)
    assert {key: store.objects[key] for key in before} == before


def test_a_copy_is_the_same_registry():
    source, target = MemoryStore("source"), MemoryStore("target")
    crowned("a", store=source)
    copy(a_model(source), a_model(target, who=2))
    assert id_of(target) == id_of(source)
    copy(a_model(source), a_model(target, who=3))


def test_a_copy_onto_another_registry_is_refused():
    source, target = MemoryStore("source"), begun("target")
    crowned("a", store=source)
    before = dict(target.objects)
    with pytest.raises(InvalidRequest, match="copy to an empty place"):
        copy(a_model(source), a_model(target, who=2))
    assert target.objects == before


def test_a_copy_of_format_1_becomes_of_format_2_with_its_source():
    source, target = of_format_1(), MemoryStore("target")
    copy(a_model(source, name="acts"), a_model(target, name="acts", who=2))
    assert keys.format_key(2) not in target.objects and target.objects["format.json"] == source.objects["format.json"]
    a_model(source, name="acts", clock=LATER).unfreeze(author="ann", reason="back")
    copy(a_model(source, name="acts"), a_model(target, name="acts", who=2))
    assert id_of(target) == id_of(source)


def test_another_model_of_that_name_is_of_the_registry(monkeypatch):
    """The id is the registry's: its models share it."""
    store = begun()
    monkeypatch.setenv("RETRAIN_REGISTRY_ID", REGISTRY)
    for name in (NAME, "eurusd"):
        register(a_model(store, name=name), name)
        assert a_model(store, name=name).versions.head().registry == REGISTRY
