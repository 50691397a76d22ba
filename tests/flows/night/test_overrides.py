"""A person's say in a night: forced promotions, and promotions that wait for a yes. Without Prefect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from flows.cli import app
from flows.errors import NightRefused, RequestRefused
from flows.job.request import Force
from flows.night import steps
from flows.night.outcome import Outcome
from flows.night.rejudge import judge_again
from flows.night.state import Answer
from registry.errors import Frozen, VersionNotFound
from tests.flows.nights import Nights, at

WHY = "the vendor's outage is over"


def force(promote: str) -> Force:
    return Force(promote=promote, author="ada", reason=WHY)


@pytest.fixture
def nights(second: Nights) -> Nights:
    """One night is decided: v1 of ``line`` is champion, v2 of ``bayes`` is held."""
    return second


def test_forcing_a_recipe_promotes_tonights_version_of_it_and_records_what_the_gate_said(
    nights: Nights, snapshot: SnapshotAssertion
) -> None:
    outcome = nights(at(4), force=force("bayes"))
    entry = nights.model.decisions.head()
    assert entry is not None and outcome.champion is not None and outcome.action == "promoted"
    assert (outcome.champion.version, outcome.champion.recipe, outcome.champion.forced) == ("v4", "bayes", True)
    assert entry.author == "ada" and entry.body["forced"] and entry.body["reason"] == WHY
    assert outcome.sentence.startswith("promoted: bayes (v4) by a person; ")
    assert outcome.sentence.endswith(f"(forced by ada: {WHY})") and outcome.sentence == snapshot
    assert [(row.name, row.status) for row in outcome.rows[:3]] == [
        ("line", "held"),
        ("line", "held"),
        ("bayes", "promoted"),
    ]
    assert nights.decision().action == "held" and judge_again(nights.model, entry.n).same


def test_a_forced_night_is_decided_and_evidence_starts_after_it(nights: Nights) -> None:
    nights(at(4), force=force("bayes"))
    entry = nights.model.decisions.head()
    assert entry is not None and entry.state["night"] == entry.state["evidence_after"] == "2024-06-04"
    assert nights(at(4)).already_decided
    nights(at(5))
    assert nights.decision().after == "2024-06-04" and nights.decision().days == 1


def test_forcing_a_version_that_is_there_already(nights: Nights) -> None:
    outcome = nights(at(4), force=force("v2"))
    assert outcome.champion is not None and (outcome.champion.version, outcome.champion.forced) == ("v2", True)
    assert {row.status for row in outcome.rows if row.version in ("v3", "v4")} == {"held"}


@pytest.mark.parametrize("promote", ["bayes", "v2"])
def test_forcing_after_the_night_is_decided_trains_nothing_and_is_done_once(nights: Nights, promote: str) -> None:
    outcome = nights(at(3), force=force(promote))
    assert outcome.champion is not None and outcome.champion.version == "v2" and not outcome.already_decided
    assert [row.status for row in outcome.rows] == ["held", "promoted"]
    assert len(nights.model.history()) == 2, "nothing was trained"
    before = nights.content()
    assert nights(at(3), force=force(promote)).already_decided and nights.content() == before


def rolled_back(model: Any) -> None:
    model.force("v2", author="bob", reason="in a hurry")
    model.rollback(author="bob", reason="sorry")


def forced(model: Any) -> None:
    model.force("v2", author="bob", reason="in a hurry")


def frozen(model: Any) -> None:
    model.freeze(author="bob", reason="audit")


@pytest.mark.parametrize("act", [forced, rolled_back, frozen])
def test_a_decided_night_repeated_after_a_persons_act_says_what_that_night_decided(nights: Nights, act: Any) -> None:
    first = nights(at(3))
    act(nights.model)
    before = nights.content()
    again = nights(at(3))
    assert (again.sentence, again.decision, again.action) == (first.sentence, 2, "promoted")
    assert [row.status for row in again.rows] == ["promoted", "held"] and again.champion == nights.model.champion()
    assert nights.content() == before


def test_what_another_act_made_champion_is_not_told_as_the_night_that_is_forced(
    nights: Nights, snapshot: SnapshotAssertion
) -> None:
    forced(nights.model)
    nights.model.rollback(author="bob", reason="sorry")
    nights.model.rollback("v2", author="bob", reason="or not")
    with pytest.raises(NightRefused, match=r"v2 .* m ") as refused:
        nights(at(3), force=force("v2"))
    assert str(refused.value) == snapshot


def test_what_cannot_be_forced_is_refused_before_anything_is_trained(nights: Nights) -> None:
    before = nights.content()
    for promote, error, words in (
        ("v9", VersionNotFound, "v9"),
        ("v1", NightRefused, "v1 is the champion of m already"),
        ("lines", RequestRefused, "'lines' is neither a version"),
    ):
        with pytest.raises(error, match=words):
            nights(at(4), force=force(promote))
    with pytest.raises(NightRefused, match="it trained no other"):
        nights.recipes.write_text(nights.recipes.read_text().replace("[bayes]", "[other]"))
        nights(at(3), recipes=("other",), force=force("other"))
    assert nights.content() == before


def test_a_frozen_champion_is_not_forced_away(nights: Nights) -> None:
    nights.model.freeze(author="bob", reason="audit")
    with pytest.raises(Frozen, match="audit"):
        nights(at(4), force=force("bayes"))
    champion = nights.model.champion()
    assert champion is not None and champion.version == "v1"


def test_the_command_line_refuses_a_force_without_author_or_reason() -> None:
    refused = CliRunner().invoke(app, ["run", "--no-prefect", "--force", "rf_deep", "--author", "ada"])
    assert isinstance(refused.exception, RequestRefused) and "force.reason: Field required" in str(refused.exception)


@pytest.fixture
def waiting(fresh: Nights, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """No night yet; the first champion needs a person's yes."""
    monkeypatch.setenv("RETRAIN_APPROVAL_HOURS", "2")
    return fresh


