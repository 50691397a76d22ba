"""The sentence a person reads in the morning, whole, for each case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyRow, PooledLead, Refresh, WindowFigures
from flows.gate.nightly.first_thresholds import first_thresholds
from flows.gate.nightly.sentence import (
    LISTED,
    FirstFacts,
    SentenceFacts,
    empty_sentence,
    first_sentence,
    nightly_sentence,
)

ROW = NightlyRow(
    name="rf_deep",
    fingerprint="ab",
    version="v31",
    former=False,
    days=160,
    bars=14_000,
    accuracy=0.519,
    champion_accuracy=0.511,
    majority_accuracy=0.506,
    windows=(WindowFigures(160, 0.011, 0.0046, 2.4),),
    best_window=160,
    largest_z=2.4,
    guards=(),
)
STRONG = replace(ROW, windows=(WindowFigures(160, 0.02, 0.0046, 4.3),), largest_z=4.3)
CLEAR = "z 4.30 of the 3.70 that one false promotion in 20 years allows"
UNCLEAR = "z 2.40 of the 3.70 that one false promotion in 20 years allows"
RIGHT = "right at its cut 51.9 % against 51.1 %"
ALL = PooledLead(5, 80, 0.012, 0.0033, 3.6, 3.4)
FELL = (
    "all 5 recipes together led v12 by 0.0120 edge over 80 days (z 3.60 of the 3.40 that one false promotion in 20 "
    "years allows)"
)
AS_GOOD = Refresh(0, 250, -0.0003, 3.9, 0.01, 3.7, True)
NOT_AS_GOOD = Refresh(0, 250, -0.004, 2.1, 0.01, 3.7, False)
BROKEN = (Guard("continuity", False, "agrees on 41 %"),)


def told(row: NightlyRow | None, **values: Any) -> str:
    given: dict[str, Any] = {
        "champion": "v12",
        "rows": [] if row is None else [row],
        "subject": None if row is None else 0,
        "promoted": False,
        "threshold": 3.7,
        "budget": 0.05,
        "score": "edge",
        "more": 70,
        "visible": 0.009,
        "days": 160,
        "shortest": 40,
        "wait": 0,
        "together": None,
        "refresh": None,
        "refreshed": False,
        "age": 300,
    }
    return nightly_sentence(SentenceFacts(**(given | values)))


LEVEL = replace(ROW, windows=(WindowFigures(160, 0.0, 0.0, 0.0),), largest_z=0.0)
BEHIND = replace(ROW, windows=(WindowFigures(160, -0.011, 0.0046, -2.4),), largest_z=-2.4)
HELD_BACK = replace(STRONG, guards=(*BROKEN, Guard("x", True, "y")))
LED = "led v12 by 0.0110 edge over 160 days"
LED_CLEARLY = "led v12 by 0.0200 edge over 160 days"


@pytest.mark.parametrize(
    ("case", "sentence", "facts"),
    [
        ("not yet", told(ROW), ["held: ", LED, UNCLEAR, RIGHT, "70 more nights", "0.0090 edge"]),
        (
            "by accuracy",
            told(ROW, more=1, score="accuracy", visible=0.0091),
            ["held: ", "1.10 points", UNCLEAR, "1 more night;", "0.91 points"],
        ),
        ("not within a year", told(ROW, more=None), ["held: ", LED, UNCLEAR, RIGHT, "in a year"]),
        (
            "behind",
            told(BEHIND, more=None),
            ["held: ", "trailed v12 by 0.0110 edge over 160 days", "z -2.40 of the 3.70", RIGHT],
        ),
        (
            "level",
            told(LEVEL, more=None, visible=0.0),
            ["held: ", "v12 did over 160 days", "z 0.00 of the 3.70", RIGHT],
        ),
        ("promoted", told(STRONG, promoted=True, more=0), ["promoted: rf_deep (v31)", LED_CLEARLY, CLEAR, RIGHT]),
        (
            "returned",
            told(replace(STRONG, former=True, version="v3"), promoted=True, more=0),
            ["returned: rf_deep (v3)", "former champion", LED_CLEARLY, CLEAR, RIGHT],
        ),
        ("held back", told(HELD_BACK, more=0), ["held: ", LED_CLEARLY, CLEAR, "continuity (agrees on 41 %);"]),
        ("between looks", told(STRONG, more=0, wait=1), ["held: ", LED_CLEARLY, CLEAR, "in 1 night;"]),
        (
            "fallen",
            told(ROW, promoted=True, together=ALL),
            ["promoted: rf_deep (v31)", FELL, LED, f"(z 2.40; {RIGHT})"],
        ),
        (
            "fallen, held back",
            told(replace(ROW, guards=BROKEN), together=ALL),
            ["held: ", LED, UNCLEAR, FELL, "continuity (agrees on 41 %)"],
        ),
        ("fallen, between looks", told(ROW, together=ALL, wait=3), ["held: ", LED, UNCLEAR, FELL, "in 3 nights;"]),
        (
            "refreshed",
            told(ROW, promoted=True, refreshed=True, refresh=AS_GOOD, age=251),
            [
                "refreshed: rf_deep (v31)",
                "v12 after 251 nights",
                "0.0100 edge",
                "z 3.90 of the 3.70",
                "-0.0003",
                "250 days",
            ],
        ),
        (
            "not refreshed",
            told(ROW, more=None, visible=None, refresh=NOT_AS_GOOD),
            ["held: ", LED, UNCLEAR, "v12 is 300 nights old", "0.0100 edge worse (z 2.10 of 3.70)"],
        ),
        (
            "refresh held back",
            told(replace(ROW, guards=BROKEN), more=None, visible=None, refresh=AS_GOOD),
            ["held: ", LED, UNCLEAR, "v12 is 300 nights old", "continuity (agrees on 41 %)"],
        ),
        (
            "refresh between looks",
            told(ROW, more=None, visible=None, refresh=AS_GOOD, wait=2),
            ["held: ", LED, UNCLEAR, "v12 is 300 nights old", "next look"],
        ),
        ("one day", told(None, days=1), ["held: v12 ", " 1 trading day ", "40"]),
        ("one day too few", told(None, days=39), ["held: v12 ", " 39 trading days ", "40"]),
    ],
)
def test_the_nightly_sentence_says_what_was_decided_and_on_what(
    case: str, sentence: str, facts: list[str], snapshot: SnapshotAssertion
) -> None:
    assert [fact for fact in facts if fact not in sentence] == []
    assert sentence == snapshot(name=case)


def test_a_budget_of_one_in_five_years_is_said_so() -> None:
    assert "in 5 years" in told(ROW, budget=0.2)


FIRST = replace(ROW, champion_accuracy=None, windows=(WindowFigures(250, 0.0312, 0.01, 3.1),), version="v1")
UNSKILLED = (Guard("no_skill", False, "49.90 % right at its cut, the majority 50.60 %"),)
OTHER = replace(FIRST, name="logistic", windows=(WindowFigures(250, 0.0101, 0.01, 1.0),), guards=UNSKILLED)
SKILLED = replace(FIRST, skill=WindowFigures(250, 0.0312, 0.01, 3.1))


def facts(*rows: NightlyRow, **values: Any) -> FirstFacts:
    """A night without a champion on which six recipes were tried, the first of all."""
    given: dict[str, Any] = {
        "score": "edge",
        "baseline": "no_skill",
        "budget": 0.05,
        "asked": first_thresholds(6, first_look=True),
    }
    return FirstFacts(rows, **{**given, "leader": None, "more": None, "visible": None, **values})


def test_the_first_champions_sentence_says_how_sure_it_is(snapshot: SnapshotAssertion) -> None:
    sentence = first_sentence(facts(OTHER, SKILLED), 1)
    for figure in (
        "rf_deep (v1)",
        "+0.0312 edge",
        "250 days",
        "z 3.10 against no skill, of the 2.57",
        "6 recipes tried",
        "51.9 %",
        "50.6 %",
        "logistic +0.0101",
        "49.90 %",
    ):
        assert figure in sentence
    assert sentence == snapshot


@pytest.mark.parametrize(
    ("score", "mean", "said", "other"),
    [
        ("accuracy", 0.519, "51.90 % of the bars right", "logistic 51.90 %"),
        ("brier", -0.2497, "-0.2497 brier a bar", "logistic -0.2497"),
    ],
)
def test_a_first_champion_by_another_score_is_told_without_a_z_against_nothing(
    score: str, mean: float, said: str, other: str, snapshot: SnapshotAssertion
) -> None:
    row = replace(FIRST, windows=(WindowFigures(250, mean, 0.01, mean / 0.01),))  # of a past decision, without a test
    sentence = first_sentence(facts(row, replace(row, name="logistic"), score=score, asked=None), 0)
    assert said in sentence and sentence.endswith(other) and "z " not in sentence
    assert sentence == snapshot(name=score)


def test_whoever_takes_over_from_one_that_leads_more_but_is_held_back_is_not_called_the_most(
    snapshot: SnapshotAssertion,
) -> None:
    held = replace(STRONG, name="bayes", guards=BROKEN)
    sentence = told(ROW, rows=[ROW, held], promoted=True, together=ALL)
    assert "led v12 by 0.0110 edge" in sentence and sentence == snapshot
    former = replace(STRONG, name="bayes", former=True)  # it is no recipe
    assert told(ROW, rows=[ROW, former], promoted=True, together=ALL) == snapshot(name="beside a former champion")


def test_a_recipe_that_would_take_over_but_for_a_guard_is_told_although_the_former_champion_leads(
    snapshot: SnapshotAssertion,
) -> None:
    """The former champion has to lead by its own threshold."""
    former, held = replace(ROW, name="old", former=True), replace(ROW, name="bayes", largest_z=1.2, guards=BROKEN)
    weak = replace(held, name="line", largest_z=0.7)
    sentence = told(former, rows=[former, weak, held], together=ALL)
    assert f"{FELL}; bayes " in sentence and "continuity (agrees on 41 %)" in sentence
    assert sentence == snapshot
    assert "held back" not in told(former, rows=[former, replace(held, largest_z=-0.1)], together=ALL)


def test_a_first_champion_alone_has_no_others(snapshot: SnapshotAssertion) -> None:
    sentence = first_sentence(facts(FIRST), 0)
    assert "others" not in sentence and sentence == snapshot


def test_a_sentence_stays_short_however_many_recipes_there_are() -> None:
    many = [replace(OTHER, name=f"recipe_{at}") for at in range(60)]
    first, empty = first_sentence(facts(SKILLED, *many), 0), empty_sentence(facts(*many), 40)
    assert f"and {60 - LISTED} more" in first and f"and {60 - LISTED} more" in empty
    assert max(len(first), len(empty)) < 2_000


def test_an_empty_production_says_what_would_change_that(snapshot: SnapshotAssertion) -> None:
    unskilled, unscored = empty_sentence(facts(OTHER), 40), empty_sentence(facts(replace(ROW, windows=())), 40)
    assert "logistic (no_skill: 49.90 %" in unskilled and "--accept-unskilled" in unskilled
    assert "40 scored days" in unscored and "--no-backfill" in unscored
    assert unskilled == snapshot(name="unskilled")
    assert unscored == snapshot(name="unscored")


@pytest.mark.parametrize(
    ("case", "values", "said"),
    [
        ("a lead", {"more": 30}, ["at rf_deep's lead of +0.0101 edge it may take 30 more nights", "2.57, 3.47 from"]),
        ("a small lead", {}, ["rf_deep's lead of +0.0101 edge is too small to be shown in 250 days"]),
        ("later", {"more": 1, "first_look": False}, ["of 3.47, which", "it may take 1 more night;"]),
        ("behind", {"mean": -0.001, "z": -0.1}, ["no stream is ahead of no skill"]),
    ],
)
def test_an_empty_production_says_what_is_asked_and_how_long_it_may_take(
    case: str, values: dict[str, Any], said: list[str], snapshot: SnapshotAssertion
) -> None:
    skill = WindowFigures(250, values.pop("mean", 0.0101), 0.0073, values.pop("z", 1.38))
    row = replace(FIRST, skill=skill, guards=(Guard("skill", False, f"z {skill.z:.2f} of 2.57"),))
    asked = first_thresholds(6, first_look=values.pop("first_look", True))
    sentence = empty_sentence(facts(row, asked=asked, leader=row, visible=0.0254, **values), 40)
    assert [
        words for words in [*said, "once in 20 years (6 recipes tried so far)", "0.0254"] if words not in sentence
    ] == []
    assert sentence == snapshot(name=case)
