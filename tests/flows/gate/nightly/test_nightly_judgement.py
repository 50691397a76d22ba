"""The nightly gate on ledgers made by chance: what promotes, what never does, and what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.errors import GateRefused
from flows.gate.guards import Guard
from flows.gate.nightly.candidates import Champion
from flows.gate.nightly.judge import judge_nightly, tried_lately
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger, NightScores, StreamScores, assemble
from tests.flows.gate.nightly_cases import CALIBRATED, CHAMPION, WARM_DAYS, bars, candidate, judged, ledger, sheets

SEEDS = st.integers(0, 2**32 - 1)
SCORES = st.sampled_from(["edge", "accuracy", "brier"])
MADE = bars(60)
"""Ten days of backfill and fifty live ones."""


def a_ledger(seed: int = 0, **skills: float) -> Ledger:
    """The champion's stream (of recipe ``old``) without skill, and one stream a named skill."""
    old = MADE.said(0.0, seed)
    others = {f"recipe:{name}": MADE.said(skill, seed + at + 1) for at, (name, skill) in enumerate(skills.items())}
    return ledger(MADE, {"recipe:old": old, "version:v1": old, **others})


@given(SEEDS, SCORES, st.integers(49, 60))
@settings(max_examples=15, deadline=None)
def test_exchanging_champion_and_candidate_flips_the_sign_and_nothing_else(seed: int, score: str, days: int) -> None:
    made = bars(days, seed)
    found = ledger(made, {"recipe:a": made.said(0.1, seed), "recipe:b": made.said(0.1, seed + 1)})
    policy = GatePolicy(score=score)  # type: ignore[arg-type]  # any text
    rows = []
    for champion, other in (("a", "b"), ("b", "a")):
        against = Champion("v1", champion, f"recipe:{champion}", f"recipe:{champion}", None)
        rows.append(judged(found, other, champion=against, policy=policy).rows[0])
    ours, theirs = rows
    assert [window.days for window in ours.windows] == [window.days for window in theirs.windows]
    assert [window.z for window in ours.windows] == [-window.z for window in theirs.windows]
    assert [window.mean for window in ours.windows] == [-window.mean for window in theirs.windows]
    assert (ours.accuracy, ours.champion_accuracy) == (theirs.champion_accuracy, theirs.accuracy)


@given(SEEDS, SCORES)
@settings(max_examples=10, deadline=None)
def test_an_identical_candidate_is_never_promoted(seed: int, score: str) -> None:
    same = MADE.said(0.3, seed)
    found = ledger(MADE, {"recipe:old": same, "version:v1": same, "recipe:same": same})
    decision = judged(found, "same", "old", policy=GatePolicy(score=score))  # type: ignore[arg-type]  # any text
    assert decision.action == "held" and decision.reason == "not better"
    assert [row.largest_z for row in decision.rows] == [0.0, 0.0]
    assert "v1 did over 50 days (z 0.00" in str(decision)


@pytest.mark.parametrize("score", ["edge", "accuracy", "brier"])
def test_a_planted_better_stream_is_promoted_and_the_sentence_says_so(score: str, snapshot: SnapshotAssertion) -> None:
    decision = judged(a_ledger(worse=-0.1, better=0.3), "worse", "better", policy=GatePolicy(score=score))  # type: ignore[arg-type]  # any text
    assert (decision.action, decision.winner, decision.winner_version) == ("promoted", "better", "v9")
    assert str(decision) == snapshot(name=score)
    assert decision.reason == "better" and not decision.returned


def test_of_two_that_pass_the_one_with_the_larger_z_is_promoted() -> None:
    decision = judged(a_ledger(good=0.2, best=0.5), "good", "best")
    assert min(row.largest_z or 0.0 for row in decision.rows) > CALIBRATED.threshold
    assert decision.winner == "best"


@given(SEEDS, st.permutations(["a", "b", "c", "d"]))
@settings(max_examples=10, deadline=None)
def test_the_order_of_candidates_and_of_streams_changes_nothing(seed: int, order: list[str]) -> None:
    skills = {"a": 0.0, "b": 0.15, "c": 0.3, "d": -0.2}
    old = MADE.said(0.0, seed)
    streams = {"recipe:old": old, "version:v1": old}
    streams |= {f"recipe:{name}": MADE.said(skill, seed + at + 1) for at, (name, skill) in enumerate(skills.items())}
    plain = judged(ledger(MADE, streams), *skills)
    shuffled = ledger(MADE, {key: streams[key] for key in [*(f"recipe:{each}" for each in order), *streams]})
    decision = judged(shuffled, *order)
    rows = {row.name: row for row in decision.rows}
    assert replace(decision, rows=tuple(rows[name] for name in skills)) == plain


