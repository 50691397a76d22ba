"""The state after an entry follows from the state before it and its body: a forged value is named where it stands."""

from __future__ import annotations

import functools
from datetime import timedelta

import pytest

from registry import VersionRecord
from registry.format.entries import KINDS, digest
from registry.maintenance.consistency import FOLLOWED
from registry.maintenance.verify import verify
from registry.model import approval, transitions
from registry.model.evidence import ScoredNight
from tests.registry.actors import NOON, HandClock, a_model, night, promote, register
from tests.registry.corruptions import key_of, state_with
from tests.registry.long_logs import entry_of, rewritten
from tests.servers.stores import MemoryStore

WHY = {"author": "ann", "reason": "why"}
FORGED = {
    "newest": {"9" * 16: 1},
    "tags": {"best": "v9"},
    "retired": "1-9",
    "watermark": {"through": "2030-01-01", "entry": 1},
    "former": [{"version": "v9", "decision": 1, "since": "2024-05-01T12:00:00.000000Z", "entry": 1}],
    "rolled_back": ["v9"],
    "frozen": {"until": None, "reason": "forged"},
    "policy": {"forged": True},
    "suspended": {"since": "2024-05-01T12:00:00.000000Z", "reason": "forged"},
    "night": "2030-01-01",
    "as_of": "2030-01-01T00:00:00.000000Z",
    "evidence_since": "2030-01-01T00:00:00.000000Z",
    "evidence_after": "2030-01-01",
    "repaired": 1,
    "streams": {"9" * 16: 1},
    "vouched": [1],
    "repacked": 1,
}
"""By field of a state: a value that no act of the history gives it."""


@functools.cache
def written() -> dict[str, bytes]:
    """Every kind of entry of both logs, most of them twice and upon others."""
    clock = HandClock()
    store = MemoryStore(clock=clock)
    model = a_model(store, clock=clock)
    for number in range(6):
        clock.pass_time(minutes=1)
        record = VersionRecord(recipe="rf", recipe_fingerprint=f"{number % 4}" * 64, cut=0.4 + number / 100)
        model.register(b"archive", record, author="trainer", as_of=NOON - timedelta(days=3 - number % 3))
    for day in (2, 3):
        model.tag("best", day, author="ann")
        model.retire([6, day + 2], **WHY)
    model.tag("good", 2, author="ann")
    model.tag("best", None, author="ann")
    register(model)

    promote(model, model.version(1), day=1)
    promote(model, model.version(2), day=2)
    model.set_policy({"risk": 1}, **WHY)
    model.hold(expected=model.champion(), author="gate", body={"sentence": "held"}, night=night(3))
    model.rollback(**WHY)
    model.freeze(until=clock.now() + timedelta(days=1), **WHY)
    model.hold(expected=model.champion(), author="gate", body={"sentence": "held"})
    model.unfreeze(**WHY)
    model.force("v2", **WHY)
    model.suspend(**WHY)
    promote(model, model.version(1), day=4, returned=True)
    model.resume(**WHY)
    proposal = approval.proposal(model.registration(model.version("v3").entry), "promoted: v3", returned=False)
    model.hold(expected=model.champion(), author="night", body={"proposal": proposal}, night=night(5))
    model.approve("v3", **WHY)
    promote(model, model.version(7))
    model.freeze(**WHY)
    for day in (6, 7):
        through = f"2024-05-0{day}"
        model.score(ScoredNight(b"scores", through, through, 9), fold=b"".join, author="night")
        body = {"sentence": "held", "streams": {"1" * 16: day - 4, "2" * 16: 3}}
        body |= {"vouched": {"entries": ["entry:versions/1"], **WHY}} if day == 6 else {}
        model.hold(expected=model.champion(), author="night", body=body, night=night(day))
    for old in (1, 2):
        said = {
            "sha256": model.version(old).record.sha256,
            "artifact": f"artifacts/{digest(b'smaller')}-{old}",
            "size": 7,
        }
        model.decisions.append(transitions.repacked({f"v{old}": said}, "smaller"), author="ann")
        model.store.create(f"models/gbpusd/{said['artifact']}", b"smaller")
    clock.pass_time(days=400)
    model.tag("good", 3, author="ann")
    model.suspend(**WHY)
    clock.pass_time(days=-400)
    model.repair(**WHY)
    return store.objects