def settled(nights: Nights, answer: Answer | None, meanwhile: Any = None) -> Outcome | None:
    """The first night, at whose promotion a person gives ``answer`` after ``meanwhile``; None: judge again."""
    night = nights.context(at(3))
    evidence = steps.gather(night)
    candidates = [steps.train(night, recipe) for recipe in night.job.recipes]
    versions = steps.register(night, evidence, candidates)
    verdict = steps.judge(night, evidence, candidates, versions)
    if meanwhile is not None:
        meanwhile(night.model)
    return steps.promote_or_hold(night, versions, replace(verdict, answer=answer))


def test_a_promotion_that_nobody_approves_is_held_and_says_how_to_promote_by_hand(
    waiting: Nights, snapshot: SnapshotAssertion
) -> None:
    outcome = waiting(at(3))
    assert (outcome.action, outcome.champion) == ("held", None)
    assert "promote line (v1)" in outcome.sentence and outcome.waiting is not None and outcome.waiting in outcome.detail
    assert outcome.waiting.startswith(f"registry approve m v1 --registry {waiting.registry} ")
    assert outcome.waiting == snapshot
    assert waiting(at(3)).waiting == outcome.waiting, "it still waits"
    assert waiting.decision().action == "promoted", "the record says what the gate said"
    assert {row.status for row in outcome.rows if row.version} == {"held"}


def test_approved_by_hand_afterwards_it_is_no_forced_promotion_and_evidence_goes_on(waiting: Nights) -> None:
    waiting(at(3))
    waiting.model.approve("v1", author="ada", reason="looks right")
    champion = waiting.model.champion()
    assert champion is not None and (champion.version, champion.forced, champion.night) == ("v1", None, "2024-06-03")
    again = waiting(at(3))
    assert again.already_decided and "approved by ada: looks right" in again.sentence, "no longer waiting"
    assert (again.action, again.waiting, again.rows[0].status) == ("promoted", None, "promoted")
    assert waiting(at(4)).champion == champion and waiting.decision().after == "2024-06-03"


def test_an_approval_promotes_and_is_recorded_by_name_and_reason(waiting: Nights) -> None:
    outcome = settled(waiting, Answer(True, "ada", "looks right"))
    entry = waiting.model.decisions.head()
    assert outcome is not None and entry is not None and outcome.champion is not None
    assert outcome.champion.version == "v1" and outcome.champion.forced is None
    assert entry.body["approval"] == {"approved": True, "author": "ada", "reason": "looks right"}
    assert "approved by ada" in outcome.sentence and outcome.detail.endswith("; approved by ada: looks right")


def test_a_no_holds_and_is_recorded(waiting: Nights) -> None:
    outcome = settled(waiting, Answer(False, "ada", "not before the election"))
    entry = waiting.model.decisions.head()
    assert outcome is not None and entry is not None and (outcome.action, outcome.champion) == ("held", None)
    assert outcome.sentence.endswith(" by ada: not before the election")
    assert entry.body["approval"]["approved"] is False and entry.body["reason"] == "declined"


def test_a_champion_that_changed_while_it_waited_makes_the_approval_stale(waiting: Nights) -> None:
    def other(model: Any) -> None:
        model.force("v2", author="bob", reason="in a hurry")

    assert settled(waiting, Answer(True, "ada", "looks right"), other) is None, "judge again"
    champion = waiting.model.champion()
    assert champion is not None and champion.version == "v2"


def test_nobody_is_asked_about_a_dry_run_or_a_forced_promotion(waiting: Nights) -> None:
    assert waiting(at(3), dry_run=True).action == "promoted"
    outcome = waiting(at(3), force=force("line"))
    assert outcome.champion is not None and outcome.champion.forced and "approval" not in outcome.sentence
