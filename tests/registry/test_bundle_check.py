"""A decision in one file: checked by a script of its own, offline, and refused when a bit of it was changed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from actors import HandClock, a_model, crowned, night, promote, register
from servers.stores import MemoryStore

from registry.bundle import bundle
from registry.errors import Corrupt, InvalidRequest
from registry.signing import Signer

SCRIPT = Path(__file__).parents[2] / "examples" / "check_bundle.py"
GATE, TRAINER = Signer("promoter", b"g" * 32), Signer("trainer", b"t" * 32)
KEYS = ["--promoter", GATE.public, "--trainer", TRAINER.public]
LARGE = {"sentence": "held: not better", "record": {"numbers": [i / 7 for i in range(500)]}}


def packed(values, dtype):
    return base64.b64encode(np.asarray(values, dtype).tobytes()).decode()


def sheet(day, p=(0.4, 0.6, float("nan")), label=(0, 1, 1), opens=(0, 15, 30)):
    """A night's scores of three bars, as the ledger writes them."""
    series = {"stream": "recipe:abc", "name": "rf", "version": "v1", "cut": 0.5, "p": packed(p, "<f8")}
    values = {
        "night": f"2024-05-{day:02d}",
        "live": True,
        "opens": packed([28_000_000 + day * 1440 + minute for minute in opens], "<i8"),
        "label": packed(label, "<u1"),
        "days": {},
        "replaced": [],
        "series": [series],
    }
    text = json.dumps({"format": 1, "sheets": [values]}, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def scored(trainer, day, **parts):
    return trainer.score(
        sheet(day, **parts),
        night=f"2024-05-{day:02d}",
        through=f"2024-05-{day:02d}T20:00:00.000000Z",
        bars=3,
        fold=lambda files: files[-1],
        author="trainer",
    )


@cache
def decided(**parts):
    """v1 promoted on the evidence of two nights, then held with a record too large for the entry; all of it signed."""
    store, clock = MemoryStore(), HandClock()
    trainer = a_model(store, who=2, signer=TRAINER, clock=clock)
    gate = a_model(store, signer=GATE, clock=clock)
    version = register(trainer, "a")
    scored(trainer, 2)
    first = scored(trainer, 3, **parts)
    promote(gate, version, day=3, body={"sentence": "promoted: v1", "evidence": {"entry": first.n}})
    clock.pass_time(hours=1)
    register(trainer, "b")
    last = scored(trainer, 4)
    body = {**LARGE, "evidence": {"entry": last.n}}
    gate.hold(expected=gate.champion(), author="gate", body=body, night=night(6))
    return gate


def checked(folder, data, *arguments):
    """(exit status, what it said) of the script in a process that has nothing of the registry."""
    path = folder / "decision.zip"
    path.write_bytes(data)
    program = [sys.executable, "-I", str(SCRIPT), str(path), *arguments]
    told = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in told.stderr
    return told.returncode, told.stdout + told.stderr


@pytest.fixture(scope="module")
def script():
    """The script's functions, for the many cases that need no process of their own."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("check_bundle", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refusal(script, data, *, digest=None, signers=()):
    roles = {bytes.fromhex(signer.public): signer.role for signer in signers}
    with pytest.raises(script.UNREADABLE) as raised:
        script.check_bundle(data, digest, roles)
    return str(raised.value)


def resealed(data, change):
    """The bundle of someone who changes members and makes the last 64 bytes anew."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def edited(name, **fields):
    """Changes fields of a JSON member, canonically."""

    def change(members):
        values = {**json.loads(members[name]), **fields}
        members[name] = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    return change


# --- what holds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("decision", "says"), [(1, "promoted: v1"), (2, "held: not better")])
def test_the_script_checks_a_bundle_offline(tmp_path, decision, says):
    model = decided()
    status, told = checked(tmp_path, bundle(model, decision), *KEYS)
    assert status == 0 and says in told and "the bundle holds" in told and "every signature" in told
    assert f"recipe:abc: right on 100.00% of {2 * (decision + 1)} bars" in told
    assert model.decisions.read(decision).digest in told


def test_the_script_is_short_and_needs_numpy_alone():
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= 200
    found = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert found - set(sys.stdlib_module_names) == {"numpy"}


def test_the_same_decision_gives_the_same_bytes_whatever_came_later():
    model = decided()
    assert bundle(model, 1) == bundle(a_model(model.store, who=9), 1)
    later = crowned("a", "b", "c")
    assert bundle(crowned("a", "b"), 2) == bundle(later, 2)


def test_a_bundle_without_evidence_signatures_or_record(script):
    [said, *_, signed, holds] = script.check_bundle(bundle(crowned("a", "b"), 2), None, {})
    assert "promoted: v2" in said and "not checked" in signed and holds == "the bundle holds"


def test_acts_of_a_person_are_bundled_too(script):
    model = crowned("a", "b")
    for act in (model.freeze, model.rollback, model.unfreeze, model.suspend):
        entry = act(author="ann", reason="why")
        assert script.check_bundle(bundle(model, entry.n), entry.digest, {})
    empty = a_model()
    empty.freeze(author="ann", reason="nothing yet")
    assert script.check_bundle(bundle(empty, 1), None, {})


def test_the_evidence_of_a_decision_that_names_none_is_the_last_before_it(script):
    model = a_model(clock=HandClock())
    scored(model, 2)
    promote(model, register(model))
    model._clock.pass_time(hours=1)
    scored(model, 3)
    told = script.check_bundle(bundle(model, 1), None, {})
    assert any("of 2 bars" in line for line in told), "what was scored later is no evidence"


def test_signatures_agree_with_those_of_the_library(script):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    for n in range(8):
        key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(bytes([n])).digest())
        public, message = key.public_key().public_bytes_raw(), bytes(range(n))
        signature = key.sign(message)
        assert script.verified(public, message, signature)
        assert not script.verified(public, message + b"x", signature)
        s = (int.from_bytes(signature[32:], "little") + script.L).to_bytes(32, "little")
        assert not script.verified(public, message, signature[:32] + s), "a second signature made of the first"


