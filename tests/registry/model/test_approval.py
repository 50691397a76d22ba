"""What a night proposed and held for a person: approved once, by the right key, and only while nothing has changed."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

import registry
from registry import Registry, VersionRecord
from registry.clock import say_time
from registry.errors import Frozen, InvalidName, InvalidRequest, KeyRefused, StaleDecision, UntrustedSignature
from registry.format.entries import digest
from registry.log.log import Draft
from registry.model import approval
from registry.model.decisions import DecisionWriter
from registry.trust.keyring import write_new_key
from registry.trust.signing import Signer, Trusted
from tests.registry.actors import NAME, a_model, night, promote, register
from tests.servers.stores import MemoryStore

ANN = Signer("promoter", b"a" * 32)
NIGHT = Signer("trainer", b"n" * 32)
STRANGER = Signer("trainer", b"s" * 32)
TRUSTED = Trusted(promoters=[ANN.public], trainers=[NIGHT.public])
KEYS = {"trusted": TRUSTED}
PROCESSES = itertools.count(100)
WHY = {"author": "ann", "reason": "the evidence is plain"}


def waiting(store=None, *, version="v2", day=2, returned=False, signer=NIGHT, **options):
    """v1 is champion by Ann's key; the night proposes v2 and holds. Gives the store."""
    store = MemoryStore() if store is None else store
    by_night = a_model(store, who=2, signer=signer, trusted=TRUSTED, **options)
    if by_night.champion() is None:
        promote(a_model(store, signer=ANN, **KEYS), register(by_night, "a"), day=1)
        register(by_night, "b")
    body = {
        "sentence": "held: waits",
        "reason": "not signed",
        "record": {"rule": "nightly", "winner": "rf"},
        "proposal": proposal(by_night, version, returned=returned),
    }
    by_night.hold(expected=by_night.champion(), author="night", body=body, night=night(day))
    return store


def proposal(model, version, **options):
    registration = model.registration(model.version(version).entry)
    return approval.proposal(registration, f"promoted: {version}", **{"returned": False} | options)


def ann(store, signer=ANN, trusted=TRUSTED):
    """Ann's view of the model, each time from a process of its own."""
    return a_model(store, who=next(PROCESSES), signer=signer, trusted=trusted)


def test_an_approval_promotes_as_the_night_would_have(snapshot):
    store = waiting()
    entry = ann(store).approve("v2", **WHY)
    champion = ann(store).in_production()
    assert (champion.version, champion.decision, champion.night, champion.forced) == ("v2", 3, "2024-05-02", None)
    assert (entry.kind, entry.author) == ("promoted", "ann") and str(entry) == snapshot
    registration = ann(store).registration(2)
    approved = {"approved": True, **WHY, "decision": 2, "entry": 2, "entry_sha256": registration.digest}
    assert entry.body["approval"] == approved
    assert entry.body["record"] == {"rule": "nightly", "winner": "rf"}, "the gate's own record goes with it"
    assert entry.state["night"] == "2024-05-02" and "evidence_since" not in entry.state, "evidence goes on"
    TRUSTED.check_entry(entry)


def test_a_proposed_return_is_recorded_as_one():
    entry = ann(waiting(returned=True)).approve(2, **WHY)
    assert entry.kind == "returned" and entry.state["champion"]["how"] == "returned"


@pytest.mark.parametrize("signer", [None, NIGHT, Signer("trainer", ANN.secret), Signer("promoter", b"x" * 32)])
def test_without_an_approvers_key_nothing_makes_a_champion(signer, snapshot):
    store = waiting()
    before = dict(store.objects)
    model = ann(store, signer)
    acts = (
        lambda: model.approve("v2", **WHY),
        lambda: model.force("v2", **WHY),
        lambda: model.rollback("v2", **WHY),
        lambda: promote(model, model.version("v2"), day=3, body={"sentence": "s", "record": "x" * 5000}),
    )
    for act in acts[:2] + acts[3:]:
        with pytest.raises(KeyRefused, match="gbpusd") as refused:
            act()
        assert str(refused.value) == snapshot(name="no key" if signer is None else signer.role)
    assert store.objects == before, "nothing was written, not even a record"
    ann(store).approve("v2", **WHY)
    with pytest.raises(KeyRefused):
        model.rollback(**WHY)


