"""Days that follow each other over weeks: measured between recipes, and paid for by wider standard errors."""

from dataclasses import replace

import numpy as np
import pytest

from flows.gate.nightly.candidates import Candidate
from flows.gate.nightly.decision import NightlyDecision, VarianceRatio
from flows.gate.nightly.dependence import OverWeeks, Panel, inflation, own_autocorrelation, side_by_side
from flows.gate.nightly.first import choose_first, thresholds_tonight
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sequential import RECENT_WINDOWS, judge, together
from flows.gate.nightly.skill import SkillLeads
from tests.flows.gate.nightly_cases import CALIBRATED, bars, judged, ledger

RECIPES = 5


def following(rng, shape, kept):
    """A first-order autoregression of unit variance along the first axis."""
    days = rng.standard_normal(shape)
    for day in range(1, shape[0]):
        days[day] = kept * days[day - 1] + np.sqrt(1 - kept**2) * days[day]
    return days


def mixed(seed=0, days=500, recipes=RECIPES, share=0.0, kept=0.95):
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((days, recipes))
    return np.sqrt(1 - share) * white + np.sqrt(share) * following(rng, (days, recipes), kept)


def textbook(series, q):
    """The variance of overlapping sums over q times that of a day, written out."""
    sums = np.array([series[at : at + q].sum() for at in range(series.size - q + 1)])
    squares = np.square(sums - q * series.mean()).sum()
    return squares / (q * sums.size * (1 - q / series.size)) / series.var(ddof=1)


def test_of_one_stream_it_is_the_textbooks_ratio():
    series = mixed(recipes=1, share=0.1)
    found = Panel(series, around_mean=False).ratios()
    assert [each.days for each in found] == [20, 60, 125]
    assert [each.ratio for each in found] == pytest.approx([textbook(series[:, 0], q) for q in (20, 60, 125)])


def test_of_several_it_is_pooled_around_their_mean_and_one_can_be_left_out():
    scores = mixed(share=0.1)
    market = np.random.default_rng(9).standard_normal((500, 1)).cumsum(axis=0)  # common to all: nothing of it is left
    kept = np.delete(scores, 2, axis=1)
    beside = kept - kept.mean(axis=1, keepdims=True)
    share = beside.var(axis=0) / beside.var(axis=0).sum()
    expected = sum(share[at] * textbook(beside[:, at], 60) for at in range(4))
    assert Panel(scores + market).ratios(without=2)[1].ratio == pytest.approx(expected)


def test_the_interval_of_independent_days_holds_one_in_nine_cases_of_ten():
    held = np.zeros(3)
    for seed in range(300):
        held += [each.low <= 1.0 <= each.high for each in Panel(mixed(seed)).ratios()]
    assert (held >= 0.85 * 300).all() and (held <= 0.95 * 300).all(), held / 300


def test_a_slow_part_that_lag_1_cannot_see_is_seen():
    seen = sum(Panel(mixed(seed, share=0.05)).ratios()[1].low > 1.1 for seed in range(100))
    assert seen > 80


@pytest.mark.parametrize(("days", "horizons"), [(0, []), (39, []), (40, [20]), (249, [20, 60]), (250, [20, 60, 125])])
def test_a_horizon_needs_twice_its_days(days, horizons):
    assert [each.days for each in Panel(mixed(days=days)).ratios()] == horizons


def test_two_recipes_or_constant_ones_say_nothing():
    assert Panel(mixed(recipes=2)).ratios() == ()
    assert Panel(mixed(recipes=3)).ratios(without=0) == ()
    assert Panel(np.ones((300, 5))).ratios() == ()