def test_only_live_days_after_the_champion_was_promoted_count() -> None:
    days = np.unique(MADE.day).astype(str)
    for after, left in ((None, 50), (days[WARM_DAYS - 3], 50), (days[WARM_DAYS], 49), (days[-41], 40), (days[-1], 0)):
        decision = judged(a_ledger(a=0.3), "a", champion=replace(CHAMPION, after=after))
        assert decision.days == left and decision.rows[0].days == left
        assert decision.after == after
        assert decision.first_day == (None if not left else days[-left])
        assert (decision.action == "promoted") == (left >= 40)


def test_days_that_do_not_count_change_nothing_but_the_ranks() -> None:
    """By accuracy, which asks nothing of the past: whatever was said before the first night that counts."""
    after = str(np.unique(MADE.day)[14])
    policy = GatePolicy(score="accuracy")
    one, other = MADE.said(0.3, 1), MADE.said(0.3, 1)
    early = np.datetime64(after) >= MADE.day
    other[early] = MADE.said(-0.9, 2)[early]
    old = MADE.said(0.0, 0)
    decisions = [
        judged(
            ledger(MADE, {"version:v1": old, "recipe:a": p}),
            "a",
            champion=replace(CHAMPION, after=after),
            policy=policy,
        )
        for p in (one, other)
    ]
    assert decisions[0] == decisions[1]


def test_what_a_new_recipe_would_have_said_before_it_was_live_is_no_evidence(snapshot: SnapshotAssertion) -> None:
    """The champion's own scores were live then: a backfill beside them would be selection."""
    better, old = MADE.said(0.5, 1), MADE.said(0.0, 0)
    live = sheets(MADE, {"version:v1": old, "recipe:old": old})
    backfill = [replace(sheet, live=False) for sheet in sheets(MADE, {"recipe:new": better})]
    decision = judged(
        assemble([*backfill[:55], *live[:55], *sheets(MADE, {"version:v1": old, "recipe:new": better})[55:]]), "new"
    )
    assert decision.rows[0].days == 5
    assert decision.action == "held" and "on 5 trading days" in str(decision)
    assert str(decision) == snapshot


def test_only_bars_that_both_were_scored_on_count() -> None:
    p = MADE.said(0.3, 1)
    p[MADE.day >= np.unique(MADE.day)[-5]] = np.nan
    old = MADE.said(0.0, 0)
    decision = judged(ledger(MADE, {"recipe:old": old, "version:v1": old, "recipe:a": p}), "a")
    assert decision.rows[0].days == 45
    assert decision.rows[0].bars == 45 * 64


def test_a_day_with_fewer_than_48_bars_is_no_day() -> None:
    old, p = MADE.said(0.0, 0), MADE.said(0.3, 1)
    last = np.flatnonzero(MADE.day == np.unique(MADE.day)[-1])
    for left, days in ((48, 50), (47, 49)):
        p[last[left:]] = np.nan
        decision = judged(ledger(MADE, {"recipe:old": old, "version:v1": old, "recipe:a": p}), "a")
        assert decision.days == days


def test_a_failed_guard_holds_a_winner_back_and_is_named(snapshot: SnapshotAssertion) -> None:
    broken = candidate("a", guards=(Guard("continuity", False, "agrees on 41 % of the bars"),))
    decision = judged(a_ledger(a=0.4), broken)
    assert (decision.action, decision.winner, decision.reason) == ("held", None, "continuity")
    assert "continuity (agrees on 41 %" in str(decision) and str(decision) == snapshot


def test_a_failed_guard_lets_the_next_one_pass() -> None:
    broken = candidate("best", guards=(Guard("continuity", False, "broken"),))
    assert judged(a_ledger(good=0.2, best=0.5), "good", broken).winner == "good"


def test_a_passed_guard_promotes_nothing() -> None:
    fine = candidate("a", guards=(Guard("continuity", True, "agrees on all bars"),))
    assert judged(a_ledger(a=0.0), fine).action == "held"