def history() -> MemoryStore:
    store = MemoryStore()
    store.objects.update(written())
    return store


def found(store) -> list[tuple[str, str]]:
    return [(finding.kind, finding.key) for finding in verify(a_model(store)).findings]


def entries_of(log: str) -> list[int]:
    return [*range(1, len(history().list(f"models/gbpusd/{log}/")) + 1)]


EVERY = [(entry_of(history(), n, log=log), name) for log in FOLLOWED for n in entries_of(log) for name in FOLLOWED[log]]
NOT_DERIVED = [(entry, name) for entry, name in EVERY if name == "night" and entry.kind == "held" and entry.as_of]
"""That a night is another day does not show at the entry that decides it."""


def named(pairs):
    """Parameters with names to tell them by."""
    return [pytest.param(entry, name, id=f"{entry.log} {entry.n} {entry.kind} {name}") for entry, name in pairs]


def test_a_history_of_every_kind_of_entry_is_clean():
    store = history()
    assert found(store) == []
    assert {entry_of(store, n, log=log).kind for log in KINDS for n in entries_of(log)} == {
        kind for kinds in KINDS.values() for kind in kinds
    }


@pytest.mark.parametrize(("entry", "name"), named(each for each in EVERY if each not in NOT_DERIVED))
def test_a_forged_value_is_named_at_the_entry_where_it_stands(entry, name):
    store = history()
    rewritten(store, entry.n, log=entry.log, state={**entry.state, name: FORGED[name]})
    assert ("wrong state", key_of(entry.n, entry.log)) in found(store)


@pytest.mark.parametrize(
    ("entry", "name"), named((entry, name) for entry, name in EVERY if entry.state.get(name) and name != "newest")
)
def test_a_value_left_out_is_named_where_it_stood(entry, name):
    store = history()
    state = {field: value for field, value in entry.state.items() if field != name}
    rewritten(store, entry.n, log=entry.log, state=state)
    assert ("wrong state", key_of(entry.n, entry.log)) in found(store)


def test_a_state_of_before_the_newest_version_of_a_recipe_was_kept_is_clean():
    store = history()
    for n in entries_of("versions"):
        state = {field: value for field, value in entry_of(store, n).state.items() if field != "newest"}
        rewritten(store, n, state=state)
    assert found(store) == []


@pytest.mark.parametrize("day", ["2024-05-02", "2024-05-01", "30 May"])
def test_a_night_that_is_no_later_day_is_named(day):
    store = history()
    rewritten(store, 4, log="decisions", state=state_with(store, 4, "decisions", night=day))
    assert ("wrong state", key_of(4, "decisions")) in found(store)


CROWNED = {1: "promoted", 5: "rolled_back", 9: "promoted", 11: "returned", 14: "promoted"}
CHAMPIONS = {
    "cut": 0.99,
    "by": "mallory",
    "how": "held",
    "since": "2030-01-01T00:00:00.000000Z",
    "size": 1,
    "entry": 6,
    "recipe": "svm",
    "recipe_fingerprint": "9" * 64,
    "night": "2030-01-01",
    "known_at": "2030-01-01",
    "simulated": True,
    "forced": True,
}


@pytest.mark.parametrize("name", CHAMPIONS)
@pytest.mark.parametrize("n", CROWNED)
def test_a_new_champion_is_the_version_as_it_was_registered(n, name):
    store = history()
    entry = entry_of(store, n, log="decisions")
    assert entry.kind == CROWNED[n]
    before = entry.state["champion"]
    champion = {**before, name: not before.get(name) if name == "forced" else CHAMPIONS[name]}
    rewritten(store, n, log="decisions", state={**entry.state, "champion": champion})
    assert ("wrong state", key_of(n, "decisions")) in found(store)


