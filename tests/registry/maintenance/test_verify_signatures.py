"""Verifying where keys are trusted: a champion that production refuses is a finding, one that it loads is none."""

from __future__ import annotations

import pytest

from registry.errors import UntrustedSignature
from registry.maintenance.copying import copy
from registry.maintenance.verify import verify
from registry.trust.signing import Signer, Trusted
from tests.registry.actors import NAME, a_model, crowned, promote, register
from tests.registry.corruptions import body_with, champion_with, key_of, state_with
from tests.registry.long_logs import rewritten
from tests.servers.stores import MemoryStore

ANN = Signer("promoter", b"a" * 32)
NIGHT = Signer("trainer", b"n" * 32)
STRANGER = Signer("promoter", b"s" * 32)
TRUSTED = Trusted(promoters=[ANN.public], trainers=[NIGHT.public])


def found(store, trusted=TRUSTED) -> list[tuple[str, str]]:
    return [(finding.kind, finding.key) for finding in verify(a_model(store, trusted=trusted)).findings]


def refused(store) -> None:
    """Production would not load the champion."""
    with pytest.raises(UntrustedSignature):
        a_model(store, trusted=TRUSTED).in_production()


@pytest.mark.parametrize("signer", [None, STRANGER, NIGHT], ids=["nobody", "a stranger", "a trainer"])
def test_a_champion_that_no_trusted_promoter_signed_is_a_finding(signer):
    store = crowned("a", "b", signer=signer).store
    refused(store)
    [finding] = [each for each in verify(a_model(store, trusted=TRUSTED)).findings if each.kind == "untrusted champion"]
    assert finding.key == key_of(2, "decisions") and finding.severity == "fault"
    assert "promotion of v2" in finding.words


def test_a_champion_that_a_trusted_promoter_signed_is_none():
    store = crowned("a", "b", signer=ANN).store
    assert a_model(store, trusted=TRUSTED).in_production().version == "v2" and found(store) == []


def test_without_trusted_keys_nobody_needs_to_sign():
    assert found(crowned("a", signer=STRANGER).store, trusted=None) == found(crowned("a").store, trusted=None) == []


def test_what_is_older_than_the_keys_is_vouched_for_by_what_was_signed_after_it():
    """It is in the log for good, and the first signed entry names it by digest."""
    store = crowned("a", "b").store
    model = a_model(store, who=2, signer=ANN, trusted=TRUSTED)
    promote(model, register(model, "c"))
    report = verify(a_model(store, trusted=TRUSTED))
    assert report.clean and {finding.kind for finding in report.findings} == {"unsigned beginning"}
    assert [finding.key for finding in report.findings] == [key_of(1), key_of(1, "decisions")]


def test_what_nobody_signed_after_there_were_keys_is_named():
    store = crowned("a", signer=ANN).store
    for who, label in enumerate("bc", 2):
        register(a_model(store, who=who), label)
    register(a_model(store, who=4, signer=NIGHT), "d")
    assert found(store) == [("untrusted entry", key_of(2))]
    assert "entries 2 to 3" in verify(a_model(store, trusted=TRUSTED)).findings[0].words


def test_metrics_changed_and_chained_anew_are_named_where_entries_are_signed():
    store = MemoryStore()
    crowned("a", "b", "c", store=store, signer=ANN)
    rewritten(store, 2, body=body_with(store, 2, metrics={"accuracy": 0.9}))
    assert ("untrusted entry", key_of(2)) in found(store)


def test_a_log_stripped_of_its_signatures_is_named():
    store = MemoryStore()
    crowned("a", "b", store=store, signer=NIGHT)
    for n in (1, 2):
        rewritten(store, n, signature=None)
    assert ("untrusted entry", key_of(1)) in found(store)


def test_registrations_need_no_signature_where_no_nights_key_is_trusted():
    store = crowned("a", signer=ANN).store
    register(a_model(store, who=2), "b")
    assert found(store, Trusted(promoters=[ANN.public])) == []
    assert found(store) == [("untrusted entry", key_of(2))]


def test_the_champion_stays_untrusted_below_later_entries():
    store = crowned("a", signer=STRANGER).store
    a_model(store, who=2, signer=ANN).suspend(author="ann", reason="not ours")
    assert ("untrusted champion", key_of(2, "decisions")) in found(store)


def test_a_signed_champion_changed_afterwards_is_a_finding_of_its_own():
    store = MemoryStore()
    crowned("a", "b", store=store, signer=ANN)
    rewritten(store, 2, log="decisions", state=champion_with(store, 2, cut=0.9))
    refused(store)
    assert ("untrusted champion", key_of(2, "decisions")) in found(store)


@pytest.mark.parametrize("champion", [["v2"], "v2", 2])
def test_a_champion_of_unknown_form_is_named_as_such(champion):
    store = MemoryStore()
    crowned("a", "b", store=store, signer=ANN)
    rewritten(store, 2, log="decisions", state=state_with(store, 2, "decisions", champion=champion))
    assert ("damaged entry", key_of(2, "decisions")) in found(store)


def test_a_model_that_nothing_was_promoted_of_is_clean():
    model = a_model(MemoryStore())
    assert found(model.store) == []
    register(a_model(model.store, signer=NIGHT))
    assert found(model.store) == []


def test_a_backup_holds_what_there_is_whoever_signed_it():
    source, target = crowned("a").store, MemoryStore()
    refused(source)
    copy(a_model(source, trusted=TRUSTED), a_model(target, who=2, trusted=TRUSTED))
    assert target.list(f"models/{NAME}/") == source.list(f"models/{NAME}/")
