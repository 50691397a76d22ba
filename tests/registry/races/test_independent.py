"""The reader that judges a race: it knows nothing of the product, finds nothing where all is whole, and sees damage."""

from __future__ import annotations

import ast
import sys

import pytest

from registry import Registry, VersionRecord
from registry.format.entries import idempotency_key
from registry.log import segments
from tests.paths import ROOT
from tests.registry.actors import NAME, a_model, register
from tests.registry.corruptions import PLANTED, key_of, whole
from tests.registry.long_logs import entry_of
from tests.registry.races import independent
from tests.registry.races.independent import read, wrongs
from tests.servers.stores import MemoryStore

NOT_SEEN = {
    "an artifact that nothing names",  # a process that was killed leaves one, and nothing is wrong
    "a night decided outside of one",  # which trading day a night is follows from nothing in the logs
    *("evidence that points to a decisions record", "evidence of a night that was none"),  # what a manifest may say
    "evidence of months that nobody scored",
}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Segments of 4 and 12 entries."""
    monkeypatch.setattr(segments, "SIZES", (4, 12))


def folded():
    store = whole()
    a_model(store).fold()
    return store


def test_it_imports_nothing_of_the_product():
    tree = ast.parse((ROOT / "tests/registry/races/independent.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names} == {"boto3", "botocore"}


def test_a_whole_registry_is_whole():
    assert wrongs(folded().objects) == []


def test_a_registry_of_format_1_is_whole():
    assert wrongs(read(str(ROOT / "tests/registry/fixtures/format-1"))) == []


@pytest.mark.parametrize("what", [what for what in PLANTED if what not in NOT_SEEN])
def test_planted_damage_is_seen(what):
    store = folded()
    key = PLANTED[what][1](store)
    assert key in {wrong.key for wrong in wrongs(store.objects)}


# --- journals -------------------------------------------------------------------------------------------------------

ASKED, NEVER = idempotency_key("asked"), idempotency_key("never")


def raced(*lines):
    """A registry with two registrations, and what a journal with these lines says of the second."""
    store = MemoryStore()
    model = a_model(store)
    register(model, "a", key="before")
    register(model, "b", key="asked")
    first = {"key": idempotency_key("before"), "event": "begun", "moment": 1.0}
    return wrongs(store.objects, [first, *lines])


def begun(key=ASKED, moment=2.0):
    return {"key": key, "event": "begun", "moment": moment}


def told(event="acknowledged", key=ASKED, moment=3.0, **answer):
    return {"key": key, "event": event, "moment": moment, **answer}


def keys_of(found):
    return [wrong.key for wrong in found]


@pytest.mark.parametrize(
    "lines",
    [
        [begun(), told(kind="registered", n=2, version="v2")],
        [begun()],
        [begun(), told("unknown")],
        [begun(), begun(), told("refused")],
        [begun(), begun(), told(kind="registered")],
        [begun(), told(), begun(NEVER), told("refused", NEVER)],
        [begun(), told(), begun(NEVER)],
    ],
)
def test_what_was_answered_rightly_is_right(lines):
    assert raced(*lines) == []


@pytest.mark.parametrize(
    ("wrong", "lines"),
    [
        (NEVER, [begun(), told(), begun(NEVER), told(key=NEVER)]),
        (ASKED, [begun(), told("refused")]),
        (ASKED, [begun(), told(n=1)]),
        (ASKED, [begun(), told(version="v1")]),
        (ASKED, [begun(), told(kind="promoted")]),
        (ASKED, [begun(), told(sha256="0" * 64)]),
        (key_of(2), [begun(NEVER)]),
        (key_of(2), [begun(moment=0.0), told(moment=0.5)]),
    ],
    ids=[
        "acknowledged and not there",
        "refused and there",
        "another number",
        "another version",
        "another kind",
        "another archive",
        "asked for by nobody",
        "before what was acknowledged earlier",
    ],
)
def test_what_was_answered_wrongly_is_seen(wrong, lines):
    assert keys_of(raced(*lines)) == [wrong]


def test_work_that_is_there_twice_is_seen():
    store = whole()
    PLANTED["one work done twice"][1](store)
    key = entry_of(store, 5).key
    lines = [{"key": str(idempotency_key(key)), "event": "begun", "moment": 0.0}]
    assert (key, "is there 2 times") in wrongs(store.objects, lines)


def test_a_bucket_is_read_as_a_folder_is(bucket, tmp_path):
    for url in (f"{bucket}/registry", str(tmp_path / "registry")):
        Registry(url).model(NAME).register(b"archive", VersionRecord(), author="trainer")
        found = read(url)
        assert len(found) == 3 and wrongs(found) == [], sorted(found)
    assert independent.digest(b"archive") in "".join(found)
