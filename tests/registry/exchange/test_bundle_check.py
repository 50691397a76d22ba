"""A decision in one file: checked by a script of its own, offline, and refused when a bit of it was changed."""

from __future__ import annotations

import hashlib
import sys

import pytest

from registry.exchange.bundle import bundle
from registry.model import approval
from tests.registry.actors import HandClock, a_model, crowned, night, promote, register
from tests.registry.bundles import GATE, KEYS, SCRIPT, TRAINER, checked, decided, scored, the_script
from tests.servers.stores import MemoryStore


@pytest.fixture(scope="module")
def script():
    return the_script()


@pytest.mark.parametrize(("decision", "says"), [(3, "promoted: v1"), (5, "held: not better")])
def test_the_script_checks_a_bundle_offline(tmp_path, decision, says):
    model = decided()
    status, told = checked(tmp_path, bundle(model, decision), *KEYS)
    assert status == 0 and says in told and "the bundle holds" in told and "every signature" in told
    assert f"100.00% of {decision + 1} bars" in told
    assert model.decisions.read(decision).digest in told


def test_the_script_is_short_and_needs_numpy_alone():
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= 200
    found = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert found - set(sys.stdlib_module_names) == {"numpy"}


def test_the_same_decision_gives_the_same_bytes_whatever_came_later():
    model = decided()
    assert bundle(model, 3) == bundle(a_model(model.store, who=9), 3)
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


def test_a_night_that_held_with_a_trainers_key_and_the_approval_of_it_hold(tmp_path):
    store, clock = MemoryStore(), HandClock()
    by_night = a_model(store, who=2, signer=TRAINER, clock=clock)
    register(by_night, "a")
    told = {"sentence": "held", "proposal": approval.proposal(by_night.registration(1), "promoted: v1", returned=False)}
    body = {**told, "evidence": {"scored": scored(by_night, 2).n}}
    by_night.hold(expected=None, author="night", body=body, night=night(2))
    scored(by_night, 3)
    a_model(store, signer=GATE, clock=clock).approve("v1", author="ann", reason="plain")
    for decision in (2, 4):
        status, told = checked(tmp_path, bundle(by_night, decision), *KEYS)
        assert status == 0 and "every signature" in told and "of 2 bars" in told, told
    promote(by_night, register(by_night, "b"))
    status, told = checked(tmp_path, bundle(by_night, 5), *KEYS)
    assert status == 1 and "entry 5 of decisions" in told


def test_the_evidence_of_a_decision_that_names_none_is_the_last_before_it(script):
    model = a_model(clock=HandClock())
    scored(model, 2)
    promote(model, register(model))
    model.access.clock.pass_time(hours=1)
    scored(model, 3)
    told = script.check_bundle(bundle(model, 2), None, {})
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
