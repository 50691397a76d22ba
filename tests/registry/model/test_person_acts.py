"""A person overrules the gate: by name, with a reason, each act one entry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from registry.clock import write_time
from registry.errors import (
    ArtifactMissing,
    Frozen,
    InvalidName,
    InvalidRequest,
    NoChampion,
    StaleDecision,
    Suspended,
    VersionNotFound,
)
from registry.maintenance.verify import verify
from registry.model import transitions
from registry.model.evidence import ScoredNight
from tests.registry.actors import NOON, HandClock, a_model, crowned, promote, register
from tests.servers.stores import MemoryStore

ANN = {"author": "ann", "reason": "the feed was wrong"}


def champion(model):
    return model.champion().version


def test_a_forced_promotion_says_who_and_why_and_evidence_starts_afresh(snapshot):
    clock = HandClock()
    model = crowned("a", clock=clock)
    register(model, "b")
    clock.pass_time(hours=1)
    entry = model.force("v2", **ANN)
    assert entry.body["version"] == "v2" and str(entry) == snapshot
    assert model.champion().forced and entry.state["evidence_since"] == write_time(clock.now())


def test_rollback_goes_to_the_last_champion_nobody_rolled_back_from():
    model = crowned("a", "b", "c")
    assert (model.rollback(**ANN).body["version"], champion(model)) == ("v2", "v2")
    assert (model.rollback(**ANN).body["version"], champion(model)) == ("v1", "v1")
    with pytest.raises(NoChampion, match="no former champion"):
        model.rollback(**ANN)
    record = model.champion()
    assert (record.how, record.by, record.recipe, record.forced) == ("rolled_back", "ann", "rf", None)
    assert model.store.get(record.artifact) == b"archive a"


def test_rollback_to_a_named_champion():
    model = crowned("a", "b", "c")
    model.rollback(1, **ANN)
    assert champion(model) == "v1"
    model.rollback("v3", **ANN)
    assert champion(model) == "v3", "a person may go forward again"
    assert model.decisions.head().state["rolled_back"] == ["v1"]


def test_rollback_to_what_never_was_champion_is_refused(snapshot):
    model = crowned("a", "b")
    register(model, "c")
    for target in (3, 99):
        with pytest.raises(StaleDecision, match=r"ten champions \(v1\)") as refused:
            model.rollback(target, **ANN)
        assert str(refused.value).replace(f"v{target} ", "v<n> ") == snapshot(name="never a champion")
    with pytest.raises(InvalidRequest, match="v2 ") as already:
        model.rollback(2, **ANN)
    assert str(already.value) == snapshot(name="champion already")
    with pytest.raises(NoChampion) as missing:
        a_model().rollback(**ANN)
    assert str(missing.value) == snapshot(name="no champion")
    assert model.decisions.head().n == 2


def test_the_last_ten_champions_are_remembered():
    model = crowned(*"abcdefghijklm")
    assert model.protected_versions() == {f"v{n}" for n in range(3, 14)}
    with pytest.raises(StaleDecision):
        model.rollback(2, **ANN)
    model.rollback(3, **ANN)
    assert champion(model) == "v3" and model.protected_versions() == {f"v{n}" for n in range(3, 14)}


def test_rollback_is_refused_where_the_artifact_is_gone():
    place, clock = MemoryStore(), HandClock()
    model = crowned("a", "b", store=place, clock=clock)
    clock.pass_time(days=1)
    del place.objects[model.version(1).record.artifact]
    with pytest.raises(ArtifactMissing, match="v1 is gone"):
        model.rollback(**ANN)
    assert champion(model) == "v2"


def collected(model, version: str) -> None:
    """What ``gc`` leaves of a version that was retired in the moment in which it became champion."""
    model.versions.append(transitions.retired([version], "old"), author="gc")
    model.store.delete(str(model.version(version).record.artifact))


def test_a_rollback_goes_past_a_champion_whose_artifact_was_collected_and_says_so(snapshot):
    clock = HandClock()
    model = crowned(*"abcd", clock=clock)
    clock.pass_time(days=9)
    collected(model, "v3")
    with pytest.raises(ArtifactMissing, match="v3 is retired"):
        model.rollback("v3", **ANN)
    entry = model.rollback(**ANN)
    assert (entry.body["version"], entry.body["skipped"], model.champion().version) == ("v2", ["v3"], "v2")
    assert str(entry) == snapshot
    assert [each.kind for each in verify(model).findings] == ["missing artifact"], "of a version that is protected"
    model.store.delete(str(model.version("v1").record.artifact))
    before = model.decisions.head()
    with pytest.raises(ArtifactMissing) as refused:
        model.rollback(**ANN)
    assert str(refused.value) == snapshot(name="all gone") and model.decisions.head() == before


def test_a_promotion_that_came_between_makes_a_rollback_stale(snapshot):
    place = MemoryStore()
    model, rival = crowned("a", "b", store=place), a_model(place, who=2)
    third = register(rival, "c")
    read = model.versions.read

    def meanwhile(n):
        promote(rival, third)
        return read(n)

    model.versions.read = meanwhile
    with pytest.raises(StaleDecision, match=r"against v2 .* has v3") as refused:
        model.rollback(**ANN)
    assert str(refused.value) == snapshot
    assert a_model(place).champion().version == "v3"


def test_nothing_is_promoted_while_frozen(snapshot):
    clock = HandClock()
    model = crowned("a", clock=clock)
    version = register(model, "b")
    model.freeze(until=NOON + timedelta(hours=2), **ANN)
    for promoting in (lambda: promote(model, version), lambda: model.force(2, **ANN)):
        with pytest.raises(Frozen, match=r"2024-07-01 14:00 UTC.*the feed was wrong") as refused:
            promoting()
        assert str(refused.value) == snapshot
    clock.pass_time(hours=2)
    assert promote(model, version).kind == "promoted", "it ends by itself"


def test_a_freeze_without_end_lasts_until_a_person_unfreezes():
    clock = HandClock()
    model = crowned("a", clock=clock)
    version = register(model, "b")
    model.freeze(**ANN)
    clock.pass_time(days=400)
    with pytest.raises(Frozen, match="until a person unfreezes it"):
        promote(model, version)
    entry = model.unfreeze(**ANN)
    assert entry.state["evidence_since"] == write_time(clock.now())
    assert promote(model, version).kind == "promoted"


def test_a_person_rolls_back_also_while_frozen():
    model = crowned("a", "b")
    model.freeze(**ANN)
    model.rollback(**ANN)
    assert champion(model) == "v1" and model.decisions.head().state["frozen"] is not None


@pytest.mark.parametrize("until", [NOON, NOON - timedelta(days=1), datetime(2030, 1, 1)])  # noqa: DTZ001  # without a zone on purpose
def test_a_freeze_that_ends_before_it_begins_or_nowhere_is_refused(until):
    model = crowned("a")
    with pytest.raises(InvalidRequest, match="freezing until"):
        model.freeze(until=until, **ANN)
    assert model.decisions.head().n == 1


def test_a_suspended_champion_is_not_loaded_and_says_so():
    model = crowned("a")
    model.suspend(**ANN)
    with pytest.raises(Suspended, match="the feed was wrong"):
        a_model(model.store).load()
    assert champion(model) == "v1", "it can still be asked which it is"
    promote(model, register(model, "b"))
    with pytest.raises(Suspended):
        model.load()
    model.resume(**ANN)
    assert a_model(model.store).version("champion").record.version == "v2"


@pytest.mark.parametrize("act", ["unfreeze", "resume"])
def test_ending_what_never_began_is_refused(act):
    model = crowned("a")
    with pytest.raises(InvalidRequest, match="is not"):
        getattr(model, act)(**ANN)


def test_champions_and_the_last_ten_before_them_cannot_be_retired():
    model = crowned("a", "b")
    register(model, "c")
    with pytest.raises(InvalidRequest, match="v1, v2 cannot be retired"):
        model.retire([1, "v2", 3], **ANN)
    with pytest.raises(InvalidRequest, match="at least one"):
        model.retire([], **ANN)
    with pytest.raises(VersionNotFound, match="there is no v9"):
        model.retire([3, 9], **ANN)
    assert model.versions.head().n == 3
    assert model.retire([3], key="once", **ANN) == model.retire([3], key="once", **ANN)
    assert str(model.version(3)) == "v3", "its record stays"


def test_which_versions_are_retired_is_remembered_in_runs():
    model = a_model()
    for i in range(9):
        register(model, f"{i}")
    for versions in ([5], [1, 2], [3], [7, 8]):
        model.retire(versions, **ANN)
    assert model.versions.head().state["retired"] == "1-3,5-5,7-8"
    model.retire([4, 6, 2], **ANN)
    assert register(model, "next") and model.versions.head().state["retired"] == "1-8"


def test_more_separate_runs_than_can_be_remembered_are_refused():
    model = a_model()
    for i in range(450):
        register(model, f"{i}")
    with pytest.raises(InvalidRequest, match="separate runs"):
        model.retire(range(1, 450, 2), **ANN)
    assert model.retire(range(1, 450), **ANN).state["retired"] == "1-449"


@pytest.mark.parametrize(
    "act", ["force", "rollback", "freeze", "unfreeze", "suspend", "resume", "set_policy", "retire"]
)
@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "x" * 501, "é" * 251, None])
def test_every_act_needs_a_reason(act, reason):
    model = crowned("a", "b")
    model.freeze(**ANN)
    model.suspend(**ANN)
    what = {"force": ["v1"], "retire": [["v1"]], "set_policy": [{}]}.get(act, [])
    before = (model.versions.head(), model.decisions.head())
    with pytest.raises(InvalidName, match="reason"):
        getattr(model, act)(*what, author="ann", reason=reason)
    assert (model.versions.head(), model.decisions.head()) == before


@pytest.mark.parametrize("act", ["force", "rollback", "freeze", "suspend", "set_policy"])
def test_a_repeated_act_with_its_key_adds_nothing(act):
    model = crowned("a", "b")
    what = {"force": ["v1"], "set_policy": [{"budget": 0.05}]}.get(act, [])
    first = getattr(model, act)(*what, key="by hand", **ANN)
    assert getattr(a_model(model.store, who=2), act)(*what, key="by hand", **ANN) == first
    assert model.decisions.head().n == 3


@pytest.mark.parametrize("act", ["force", "rollback", "suspend", "resume", "unfreeze", "set_policy", "approve"])
def test_a_key_that_did_another_act_is_refused(act, snapshot):
    model = crowned("a", "b")
    model.freeze(key="by hand", **ANN)
    what = {"force": ["v1"], "approve": ["v1"], "set_policy": [{}]}.get(act, [])
    with pytest.raises(InvalidRequest, match=r"\(frozen") as refused:
        getattr(model, act)(*what, key="by hand", **ANN)
    assert str(refused.value) == snapshot
    assert model.decisions.head().n == 3


def test_a_key_that_did_other_work_on_versions_is_refused():
    model = crowned("a", "b")
    register(model, "c")
    model.tag("best", 3, author="ann", key="by hand")
    with pytest.raises(InvalidRequest, match="used for another operation"):
        model.retire([3], key="by hand", **ANN)
    model.retire([3], key="retiring", **ANN)
    with pytest.raises(InvalidRequest, match="used for another operation"):
        model.tag("good", 3, author="ann", key="retiring")
    assert model.versions.head().n == 5


@pytest.mark.parametrize(("act", "one", "other"), [("force", "v3", "v2"), ("rollback", "v1", "v2")])
def test_a_key_that_promoted_one_version_does_not_stand_for_another(act, one, other):
    model = crowned("a", "b") if act == "force" else crowned("a", "b", "c")
    if act == "force":
        register(model, "c")
    first = getattr(model, act)(one, key="by hand", **ANN)
    with pytest.raises(InvalidRequest, match="used for another operation"):
        getattr(model, act)(other, key="by hand", **ANN)
    assert getattr(model, act)(one, key="by hand", **ANN) == first == model.decisions.head()


def test_a_key_of_a_persons_act_does_not_stand_for_evidence():
    model = crowned("a")
    model.freeze(key="by hand", **ANN)
    with pytest.raises(InvalidRequest, match="used for another operation"):
        model.score(ScoredNight(b"", "2024-05-01", "", 0), fold=b"".join, author="night", key="by hand")


def test_a_change_of_policy_is_recorded_and_evidence_starts_afresh():
    model = crowned("a")
    entry = model.set_policy({"budget": 0.1}, **ANN)
    assert entry.state["policy"] == {"budget": 0.1} and entry.state["evidence_since"] == write_time(NOON)
    with pytest.raises(InvalidRequest, match="shorten"):
        model.set_policy({"budget": "x" * 1024}, **ANN)


def test_which_model_was_in_production_when():
    clock = HandClock()
    model = a_model(clock=clock)
    expected = {}
    for label in "abc":
        expected[clock.now() - timedelta(seconds=1)] = None if not expected else f"v{len(expected)}"
        promote(model, register(model, label))
        clock.pass_time(days=1)
    expected[clock.now()] = "v3"
    model.rollback(**ANN)
    expected[clock.now()] = "v2"
    reader = a_model(model.store)
    found = {moment: reader.champion(at=moment) for moment in expected}
    assert {moment: record and record.version for moment, record in found.items()} == expected
    assert reader.champion(at=datetime(2020, 1, 1, tzinfo=UTC)) is None
    with pytest.raises(InvalidRequest, match="time zone"):
        reader.champion(at=datetime(2024, 5, 1))  # noqa: DTZ001  # without a zone on purpose


@pytest.mark.parametrize("which", ["latest", "v1", "best"])
def test_only_the_champion_is_loaded_as_of_a_past_moment(which, snapshot):
    """Asked for the latest version of May, nobody is given that of today."""
    model = crowned("a", "b")
    model.tag("best", 1, author="ann")
    with pytest.raises(InvalidRequest, match="only the champion ") as refused:
        model.load(which, at=NOON)
    assert str(refused.value) == snapshot(name=which)


def test_the_log_tells_both_logs_newest_first():
    clock = HandClock()
    model = a_model(clock=clock)
    for label in "ab":
        clock.pass_time(minutes=1)
        version = register(model, label)
        clock.pass_time(minutes=1)
        promote(model, version)
    told = [(entry.log, entry.n) for entry in model.log()]
    assert told == [("decisions", 2), ("versions", 2), ("decisions", 1), ("versions", 1)]
