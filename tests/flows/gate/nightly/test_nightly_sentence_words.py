"""The sentence a person reads in the morning, whole, for each case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flows.gate.guards import Guard
from flows.gate.nightly.decision import NightlyRow, PooledLead, Refresh, WindowFigures
from flows.gate.nightly.sentence import LISTED, SentenceFacts, empty_sentence, first_sentence, nightly_sentence

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
        "shown": None if row is None else 0,
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


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (
            told(ROW),
            f"held: rf_deep's stream led v12 by 0.0110 edge over 160 days ({UNCLEAR}; {RIGHT}); a true difference of "
            "this size would need about 70 more nights; differences under 0.0090 edge cannot be seen in a year",
        ),
        (
            told(ROW, more=1, score="accuracy", visible=0.0091),
            f"held: rf_deep's stream led v12 by 1.10 points of accuracy over 160 days ({UNCLEAR}; {RIGHT}); a true "
            "difference of this size would need about 1 more night; differences under 0.91 points of accuracy cannot "
            "be seen in a year",
        ),
        (
            told(ROW, more=None),
            f"held: rf_deep's stream led v12 by 0.0110 edge over 160 days ({UNCLEAR}; {RIGHT}); a true difference of "
            "this size would not be seen in a year; differences under 0.0090 edge cannot be seen in a year",
        ),
        (
            told(replace(ROW, windows=(WindowFigures(160, -0.011, 0.0046, -2.4),), largest_z=-2.4), more=None),
            "held: rf_deep's stream trailed v12 by 0.0110 edge over 160 days "
            f"({UNCLEAR.replace('2.40', '-2.40')}; {RIGHT}); differences under 0.0090 edge cannot be seen in a year",
        ),
        (
            told(replace(ROW, windows=(WindowFigures(160, 0.0, 0.0, 0.0),), largest_z=0.0), more=None, visible=0.0),
            f"held: rf_deep's stream scored as v12 did over 160 days ({UNCLEAR.replace('2.40', '0.00')}; {RIGHT})",
        ),
        (
            told(STRONG, promoted=True, more=0),
            f"promoted: rf_deep (v31): its stream led v12 by 0.0200 edge over 160 days ({CLEAR}; {RIGHT})",
        ),
        (
            told(replace(STRONG, former=True, version="v3"), promoted=True, more=0),
            "returned: rf_deep (v3), the former champion: its stream led v12 by 0.0200 edge over 160 days "
            f"({CLEAR}; {RIGHT})",
        ),
        (
            told(replace(STRONG, guards=(Guard("continuity", False, "agrees on 41 %"), Guard("x", True, "y"))), more=0),
            f"held: rf_deep's stream led v12 by 0.0200 edge over 160 days ({CLEAR}; {RIGHT}); "
            "held back by continuity (agrees on 41 %); differences under 0.0090 edge cannot be seen in a year",
        ),
        (
            told(STRONG, more=0, wait=1),
            f"held: rf_deep's stream led v12 by 0.0200 edge over 160 days ({CLEAR}; {RIGHT}); "
            "the next look is in 1 night; differences under 0.0090 edge cannot be seen in a year",
        ),
        (
            told(ROW, promoted=True, together=ALL),
            f"promoted: rf_deep (v31): {FELL}, and its stream, the most of them, led v12 by 0.0110 edge over 160 days "
            f"(z 2.40; {RIGHT})",
        ),
        (
            told(replace(ROW, guards=BROKEN), together=ALL),
            f"held: rf_deep's stream led v12 by 0.0110 edge over 160 days ({UNCLEAR}; {RIGHT}); {FELL}; held back by "
            "continuity (agrees on 41 %); differences under 0.0090 edge cannot be seen in a year",
        ),
        (
            told(ROW, together=ALL, wait=3),
            f"held: rf_deep's stream led v12 by 0.0110 edge over 160 days ({UNCLEAR}; {RIGHT}); {FELL}; the next look "
            "is in 3 nights; differences under 0.0090 edge cannot be seen in a year",
        ),
        (
            told(ROW, promoted=True, refreshed=True, refresh=AS_GOOD, age=251),
            "refreshed: rf_deep (v31), the same recipe retrained, replaces v12 after 251 nights: nothing was clearly "
            "better, and its stream is not worse by 0.0100 edge or more (z 3.90 of the 3.70 that one false promotion "
            f"in 20 years allows; -0.0003 edge over 250 days; {RIGHT})",
        ),
        (
            told(ROW, more=None, visible=None, refresh=NOT_AS_GOOD),
            f"held: rf_deep's stream led v12 by 0.0110 edge over 160 days ({UNCLEAR}; {RIGHT}); a true difference of "
            "this size would not be seen in a year; v12 is 300 nights old, and rf_deep retrained is not shown to be "
            "less than 0.0100 edge worse (z 2.10 of 3.70)",
        ),
        (
            told(replace(ROW, guards=BROKEN), more=None, visible=None, refresh=AS_GOOD),
            f"held: rf_deep's stream led v12 by 0.0110 edge over 160 days ({UNCLEAR}; {RIGHT}); a true difference of "
            "this size would not be seen in a year; v12 is 300 nights old, its refresh held back by continuity "
            "(agrees on 41 %)",
        ),
        (
            told(ROW, more=None, visible=None, refresh=AS_GOOD, wait=2),
            f"held: rf_deep's stream led v12 by 0.0110 edge over 160 days ({UNCLEAR}; {RIGHT}); a true difference of "
            "this size would not be seen in a year; v12 is 300 nights old and may be refreshed at the next look",
        ),
        (
            told(None, days=1),
            "held: v12 was judged on 1 trading day so far, and the shortest window asks for 40; no difference can be "
            "told yet",
        ),
        (
            told(None, days=39),
            "held: v12 was judged on 39 trading days so far, and the shortest window asks for 40; no difference can be "
            "told yet",
        ),
    ],
)
def test_the_nightly_sentence_says_what_was_decided_and_on_what(sentence: str, words: str) -> None:
    assert sentence == words


def test_a_budget_of_one_in_five_years_is_said_so() -> None:
    assert "one false promotion in 5 years allows" in told(ROW, budget=0.2)


FIRST = replace(ROW, champion_accuracy=None, windows=(WindowFigures(250, 0.0312, 0.01, 3.1),), version="v1")
UNSKILLED = (Guard("no_skill", False, "49.90 % right at its cut, the majority 50.60 %"),)
OTHER = replace(FIRST, name="logistic", windows=(WindowFigures(250, 0.0101, 0.01, 1.0),), guards=UNSKILLED)


def test_the_first_champions_sentence_says_that_nothing_is_protected_yet() -> None:
    assert first_sentence([OTHER, FIRST], 1, "edge") == (
        "promoted: rf_deep (v1) is the first champion: its stream scored +0.0312 edge a bar over the last 250 days, "
        "backfill included (z 3.10; right at its cut 51.9 %, the majority 50.6 %); no error rate is held for a first "
        "champion; the others: logistic +0.0101 (no_skill: 49.90 % right at its cut, the majority 50.60 %)"
    )


@pytest.mark.parametrize(
    ("score", "mean", "said", "other"),
    [
        ("accuracy", 0.519, "51.90 % of the bars right", "logistic 51.90 %"),
        ("brier", -0.2497, "-0.2497 brier a bar", "logistic -0.2497"),
    ],
)
def test_a_first_champion_by_another_score_is_told_without_a_z_against_nothing(
    score: str, mean: float, said: str, other: str
) -> None:
    row = replace(FIRST, windows=(WindowFigures(250, mean, 0.01, mean / 0.01),))
    assert first_sentence([row, replace(row, name="logistic")], 0, score) == (
        f"promoted: rf_deep (v1) is the first champion: its stream scored {said} over the last 250 days, backfill "
        "included (right at its cut 51.9 %, the majority 50.6 %); no error rate is held for a first champion; the "
        f"others: {other}"
    )


def test_whoever_takes_over_from_one_that_leads_more_but_is_held_back_is_not_called_the_most() -> None:
    held = replace(STRONG, name="bayes", guards=BROKEN)
    sentence = told(ROW, rows=[ROW, held], promoted=True, together=ALL)
    assert ", and its stream, the most of those that no guard holds back, led v12 by 0.0110 edge" in sentence
    former = replace(STRONG, name="bayes", former=True)  # it is no recipe
    assert "its stream, the most of them, led" in told(ROW, rows=[ROW, former], promoted=True, together=ALL)


def test_a_recipe_that_would_take_over_but_for_a_guard_is_told_although_the_former_champion_leads() -> None:
    """The former champion has to lead by its own threshold."""
    former, held = replace(ROW, name="old", former=True), replace(ROW, name="bayes", largest_z=1.2, guards=BROKEN)
    weak = replace(held, name="line", largest_z=0.7)
    sentence = told(former, rows=[former, weak, held], together=ALL)
    assert f"{FELL}; bayes is held back by continuity (agrees on 41 %); differences under" in sentence
    assert "held back" not in told(former, rows=[former, replace(held, largest_z=-0.1)], together=ALL)


def test_a_first_champion_alone_has_no_others() -> None:
    assert first_sentence([FIRST], 0, "edge").endswith("no error rate is held for a first champion")


def test_a_sentence_stays_short_however_many_recipes_there_are() -> None:
    many = [replace(OTHER, name=f"recipe_{at}") for at in range(60)]
    first, empty = first_sentence([FIRST, *many], 0, "edge"), empty_sentence(many, 40)
    assert f"and {60 - LISTED} more" in first and f"and {60 - LISTED} more" in empty
    assert max(len(first), len(empty)) < 2_000


def test_an_empty_production_says_what_would_change_that() -> None:
    assert empty_sentence([OTHER], 40) == (
        "held: production stays empty: no stream passes: logistic (no_skill: 49.90 % right at its cut, the majority "
        "50.60 %); --accept-unskilled overrides, and is recorded"
    )
    assert empty_sentence([replace(ROW, windows=())], 40) == (
        "held: production stays empty: no stream has the 40 scored days that a first champion is chosen by; let more "
        "nights pass (a first night without --no-backfill scores the past instead)"
    )