@pytest.mark.parametrize(("margin", "guard"), [(100.0, "no_skill"), (1.0, "accuracy")])
def test_accuracy_at_the_cut_can_only_hold_back(margin: float, guard: str) -> None:
    """Ranked well and cut badly: right above one half only where everything is said to be up."""
    old = MADE.said(0.4, 5)
    p = 0.3 * MADE.said(1.5, 1)
    label = MADE.label
    found = ledger(MADE, {"recipe:old": old, "version:v1": old, "recipe:a": p})
    decision = judged(found, "a", policy=GatePolicy(accuracy_margin_points=margin))
    assert decision.rows[0].largest_z is not None and decision.rows[0].largest_z > CALIBRATED.threshold
    assert decision.rows[0].accuracy == pytest.approx(1 - label[MADE.day >= np.unique(MADE.day)[10]].mean())
    failed = [each.name for each in decision.rows[0].failed]
    assert decision.action == "held" and guard in failed


def test_the_former_champion_returns_by_the_same_evidence(snapshot: SnapshotAssertion) -> None:
    found = a_ledger(a=0.0)
    better = MADE.said(0.4, 9)
    found = ledger(MADE, {"recipe:old": MADE.said(0.0, 0), "version:v5": MADE.said(0.0, 0), "version:v1": better})
    former = replace(candidate("rf", version="v1", former=True), stream="version:v1", fingerprint="version:v1")
    decision = judged(found, former, champion=Champion("v5", "old", "version:v5", "recipe:old", None))
    assert decision.returned and decision.winner_version == "v1"
    assert str(decision).startswith("returned: rf (v1)") and " v5 " in str(decision)
    assert str(decision) == snapshot


def test_a_champion_ranks_its_first_predictions_among_its_recipes() -> None:
    """A new champion has no scores before its first night: without its recipe's it would have none for eight days."""
    old, p = MADE.said(0.0, 0), MADE.said(0.3, 1)
    young = np.where(MADE.day < np.unique(MADE.day)[WARM_DAYS], np.nan, old)
    streams = {"recipe:old": old, "version:v1": young, "recipe:a": p}
    assert judged(ledger(MADE, streams), "a").days == 50
    lonely = replace(CHAMPION, recipe_stream="recipe:gone")
    assert judged(ledger(MADE, streams), "a", champion=lonely).days == 42


def test_the_threshold_grows_with_what_was_tried() -> None:
    found = a_ledger(a=0.0, b=0.0)
    one, two, three = (judged(found, *names, tried=k, calibration=None) for names, k in (("a", 1), ("ab", 1), ("a", 3)))
    assert (one.tried, two.tried, three.tried) == (1, 2, 3)
    assert [each.calibration["recipes"] for each in (one, two, three)] == [1, 2, 3]
    assert one.threshold < two.threshold < three.threshold  # type: ignore[operator]  # None would fail as well


def test_what_was_tried_lately_are_recipes_with_live_scores_and_tonights_candidates() -> None:
    old = MADE.said(0.0, 0)
    gone = np.where(MADE.day < np.unique(MADE.day)[30], old, np.nan)
    never_live = np.where(MADE.day < np.unique(MADE.day)[WARM_DAYS], old, np.nan)
    streams = {"recipe:old": old, "version:v1": old, "recipe:gone": gone, "recipe:past": never_live}
    found = ledger(MADE, streams)
    former = replace(candidate("old", former=True), stream="version:v0")
    assert tried_lately(found, [candidate("old")]) == 2  # and "gone", which was live three weeks ago
    assert tried_lately(found, [candidate("old"), candidate("new"), former]) == 4
    assert tried_lately(found, [candidate("old")], nights=30) == 1


def test_between_looks_nothing_is_promoted(snapshot: SnapshotAssertion) -> None:
    weekly = GatePolicy(cadence=7)
    decision = judged(a_ledger(a=0.4), "a", policy=weekly)  # the fiftieth night: 49 was a look
    assert (decision.action, decision.reason) == ("held", "between looks")
    assert "in 6 nights" in str(decision) and str(decision) == snapshot
    assert judged(a_ledger(a=0.4), "a", policy=GatePolicy(cadence=5)).action == "promoted"
    night = str(np.unique(MADE.day)[WARM_DAYS])  # one night later the seventh after it
    assert judged(a_ledger(a=0.4), "a", policy=weekly, champion=replace(CHAMPION, after=night)).action == "promoted"


