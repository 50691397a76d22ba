"""The map from score to probability: honest where scores are too bold, the base rate where there is nothing to know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from flows.evidence.probability import FIRST_DAYS, ScoredDays, calibration_slope, fit_map, judge_map, scored_days
from flows.gate.scoring.ledger import NightScores, StreamScores, assemble
from registry.model.likeness import ranges_of
from registry.model.probability import log_odds, share_of
from tests.flows.nights import Nights, at

BARS = 80


def simulated(days: int, *, truth: float, boldness: float = 1.0, base: float = 0.0, seed: int = 1) -> ScoredDays:
    """Bars whose true log-odds are ``base + truth * x`` and whose score says ``boldness * x``."""
    random = np.random.default_rng(seed)
    x = random.normal(size=days * BARS)
    label = (random.random(x.size) < share_of(base + truth * x)).astype(np.float64)
    day = np.repeat(np.datetime64("2020-01-01") + np.arange(days), BARS)
    return ScoredDays.of(share_of(boldness * x), label, day)


def test_a_score_that_is_too_bold_becomes_what_happens():
    found = fit_map(simulated(400, truth=0.1, boldness=1.0, base=-0.2))
    assert found is not None and found.is_used and found.judged == 250
    asked = np.array([0.2, 0.5, 0.8])
    value = found.of(asked).value
    assert value is not None
    np.testing.assert_allclose(value, share_of(-0.2 + 0.1 * log_odds(asked)), atol=0.01)
    assert (found.bars, found.days) == (400 * BARS, 400)


@pytest.mark.parametrize("boldness", [0.02, 1.0])
def test_the_slope_is_that_of_a_logistic_regression_on_every_bar(boldness):
    scored = simulated(320, truth=0.1, boldness=boldness)
    found = calibration_slope(scored)
    exact = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds(scored.score)[:, None], scored.label)
    assert found is not None and found[0] == pytest.approx(exact.coef_[0, 0], rel=2e-3)


def test_where_scores_say_nothing_the_base_rate_is_served_in_most_worlds():
    found = [fit_map(simulated(320, truth=0.0, seed=seed)) for seed in range(12)]
    assert sum(each is not None and each.is_used for each in found) <= 3


def test_scores_that_are_upside_down_are_not_turned_round():
    found = fit_map(simulated(320, truth=-0.1))
    assert found is not None and found.slope == 0.0
    asked = np.array([0.1, 0.9])
    assert found.mapped(asked)[0] == found.mapped(asked)[1]


def test_a_day_is_judged_by_the_days_before_it_alone():
    scored = simulated(320, truth=0.1)
    begin = int(scored.starts[-2])
    label = scored.label.copy()
    label[begin:] = 1.0 - label[begin:]
    true, turned = judge_map(scored), judge_map(replace(scored, label=label))
    assert true is not None and turned is not None
    assert np.array_equal(true.mapped, turned.mapped) and np.array_equal(true.base, turned.base)
    earlier = scored.label.copy()
    earlier[: int(scored.starts[1])] = 0.0
    other = judge_map(replace(scored, label=earlier))
    assert other is not None and not np.array_equal(true.mapped, other.mapped)


def test_the_skill_is_the_share_by_which_the_brier_score_is_lower():
    judged = judge_map(simulated(320, truth=0.3))
    assert judged is not None
    losses = [np.mean(np.square(each - judged.label)) for each in (judged.mapped, judged.base)]
    assert judged.skill == pytest.approx(1.0 - losses[0] / losses[1]) and judged.skill > 0.01
    assert judged.days == 250 and 0 < judged.skill_error < judged.skill


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5])
def test_scores_that_are_all_the_same_give_the_base_rate(score):
    scored = simulated(320, truth=0.0)
    found = fit_map(replace(scored, score=np.full(scored.score.size, score)))
    assert found is not None
    assert found.mapped(np.array([score]))[0] == pytest.approx(found.base, abs=2e-3)


def test_labels_of_one_kind_end_no_night():
    scored = simulated(320, truth=0.1)
    found = fit_map(replace(scored, label=np.ones(scored.label.size)))
    assert found is not None and np.isfinite([found.intercept, found.slope, found.slope_variance]).all()
    assert not found.is_used


def test_fewer_than_sixty_days_are_no_map():
    assert fit_map(simulated(FIRST_DAYS - 1, truth=0.1)) is None
    found = fit_map(simulated(FIRST_DAYS, truth=0.1))
    assert found is not None and (found.judged, found.skill, found.is_used) == (0, None, False)


def test_a_champion_is_mapped_by_its_own_scores_and_before_them_by_its_recipes():
    opens = np.arange(8, dtype=np.int64) * 15 + 28_400_000 // 1440 * 1440  # from midnight UTC: no rollover
    nan = np.nan
    recipe = StreamScores("recipe:f", "rf", "v1", 0.5, np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, nan, nan]))
    own = StreamScores("version:v7", "rf", "v7", 0.5, np.array([nan, nan, nan, nan, 0.8, 0.9, 0.7, nan]))
    ledger = assemble([NightScores("2024-01-02", True, opens, np.array([0, 1] * 4, float), {}, (recipe, own))])
    found = scored_days(ledger, "v7", "f")
    assert found is not None and found.score.tolist() == [0.1, 0.2, 0.3, 0.4, 0.8, 0.9, 0.7]
    other = scored_days(ledger, "v8", "f")
    assert other is not None and other.score.size == 6
    assert scored_days(ledger, "v9", "unknown") is None


def test_every_night_fits_the_champions_map_anew(second: Nights):
    first = second.model.decisions.head()
    second(at(4))
    head = second.model.decisions.head()
    assert first is not None and head is not None
    assert "probability" not in head.body
    before, after = first.state["probability"]["v1"], head.state["probability"]["v1"]
    assert after["days"] > before["days"] >= FIRST_DAYS - 1 if before else after
    scored = scored_days(second.ledger, "v1", second.stream("line").removeprefix("recipe:"))
    assert scored is not None and after == fit_map(scored).to_dict()  # type: ignore[union-attr]  # None would fail as well


def test_a_version_is_registered_with_the_ranges_of_its_training_rows(second: Nights):
    context = second.context(at(3))
    record = second.model.version("v1").record
    rows = context.bars.data.bars.frame[context.bars.train][["rsi_14", "adx_14"]].to_numpy()
    assert record.ranges == ranges_of(rows)
