"""A policy played over all nights at once decides as one that puts its ledger together anew each night."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.taped import GuessedTape, guessed
from flows.bars import write_sample
from flows.cli import app
from flows.errors import RequestRefused
from flows.evidence.backfill import decision_threshold
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import choose_first
from flows.gate.nightly.judge import judge_nightly, tried_lately
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger, NightScores, StreamScores, assemble, recipe_stream, version_stream
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.night.nightly_rule import candidate, with_costs
from flows.replay import Promotion, play
from flows.settings import Settings

RECIPES = ("logistic", "hist_gradient_boosting", "stationary")
EAGER = GatePolicy(windows=(4, 8), budget=0.5)
POLICIES = {
    "eager": EAGER,
    "by accuracy": replace(EAGER, score="accuracy"),
    "every third night": replace(EAGER, cadence=3),
    "after costs": replace(EAGER, net_margin_pips=0.02),
    "refreshing": GatePolicy(windows=(20, 40), budget=0.0025, refresh_margin=0.9, maximum_age_nights=40),
    "cut at one half": replace(EAGER, cut="half"),
}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> GuessedTape:
    bars = write_sample(tmp_path_factory.mktemp("bars") / "bars", first=date(2022, 1, 3), last=date(2022, 8, 31))
    request = RetrainRequest(recipes=RECIPES, advanced=Advanced(backfill_days=40))
    job = plan(request, Settings(data=str(bars), model="m"))
    data = job.load_dataset()
    return guessed(job, data, date(2022, 6, 6), date(2022, 8, 31), tmp_path_factory.mktemp("tape"))


@pytest.mark.parametrize("name", POLICIES)
def test_all_nights_at_once_decide_as_night_by_night(tape: GuessedTape, name: str) -> None:
    played, by_night = play(tape, POLICIES[name]), NightByNight(tape, POLICIES[name])
    assert [each.to_dict() for each in played.decisions] == [each.to_dict() for each in by_night.decisions]
    assert list(played.promotions) == by_night.promotions
    np.testing.assert_array_equal(played.p, by_night.p)
    np.testing.assert_array_equal(played.cut, by_night.cut)


def test_the_eager_policy_changes_its_mind_and_takes_champions_back(tape: GuessedTape) -> None:
    played = play(tape, EAGER)
    assert len(played.promotions) > 4
    assert any(decision.returned for decision in played.decisions)
    assert any(decision.refreshed for decision in play(tape, POLICIES["refreshing"]).decisions)


def test_the_command_plays_other_policies_beside_the_usual_one(
    tape: GuessedTape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.commands.replay._tape", lambda *given: tape)
    eager = "windows=4/8,budget=0.5"
    command = ["replay", "--from", "2022-06-06", "--to", "2022-08-31", "--rule", "gated", "--policy", eager, "--json"]
    found = CliRunner().invoke(app, [*command, "--policy", f"{eager},cadence=3"])
    assert found.exit_code == 0, found.output
    promoted = json.loads(found.stdout)["promotions"]
    assert list(promoted) == ["gated", f"gated, {eager}", f"gated, {eager},cadence=3"]
    for name, policy in (("gated", GatePolicy()), (f"gated, {eager}", EAGER)):
        assert promoted[name] == [each.night for each in play(tape, policy).promotions]
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
    """The rule "gated", told as a registry would live it: sheets, a ledger of them, a decision, and again."""

    def __init__(self, tape: GuessedTape, policy: GatePolicy) -> None:
        self.tape, self.policy = tape, policy
        self.sheets: list[NightScores] = list(tape.backfill)
        self.cuts: dict[str, float] = {}
        self.promotions: list[Promotion] = []
        self.decisions: list[NightlyDecision] = []
        self.p, self.cut = (np.full(tape.data.label.size, np.nan) for _ in range(2))
        for place in range(len(tape.nights)):
            self._night(place)

    def _night(self, place: int) -> None:
        night = self.tape.nights[place]
        self.sheets.append(self._sheet(place))
        ledger = assemble(self.sheets)
        candidates = []
        for number, recipe in enumerate(self.tape.job.recipes):
            last = None
            if place:
                last = self.tape.nights[place - 1].said(recipe.name, night.places), self.cuts[recipe.name]
            version = f"v{place * len(RECIPES) + number + 1}"
            candidates.append(candidate(self.policy, recipe, ledger, night.asked[recipe.name], last, version))
        for recipe in self.tape.job.recipes:
            stream = ledger.streams.get(recipe_stream(recipe.fingerprint))
            self.cuts[recipe.name] = 0.5 if stream is None else decision_threshold(self.policy, stream.p[stream.scored])
        if self.promotions:
            decision = self._judged(place, ledger, candidates)
        else:
            decision = choose_first(ledger, candidates=candidates, policy=self.policy)
        self.decisions.append(decision)
        self._crown(place, decision)

    def _sheet(self, place: int) -> NightScores:
        sheet = self.tape.nights[place].sheet
        opens = self.tape.data.bars.frame.index.tz_localize(None).to_numpy().astype("datetime64[m]").astype(np.int64)
        at = np.flatnonzero(np.isin(opens, sheet.opens))
        series = [
            StreamScores(
                each.stream, each.name, f"v{(place - 1) * len(RECIPES) + number + 1}", self.cuts[each.name], each.p
            )
            for number, each in enumerate(sheet.streams)
        ]
        for each in self.promotions[-1:-3:-1]:
            p = self.tape.later(self.tape.nights[each.place], each.recipe)[at]
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
        seen = self.tape.as_of(self.tape.nights[place])
        everyone = [with_costs(each, self.policy, ledger, champion, seen) for each in everyone]
        tried = tried_lately(ledger, everyone)
        return judge_nightly(ledger, champion=champion, candidates=everyone, tried=tried, policy=self.policy)

    def _crown(self, place: int, decision: NightlyDecision) -> None:
        night = self.tape.nights[place].night
        if decision.returned:
            back = next(each for each in self.promotions[::-1] if each.version == decision.winner_version)
            self.promotions.append(replace(back, night=night, after=night, refreshed=False))
        elif decision.winner is not None:
            recipe = next(each for each in self.tape.job.recipes if each.name == decision.winner)
            after = self.promotions[-1].after if decision.refreshed else night
            cut, version = self.cuts[recipe.name], str(decision.winner_version)
            self.promotions.append(Promotion(night, place, version, recipe, cut, after, decision.refreshed))