def test_a_stream_without_any_score_is_held_for_want_of_days(snapshot: SnapshotAssertion) -> None:
    decision = judged(a_ledger(), "nowhere")
    assert (decision.action, decision.reason, decision.days) == ("held", "too few days", 0)
    assert decision.rows[0].largest_z is None and decision.rows[0].accuracy is None
    assert "v1 was judged on 0 " in str(decision) and str(decision) == snapshot
    nans = ledger(MADE, {"version:v1": MADE.said(0, 0), "recipe:nowhere": np.full(MADE.label.size, np.nan)})
    assert replace(judged(nans, "nowhere"), dependence=decision.dependence) == decision


def test_an_unscored_stream_beside_a_better_one_is_in_nobodys_way() -> None:
    assert judged(a_ledger(a=0.4), "nowhere", "a").winner == "a"


def test_a_champion_without_scores_is_not_judged() -> None:
    decision = judged(a_ledger(a=0.4), "a", champion=replace(CHAMPION, stream="version:v7", version="v7"))
    assert decision.reason == "too few days" and decision.rows[0].champion_accuracy is None


def test_constant_predictions_earn_nothing_and_are_no_evidence_for_themselves() -> None:
    flat = np.full(MADE.label.size, 0.5)
    both = ledger(MADE, {"version:v1": flat, "recipe:flat": flat})
    assert judged(both, "flat").rows[0].largest_z == 0.0
    worse = ledger(MADE, {"version:v1": MADE.said(0.4, 0), "recipe:flat": flat})
    row = judged(worse, "flat").rows[0]
    assert row.largest_z is not None and row.largest_z < 0.0
    assert row.accuracy == pytest.approx(1 - MADE.label[WARM_DAYS * 64 :].mean())  # never above its cut


def test_a_single_bar_is_no_day() -> None:
    made = bars(1, bars_a_day=1)
    decision = judged(ledger(made, {"version:v1": made.said(0, 0), "recipe:a": made.said(0, 1)}, live_from=0), "a")
    assert (decision.action, decision.days) == ("held", 0)


def test_days_that_all_show_the_same_difference_are_no_evidence(snapshot: SnapshotAssertion) -> None:
    made = replace(MADE, label=np.tile([0.0, 1.0], MADE.label.size // 2))
    right, wrong = np.where(made.label == 1, 0.6, 0.4), np.where(made.label == 1, 0.4, 0.6)
    found = ledger(made, {"version:v1": wrong, "recipe:a": right})
    decision = judged(found, "a", policy=GatePolicy(score="accuracy"))
    best = decision.rows[0].best
    assert best is not None and (best.mean, best.standard_error, best.z) == (1.0, 0.0, 0.0)
    assert decision.action == "held" and "cannot be seen" not in str(decision)
    assert str(decision) == snapshot


@pytest.mark.parametrize("wrong", [np.inf, -np.inf])
@pytest.mark.parametrize("score", ["edge", "accuracy", "brier"])
def test_an_infinite_prediction_is_refused(wrong: float, score: str) -> None:
    p = MADE.said(0, 1)
    p[900] = wrong
    found = ledger(MADE, {"version:v1": MADE.said(0, 0), "recipe:a": p})
    with pytest.raises(GateRefused, match="not finite"):
        judged(found, "a", policy=GatePolicy(score=score))  # type: ignore[arg-type]  # any text


def test_a_brier_score_of_no_probability_is_refused() -> None:
    found = ledger(MADE, {"version:v1": MADE.said(0, 0), "recipe:a": 3 * MADE.said(0, 1)})
    with pytest.raises(GateRefused, match="needs probabilities"):
        judged(found, "a", policy=GatePolicy(score="brier"))


def test_nobody_to_judge_is_refused() -> None:
    with pytest.raises(GateRefused, match="no candidates"):
        judge_nightly(a_ledger(), champion=CHAMPION, candidates=[], tried=0, policy=GatePolicy())


def test_a_million_bars_are_judged() -> None:
    made = bars(16_000)
    old, better = made.said(0, 0), made.said(0.2, 1)
    series = (StreamScores("version:v1", "old", "v1", 0.5, old), StreamScores("recipe:a", "a", "v9", 0.5, better))
    found = assemble([NightScores("2024-01-02", True, made.opens, made.label, {}, series)])
    assert found.opens.size > 1_000_000
    decision = judged(found, "a")
    assert decision.winner == "a"
    assert decision.rows[0].bars == 250 * 64  # what is older changes nothing
