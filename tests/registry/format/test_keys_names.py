"""Names and keys: what may stand in them, and that no name leads into another model's keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import VersionRecord
from registry.errors import InvalidName, InvalidRequest, RegistryError
from registry.format import keys
from registry.store import check_key
from tests.registry.actors import a_model, crowned, register
from tests.servers.stores import MemoryStore

BAD_NAMES = [
    "",
    " ",
    "a b",
    "a/b",
    "../other",
    "..",
    ".",
    ".hidden",
    "a..b",
    "a.",
    "-dash",
    "_under",
    "GBPUSD",
    "gbpusd\n",
    "gbp\x00usd",
    "gbp\x7fusd",
    "gbp\\usd",
    "gbpüsd",
    "模型",
    "٣",
    "a" * 101,
    "a" * 300,
    "a%2fb",
    None,
    7,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_model_name_is_refused_and_nothing_is_asked_of_the_store(name):
    with pytest.raises(InvalidName, match="model name"):
        a_model(MemoryStore(), name=name)


def test_an_error_shows_no_more_of_a_name_than_a_line_holds(snapshot):
    with pytest.raises(InvalidName, match=r"'A{60}'") as refused:
        a_model(MemoryStore(), name="A" * 10_000)
    assert str(refused.value) == snapshot(name="long")
    with pytest.raises(InvalidName, match="'A'") as refused:
        a_model(MemoryStore(), name="A")
    assert str(refused.value) == snapshot(name="short")


@pytest.mark.parametrize("name", ["a", "gbpusd_m15_direction", "eur-usd", "v1.2", "0", "a" * 100])
def test_an_ordinary_name_is_a_model(name):
    assert str(register(a_model(name=name))) == "v1"


def test_a_name_that_another_begins_with_does_not_see_its_versions():
    store = MemoryStore()
    register(a_model(store, name="gbp-usd"))
    assert a_model(store, name="gbp").versions.head() is None
    register(a_model(store, name="gbp"))
    assert str(register(a_model(store, name="gbp", who=2), "b")) == "v2"
    assert [str(version) for version in a_model(store, name="gbp-usd").history()] == ["v1"]


@pytest.mark.parametrize(
    "text", ["", "   ", "two\nlines", "tab\there", "bell\x07", "\u202eback", "\ud800", "é" * 65, "x" * 129, None]
)
def test_a_bad_author_is_refused_before_anything_is_written(text):
    model = a_model()
    with pytest.raises(InvalidName, match="author"):
        model.freeze(author=text, reason="why")
    assert model.decisions.head() is None


WHY = {"reason": "why"}
ACTS = {
    "register": lambda model, author: model.register(b"archive", VersionRecord(), author=author),
    "tag": lambda model, author: model.tag("best", 1, author=author),
    "retire": lambda model, author: model.retire([3], author=author, **WHY),
    "promote": lambda model, author: model.promote(model.version(3), expected=model.champion(), author=author, body={}),
    "hold": lambda model, author: model.hold(expected=model.champion(), author=author, body={}),
    "force": lambda model, author: model.force(3, author=author, **WHY),
    "rollback": lambda model, author: model.rollback(author=author, **WHY),
    "suspend": lambda model, author: model.suspend(author=author, **WHY),
    "policy": lambda model, author: model.set_policy({}, author=author, **WHY),
}


@pytest.mark.parametrize("act", ACTS)
def test_no_act_is_nobodys(act):
    store = MemoryStore()
    model = crowned("a", "b", store=store)
    register(model, "c")
    before = dict(store.objects)
    with pytest.raises(InvalidName, match="author"):
        ACTS[act](model, " ")
    assert store.objects == before


def test_an_author_may_have_any_printable_name():
    assert keys.check_author("Żaneta Müller 東京") == "Żaneta Müller 東京"


@given(st.integers(1, 9_999_999_999))
def test_an_entrys_key_tells_its_number_and_newer_entries_sort_first(n):
    key = keys.entry_key("m", "versions", n)
    assert check_key(key) and keys.entry_number("m", "versions", key) == n
    assert n == 1 or key < keys.entry_key("m", "versions", n - 1)


@pytest.mark.parametrize("n", [0, -1, 10_000_000_000])
def test_a_log_has_no_such_entry(n):
    with pytest.raises(InvalidRequest, match="a log ends"):
        keys.entry_key("m", "versions", n)


def test_a_folder_holds_at_most_a_thousand_entries():
    folders = [keys.entry_key("m", "versions", n).split("/")[3] for n in range(1, 5001)]
    assert max(map(folders.count, set(folders))) == 1000


@pytest.mark.parametrize(
    "stray",
    [
        "models/m/versions/0000000/0000000000-0.json",
        "models/m/versions/9999999/9999999998-01.json",
        "models/m/versions/9999999/9999999998-2.json",
        "models/m/versions/0000000/9999999998-1.json",
        "models/m/versions/9999999/9999999998-1.json.tmp",
        "models/m/versions/9999999/9999999998-1",
        "models/m/versions/note.txt",
        "models/m/decisions/9999999/9999999998-1.json",
        "models/mm/versions/9999999/9999999998-1.json",
        "models/n/versions/9999999/9999999998-1.json",
    ],
)
def test_a_stray_key_is_no_entry(stray):
    assert keys.entry_number("m", "versions", stray) is None


@pytest.mark.parametrize(("given_name", "number"), [("v3", 3), ("3", 3), (3, 3), ("v1234567890", 1234567890)])
def test_a_version_is_named_by_its_number(given_name, number):
    assert keys.version_number(given_name) == number


@pytest.mark.parametrize(
    "name", ["", "v", "v0", "0", "-1", "v01", "v1.0", "latest", "v12345678901", True, 1.0, "v٣", None]
)
def test_what_is_no_version_is_refused(name):
    with pytest.raises(RegistryError, match="not a version"):
        keys.version_number(name)