def test_only_a_ratio_shown_to_be_above_lag_1_widens_and_only_windows_as_long():
    shown, unsure = VarianceRatio(60, 2.0, 1.4, 3.0), VarianceRatio(20, 3.0, 0.9, 5.0)
    assert inflation([shown, unsure], 0.0, 80) == pytest.approx(2.0**0.5)
    assert inflation([shown, unsure], 0.0, 59) == 1.0
    assert inflation([shown], 0.2, 80) == pytest.approx(1.5**0.5)  # (1 + 0.2) / (1 − 0.2) is within its interval
    assert inflation([], 0.2, 80) == pytest.approx(1.5**0.5)


def test_a_recipe_has_its_own_autocorrelation_where_it_clearly_differs():
    assert own_autocorrelation(0.3, 0.1, 250) == 0.3
    assert own_autocorrelation(0.2, 0.1, 250) == 0.1
    assert own_autocorrelation(-0.5, 0.1, 250) == 0.1
    assert own_autocorrelation(float("nan"), 0.1, 250) == 0.1


def evidence_of(scores, champion):
    d = scores - champion
    names = [str(at) for at in range(scores.shape[1])]
    found, weeks = judge(d, np.full(d.shape[0], 91.0)), OverWeeks(names, scores)
    everyone = judge(*together(d, np.full(d.shape[0], 91.0)), windows=RECENT_WINDOWS, r=found.r)
    return found, weeks.widened(found, names), everyone, weeks.all_together(everyone), weeks.record


def test_noise_that_lasts_widens_every_z_and_is_recorded():
    scores = mixed(3, share=0.1)
    before, after, mean_before, mean_after, record = evidence_of(scores, mixed(4, recipes=1, share=0.1))
    assert (np.abs(after.z) < np.abs(before.z)).all() and (after.standard_error > before.standard_error).all()
    assert abs(mean_after.z[0, 2]) < abs(mean_before.z[0, 2])
    assert record.widest > 1.2 and record.days == 500 and len(record.ratios) == 3
    assert after.z[0] * after.standard_error[0] == pytest.approx(before.z[0] * before.standard_error[0])


def test_a_champion_that_falls_is_no_noise():
    champion = mixed(6, recipes=1)
    fallen = champion - np.where(np.arange(500) >= 440, 2.0, 0.0)[:, None]
    quiet, loud = evidence_of(mixed(5), champion)[-1], evidence_of(mixed(5), fallen)[-1]
    assert quiet.ratios == loud.ratios  # the champion is not part of what is measured


def test_a_recipe_that_gets_better_does_not_widen_its_own_z():
    scores, champion = mixed(5), mixed(6, recipes=1)
    risen = scores.copy()
    risen[400:, 0] += 2.0
    before, after, *_ = evidence_of(risen, champion)
    own = own_autocorrelation(before.own_r[0], before.r, 250)
    assert after.z[0] == pytest.approx(before.z[0] * ((1 + before.r) / (1 - before.r) / (1 + own) * (1 - own)) ** 0.5)
    assert after.z[1, 1] / before.z[1, 1] < 1.0  # that of the others it does


def test_streams_are_set_side_by_side_on_days_that_all_have():
    days = np.arange("2023-01-02", "2024-06-01", dtype="datetime64[D]")
    known = {
        "b": (days, np.arange(days.size) * 1.0),
        "a": (np.delete(days, 7), np.delete(np.arange(days.size) * 10.0, 7)),
        "new": (days[-50:], np.ones(50)),
    }
    streams, scores = side_by_side(known)
    assert streams == ["a", "b"]
    assert scores[:, 0].tolist() == (10 * scores[:, 1]).tolist() and 7.0 not in scores[:, 1]
    assert scores.shape[0] == min(days.size - 1, 500)
    assert side_by_side({"a": (days[:0], np.empty(0))})[0] == [] == side_by_side({})[0]


MADE = bars(130, seed=8)


def lasting(seed):
    """Predictions that are right for weeks and wrong for weeks, by nothing but luck."""
    luck = np.repeat(following(np.random.default_rng(seed), (130,), 0.97), 64)
    return np.clip(MADE.said(0.0, seed) + 0.04 * luck * (2 * MADE.label - 1), 0.0, 1.0)