def test_a_forced_promotion_has_to_say_so():
    """By force, what a person rolled back from comes again, and evidence starts afresh."""
    store = history()
    body = {name: value for name, value in entry_of(store, 9, log="decisions").body.items() if name != "forced"}
    rewritten(store, 9, log="decisions", body=body)
    assert ("wrong state", key_of(9, "decisions")) in found(store)


def test_what_the_operation_refuses_is_named_with_its_words(snapshot):
    store = history()
    frozen = {"until": None, "reason": "forged"}
    rewritten(store, 8, log="decisions", state=state_with(store, 8, "decisions", frozen=frozen))
    words = [str(finding) for finding in verify(a_model(store)).findings if finding.key == key_of(9, "decisions")]
    (frozen_then,) = [each for each in words if "the champion is frozen" in each]
    assert frozen_then == snapshot


@pytest.mark.parametrize("keep", [0, -1])
def test_idempotency_keys_forgotten_or_changed_are_named(keep):
    store = history()
    remembered = list(entry_of(store, 6).state["keys"])
    remembered[keep] = "0" * 12 + ":1"
    for changed in (remembered, entry_of(store, 6).state["keys"][3:]):
        forged = history()
        rewritten(forged, 6, state=state_with(forged, 6, "versions", keys=changed))
        assert ("wrong state", key_of(6)) in found(forged)


def test_fields_and_kinds_of_newer_writers_are_left_alone():
    store = history()
    newest = entries_of("versions")[-1]
    state = entry_of(store, newest).state
    rewritten(store, newest, state={**state, "novel": 1})
    assert found(store) == []
    model = a_model(store, who=2)
    register(model)
    head = entry_of(store, newest + 1)
    rewritten(
        store,
        newest + 1,
        kind="novel",
        body={"version": "v1"},
        state={**state, "keys": head.state["keys"], "retired": "1-2"},
    )
    assert found(store) == [("orphan", head.body["version"]["artifact"])]


def test_what_newer_writers_say_of_former_champions_is_left_alone():
    store = history()
    for n in entries_of("decisions"):
        former = [{**each, "novel": 1} for each in entry_of(store, n, log="decisions").state["former"]]
        rewritten(store, n, log="decisions", state=state_with(store, n, "decisions", former=former))
    assert found(store) == []


def test_an_empty_field_may_be_left_out():
    store = history()
    for log in FOLLOWED:
        for n in entries_of(log):
            state = {field: value for field, value in entry_of(store, n, log=log).state.items() if value}
            rewritten(store, n, log=log, state=state)
    assert found(store) == []


def test_no_rollback_is_a_forced_promotion():
    store = history()
    entry = entry_of(store, 5, log="decisions")
    champion = {**entry.state["champion"], "forced": True}
    body = {**entry.body, "forced": True}
    rewritten(store, 5, log="decisions", body=body, state={**entry.state, "champion": champion})
    assert ("wrong state", key_of(5, "decisions")) in found(store)


def test_a_rollback_where_there_was_no_champion_is_named(snapshot):
    store = history()
    entry = entry_of(store, 1, log="decisions")
    body = {"from": "v2", "version": "v1", "reason": "forged"}
    rewritten(store, 1, log="decisions", kind="rolled_back", body=body, as_of=None, state=dict(entry.state))
    words = [str(finding) for finding in verify(a_model(store)).findings if finding.key == key_of(1, "decisions")]
    assert words == snapshot


def test_a_finding_says_what_follows_and_what_is_there(snapshot):
    store = history()
    rewritten(store, 3, state=state_with(store, 3, "versions", retired="1-9"))
    (finding,) = [each for each in verify(a_model(store)).findings if each.key == key_of(3)]
    assert "retired" in finding.words and "'1-9'" in finding.words and finding.words == snapshot


def test_long_values_are_told_short():
    store = history()
    rewritten(store, 3, state=state_with(store, 3, "versions", tags={f"tag{n}": "v1" for n in range(300)}))
    (finding,) = [each for each in verify(a_model(store)).findings if each.key == key_of(3)]
    assert len(finding.words) < 300
