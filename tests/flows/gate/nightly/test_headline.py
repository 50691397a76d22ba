"""The night's sentence: what was decided and why, in 200 characters, whatever the recipes are called."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from flows.gate.guards import Guard
from flows.gate.holdout.decision import CandidateRow, Decision, JudgedBars
from flows.gate.holdout.headline import holdout_headline
from flows.gate.nightly.decision import NightlyDecision, NightlyRow, PooledLead, Refresh, WindowFigures
from flows.gate.nightly.headline import headline
from flows.gate.nightly.policy import GatePolicy
from flows.gate.tripwires.wire import TrippedWire
from flows.gate.wording import MOST, NAME, by_person, fitting, would_be
from flows.night.suspicion import _headline as suspicious_headline
from flows.pnl.account import PipsResult

HERE = Path(__file__).parent
SENTENCES = HERE.parents[2] / "sentences" / "sentences.ambr"
DECIDED = ("promoted: ", "held: ", "returned: ", "refreshed: ", "suspicious: ", "would ")
WINDOW = WindowFigures(160, 0.011, 0.0046, 2.4)
CLEAR = WindowFigures(160, 0.02, 0.0046, 4.3)
SKILL = WindowFigures(250, 0.0163, 0.004, 3.84)
ROW = NightlyRow("rf_deep", "ab", "v31", False, 160, 14_000, 0.519, 0.511, 0.506, (WINDOW,), 160, 2.4, ())
FIRST = replace(ROW, champion_accuracy=None, skill=SKILL)
STRONG = replace(ROW, windows=(CLEAR,), largest_z=4.3)
BROKEN = (Guard("continuity", False, "agrees on 41 % of the bars"),)
EARNED = PipsResult("v12", 20_000, 250, 2_000.0, 100.0, 1_400.0, net_error=0.0303)


def decided(*rows: NightlyRow, **values: Any) -> NightlyDecision:
    given: dict[str, Any] = {
        "action": "held",
        "winner": None,
        "winner_version": None,
        "returned": False,
        "reason": "",
        "sentence": "",
        "champion": "v12",
        "rows": rows,
        "threshold": 3.7,
        "calibration": {},
        "autocorrelation": None,
        "first_day": None,
        "last_day": None,
        "days": 160,
        "smallest_visible": None,
        "more_nights": None,
        "tried": 2,
        "after": None,
        "policy": GatePolicy().to_dict(),
    }
    return NightlyDecision(**(given | values))


def won(row: NightlyRow, **values: Any) -> NightlyDecision:
    return decided(row, action="promoted", winner=row.name, winner_version=row.version, **values)


FELL = PooledLead(5, 80, 0.012, 0.0033, 3.6, 3.4)
NONE_YET = replace(ROW, windows=(), best_window=None, largest_z=None, days=5)
LACKS = (Guard("skill", False, "z 1.38 of 2.57"),)
UNSKILLED = replace(FIRST, guards=LACKS, skill=WindowFigures(250, 0.0101, 0.0073, 1.38))
CASES = [
    ("first champion", won(FIRST, champion=None, threshold=2.17), "beats no skill (z 3.84 of 2.17"),
    ("first, accepted", won(replace(FIRST, guards=LACKS), champion=None), "accepted by a person although"),
    ("empty, scored", decided(UNSKILLED, champion=None, threshold=2.57, more_nights=30), "30 more nights"),
    ("empty, behind", decided(replace(UNSKILLED, skill=replace(SKILL, mean=-0.1)), champion=None), "ahead of no skill"),
    ("empty, guard", decided(replace(FIRST, guards=BROKEN), champion=None), "predicts unlike"),
    ("empty, unscored", decided(NONE_YET, champion=None), "enough scored days"),
    ("too early", decided(NONE_YET), "share 5 of the 40 trading days"),
    ("not enough", decided(ROW), "leads by 0.0110 edge a bar (z 2.40 of 3.70, 160 days), which is not enough"),
    ("behind", decided(replace(ROW, windows=(replace(WINDOW, mean=-0.011, z=-2.4),))), "trails by 0.0110"),
    ("level", decided(replace(ROW, windows=(replace(WINDOW, mean=0.0, z=0.0),))), "no recipe scored differently"),
    ("held back", decided(replace(STRONG, guards=BROKEN)), "but predicts unlike its earlier fits"),
    ("between looks", decided(STRONG), "another night"),
    ("fell, held", decided(ROW, together=FELL), "all 5 recipes lead"),
    ("by accuracy", decided(ROW, policy=GatePolicy(score="accuracy").to_dict()), "1.10 points of accuracy"),
    ("promoted", won(STRONG), "replaces v12: it led by 0.0200 edge a bar (z 4.30 of 3.70, 160 days)"),
    ("fell", won(ROW, together=FELL), "all 5 recipes led it (z 3.60 of 3.40, 80 days), and this one the most"),
    ("returned", won(replace(STRONG, former=True, version="v3"), returned=True), "the former champion, replaces v12"),
    (
        "refreshed",
        won(ROW, refreshed=True, refresh=Refresh(0, 250, -0.0003, 3.9, 0.01, 3.7, True)),
        "its recipe retrained, replaces v12: it is not worse by 0.0100 edge a bar",
    ),
]


@pytest.mark.parametrize(("case", "decision", "fact"), CASES, ids=[case for case, _, _ in CASES])
def test_the_nights_sentence_says_what_was_decided_and_why(
    case: str, decision: NightlyDecision, fact: str, snapshot: SnapshotAssertion
) -> None:
    empty = decision.champion is None and decision.winner is None
    said = headline(decision, None if empty else EARNED)
    assert fact in said and said.startswith(DECIDED) and len(said) <= MOST
    assert empty or "would have lost 0.065 ± 0.059 pips a bar" in said, "it fits beside all that is said"
    assert said == snapshot(name=case)


@given(
    st.sampled_from([decision for _, decision, _ in CASES]),
    st.integers(1, 64),
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.floats(-1e4, 1e4),
)
def test_no_name_and_no_figure_makes_it_longer(
    decision: NightlyDecision, length: int, version: int, champion: int, size: float
) -> None:
    name = "n" * length
    rows = [replace(row, name=name, version=f"v{version}") for row in decision.rows]
    rows = [replace(row, windows=tuple(replace(each, mean=size, z=size) for each in row.windows)) for row in rows]
    said = headline(
        replace(
            decision,
            rows=tuple(rows),
            winner=None if decision.winner is None else name,
            winner_version=None if decision.winner is None else f"v{version}",
            champion=None if decision.champion is None else f"v{champion}",
        ),
        EARNED,
    )
    assert len(said) <= MOST and said.startswith(DECIDED)
    assert "n" * (NAME + 1) not in said, "a long name is cut"


@given(st.text(max_size=600), st.text(max_size=130), st.text(max_size=500))
def test_a_persons_part_stays_within_it_and_names_the_person(said: str, author: str, reason: str) -> None:
    whole = by_person(said, f"approved by {author}", reason)
    assert len(whole) <= MOST and f"approved by {author}" in whole


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=20))
def test_a_suspicious_night_stays_within_it(names: list[str]) -> None:
    said = suspicious_headline([TrippedWire("recipe", name, 0.7, 0.6, 100, "too good") for name in names])
    assert len(said) <= MOST and "nothing is promoted" in said


def test_what_is_cut_says_so() -> None:
    assert fitting("x" * 300) == "x" * 199 + "…"
    assert fitting("short", "y" * 300) == "short", "what does not fit beside it is left out whole"


@pytest.mark.parametrize(
    ("said", "dry"),
    [
        ("promoted: a (v9): b", "would be promoted: a (v9): b"),
        ("returned: a", "would return: a"),
        ("refreshed: a", "would be refreshed: a"),
        ("held: v1 stays", "held: v1 stays"),
        ("would be promoted: a", "would be promoted: a"),
    ],
)
def test_a_dry_run_never_says_promoted(said: str, dry: str) -> None:
    assert would_be(said) == dry


def holdout(winner: str | None, champion: str | None, row: CandidateRow) -> Decision:
    return Decision(
        action="promoted" if winner else "held" if champion else "empty",
        rule="holdout",
        winner=winner,
        reason="",
        sentence="",
        champion=champion,
        champion_accuracy=None,
        against=champion or "no_skill",
        rows=(row,),
        thresholds={"critical_z": 1.73},
        references={"no_skill": 0.5064},
        data=JudgedBars("2024-01-01", "2024-12-31", 24_926, 259, 250.0),
        policy={},
        accept_unskilled=False,
    )


@pytest.mark.parametrize(
    ("winner", "champion", "failed", "fact"),
    [
        ("rf_deep", "v1", False, "replaces v1: 2.08 points more accurate (z 2.18 of 1.73) on 24,926 bars of 259 days"),
        (None, "v1", False, "v1 stays: rf_deep (v2) is 2.08 points more accurate"),
        (None, "v1", True, "but is less accurate than no skill"),
        ("rf_deep", None, False, "is the first champion: right on 54.17%, no skill on 50.64%"),
        ("rf_deep", None, True, "accepted by a person although it is less accurate than no skill"),
        (None, None, True, "production stays empty: rf_deep (v2) is less accurate"),
    ],
)
def test_a_look_at_named_years_says_it_in_one_sentence_too(
    winner: str | None, champion: str | None, failed: bool, fact: str
) -> None:
    guards = (Guard("no_skill", not failed, "is below"),)
    row = CandidateRow("rf_deep", "v2", "ab", 24_926, 259, 0.5417, 2.08, 0.95, 2.18, 0.01, guards)
    said = holdout_headline(holdout(winner, champion, row))
    assert fact in said and len(said) <= MOST
    long = replace(row, name="n" * 64, version="v1000000000")
    assert len(holdout_headline(holdout("n" * 64 if winner else None, champion, long))) <= MOST


def test_every_night_of_the_reviewed_sentences_is_short() -> None:
    """All but the whole accounts, which the tests of the gate review and `retrain explain` shows."""
    of_gate = [path.read_text() for path in HERE.parent.rglob("test_*.py") if path.name != Path(__file__).name]
    accounts = set(re.findall(r"^def (test_\w+)", "\n".join(of_gate), re.MULTILINE))
    nights = {}
    for block in SENTENCES.read_text(encoding="utf-8").split("# name: ")[1:]:
        name, _, said = block.partition("\n")
        said = said.removesuffix("# ---\n").strip().strip("'\"")
        if name.partition("[")[0] not in accounts and not name.endswith("[whole]") and said.startswith(DECIDED):
            nights[name] = len(said)
    assert len(nights) >= len(CASES)
    assert {name: length for name, length in nights.items() if length > MOST} == {}