def test_a_worker_that_does_not_keep_to_this_package_cannot_promote_either(snapshot):
    store = waiting()
    rogue = a_model(store, who=5, signer=NIGHT)  # it trusts nobody, so nothing stops it from writing
    rogue.approve("v2", **WHY)
    with pytest.raises(UntrustedSignature, match="as trainer") as refused:
        ann(store).load()
    assert str(refused.value) == snapshot
    posing = a_model(waiting(), who=5, signer=Signer("promoter", NIGHT.secret))
    posing.approve("v2", **WHY)
    with pytest.raises(UntrustedSignature, match="not a trusted promoter"):
        ann(posing.store).load()


def test_a_proposal_or_a_version_that_no_trusted_key_wrote_is_not_approved(snapshot):
    forged = waiting(signer=STRANGER)
    with pytest.raises(UntrustedSignature, match="entry 2 of gbpusd/decisions") as refused:
        ann(forged).approve("v2", **WHY)
    assert str(refused.value) == snapshot(name="proposal")
    store = waiting()
    register(a_model(store, who=7, signer=STRANGER), "c")
    waiting(store, version="v3", day=3)
    with pytest.raises(UntrustedSignature, match="gbpusd/versions") as refused:
        ann(store).approve("v3", **WHY)
    assert str(refused.value) == snapshot(name="version")
    assert ann(store).champion().version == "v1"


def test_where_no_nights_keys_are_trusted_their_proposals_need_none():
    store = waiting(signer=None)
    promoters = Trusted(promoters=[ANN.public])
    assert ann(store, trusted=promoters).approve("v2", **WHY).state["champion"]["version"] == "v2"


def test_without_any_keys_a_name_is_enough():
    assert ann(waiting(signer=None), signer=None, trusted=None).approve("v2", **WHY).author == "ann"


def newer_night(store):
    model = a_model(store, who=3, signer=NIGHT, **KEYS)
    model.hold(expected=model.champion(), author="night", body={"sentence": "held: nothing leads"}, night=night(3))


def another_champion(store):
    register(a_model(store, who=4, signer=NIGHT), "c")
    a_model(store, who=3, signer=ANN).force("v3", author="bob", reason="in a hurry")


def there_and_back(store):
    another_champion(store)
    a_model(store, who=6, signer=ANN).rollback(author="bob", reason="sorry")


def new_policy(store):
    a_model(store, who=3, signer=ANN).set_policy({"score": "brier"}, author="bob", reason="we said so")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (newer_night, "no promotion of gbpusd waits for an approval; the night of 2024-05-03: held: nothing leads"),
        (another_champion, "judged against v1|evidence start afresh"),
        (there_and_back, "evidence start afresh"),
        (new_policy, "a person's act made the evidence start afresh since v2 was proposed"),
    ],
)
def test_what_changed_since_it_was_proposed_makes_an_approval_stale(change, said):
    store = waiting()
    change(store)
    before = dict(store.objects)
    with pytest.raises(StaleDecision, match=said):
        ann(store).approve("v2", **WHY)
    assert store.objects == before


def test_a_night_that_is_decided_while_the_approver_types_makes_it_stale(snapshot, monkeypatch):
    store = waiting()
    model = ann(store)
    check = DecisionWriter.check_artifact_stays  # the last that is looked at before the entry is written
    monkeypatch.setattr(
        DecisionWriter, "check_artifact_stays", lambda writer, version: (newer_night(store), check(writer, version))
    )
    with pytest.raises(StaleDecision, match=r"2024-05-03 .* v2") as refused:
        model.approve("v2", **WHY)
    assert str(refused.value) == snapshot
    assert ann(store).champion().version == "v1"


def test_only_what_was_proposed_is_approved_and_only_once(snapshot):
    store = waiting()
    with pytest.raises(StaleDecision, match=r"v2, .* 2024-05-02, not v1") as refused:
        ann(store).approve("v1", **WHY)
    assert str(refused.value) == snapshot(name="not proposed")
    ann(store).approve("v2", **WHY, key="once")
    assert ann(store).approve("v2", **WHY, key="once").n == 3
    with pytest.raises(StaleDecision, match=r"gbpusd .* v2; approved by ann") as refused:
        ann(store).approve("v2", **WHY)
    assert str(refused.value) == snapshot(name="approved already")
    ann(store).rollback(**WHY)
    with pytest.raises(StaleDecision, match="no promotion of gbpusd waits"):
        ann(store).approve("v2", **WHY)


