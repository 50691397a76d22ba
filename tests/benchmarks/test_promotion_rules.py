"""PromotionBench: rules see the past alone, are found by being there, and come out as the product decides."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gate.days import simulate
from benchmarks.gate.figures import Figure
from benchmarks.guessed_fits import GuessedCache, guessed_cache
from benchmarks.promotion import page, picture, results
from benchmarks.promotion.gate_leads import NightLeads
from benchmarks.promotion.night import RETURN, RULES, Night, Rule, RuleRefused, load_rules
from benchmarks.promotion.replayed import AskedReplay, on_bars, replayed
from benchmarks.promotion.results import OnBars, Result
from benchmarks.promotion.simulated import (
    BETTER,
    EQUAL,
    FALL,
    FIRST,
    HOLDOUT,
    NIGHTS,
    NOBODY,
    Simulated,
    World,
    figures,
    measure,
    play,
)
from flows.bars import write_sample
from flows.gate.nightly.calibration import calibrate
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sequential import judge
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.replay import NightSpan, replay_rule
from flows.settings import Settings

BY_NAME = {rule.name: rule for rule in load_rules()}
EXAMPLE = '''"""Promote the first recipe once."""

NAME = "the first, once"
SOURCE = "A page"


def decide(night):
    return 0 if night.number == 7 else None
'''


def a_night(**values: object) -> Night:
    """Ten nights before: five recipes, a champion of recipe 1, no lead anywhere."""
    noise = np.random.default_rng(1).standard_normal((5, 300)) / 20.0
    usual = {
        "number": 10,
        "scores": noise,
        "champion": np.random.default_rng(2).standard_normal(300) / 20.0,
        "since": 260,
        "own": 1,
        "former": None,
        "bars": np.full(300, 91.0),
        "score": "accuracy",
    }
    return Night(**{**usual, **values})  # type: ignore[arg-type]  # values of several types


def a_rule(decide: object) -> Rule:
    return Rule("tried", "", "", decide, Path("tried.py"))  # type: ignore[arg-type]  # answers that are none


def a_year(rule: Rule, world: World = EQUAL, *, year: int = 0):
    days = simulate(world.scenario, year + 1, np.random.default_rng(3))
    return play(rule, days, year, world, np.random.default_rng(4))


@pytest.mark.parametrize("path", sorted(RULES.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_a_rule_is_one_small_file_that_names_its_source(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 30
    rule = next(rule for rule in load_rules() if rule.file == path)
    assert rule.what.endswith(".")
    assert len(rule.source) > 20


def test_a_file_in_a_folder_is_a_rule(tmp_path: Path) -> None:
    (tmp_path / "first_once.py").write_text(EXAMPLE)
    (rule,) = load_rules(tmp_path)
    assert (rule.name, rule.source, rule.what) == ("the first, once", "A page", "Promote the first recipe once.")
    played = a_year(rule)
    assert np.flatnonzero(played.promoted).tolist() == [7]
    assert set(played.serving[:7]) == {NOBODY}
    assert set(played.serving[7:]) == {0}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('NAME = "the first, once"', ""), "has no NAME"),
        (('SOURCE = "A page"', ""), "has no SOURCE"),
        (('"""Promote the first recipe once."""', ""), "has no __doc__"),
        (("def decide", "def decides"), "has no decide"),
    ],
)
def test_a_file_that_is_no_rule_is_refused_by_name(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    (tmp_path / "mine.py").write_text(EXAMPLE.replace(*change))
    with pytest.raises(RuleRefused, match=rf"mine\.py {says}"):
        load_rules(tmp_path)


def test_two_rules_of_one_name_and_a_folder_without_any_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleRefused, match="holds no rule"):
        load_rules(tmp_path)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(EXAMPLE)
    with pytest.raises(RuleRefused, match="two rules are named the first, once"):
        load_rules(tmp_path)


@pytest.mark.parametrize("answer", [5, -1, True, 1.0, "1"])
def test_an_answer_that_is_no_candidate_is_refused(answer: object) -> None:
    with pytest.raises(RuleRefused, match=r"tried\.py: night 10"):
        a_rule(lambda night: answer).asked(a_night())


def test_a_rule_may_return_to_the_former_champion_where_there_is_one() -> None:
    assert a_rule(lambda night: RETURN).asked(a_night(former=np.zeros(300))) == RETURN


def test_a_rule_that_reaches_for_tomorrow_fails_by_name() -> None:
    with pytest.raises(RuleRefused, match=r"tried\.py: night 0: IndexError"):
        a_year(a_rule(lambda night: int(night.scores[0, night.champion.size] > 0)))


def test_nothing_that_a_rule_is_given_leads_to_later_days() -> None:
    seen: list[Night] = []
    a_year(a_rule(lambda night: seen.append(night)))
    assert [night.champion.size for night in seen] == list(range(FIRST, FIRST + NIGHTS))
    for night in (seen[0], seen[-1]):
        for values in (night.scores, night.champion, night.bars, night.leads):
            assert values.base is None
            assert values.shape[-1] == FIRST + night.number


def test_a_night_made_of_longer_arrays_does_not_lead_to_their_ends() -> None:
    longer = np.zeros((5, 400))
    night = a_night(scores=longer[:, :300], champion=longer[0, :300], former=longer[1, :300], bars=longer[2, :300])
    assert [values.base for values in (night.scores, night.champion, night.former, night.bars)] == [None] * 4


def test_a_rule_cannot_change_what_the_next_night_shows() -> None:
    def spoils(night: Night) -> None:
        night.scores[:] = 9.0
        night.champion[:] = 9.0

    seen: list[float] = []
    a_year(a_rule(lambda night: (seen.append(float(night.scores.max())), spoils(night))[1]))
    assert max(seen) < 1.0


def test_the_fall_is_the_champions_whoever_that_is() -> None:
    means: dict[str, list[float]] = {}
    for name, answer in (("kept", None), ("changed", 2)):
        rule = a_rule(lambda night, answer=answer: answer if night.number == 50 else None)
        seen: list[Night] = []
        watched = a_rule(lambda night, rule=rule, seen=seen: (seen.append(night), rule.decide(night))[1])
        a_year(watched, FALL)
        last = seen[-1]
        after = FIRST + FALL.fall_night
        means[name] = [
            float((last.champion - last.scores.mean(axis=0))[slice(*span)].mean())
            for span in ((HOLDOUT, after), (after, None))
        ]
    for before, later in means.values():
        assert before - later == pytest.approx(0.02, abs=0.012)


def test_the_figures_of_a_rule_are_counted_from_its_years() -> None:
    def never(night: Night) -> None:
        return None

    def at_night(at: int, answer: int) -> Rule:
        return a_rule(lambda night: answer if night.number == at else None)

    held, first, other = a_year(a_rule(never)), a_year(at_night(10, 0)), a_year(at_night(130, 3))
    found = figures(
        {
            EQUAL.name: [held, held, first, first],
            "all 0.5 points worse": [held, held],
            BETTER.name: [first, first, first, other],
            FALL.name: [other, other, first],
        }
    )
    assert found.false.value == 0.5
    assert found.worse.value == 0.0
    assert found.better.value == 10
    assert found.served.value == pytest.approx(0.75 * 240 / 250)
    assert found.fall.value == 5
    assert np.isinf(found.fall.high)


def test_the_same_seed_gives_the_same_figures_in_any_company() -> None:
    pair = [BY_NAME["newest if at least as good"], BY_NAME["stored metrics"]]
    both = {rule.name: found for rule, found in measure(pair, 3)}
    ((rule, alone),) = measure(pair[1:], 3)
    assert both[rule.name] == alone


def test_ours_promotes_what_the_gate_promotes() -> None:
    ours, calm = BY_NAME["ours"], a_night()
    assert ours.asked(calm) is None
    better = np.array(calm.scores)
    better[3] += 0.03
    night = a_night(scores=better)
    evidence = judge(night.leads[:, -night.since :].T, night.bars[-night.since :])
    assert evidence.best is not None and evidence.best.recipe == 3
    assert evidence.best.z > calibrate(5).threshold
    assert ours.asked(night) == 3
    assert ours.asked(replace(night, since=39)) is None  # too few days
    former = np.array(better[3])
    assert ours.asked(a_night(former=former)) == RETURN


def test_a_champion_that_was_its_recipe_until_lately_is_not_outrun_by_that_recipe_in_a_few_days() -> None:
    night = a_night()
    own = np.array(night.scores[1])
    own[-5:] -= 0.03
    young = a_night(champion=own, since=5)
    assert (young.leads[1, :-5] == 0.0).all()
    for name in ("e-process at 5 %", "ours"):
        assert BY_NAME[name].asked(young) is None


def test_ours_counts_only_days_that_the_champion_served() -> None:
    night = a_night(since=60)
    days, d, w = NightLeads(night).of(["0", "4"])
    assert (days.size, d.shape, w.shape) == (60, (60, 2), (60, 2))
    np.testing.assert_array_equal(d[:, 1], night.leads[4, -60:])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> GuessedCache:
    bars = write_sample(tmp_path_factory.mktemp("bars") / "bars", first=date(2022, 1, 3), last=date(2022, 8, 31))
    request = RetrainRequest(
        recipes=("logistic", "hist_gradient_boosting", "stationary"),
        advanced=Advanced(backfill_days=40, accept_unskilled=True),
    )
    job = plan(request, Settings(data=str(bars), model="m"))
    span = NightSpan(date(2022, 6, 6), date(2022, 8, 31))
    return guessed_cache(job, job.load_dataset(), span, tmp_path_factory.mktemp("cache"))


def test_on_bars_ours_is_what_retrain_replay_plays(cache: GuessedCache) -> None:
    policy = GatePolicy(windows=(4, 8), budget=0.95)
    found, product = replayed(cache, policy, BY_NAME["ours"]), replay_rule(cache, policy)
    assert found.rule == "ours"
    assert len(found.promotions) > 1
    assert found.promotions == product.promotions
    np.testing.assert_array_equal(found.p, product.p)


def test_on_bars_the_newest_serves_what_the_replay_of_the_newest_serves(cache: GuessedCache) -> None:
    found, product = (
        replayed(cache, GatePolicy(), BY_NAME["newest always"]),
        replay_rule(cache, GatePolicy(), rule="newest"),
    )
    begun = found.promotions[0].number
    assert [each.number for each in found.promotions] == list(range(begun, len(cache.nights)))
    np.testing.assert_array_equal(found.p, product.p)
    np.testing.assert_array_equal(found.cut, product.cut)


def test_on_bars_a_night_shows_the_days_until_it(cache: GuessedCache) -> None:
    seen: list[Night] = []

    def at_night_30(night: Night) -> int | None:
        seen.append(night)
        return 2 if night.number == 30 else None

    AskedReplay(cache, GatePolicy(), a_rule(at_night_30)).played("tried")
    begun = seen[0].number
    assert [night.number for night in seen] == list(range(begun, len(cache.nights)))
    assert [night.own for night in seen] == [1 if night.number <= 30 else 2 for night in seen]
    since = [night.number - (begun - 1 if night.number <= 30 else 30) for night in seen]
    assert [night.since for night in seen] == since
    for earlier, later in pairwise(seen):
        np.testing.assert_array_equal(later.scores[:, : earlier.champion.size], earlier.scores)
    # before it was promoted the champion is its recipe; later it is a version of its own
    last = seen[-1]
    np.testing.assert_array_equal(last.leads[2, : -last.since], 0.0)
    assert (last.leads[2, -last.since :] != 0.0).any()


def test_net_pips_are_of_the_bars_that_every_rule_had_a_champion_for(cache: GuessedCache) -> None:
    kept = replayed(cache, GatePolicy(), BY_NAME["never replaced"])
    long, later = np.where(np.isnan(kept.p), np.nan, 1.0), kept.p.copy()
    later[np.flatnonzero(~np.isnan(later))[:500]] = np.nan
    always = replace(kept, rule="always long", p=long)
    found = on_bars(cache, [always, replace(kept, rule="later", p=later)])["always long"]
    data, opens = cache.data, cache.data.bars.frame.index
    at = np.flatnonzero(~np.isnan(later) & ~np.isnan(data.move_pips))
    moves = data.move_pips[at][~data.rollover[at]]
    runs = 1 + int((np.diff(opens[at]) != np.timedelta64(15, "m")).sum())
    assert found.bars == moves.size
    assert found.net_pips.value == pytest.approx((moves.sum() - 0.8 * runs) / moves.size)
    assert found.net_pips.low < found.net_pips.value < found.net_pips.high
    assert found.promotions == 0


def some_results() -> list[Result]:
    never = Figure(np.inf, 90.0, np.inf)
    simulated = Simulated(
        Figure(0.04, 0.02, 0.07), Figure(0.0, 0.0, 0.01), Figure(60.0, 50.0, 75.0), Figure(0.61, 0.58, 0.64), never
    )
    ours = Result(BY_NAME["ours"], simulated, None, OnBars(1, 34_000, Figure(-0.031, -0.081, 0.019)))
    loose = replace(simulated, false=Figure(63.0, 61.5, 64.5), better=Figure(0.0, 0.0, 0.0))
    return [Result(BY_NAME["newest if at least as good"], loose), ours]


def test_the_table_is_made_from_what_was_measured() -> None:
    assert page.table(some_results()).splitlines()[2:] == [
        "| newest if at least as good | 63.0 (61.5 to 64.5) | 0.00 (0.00 to 0.01) | 0 | 61% (58% to 64%) "
        "| > 125 (90 to > 125) | – | – | – | – |",
        "| **ours** | 0.04 (0.02 to 0.07) | 0.00 (0.00 to 0.01) | 60 (50 to 75) | 61% (58% to 64%) "
        "| > 125 (90 to > 125) | – | – | 1 | −0.031 ± 0.050 |",
    ]


def test_what_is_kept_comes_back_whatever_was_measured_first(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    loose, ours = some_results()
    assert ours.real is not None and loose.simulated is not None and ours.simulated is not None
    results.keep("real", {"nights": 3}, {ours.rule.name: ours.real}, path)
    results.keep(
        "simulated",
        {"years": 2},
        {ours.rule.name: ours.simulated, loose.rule.name: loose.simulated},
        path,
    )
    assert "Infinity" not in path.read_text()
    assert results.load([ours.rule, loose.rule], path) == [loose, ours]  # those that promote most for nothing first
    assert results.load([BY_NAME["e-process at 5 %"]], path) == [Result(BY_NAME["e-process at 5 %"])]
    assert results.about(path) == {"real": {"nights": 3}, "simulated": {"years": 2}}


def test_the_picture_is_the_same_for_the_same_results_and_names_every_rule(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        picture.draw(some_results(), tmp_path / name)
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert text == (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert all(each.rule.name in text for each in some_results())


def test_the_page_and_its_picture_hold_what_was_measured_last(tmp_path: Path) -> None:
    kept = results.load(load_rules())
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.page(text, kept, results.about()), "is stale: python -m benchmarks.promotion page"
    drawn = set(re.findall(r">([^<>]+)</text>", picture.PICTURE.read_text(encoding="utf-8")))
    assert {each.rule.name for each in kept} <= drawn


def test_the_rule_that_the_page_shows_works(tmp_path: Path) -> None:
    shown = re.search(r"```python\n(.*?)```", page.PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    (tmp_path / "shown.py").write_text(shown[1], encoding="utf-8")
    (rule,) = load_rules(tmp_path)
    better = np.array(a_night().scores)
    better[3] += 0.03
    assert rule.asked(a_night(scores=better)) == 3
    assert importlib.util.find_spec("benchmarks.promotion.rules.shown") is None
