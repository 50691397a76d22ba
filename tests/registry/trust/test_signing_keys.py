"""Signatures: with trusted keys configured, production loads what a promoter's key promoted and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from registry import Registry, VersionRecord
from registry.errors import InvalidRequest, OtherRegistry, UntrustedSignature
from registry.format import keys
from registry.log.identity import RegistryRoot
from registry.log.log import Draft
from registry.trust.signing import Signer, Trusted
from tests.registry.actors import NAME, HandClock, a_model, counted_ids, crowned, promote, register
from tests.registry.archives import packed
from tests.registry.corruptions import champion_with, key_of
from tests.registry.long_logs import entry_of, rewritten
from tests.servers.stores import CountingStore, MemoryStore

GATE = Signer("promoter", b"g" * 32)
TRAINER = Signer("trainer", b"t" * 32)
STRANGER = Signer("promoter", b"s" * 32)
TRUSTED = Trusted(promoters=[GATE.public], trainers=[TRAINER.public])


def signed_registry() -> MemoryStore:
    """v1 registered by the trainer and promoted by the gate, both signed."""
    store = MemoryStore()
    version = register(a_model(store, who=2, signer=TRAINER), "a")
    promote(a_model(store, signer=GATE), version)
    return store


def forbidden_champion(store, trusted=TRUSTED) -> str:
    with pytest.raises(UntrustedSignature) as raised:
        a_model(store, trusted=trusted)._champion_or_raise(None)
    return str(raised.value)


def may_load(store, trusted=TRUSTED) -> str:
    return a_model(store, trusted=trusted)._champion_or_raise(None).version


def test_what_a_promoters_key_promoted_is_loaded():
    assert may_load(signed_registry()) == "v1"


def test_a_champion_that_nobody_signed_is_not_loaded():
    assert "not signed" in forbidden_champion(crowned("a").store)
    with pytest.raises(UntrustedSignature):
        a_model(crowned("a").store, trusted=TRUSTED).load()
    with pytest.raises(UntrustedSignature):
        a_model(crowned("a").store, trusted=TRUSTED).version("champion")


@pytest.mark.parametrize("signer", [TRAINER, STRANGER, Signer("trainer", GATE.secret)])
def test_a_promotion_signed_by_a_key_that_may_not_promote_is_not_loaded(signer):
    assert "not a trusted promoter" in forbidden_champion(crowned("a", signer=signer).store)


def test_the_same_model_loads_where_no_keys_are_configured():
    assert may_load(crowned("a").store, trusted=None) == "v1"


@pytest.mark.parametrize("which", ["v2", "latest", "candidate"])
def test_what_is_not_the_champion_is_loaded_only_where_its_registration_is_signed(which: str):
    model = a_model(signed_registry(), who=3, signer=TRAINER)
    record = VersionRecord(recipe="rf")
    model.register(packed("boosting"), record, author="trainer")
    model.tag("candidate", "v2", author="trainer")
    assert a_model(model.store, trusted=TRUSTED).load(which).version == "v2"
    unsigned = a_model(crowned("a").store, who=3)
    unsigned.register(packed("boosting"), record, author="trainer")
    unsigned.tag("candidate", "v2", author="trainer")
    with pytest.raises(UntrustedSignature, match="is not signed"):
        a_model(unsigned.store, trusted=TRUSTED).load(which)


def test_every_way_to_open_a_registry_trusts_the_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    store = crowned("a").store
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", GATE.public)
    with pytest.raises(UntrustedSignature):
        Registry(store).model(NAME).load()
    with pytest.raises(UntrustedSignature):
        Registry(store).model(NAME, role="reader").in_production()
    assert Registry(store, trusted=None).model(NAME).in_production().version == "v1"
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", "")
    with pytest.raises(InvalidRequest, match="trust anybody"):
        Registry(store)


def test_checking_the_signature_costs_no_request_where_it_is_said_which_registry_it_is(monkeypatch):
    store = signed_registry()
    counting = CountingStore(store)
    a_model(counting, trusted=TRUSTED).in_production()
    assert dict(counting.requests) == {"list": 2, "get": 2}, "without RETRAIN_REGISTRY_ID its identity is looked up"
    registry_id = a_model(store).decisions.head().registry
    monkeypatch.setenv("RETRAIN_REGISTRY_ID", registry_id)
    counting.reset()
    a_model(counting, trusted=TRUSTED).in_production()
    assert dict(counting.requests) == {"list": 1, "get": 1}


def test_what_was_signed_in_staging_is_not_loaded_in_production(monkeypatch):
    """Its entries copied into production by who may write there: the same model, versions and key."""
    staging, production = MemoryStore("staging"), MemoryStore("production")
    crowned("a", store=staging, signer=GATE)
    crowned("b", store=production, signer=GATE, who=9)
    for key, data in staging.objects.items():
        if key.startswith("models/"):
            production.objects[key] = data
    with pytest.raises(OtherRegistry):
        crowned("c", store=production, signer=GATE, who=3)
    with pytest.raises(UntrustedSignature, match="was signed for the registry"):
        a_model(production, trusted=TRUSTED).in_production()
    monkeypatch.setenv("RETRAIN_REGISTRY_ID", RegistryRoot(production, HandClock(), counted_ids()).id())
    with pytest.raises(OtherRegistry):
        a_model(production).in_production()


def test_a_champion_signed_in_staging_is_not_loaded_from_an_entry_of_production():
    staging, production = MemoryStore("staging"), MemoryStore("production")
    crowned("a", store=staging, signer=GATE)
    crowned("b", store=production, signer=GATE, who=9)
    champion = entry_of(staging, 1, log="decisions").state["champion"]
    rewritten(production, 1, log="decisions", state=champion_with(production, 1, **champion))
    with pytest.raises(UntrustedSignature, match="was signed for the registry"):
        a_model(production, trusted=TRUSTED).in_production()


def test_a_promotion_later_than_the_newest_decision_is_not_believed():
    store = MemoryStore()
    crowned("a", "b", store=store, signer=GATE)
    champion = entry_of(store, 2, log="decisions").state["champion"]
    del store.objects[key_of(2, "decisions")]
    rewritten(store, 1, log="decisions", state=champion_with(store, 1, **champion))
    with pytest.raises(UntrustedSignature, match="decisions were removed"):
        a_model(store, trusted=TRUSTED).in_production()


def test_a_signed_promotion_holds_below_later_entries_that_are_not_signed():
    store = signed_registry()
    model = a_model(store, who=3)
    model.hold(expected=model.champion(), author="gate", body={"sentence": "held"})
    assert may_load(store) == "v1"


@pytest.mark.parametrize(
    "change", [{"artifact": "models/x/artifacts/y"}, {"sha256": "0" * 64}, {"cut": 0.9}, {"novel": 1}]
)
def test_a_champion_changed_after_it_was_signed_is_not_loaded(change):
    store = signed_registry()
    model = a_model(store, who=3)

    def swap(head, n, time):
        return Draft("held", {}, {"champion": {**head.state["champion"], **change}})

    model.decisions.append(swap, author="mallory")
    assert "is not that of key" in forbidden_champion(store)


def test_a_signed_champion_of_one_model_is_not_one_of_another():
    store = signed_registry()
    record = a_model(store).decisions.head().state["champion"]
    other = a_model(store, name="other", who=3)
    other.decisions.append(
        lambda head, n, time: Draft("promoted", {"version": "v1"}, {"champion": record}), author="mallory"
    )
    with pytest.raises(UntrustedSignature):
        a_model(store, name="other", trusted=TRUSTED).load()


@pytest.mark.parametrize("value", ["", "!!!", "AAAA", "é", None])
def test_a_signature_that_is_none_is_not_taken_for_one(value):
    store = signed_registry()

    def spoil(head, n, time):
        champion = head.state["champion"]
        return Draft("held", {}, {"champion": {**champion, "signature": {**champion["signature"], "value": value}}})

    a_model(store, who=3).decisions.append(spoil, author="mallory")
    assert "is not that of key" in forbidden_champion(store)


def test_rollback_and_force_sign_what_they_crown():
    store = signed_registry()
    person = a_model(store, who=3, signer=GATE)
    register(person, "b")
    person.force(2, author="ann", reason="why")
    assert may_load(store) == "v2"
    person.rollback(author="ann", reason="why")
    assert may_load(store) == "v1"
    a_model(store, who=4).rollback(2, author="ann", reason="without a key")
    assert "not signed" in forbidden_champion(store)


@pytest.mark.parametrize("entry", [1, 2])
def test_a_rollback_signs_nothing_that_no_key_promoted(entry, snapshot):
    """Who writes decisions without a key names as former champion what never was one, and waits for a rollback."""
    store = signed_registry()
    mallory = a_model(store, who=3)
    register(mallory, "b")
    former = {"version": "v2", "decision": 1, "since": "2024-05-01T12:00:00.000000Z", "entry": 2}
    if entry == 2:  # a promotion of its own, taken back
        promote(mallory, mallory.version(2))
        former["decision"] = 2
        champion = mallory.decisions.read(1).state["champion"]
        mallory.decisions.append(lambda head, n, time: Draft("held", {}, {"champion": champion}), author="mallory")
    mallory.decisions.append(lambda head, n, time: Draft("held", {}, {"former": [former]}), author="mallory")
    person = a_model(store, who=4, signer=GATE, trusted=TRUSTED)
    with pytest.raises(UntrustedSignature, match="v2") as refused:
        person.rollback(author="ann", reason="why")
    assert str(refused.value) == snapshot(name=f"named by decision {entry}")
    assert may_load(store) == "v1"


@pytest.mark.parametrize("forged", [{"entry": 2}, {"version": "v2"}])
def test_a_rollback_signs_nothing_but_what_the_decision_it_names_promoted(forged):
    """Who writes decisions without a key lets the name of a signed champion lead to another version's archive."""
    store = signed_registry()
    mallory = a_model(store, who=3)
    register(mallory, "b")
    former = {"version": "v1", "decision": 1, "since": "2024-05-01T12:00:00.000000Z", "entry": 1, **forged}
    mallory.decisions.append(lambda head, n, time: Draft("held", {}, {"former": [former]}), author="mallory")
    person = a_model(store, who=4, signer=GATE, trusted=TRUSTED)
    with pytest.raises(UntrustedSignature, match="promoted another v"):
        person.rollback(author="ann", reason="why")
    assert may_load(store) == "v1"


