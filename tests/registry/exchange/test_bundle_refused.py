"""A bundle that somebody changed, sealed anew or signed with a key that may not: each is refused with what is wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from registry.errors import Corrupt, InvalidRequest
from registry.exchange.bundle import bundle
from registry.trust.signing import Signer
from tests.registry.actors import a_model, crowned, promote, register
from tests.registry.bundles import (
    GATE,
    SCRIPT,
    TRAINER,
    checked,
    decided,
    edited,
    refusal,
    resealed,
    scored,
    the_script,
)
from tests.servers.stores import MemoryStore


@pytest.fixture(scope="module")
def script():
    return the_script()


def test_every_changed_bit_is_refused(script):
    data = bundle(decided(), 5)
    rng = np.random.default_rng(11)
    everywhere = {*range(200), *range(len(data) - 400, len(data)), *rng.integers(0, len(data), 1500).tolist()}
    for at in sorted(everywhere):
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(8))
        assert "changed" in refusal(script, bytes(changed))


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 64, b"PK" * 100])
def test_what_is_no_bundle_is_refused(tmp_path, data):
    status, told = checked(tmp_path, data)
    assert status == 1 and "refused" in told


def test_a_cut_or_longer_file_is_refused(script):
    data = bundle(crowned("a"), 1)
    for changed in (data[:-1], data[1:], data + b"\n", data[: len(data) // 2]):
        assert "changed" in refusal(script, changed)


def drop(name):
    return lambda members: members.pop(name)


def swap(first, second):
    def change(members):
        members[first], members[second] = members[second], members[first]

    return change


def add_member(name):
    return lambda members: members.__setitem__(name, b"{}\n")


def evidence_name(members):
    return min(name for name in members if name.startswith("evidence/"))


def damage_evidence(members):
    members[evidence_name(members)] += b" "


def drop_evidence(members):
    del members[evidence_name(members)]


FORGERIES = [
    (edited("decisions/5.json", author="someone else"), "decision's digest"),
    (edited("decisions/1.json", author="someone else"), "not what entry 2 was written after"),
    (edited("versions/1.json", author="someone else"), "signature"),
    (drop("decisions/1.json"), "decisions/1.json is missing"),
    (drop("versions/1.json"), "versions/1.json is missing"),
    (edited("bundle.json", decision_sha256="0" * 64), "decision's digest"),
    (drop("record.json"), "record.json is not what"),
    (edited("record.json", numbers=[1]), "record.json is not what"),
    (damage_evidence, "not what its name says"),
    (drop_evidence, "missing, or too much"),
    (add_member("evidence/" + "0" * 64), "missing, or too much"),
    (add_member("decisions/6.json"), "members that nothing names"),
    (add_member("readme"), "members that nothing names"),
    (edited("bundle.json", decision=1), "decision's digest"),
    (edited("bundle.json", scored={"scored": 3}), "other evidence"),
    (edited("bundle.json", scored={}), "other evidence"),
    (edited("bundle.json", scored={"entry": 1}), "other evidence"),
    (edited("bundle.json", registered=2), "another version"),
    (edited("bundle.json", registered=None), "another version"),
    (edited("bundle.json", versions=[2, 5]), "is missing"),
    (edited("bundle.json", model="other"), "another place"),
    (edited("bundle.json", format=3), "format 3"),
    (edited("bundle.json", evidence=[]), "not what the scored entry names"),
    (lambda members: members.__setitem__("bundle.json", b"[]\n"), "canonical"),
    (lambda members: members.__setitem__("bundle.json", b"{"), ""),
]


@pytest.mark.parametrize(("change", "says"), FORGERIES)
def test_who_seals_a_changed_bundle_anew_is_refused_by_what_it_holds(script, change, says):
    assert says in refusal(script, resealed(bundle(decided(), 5), change), signers=(GATE, TRAINER))


def test_resealing_alone_changes_nothing(script):
    assert script.check_bundle(resealed(bundle(decided(), 5), lambda members: None), None, {})


def decision_forged(decision, **fields):
    """Changes an entry of a decision that nobody signed, and makes its digest in ``bundle.json`` anew."""

    def change(members):
        name = f"decisions/{decision}.json"
        edited(name, **fields)(members)
        edited("bundle.json", decision_sha256=hashlib.sha256(members[name]).hexdigest())(members)

    return change


@pytest.mark.parametrize(("decision", "previous"), [(1, "0" * 64), (5, None)])
def test_a_chain_that_begins_elsewhere_is_refused(script, decision, previous):
    data = resealed(bundle(decided(), decision), decision_forged(decision, previous=previous))
    assert "wrong entry before it" in refusal(script, data)


@pytest.mark.parametrize(
    ("field", "value"), [("artifact", "models/gbpusd/artifacts/x"), ("sha256", "0" * 64), ("cut", 0.4)]
)
def test_a_champion_that_is_not_what_was_registered_is_refused(script, field, value, snapshot):
    state = dict(decided().decisions.read(5).state)
    state["champion"] = {**state["champion"], field: value}
    data = resealed(bundle(decided(), 5), decision_forged(5, state=state))
    assert refusal(script, data) == snapshot


def test_evidence_named_by_another_kind_of_entry_is_refused(script):
    model = a_model()
    scored(model, 2)
    promote(model, register(model))
    data = resealed(bundle(model, 2), edited("bundle.json", scored={"entry": 1}))
    assert "another kind" in refusal(script, data)


def test_a_bundle_that_would_fill_the_memory_is_refused(script):
    data = bytearray(bundle(crowned("a"), 1)[:-64])
    first = data.index(b"PK\x01\x02")
    data[first + 24 : first + 28] = (2**31).to_bytes(4, "little")  # the size that the first member says it has
    assert "2 GiB" in refusal(script, bytes(data) + hashlib.sha256(data).hexdigest().encode())


@pytest.mark.parametrize("y", [2, 2**255 - 19 + 3, 2**255 - 1])
def test_a_key_that_is_no_point_of_the_curve_is_refused(script, y):
    with pytest.raises(ValueError, match="no point of the curve"):
        script.point_of(y.to_bytes(32, "little"))
    assert script.point_of((3).to_bytes(32, "little"))[1] == 3


def test_the_same_member_twice_is_refused(script):
    data = bundle(crowned("a"), 1)
    buffer = io.BytesIO(data[:-64] + b" " * 64)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("bundle.json", b"{}\n")
        archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    assert "twice" in refusal(script, body + hashlib.sha256(body).hexdigest().encode())


def test_another_decision_than_the_known_one_is_refused(tmp_path):
    model = decided()
    digest = model.decisions.read(5).digest
    assert checked(tmp_path, bundle(model, 5), "--digest", digest)[0] == 0
    status, told = checked(tmp_path, bundle(model, 3), "--digest", digest)
    assert status == 1 and "digest" in told


@pytest.mark.parametrize(
    ("signers", "says"),
    [
        ([GATE], "signed by another key"),
        ([TRAINER], "signed by another key"),
        ([Signer("promoter", b"s" * 32), TRAINER], "signed by another key"),
        ([Signer("promoter", TRAINER.secret), Signer("trainer", GATE.secret)], "signed by another key"),
    ],
)
def test_keys_that_may_not_sign_are_refused(script, signers, says):
    assert says in refusal(script, bundle(decided(), 5), signers=signers)


def test_an_unsigned_decision_is_refused_where_keys_are_given(script):
    assert "is not signed" in refusal(script, bundle(crowned("a"), 1), signers=[GATE])


@pytest.mark.parametrize("part", ["role", "key", "value"])
def test_a_forged_signature_of_the_champion_is_refused(script, part):
    model = decided()
    entry = json.loads(model.decisions.read(5).to_bytes())
    other = {"role": "trainer", "key": "0" * 16, "value": base64.b64encode(b"\1" * 64).decode()}
    entry["state"]["champion"]["signature"][part] = other[part]
    told = {name: value for name, value in entry.items() if name != "signature"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    entry["signature"] = GATE.sign(text)  # even a promoter's signature around it does not make it another's

    def change(members):
        edited("decisions/5.json", **entry)(members)
        edited("bundle.json", decision_sha256=hashlib.sha256(members["decisions/5.json"]).hexdigest())(members)

    says = refusal(script, resealed(bundle(model, 5), change), signers=(GATE, TRAINER))
    assert "entry 5 of decisions" in says or "no point" in says


@pytest.mark.parametrize(
    "parts",
    [
        {"label": (0, 2, 1)},
        {"label": (0, 1)},
        {"opens": (0, 0, 15)},
        {"opens": (15, 0, 30)},
        {"p": (0.4, 1.5, 0.5)},
        {"p": (0.4, -0.5, 0.5)},
        {"p": (0.4, 0.5)},
    ],
)
def test_evidence_that_is_none_is_refused_although_it_is_named(script, parts):
    model = a_model()
    version = register(model)
    scored(model, 3, **parts)
    promote(model, version)
    assert refusal(script, bundle(model, 2)).startswith(("evidence/", "operands"))


def test_wrong_usage_is_another_status(tmp_path):
    assert checked(tmp_path, b"", "--promoter", "xyz")[0] == 2
    program = [sys.executable, "-I", str(SCRIPT), str(tmp_path / "none.zip")]
    told = subprocess.run(program, capture_output=True, text=True, check=False)
    assert told.returncode == 1 and "refused" in told.stderr


@pytest.mark.parametrize("decision", [0, 3, -1])
def test_a_decision_that_is_not_there_is_refused(decision):
    with pytest.raises(InvalidRequest, match="has no decision"):
        bundle(crowned("a", "b"), decision)
    with pytest.raises(InvalidRequest, match="it has none"):
        bundle(a_model(), 1)


def test_damaged_evidence_is_not_bundled():
    store = MemoryStore()
    model = a_model(store)
    scored(model, 3)
    promote(model, register(model))
    key = next(key for key in store.objects if "/evidence/" in key)
    store.objects[key] += b" "
    with pytest.raises(Corrupt):
        bundle(model, 2)