def lucky():
    streams = {f"recipe:{name}": lasting(seed) for seed, name in enumerate("abcd")}
    return ledger(MADE, {"version:v1": MADE.said(0.0, 77), **streams})


def test_a_night_says_that_its_rate_may_not_hold_and_by_what(snapshot):
    decision = judged(lucky(), *"abcd")
    assert decision.dependence.widest > 1.2
    assert "may not hold" in str(decision) and str(decision) == snapshot
    assert NightlyDecision.from_dict(decision.to_dict()) == decision


def test_a_decision_made_before_is_judged_again_without():
    then = judged(lucky(), *"abcd", calibration=replace(CALIBRATED, over_weeks=False))
    assert then.dependence is None and "may not hold" not in str(then)
    assert then.rows[0].largest_z > judged(lucky(), *"abcd").rows[0].largest_z


def test_a_first_champion_is_held_by_the_same_and_an_old_one_was_not():
    candidates = [Candidate(name, name, f"recipe:{name}", "v9") for name in "abcd"]
    asked = thresholds_tonight(SkillLeads(lucky(), GatePolicy()), candidates, GatePolicy())
    now, then = (
        choose_first(lucky(), candidates=candidates, policy=GatePolicy(), thresholds=replace(asked, over_weeks=each))
        for each in (True, False)
    )
    assert now.dependence.widest > 1.2 and then.dependence is None
    smaller = [abs(row.skill.z) / abs(before.skill.z) for row, before in zip(now.rows, then.rows, strict=True)]
    assert max(smaller) <= 1.0 and min(smaller) < 0.9
    assert "may not hold" in str(now) and "may not hold" not in str(then)


def test_what_cannot_be_seen_does_not_jump_with_whoever_leads():
    wild = {
        f"recipe:{name}": np.clip(0.5 + 6.0 * (MADE.said(0.0, at) - 0.5), 0.0, 1.0) for at, name in enumerate("abc")
    }
    quiet = np.round(0.5 + 0.5 * (MADE.said(0.0, 77) - 0.5) + 0.001 * (MADE.said(0.0, 5) - 0.5), 4)

    def seen(skill):
        nearly = np.where(
            np.random.default_rng(4).random(MADE.label.size) < 0.9, quiet, 0.5 + skill * (MADE.label - 0.5)
        )
        return judged(ledger(MADE, {"version:v1": quiet, **wild, "recipe:d": nearly}), *"abcd")

    behind, ahead = seen(-0.2), seen(0.2)
    leaders = [max(each.rows, key=lambda row: row.largest_z).name for each in (behind, ahead)]
    assert leaders[0] != "d" and leaders[1] == "d"
    assert ahead.smallest_visible == pytest.approx(behind.smallest_visible, rel=0.15)


def test_a_first_champion_is_widened_by_what_is_shown_and_in_decisions_made_before_by_the_whole_ratio():
    shown = VarianceRatio(60, 2.0, 1.4, 3.0)
    assert inflation([shown], 0.0, 80, low_end=True) == pytest.approx(1.4**0.5)
    assert inflation([shown], 0.2, 80, low_end=True) == pytest.approx(1.5**0.5)
    candidates = [Candidate(name, name, f"recipe:{name}", "v9") for name in "abcd"]
    asked = thresholds_tonight(SkillLeads(lucky(), GatePolicy()), candidates, GatePolicy())
    now, then = (
        choose_first(lucky(), candidates=candidates, policy=GatePolicy(), thresholds=replace(asked, low_end=each))
        for each in (True, False)
    )
    assert 1.0 < now.dependence.widest < then.dependence.widest
    assert now.calibration["low_end"] == 1 and "low_end" not in then.calibration
    assert now.dependence.not_all_paid and not then.dependence.not_all_paid
    assert "may not hold" in str(now) and "may not hold" in str(then)