def test_a_rollback_to_a_decision_without_champion_is_refused():
    store = signed_registry()
    mallory = a_model(store, who=3)
    champion = mallory.decisions.head().state["champion"]
    former = {"version": "v1", "decision": 2, "since": "2024-05-01T12:00:00.000000Z", "entry": 1}
    for changes in ({"champion": None}, {"champion": champion, "former": [former]}):
        mallory.decisions.append(lambda head, n, time, told=changes: Draft("held", {}, told), author="mallory")
    with pytest.raises(UntrustedSignature, match="force it"):
        a_model(store, who=4, signer=GATE, trusted=TRUSTED).rollback(author="ann", reason="why")


def test_a_rollback_goes_to_what_a_trusted_key_promoted():
    store = signed_registry()
    person = a_model(store, who=4, signer=GATE, trusted=TRUSTED)
    register(person, "b")
    person.force(2, author="ann", reason="why")
    for expected in ("v1", "v2"):
        person.rollback(expected, author="ann", reason="why")
        assert may_load(store) == expected


def test_every_entry_of_a_signed_registry_verifies(snapshot):
    store = signed_registry()
    entries = [*a_model(store).log()]
    assert len(entries) == 2 and [TRUSTED.check_entry(entry) for entry in entries] == [None, None]
    gate_only = Trusted(promoters=[GATE.public])
    with pytest.raises(UntrustedSignature, match=f"entry 1 of {NAME}/versions") as refused:
        gate_only.check_entry(a_model(store).versions.read(1))
    assert str(refused.value) == snapshot


