"""What an act leaves in the state for the acts after it, and what is refused where nothing came before."""

from __future__ import annotations

import pytest

from registry import VersionRecord
from registry.errors import InvalidRequest, StaleDecision, UploadTooOld
from registry.model import transitions
from tests.registry.actors import HandClock, a_model, crowned, night, promote, register

ANN = {"author": "ann", "reason": "why"}


def of_recipe(model, number: int) -> int:
    """The entry that registers one more version of a recipe."""
    record = VersionRecord(recipe=f"recipe_{number}", recipe_fingerprint=f"{number:064d}"[::-1])
    return model.register(b"archive", record, author="trainer").entry


def test_the_newest_version_of_each_of_the_last_32_recipes_is_remembered():
    model = a_model()
    entries = [of_recipe(model, number) for number in range(33)]
    again = of_recipe(model, 5)
    register(model)  # of no recipe by fingerprint: it takes nobody's place
    head = model.versions.head()
    known = [transitions.newest_of(head, f"{number:064d}"[::-1]) for number in range(33)]
    assert known == [None, *entries[1:5], again, *entries[6:]]


def test_of_an_empty_log_no_recipe_and_no_champion_is_known():
    assert transitions.newest_of(None, "0" * 64) is None
    assert transitions.rollback_targets(None) == [] and transitions.former_champions(None) == []


@pytest.mark.parametrize("act", ["unfreeze", "resume"])
def test_ending_what_never_began_is_refused_on_an_empty_log(act):
    model = a_model()
    with pytest.raises(InvalidRequest, match=r"not frozen|not suspended"):
        getattr(model, act)(**ANN)
    assert model.decisions.head() is None


def test_a_first_decision_may_hold():
    entry = a_model().hold(expected=None, author="gate", body={"sentence": "held"}, night=night(2))
    assert (entry.n, entry.as_of, entry.state["night"]) == (1, night(2).as_of, night(2).day)


def test_a_decision_without_a_night_may_follow_one_of_a_night():
    model = crowned("a")
    for day in (2, None):
        named = None if day is None else night(day)
        entry = model.hold(expected=model.champion(), author="gate", body={"sentence": "held"}, night=named)
    assert (entry.n, entry.as_of, entry.state["night"]) == (3, None, night(2).day)


def test_only_an_act_of_a_person_makes_evidence_start_afresh():
    model = crowned("a")
    gates = promote(model, register(model, "b"), day=2)
    assert model.champion().night == night(2).day and "evidence_since" not in gates.state
    for act in (model.rollback, lambda **why: model.set_policy({"risk": 1}, **why)):
        assert act(**ANN).state["evidence_after"] == night(2).day


def test_a_policy_may_come_first():
    entry = a_model().set_policy({"risk": 1}, **ANN)
    assert entry.state["policy"] == {"risk": 1} and entry.state["evidence_after"] is None


def test_the_last_twenty_that_were_rolled_back_from_are_remembered():
    model = crowned("first")
    for number in range(22):
        promote(model, register(model, f"tried {number}"))
        entry = model.rollback(1, **ANN)
    assert entry.state["rolled_back"] == [f"v{number}" for number in range(4, 24)]


def test_rollback_where_nobody_was_champion_before_says_so():
    with pytest.raises(StaleDecision, match=r"last ten champions \(none\)"):
        crowned("a").rollback(2, **ANN)


def test_a_rollback_long_after_it_looked_is_refused():
    clock = HandClock()
    model = crowned("a", "b", clock=clock)
    clock.pass_time(days=1)
    listing = model.store.list

    def slow(prefix, **named):
        if "artifacts" in prefix:
            clock.pass_time(hours=12, seconds=1)
        return listing(prefix, **named)

    model.store.list = slow
    with pytest.raises(UploadTooOld, match="repeat the operation"):
        model.rollback(**ANN)
    assert model.decisions.head().n == 2


def test_a_retirement_repeated_after_its_version_was_made_champion_is_the_same_one():
    model = crowned("a")
    register(model, "b")
    first = model.retire([2], key="once", **ANN)
    model.force(2, **ANN)  # so soon that its artifact cannot be gone
    assert model.retire([2], key="once", **ANN) == first