# --- what is refused ------------------------------------------------------------------------------------------------


def test_every_changed_bit_is_refused(script):
    data = bundle(decided(), 2)
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
    (edited("decisions/2.json", author="someone else"), "decision's digest"),
    (edited("decisions/1.json", author="someone else"), "not what entry 2 was written after"),
    (edited("versions/1.json", author="someone else"), "not what entry 2 was written after"),
    (edited("versions/5.json", author="someone else"), "signature"),
    (drop("decisions/1.json"), "decisions/1.json is missing"),
    (drop("versions/3.json"), "versions/3.json is missing"),
    (swap("decisions/1.json", "decisions/2.json"), "another place"),
    (drop("record.json"), "record.json is not what"),
    (edited("record.json", numbers=[1]), "record.json is not what"),
    (damage_evidence, "not what its name says"),
    (drop_evidence, "missing, or too much"),
    (add_member("evidence/" + "0" * 64), "missing, or too much"),
    (add_member("decisions/3.json"), "members that nothing names"),
    (add_member("readme"), "members that nothing names"),
    (edited("bundle.json", decision=1), "decision's digest"),
    (edited("bundle.json", scored=3), "other evidence"),
    (edited("bundle.json", registered=2), "another kind"),
    (edited("bundle.json", registered=4), "another version"),
    (edited("bundle.json", registered=None), "another version"),
    (edited("bundle.json", versions=[2, 5]), "registered"),
    (edited("bundle.json", model="other"), "another place"),
    (edited("bundle.json", format=2), "format 2"),
    (edited("bundle.json", evidence=[]), "not what the scored entry names"),
    (lambda members: members.__setitem__("bundle.json", b"[]\n"), "canonical"),
    (lambda members: members.__setitem__("bundle.json", b"{"), ""),
]


@pytest.mark.parametrize(("change", "says"), FORGERIES)
def test_who_seals_a_changed_bundle_anew_is_refused_by_what_it_holds(script, change, says):
    assert says in refusal(script, resealed(bundle(decided(), 2), change), signers=(GATE, TRAINER))


def test_resealing_alone_changes_nothing(script):
    assert script.check_bundle(resealed(bundle(decided(), 2), lambda members: None), None, {})


def decision_forged(decision, **fields):
    """Changes an entry of a decision that nobody signed, and makes its digest in ``bundle.json`` anew."""

    def change(members):
        name = f"decisions/{decision}.json"
        edited(name, **fields)(members)
        edited("bundle.json", decision_sha256=hashlib.sha256(members[name]).hexdigest())(members)

    return change


@pytest.mark.parametrize(("decision", "previous"), [(1, "0" * 64), (2, None)])
def test_a_chain_that_begins_elsewhere_is_refused(script, decision, previous):
    data = resealed(bundle(decided(), decision), decision_forged(decision, previous=previous))
    assert "wrong entry before it" in refusal(script, data)


@pytest.mark.parametrize(
    ("field", "value"), [("artifact", "models/gbpusd/artifacts/x"), ("sha256", "0" * 64), ("cut", 0.4)]
)
def test_a_champion_that_is_not_what_was_registered_is_refused(script, field, value):
    state = dict(decided().decisions.read(2).state)
    state["champion"] = {**state["champion"], field: value}
    data = resealed(bundle(decided(), 2), decision_forged(2, state=state))
    assert "artifact is not the registered version's" in refusal(script, data)


def test_evidence_named_by_another_kind_of_entry_is_refused(script):
    model = a_model()
    scored(model, 2)
    promote(model, register(model))
    data = resealed(bundle(model, 1), edited("bundle.json", scored=2))
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
    digest = model.decisions.read(2).digest
    assert checked(tmp_path, bundle(model, 2), "--digest", digest)[0] == 0
    status, told = checked(tmp_path, bundle(model, 1), "--digest", digest)
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
    assert says in refusal(script, bundle(decided(), 2), signers=signers)


def test_an_unsigned_decision_is_refused_where_keys_are_given(script):
    assert "is not signed" in refusal(script, bundle(crowned("a"), 1), signers=[GATE])


@pytest.mark.parametrize("part", ["role", "key", "value"])
def test_a_forged_signature_of_the_champion_is_refused(script, part):
    model = decided()
    entry = json.loads(model.decisions.read(2).to_bytes())
    other = {"role": "trainer", "key": "0" * 16, "value": base64.b64encode(b"\1" * 64).decode()}
    entry["state"]["champion"]["signature"][part] = other[part]
    told = {name: value for name, value in entry.items() if name != "signature"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    entry["signature"] = GATE.sign(text)  # even a promoter's signature around it does not make it another's

    def change(members):
        edited("decisions/2.json", **entry)(members)
        edited("bundle.json", decision_sha256=hashlib.sha256(members["decisions/2.json"]).hexdigest())(members)

    says = refusal(script, resealed(bundle(model, 2), change), signers=(GATE, TRAINER))
    assert "entry 2 of decisions" in says or "no point" in says


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
    assert refusal(script, bundle(model, 1)).startswith(("evidence/", "operands"))


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
        bundle(model, 1)