def test_an_edited_or_unsigned_entry_does_not_verify():
    entry = a_model(signed_registry()).decisions.read(1)
    for changed in ({"author": "mallory"}, {"body": {}}, {"state": {}}, {"signature": None}):
        with pytest.raises(UntrustedSignature):
            TRUSTED.check_entry(dataclasses.replace(entry, **changed))


def test_a_trainers_key_does_not_sign_decisions():
    store = MemoryStore()
    model = crowned("a", store=store, signer=TRAINER)
    with pytest.raises(UntrustedSignature, match="not a trusted promoter"):
        TRUSTED.check_entry(model.decisions.read(1))


def test_the_signature_is_in_what_is_stored_and_reads_back():
    store = signed_registry()
    data = store.objects[keys.entry_key(NAME, "decisions", 1)]
    assert a_model(store).decisions.read(1).to_bytes() == data and b'"signature"' in data


@pytest.mark.parametrize(("role", "secret"), [("admin", b"x" * 32), ("promoter", b"short"), ("", b"x" * 32)])
def test_a_signer_without_role_or_key_is_refused(role, secret):
    with pytest.raises(InvalidRequest, match="32 bytes"):
        Signer(role, secret)


@pytest.mark.parametrize("public", ["", "abc", "Z" * 64, GATE.public.upper()])
def test_what_is_no_public_key_is_refused(public):
    with pytest.raises(InvalidRequest, match="not a public key"):
        Trusted(promoters=[public])


def test_a_secret_is_never_shown():
    assert "gggg" not in repr(GATE) and "secret" not in str(GATE)
