"""Entries as bytes: canonical, readable again, bounded, and refused when they are not what a writer writes."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import Registry, VersionRecord
from registry.errors import Corrupt, EntryTooLarge, FormatTooNew, InvalidRequest
from registry.format import entries, keys
from registry.format.entries import KINDS, Entry, canonical, key_digest, parse
from registry.format.sentences import sentence
from registry.model.probability import ProbabilityMap
from registry.model.transitions import champion_of
from registry.trust.signing import Signer
from tests.paths import ROOT
from tests.registry.actors import NAME, NOON, HandClock, a_model, counted_ids, crowned, promote, register
from tests.registry.long_logs import begun

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def entry(**changes) -> Entry:
    values = {
        "model": NAME,
        "log": "decisions",
        "n": 2,
        "kind": "held",
        "time": NOON,
        "author": "gate",
        "operation": "0" * 32,
        "body": {"sentence": "held"},
        "state": {"keys": []},
        "previous": "1" * 64,
        "registry": "1d" * 16,
    }
    return Entry(**{**values, **changes})


@given(JSON, JSON)
def test_what_is_written_is_read_again_byte_for_byte(body, state):
    written = entry(body={"told": body}, state={"kept": state}, as_of=NOON, key="k" * 32)
    read = parse(written.to_bytes(), where="here")
    assert read == written and read.to_bytes() == written.to_bytes() and read.digest == written.digest


def test_what_there_is_nothing_to_say_of_has_no_field():
    fields = {
        "format",
        "model",
        "log",
        "n",
        "kind",
        "time",
        "author",
        "operation",
        "previous",
        "body",
        "state",
        "registry",
    }
    assert entry(previous=None).to_dict().keys() == fields
    assert entry(as_of=NOON, key="k", signature={"by": "me"}).to_dict().keys() == {*fields, "as_of", "key", "signature"}


@pytest.mark.parametrize("name", ["novel", "extra"])
def test_fields_of_a_later_version_are_kept(name):
    data = canonical({**json.loads(entry().to_bytes()), name: {"b": 1}})
    assert parse(data, where="here").extra == {name: {"b": 1}}
    assert parse(data, where="here").to_bytes() == data


def test_a_newer_format_is_refused_by_name():
    with pytest.raises(FormatTooNew, match="here is of format 3"):
        parse(canonical({**json.loads(entry().to_bytes()), "format": 3}), where="here")


GOOD = json.loads(entry().to_bytes())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null\n",
        b"[]\n",
        b"\xff\xfe",
        b"[" * 9000,
        canonical({}),
        canonical({**GOOD, "format": "1"}),
        canonical({**GOOD, "format": 0}),
        canonical({**GOOD, "n": 2.0}),
        canonical({**GOOD, "n": True}),
        canonical({**GOOD, "time": "yesterday"}),
        canonical({**GOOD, "time": "2024-05-01 12:00"}),
        canonical({**GOOD, "body": "text"}),
        canonical({**GOOD, "state": None}),
        canonical({**GOOD, "body": [["a", 1]]}),
        canonical({name: value for name, value in GOOD.items() if name != "previous"}),
        json.dumps(GOOD).encode(),
        canonical(GOOD)[:-1],
        canonical(GOOD) + b" ",
        canonical(GOOD).replace(b'"held"', b'"h\\u0065ld"'),
        canonical(GOOD).replace(b'"n":2', b'"n":NaN'),
        canonical({**GOOD, "padding": "x" * 16384}),
    ],
)
def test_what_is_no_entry_is_corrupt_and_says_where(data):
    with pytest.raises(Corrupt, match="here"):
        parse(data, where="here")


def test_an_entry_is_at_most_16_kib():
    with pytest.raises(EntryTooLarge, match="shorten"):
        entry(body={"sentence": "x" * 16384}).to_bytes()


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes", "\ud800", {("a",): 1}, {None: 1, "a": 2}]
)
def test_what_is_no_json_is_refused(value):
    with pytest.raises(InvalidRequest, match="JSON"):
        canonical({"value": value})


@pytest.mark.parametrize(("names", "policy"), [("numbers", {2: "b", 10: "a"}), ("both", {1: "a", "1": "b"})])
def test_an_entry_that_could_not_be_read_again_is_never_written(names, policy, snapshot):
    model = crowned("a")
    with pytest.raises(InvalidRequest) as refused:
        model.set_policy(policy, author="ann", reason="numbers as names")
    assert str(refused.value) == snapshot(name=names)
    assert model.champion() is not None and model.freeze(author="ann", reason="it still writes").n == 2


def test_an_idempotency_key_is_found_among_the_last_256_only():
    state: dict = {}
    for n in range(1, 301):
        state["keys"] = entries.remember(state, key_digest(n), n)
    assert len(state["keys"]) == 256
    assert [*entries.recall(state, key_digest(45))] == [45]
    assert [*entries.recall(state, key_digest(44))] == []


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        (
            "registered",
            {"version": {"version": "v1", "metrics": {"f1": None, "auc": 0.5}}},
            "v1 registered by ann, a record without artifact: auc 0.5000",
        ),
        ("registered", {"version": {"version": "v1", "recipe": "rf", "artifact": "k"}}, "v1 (rf) registered by ann"),
        ("scored", {"night": "2024-05-01", "bars": 1234}, "evidence of night 2024-05-01 scored by ann: 1,234 bars"),
        ("retired", {"versions": ["v1", "v2"], "reason": "old"}, "v1, v2 retired by ann: old"),
        ("tagged", {"tag": "best", "version": "v1"}, "v1 tagged 'best' by ann"),
        ("tagged", {"tag": "best", "version": None}, "tag 'best' removed by ann"),
        ("promoted", {"sentence": "promoted: v1"}, "promoted: v1"),
        ("promoted", {"sentence": "v1 in", "forced": True, "reason": "why"}, "v1 in (forced by ann: why)"),
        ("held", {"reason": "too few bars"}, "too few bars, by ann"),
        ("returned", {"sentence": "returned: v1"}, "returned: v1"),
        ("rolled_back", {"from": "v2", "version": "v1", "reason": "bad"}, "rolled back from v2 to v1 by ann: bad"),
        ("frozen", {"until": None, "reason": "audit"}, "frozen until a person unfreezes it by ann: audit"),
        ("frozen", {"until": "2024-06-01", "reason": "audit"}, "frozen until 2024-06-01 by ann: audit"),
        ("unfrozen", {"reason": "done"}, "unfrozen by ann: done"),
        ("suspended", {"reason": "fault"}, "suspended (production stands aside) by ann: fault"),
        ("resumed", {"reason": "mended"}, "resumed by ann: mended"),
        ("policy", {"reason": "stricter"}, "policy changed by ann: stricter"),
        ("novel", {}, "novel by ann"),
    ],
)
def test_every_entry_says_itself_in_a_sentence(kind, body, told):
    assert sentence(kind, body, "ann") == told


LONGEST = "a" * 100


def full_of_everything(signer: Signer | None):
    """A model whose states hold all they may: long names, 256 keys, ten former champions, every reason and policy."""
    store, clock = begun(), HandClock()
    model = Registry(store, clock=clock, new_id=counted_ids(), signer=signer).model(LONGEST)
    # entries 1 … 9,999,000 are not needed: numbers of seven digits are
    for log in (model.versions, model.decisions):
        far = entry(
            model=LONGEST, log=log.name, n=9_990_000, state={"latest": {"version": "v9990000", "entry": 9_990_000}}
        )
        log._newest = dataclasses.replace(far, state={**far.state, "keys": []})
        store.objects[keys.entry_key(LONGEST, log.name, far.n)] = log._newest.to_bytes()
    who, why = "é" * 64, "w" * 500
    record = VersionRecord(
        recipe="r" * 100, recipe_fingerprint="f" * 64, known_at=NOON.isoformat(), cut=0.123456789012345, simulated=True
    )
    for i in range(256):
        promoted = promote(model, model.register(f"{i}".encode(), record, author=who), body=LARGEST_MAPS, returned=True)
    assert promoted.kind == "returned"
    for _ in range(20):
        model.rollback(author=who, reason=why)
        promote(model, model.register(b"again", record, author=who))
    model.suspend(author=who, reason=why)
    model.set_policy({"p": "x" * 1000}, author=who, reason=why)
    for i in range(32):
        model.tag(f"{i:02d}" + "t" * 98, model.version("latest").record.version, author=who)
    return model, who, why


LONG = 0.000123456789
LARGEST_MAP = ProbabilityMap(999_999, 9_999, LONG, LONG, -LONG, LONG, -LONG, LONG, LONG, -LONG, LONG, 250, -LONG, LONG)
LARGEST_MAPS = {"sentence": "s", "probability": {name: LARGEST_MAP.to_dict() for name in ("v9999998", "v9999999")}}
"""Of a champion and of who takes its place."""


@pytest.mark.parametrize("signer", [None, Signer("promoter", b"s" * 32)], ids=["unsigned", "signed"])
def test_the_fullest_state_leaves_room_for_a_decision_of_four_kilobytes(signer):
    model, who, why = full_of_everything(signer)
    body = {"sentence": "s" * 300, "reason": why}
    told = {**body, "forced": True, "record": {"numbers": ""}}
    body["record"] = {"numbers": "9" * (4096 - len(canonical(told)))}
    last = model.register(b"last", VersionRecord(recipe="r" * 100, recipe_fingerprint="f" * 64), author=who)
    made = model.overrule(last, expected=model.champion(), author=who, body=body)
    frozen = model.freeze(author=who, reason=why)
    assert len(made.state["former"]) == 10 and len(made.state["keys"]) == 256 and len(made.state["rolled_back"]) == 20
    assert "key" not in made.body["record"], "the record stands in the entry"
    assert len(made.to_bytes()) <= 16384 and len(frozen.to_bytes()) <= 16384


def test_a_version_too_large_for_an_entry_is_refused_and_the_log_goes_on():
    model = a_model()
    with pytest.raises(EntryTooLarge, match="the record of this version"):
        model.register(b"x", VersionRecord(source_revision="x" * 17_000), author="trainer")
    assert str(register(model)) == "v1"


def test_the_entry_that_the_protocols_page_shows_is_one():
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    shown = json.loads(page.split("```json")[1].split("```")[0])
    entry = parse(canonical(shown), where="docs/protocol.md")
    assert str(entry) == "promoted: v1" and champion_of(entry).decision == 1
    assert {kind for kinds in KINDS.values() for kind in kinds} <= set(re.findall(r"`(\w+)`", page))
