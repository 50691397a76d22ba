"""A policy rereplayed over all nights at once decides as one that builds its ledger anew each night."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.guessed_fits import GuessedCache, guessed_cache
from flows.bars import write_sample
from flows.cli import app
from flows.errors import RequestRefused
from flows.evidence.backfill import decision_threshold
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.costs import NetLeads
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import choose_among, choose_first
from flows.gate.nightly.judge import judge_nightly, tried_lately
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.skill import SkillLeads
from flows.gate.scoring.ledger import Ledger, NightScores, StreamScores, assemble, recipe_stream, version_stream
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.night.nightly_rule import candidate, traded_bars, with_costs
from flows.replay import NightSpan, Promotion, replay_rule
from flows.settings import Settings

RECIPES = ("logistic", "hist_gradient_boosting", "stationary")
EAGER = GatePolicy(windows=(4, 8), budget=0.95)
POLICIES = {
    "eager": EAGER,
    "by accuracy": replace(EAGER, score="accuracy"),
    "every third night": replace(EAGER, cadence=3),
    "after costs": replace(EAGER, net_margin_pips=0.02),
    "refreshing": GatePolicy(windows=(20, 40), budget=0.9, refresh_margin=0.9, maximum_age_nights=40),
    "cut at one half": replace(EAGER, cut="half"),
    "empty every night": GatePolicy(),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> GuessedCache:
    bars = write_sample(tmp_path_factory.mktemp("bars") / "bars", first=date(2022, 1, 3), last=date(2022, 8, 31))
    request = RetrainRequest(recipes=RECIPES, advanced=Advanced(backfill_days=40))
    job = plan(request, Settings(data=str(bars), model="m"))
    data = job.load_dataset()
    return guessed_cache(job, data, NightSpan(date(2022, 6, 6), date(2022, 8, 31)), tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("name", POLICIES)
def test_all_nights_at_once_decide_as_night_by_night(cache: GuessedCache, name: str) -> None:
    replayed, by_night = replay_rule(cache, POLICIES[name]), NightByNight(cache, POLICIES[name])
    assert [each.to_dict() for each in replayed.decisions] == [each.to_dict() for each in by_night.decisions]
    assert list(replayed.promotions) == by_night.promotions
    np.testing.assert_array_equal(replayed.p, by_night.p)
    np.testing.assert_array_equal(replayed.cut, by_night.cut)


def test_the_eager_policy_changes_its_mind_and_takes_champions_back(cache: GuessedCache) -> None:
    replayed = replay_rule(cache, EAGER)
    assert len(replayed.promotions) > 4
    assert any(decision.returned for decision in replayed.decisions)
    assert any(decision.refreshed for decision in replay_rule(cache, POLICIES["refreshing"]).decisions)


def _accepting_the_unskilled(leads: SkillLeads, **given: Any) -> NightlyDecision:
    return choose_among(leads, **{**given, "accept_unskilled": True})


def test_the_command_plays_other_policies_beside_the_usual_one(
    cache: GuessedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.commands.replay._fill_cache", lambda *given: cache)
    # what comes and goes with its days is not shown to have skill, and the usual policy would choose nobody
    monkeypatch.setattr("flows.replay.rules.choose_among", _accepting_the_unskilled)
    eager = "windows=4/8,budget=0.95"
    command = ["replay", "--from", "2022-06-06", "--to", "2022-08-31", "--rule", "gated", "--policy", eager, "--json"]
    found = CliRunner().invoke(app, [*command, "--policy", f"{eager},cadence=3"])
    assert found.exit_code == 0, found.output
    promoted = json.loads(found.stdout)["promotions"]
    assert list(promoted) == ["gated", f"gated, {eager}", f"gated, {eager},cadence=3"]
    for name, policy in (("gated", GatePolicy()), (f"gated, {eager}", EAGER)):
        assert promoted[name] == [each.night for each in replay_rule(cache, policy).promotions]
    assert len(promoted[f"gated, {eager}"]) > len(promoted[f"gated, {eager},cadence=3"]) > len(promoted["gated"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("patience=3", "names are score, budget, cadence"),
        ("cadence", "write name=value"),
        ("cadence=often", "cadence: "),
        ("budget=2", "yearly budget of 2.0"),
        ("windows=80/40", "must be increasing"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_before_anything_is_fitted(text: str, says: str) -> None:
    found = CliRunner().invoke(app, ["replay", "--from", "2022-06-06", "--to", "2022-08-31", "--policy", text])
    assert isinstance(found.exception, RequestRefused) and says in str(found.exception)


class NightByNight:
    """The rule "gated" as a registry would live it: scores, a ledger of them, a decision, and again."""

    def __init__(self, cache: GuessedCache, policy: GatePolicy) -> None:
        self.cache, self.policy = cache, policy
        self.sheets: list[NightScores] = list(cache.backfill)
        self.cuts: dict[str, float] = {}
        self.promotions: list[Promotion] = []
        self.decisions: list[NightlyDecision] = []
        self.p, self.cut = (np.full(cache.data.label.size, np.nan) for _ in range(2))
        for place in range(len(cache.nights)):
            self._night(place)

    def _night(self, place: int) -> None:
        night = self.cache.nights[place]
        self.sheets.append(self._sheet(place))
        ledger = assemble(self.sheets)
        candidates = []
        for number, recipe in enumerate(self.cache.job.recipes):
            last = None
            if place:
                last = self.cache.nights[place - 1].probabilities(recipe.name, night.positions), self.cuts[recipe.name]
            version = f"v{place * len(RECIPES) + number + 1}"
            candidates.append(candidate(self.policy, recipe, ledger, night.recent[recipe.name], last, version))
        for recipe in self.cache.job.recipes:
            stream = ledger.streams.get(recipe_stream(recipe.fingerprint))
            self.cuts[recipe.name] = 0.5 if stream is None else decision_threshold(self.policy, stream.p[stream.scored])
        if self.promotions:
            decision = self._judged(place, ledger, candidates)
        else:
            decision = choose_first(ledger, candidates=candidates, policy=self.policy)
        self.decisions.append(decision)
        self._promote(place, decision)

    def _sheet(self, place: int) -> NightScores:
        sheet = self.cache.nights[place].scores
        opens = self.cache.data.bars.frame.index.tz_localize(None).to_numpy().astype("datetime64[m]").astype(np.int64)
        at = np.flatnonzero(np.isin(opens, sheet.opens))
        series = [
            StreamScores(
                each.stream, each.name, f"v{(place - 1) * len(RECIPES) + number + 1}", self.cuts[each.name], each.p
            )
            for number, each in enumerate(sheet.streams)
        ]
        for each in self.promotions[-1:-3:-1]:
            p = self.cache.frozen_probabilities(self.cache.nights[each.number], each.recipe)[at]
            series.append(StreamScores(version_stream(each.version), each.recipe.name, each.version, each.cut, p))
        if self.promotions:
            self.p[at], self.cut[at] = series[len(sheet.streams)].p, self.promotions[-1].cut
        return replace(sheet, streams=tuple(series))

    def _judged(self, place: int, ledger: Ledger, candidates: list[Candidate]) -> NightlyDecision:
        present = self.promotions[-1]
        own, recipe = version_stream(present.version), recipe_stream(present.recipe.fingerprint)
        champion = Champion(
            present.version, present.recipe.name, own, recipe, present.after, present.night, present.refreshed
        )
        everyone = list(candidates)
        for former in [each for each in self.promotions if each.version != present.version][-1:]:
            stream = version_stream(former.version)
            everyone.append(Candidate(former.recipe.name, stream, stream, former.version, former=True))
        seen = traded_bars(ledger, self.cache.as_of(self.cache.nights[place]), self.policy)
        costs = NetLeads(ledger, champion, seen, self.policy)
        everyone = [with_costs(each, costs) for each in everyone]
        tried = tried_lately(ledger, everyone)
        return judge_nightly(ledger, champion=champion, candidates=everyone, tried=tried, policy=self.policy)

    def _promote(self, place: int, decision: NightlyDecision) -> None:
        night = self.cache.nights[place].night
        if decision.returned:
            back = next(each for each in self.promotions[::-1] if each.version == decision.winner_version)
            self.promotions.append(replace(back, night=night, after=night, refreshed=False))
        elif decision.winner is not None:
            recipe = next(each for each in self.cache.job.recipes if each.name == decision.winner)
            after = self.promotions[-1].after if decision.refreshed else night
            cut, version = self.cuts[recipe.name], str(decision.winner_version)
            self.promotions.append(Promotion(night, place, version, recipe, cut, after, decision.refreshed))
