"""What the holdout refuses to judge, and what it says then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from flows.errors import GateRefused, RequestRefused
from flows.gate import HoldoutPolicy
from tests.flows.gate.holdout_cases import FIRST_DAY, SMALL, Holdout, days_of, holdout

BARS = holdout(days=20, bars=48)
CHAMPION = BARS.right_often(0.5, "rf_shallow", 1, "v1")
CANDIDATE = BARS.right_often(0.6, "rf_deep", 2)


def changed(values: np.ndarray, bar: int, value: object) -> np.ndarray:
    values = values.copy()
    values[bar] = value
    return values


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.01, 1.01])
@pytest.mark.parametrize("which", ["champion", "candidate", "no_skill", "reference"])
def test_a_probability_that_is_none_is_refused_with_its_stream_and_bar(which, value, snapshot):
    streams = {"champion": CHAMPION, "candidate": CANDIDATE, "no_skill": BARS.no_skill, "reference": CANDIDATE}
    broken = replace(streams[which], name="broken", p=changed(streams[which].p, 17, value))
    streams[which] = broken
    with pytest.raises(GateRefused, match=r"1 of 960 .* broken .* 17") as refused:
        BARS.judge(
            streams["champion"],
            [streams["candidate"]],
            no_skill=streams["no_skill"],
            references=[streams["reference"]],
        )
    assert str(refused.value).replace(str(value), "<p>") == snapshot


@pytest.mark.parametrize("cut", [np.nan, -0.1, 1.1])
def test_a_cut_that_is_no_probability_is_refused(cut):
    with pytest.raises(GateRefused, match="the cut of rf_deep"):
        BARS.judge(None, [replace(CANDIDATE, cut=cut)])


@pytest.mark.parametrize("p", [CANDIDATE.p[:-1], CANDIDATE.p[:, None], np.round(CANDIDATE.p).astype(int)])
def test_scores_of_other_bars_are_refused(p):
    with pytest.raises(GateRefused, match=r"rf_deep has .* same bars"):
        BARS.judge(CHAMPION, [replace(CANDIDATE, p=p)])


@pytest.mark.parametrize("value", [np.nan, -1.0, 2.0, 0.5])
def test_a_label_that_is_not_known_is_refused(value):
    label = changed(BARS.label.astype(float), 5, value)
    with pytest.raises(GateRefused, match=r"1 of 960 labels .* at bar 5"):
        BARS.judge(CHAMPION, [CANDIDATE], label=label)


@pytest.mark.parametrize("label", [BARS.label[:, None], BARS.label.astype(object), BARS.label.astype(str)])
def test_labels_that_are_no_column_of_numbers_are_refused(label):
    with pytest.raises(GateRefused, match="the labels are"):
        BARS.judge(CHAMPION, [CANDIDATE], label=label)


@pytest.mark.parametrize("day", [BARS.day[:-1], BARS.day.astype("datetime64[ns]"), BARS.day.astype(int)])
def test_days_that_are_no_trading_day_of_each_bar_are_refused(day):
    with pytest.raises(GateRefused, match=r"the days are .* datetime64\[D\]"):
        BARS.judge(CHAMPION, [CANDIDATE], day=day)


def test_a_bar_without_a_day_is_refused():
    with pytest.raises(GateRefused, match="bar 3 has no trading day"):
        BARS.judge(CHAMPION, [CANDIDATE], day=changed(BARS.day, 3, np.datetime64("NaT")))


def test_days_out_of_order_are_refused_with_the_place(snapshot):
    with pytest.raises(GateRefused, match="bar 960") as refused:
        longer = Holdout(np.append(BARS.label, 1), np.append(BARS.day, FIRST_DAY))
        longer.judge(None, [longer.right_often(0.6, "rf_deep", 1)])
    assert str(refused.value) == snapshot


def test_too_few_days_are_refused(snapshot):
    short = holdout(days=19, bars=96)
    with pytest.raises(GateRefused, match=r"1,824 bars of 19 .* 960 bars of 20") as refused:
        short.judge(None, [short.right_often(0.6, "rf_deep", 1)])
    assert str(refused.value) == snapshot


def test_too_few_bars_are_refused():
    thin = holdout(days=20, bars=47)
    with pytest.raises(GateRefused, match="940 bars of 20 trading days"):
        thin.judge(None, [thin.right_often(0.6, "rf_deep", 1)])


def test_twenty_days_of_which_one_holds_nearly_all_bars_are_too_few():
    day = days_of(2000, *[1] * 19)
    bars = Holdout(np.random.default_rng(0).integers(0, 2, day.size), day)
    with pytest.raises(GateRefused, match=r"weigh as 1\.0 equal ones"):
        bars.judge(None, [bars.right_often(0.6, "rf_deep", 1)])


def test_an_empty_holdout_is_refused():
    empty = Holdout(np.empty(0, dtype=int), days_of())
    nothing = empty.always(0.5, "rf_deep")
    with pytest.raises(GateRefused, match="no bars"):
        empty.judge(None, [nothing], no_skill=nothing)


def test_one_bar_is_refused():
    one = Holdout(np.array([1]), days_of(1))
    with pytest.raises(GateRefused, match="1 bars of 1 trading days"):
        one.judge(None, [one.always(0.6, "rf_deep")], policy=SMALL)


def test_no_candidates_are_refused():
    with pytest.raises(GateRefused, match="no candidates"):
        BARS.judge(CHAMPION, [])


def test_two_candidates_of_one_name_are_refused(snapshot):
    with pytest.raises(GateRefused, match="rf_deep") as refused:
        BARS.judge(CHAMPION, [CANDIDATE, CANDIDATE])
    assert str(refused.value) == snapshot


@pytest.mark.parametrize(
    "setting",
    [
        {"alpha": 0.0},
        {"alpha": 0.5},
        {"alpha": float("nan")},
        {"minimum_days": 2},
        {"minimum_bars_a_day": 0},
        {"no_skill_margin_points": -1.0},
        {"no_skill_margin_points": float("nan")},
        {"score": "brier"},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(setting):
    with pytest.raises(RequestRefused, match=next(iter(setting))):
        HoldoutPolicy(**setting)