def second_v2(store, *, signer=NIGHT):
    """A trainer that keeps to no package registers another archive as ``v2``, and says it is the newest of two."""
    rogue = a_model(store, who=8, signer=signer)
    before, archive = rogue.version("v2").record, b"archive of the rogue"
    artifact = f"models/{NAME}/artifacts/{digest(archive)}-rogue"
    rogue.store.create(artifact, archive)
    forged = dataclasses.replace(before, artifact=artifact, sha256=digest(archive), size=len(archive))

    def build(head, n, time):
        return Draft("registered", {"version": forged.to_dict()}, {"latest": {"version": "v2", "entry": n}})

    return rogue.versions.append(build, author="night")


def test_another_version_registered_under_the_same_name_is_not_what_is_approved():
    store = waiting()
    forged = second_v2(store)
    assert ann(store).version("v2").entry == forged.n, "by its name alone it is the other one"
    shown = ann(store).proposed("v2")
    entry = ann(store).approve("v2", **WHY)
    champion = entry.state["champion"]
    assert (champion["entry"], champion["sha256"]) == (2, digest(b"archive b")) and shown.entry == 2
    assert ann(store).in_production().sha256 == digest(b"archive b")


@pytest.mark.parametrize("field", ["entry_sha256", "artifact", "sha256"])
def test_a_proposal_of_other_bytes_than_were_registered_is_not_approved(field, snapshot):
    store = waiting()
    model = a_model(store, who=3, signer=NIGHT)
    told = {**proposal(model, "v2"), field: "0" * 64}
    body = {"sentence": "held", "proposal": told}
    model.hold(expected=model.champion(), author="night", body=body, night=night(3))
    with pytest.raises(StaleDecision) as refused:
        ann(store).approve("v2", **WHY)
    assert str(refused.value) == snapshot(name=field)


def test_a_proposal_of_an_older_package_is_proposed_anew(snapshot):
    store = waiting()
    model = a_model(store, who=3, signer=NIGHT)
    body = {"sentence": "held", "proposal": {"version": "v2", "kind": "promoted", "sentence": "promoted: v2"}}
    model.hold(expected=model.champion(), author="night", body=body, night=night(3))
    with pytest.raises(StaleDecision) as refused:
        ann(store).approve("v2", **WHY)
    assert str(refused.value) == snapshot


def test_the_night_is_told_as_approved_and_the_next_as_its_own():
    store = waiting()
    assert ann(store).decided("2024-05-02").n == 2
    ann(store).freeze(author="bob", reason="audit")
    ann(store).unfreeze(author="bob", reason="over")
    assert ann(store).decided("2024-05-02").n == 2
    store = waiting()
    ann(store).suspend(author="bob", reason="audit")
    ann(store).approve("v2", **WHY)
    newer_night(store)
    assert [ann(store).decided(f"2024-05-0{day}").n for day in (1, 2, 3)] == [1, 4, 5]


def test_before_the_first_night_and_while_frozen_nothing_is_approved():
    store = MemoryStore()
    register(a_model(store, signer=NIGHT), "a")
    with pytest.raises(StaleDecision, match="no night is decided"):
        ann(store).approve("v1", **WHY)
    store = waiting()
    ann(store).freeze(author="bob", reason="audit")
    with pytest.raises(Frozen, match="audit"):
        ann(store).approve("v2", **WHY)


@pytest.mark.parametrize("kind", ["", "held"])
def test_a_proposal_of_a_kind_that_is_none_is_no_proposal(kind):
    store = waiting()
    model = a_model(store, who=3, signer=NIGHT)
    body = {"sentence": "held", "proposal": {"version": "v2", "kind": kind}}
    model.hold(expected=model.champion(), author="night", body=body, night=night(3))
    with pytest.raises(StaleDecision, match="no promotion of gbpusd waits"):
        ann(store).approve("v2", **WHY)


# --- by command, on a folder, with keys in files --------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A registry whose first night proposes v1; Ann's, the night's and a stranger's keys beside it."""
    public = {name: write_new_key(tmp_path / f"{name}.pem") for name in ("ann", "night", "stranger")}
    monkeypatch.setenv("RETRAIN_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", public["ann"])
    monkeypatch.setenv("RETRAIN_TRUSTED_TRAINERS", public["night"])
    monkeypatch.delenv("RETRAIN_SIGNING_KEY", raising=False)
    ring = registry.trust.keyring.Keyring.configured(tmp_path / "night.pem")
    model = Registry(tmp_path / "registry", signer=ring.signer, trusted=ring.trusted).model(NAME)
    model.register(b"archive", VersionRecord(recipe="rf"), author="night")
    body = {"sentence": "held", "proposal": proposal(model, "v1")}
    model.hold(expected=None, author="night", body=body, night=night(1))
    return tmp_path


@pytest.fixture
def run(folder, registry_command):
    return registry_command


APPROVE = ("approve", NAME, "v1", "--author", "ann", "--reason", "plain")


def test_the_approver_approves_with_a_command_and_production_loads_it(folder, run):
    assert registry.Registry(folder / "registry").model(NAME).champion() is None
    status, out, err = run(*APPROVE, "--signing-key", folder / "ann.pem")
    assert (status, err) == (0, "") and "promoted: v1" in out and "by ann: plain" in out
    version = registry.Registry(folder / "registry").model(NAME).version("v1")
    shown = f"v1: entry 1 of versions, registered by night at {say_time(version.registered_at)}, archive "
    assert out.replace("\n", " ").startswith(f"{shown}{version.record.sha256} entry 2 of gbpusd/decisions: promoted")
    champion = Registry(folder / "registry", trusted=registry.trust.keyring.Keyring.configured().trusted).model(NAME)
    assert champion.in_production().version == "v1"


def test_other_keys_no_key_and_bad_files_are_refused_with_one_message(folder, run, monkeypatch):
    (folder / "empty.pem").touch(0o600)
    refused = [
        ((), "there is no signing key, and only a promoter's may make a champion"),
        (("--signing-key", folder / "night.pem"), "the signing key is a trainer's, and only a promoter's"),
        (("--signing-key", folder / "stranger.pem"), "is nobody's that is trusted"),
        (("--signing-key", folder / "none.pem"), "cannot be read: No such file"),
        (("--signing-key", folder / "empty.pem"), "holds no private key in PEM"),
    ]
    for option, said in refused:
        status, out, err = run(*APPROVE, *option)
        assert (status, out) == (5, "") and said in err and "Traceback" not in err
    (folder / "ann.pem").chmod(0o644)
    monkeypatch.setenv("RETRAIN_SIGNING_KEY", str(folder / "ann.pem"))
    status, _, err = run(*APPROVE)
    assert status == 5 and "open to others (mode 644)" in err
    assert Registry(folder / "registry").model(NAME).champion() is None


def test_loading_by_name_refuses_what_no_trusted_key_promoted(folder, monkeypatch):
    careless = Registry(folder / "registry", trusted=None)
    careless.model(NAME).force("v1", author="eve", reason="bucket's root key")
    with pytest.raises(UntrustedSignature, match="not signed"):
        registry.load(NAME)
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", "abc")
    with pytest.raises(InvalidRequest, match="'abc'"):
        registry.load(NAME)


def test_the_command_key_makes_a_key_and_shows_its_public_half(folder, run):
    status, out, _ = run("key", folder / "new.pem", "--new")
    assert status == 0 and run("key", folder / "new.pem")[1] == out and len(out.strip()) == 64
    assert run("key", folder / "new.pem", "--new")[0] == 5


@pytest.mark.parametrize("named", [{"author": " "}, {"reason": ""}, {"reason": "two\nlines"}])
def test_an_approval_says_who_and_why(named):
    store = waiting()
    before = dict(store.objects)
    with pytest.raises(InvalidName, match=r"author|reason"):
        ann(store).approve("v2", **{**WHY, **named})
    assert store.objects == before


def test_where_no_night_ever_decided_nothing_waits():
    store = MemoryStore()
    version = register(a_model(store, signer=NIGHT))
    promote(a_model(store, signer=ANN, **KEYS), version)  # by no night
    with pytest.raises(StaleDecision, match="waits for an approval"):
        ann(store).approve("v1", **WHY)
