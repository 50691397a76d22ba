"""A policy through time, over a tape: which champion each night, decided as the night itself would have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import choose_first
from flows.gate.nightly.judge import judge_leads, leads_over
from flows.gate.nightly.leads import Leads
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.days import DailyScores
from flows.gate.scoring.ledger import Stream, recipe_stream, version_stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.night.nightly_rule import continued, with_costs
from flows.recipes import Recipe
from flows.replay.fit_cache import FitCache
from flows.replay.full_ledger import full_ledger

Rule = Literal["gated", "never", "newest", "higher"]
RULES: tuple[Rule, ...] = ("gated", "never", "newest", "higher")
HIGHER_DAYS = 40

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Promotion:
    """A version that became champion: ``night`` and ``place`` of the night on the tape, its recipe and cut; ``after``:
    the last night that is no evidence, which a refresh leaves as it was."""

    night: str
    place: int
    version: str
    recipe: Recipe
    cut: float
    after: str
    refreshed: bool = False


@dataclass(frozen=True, eq=False)
class RuleResult:
    """What a policy did. ``p`` and ``cut``: shape (n_bars,) over the data's bars, what the champion of the night before
    said of each bar; NaN where there was none. ``decisions``: one a night (none where the rule asks no gate)."""

    rule: str
    promotions: tuple[Promotion, ...]
    decisions: tuple[NightlyDecision, ...]
    p: Floats
    cut: Floats


def replay_rule(
    tape: FitCache, policy: GatePolicy, *, rule: Rule = "gated", on_night: Callable[[int, int], None] | None = None
) -> RuleResult:
    """The nights of the tape under one rule.

    ``gated``: the nightly gate. ``never``: its first champion for good. ``newest``: tonight's version of the first
    champion's recipe, every night. ``higher``: whichever recipe's stream scored higher over the last 40 days.
    """
    player = _Player(tape, policy, rule)
    for place in range(len(tape.nights)):
        player.night(place)
        if on_night is not None:
            on_night(place + 1, len(tape.nights))
    return RuleResult(rule, tuple(player.promotions), tuple(player.decisions), player.p, player.cut)


class _Player:
    """The state of a replay: what a registry would hold."""

    def __init__(self, tape: FitCache, policy: GatePolicy, rule: Rule) -> None:
        self.tape = tape
        self.policy = policy
        self.rule = rule
        self.whole = full_ledger(tape, policy)
        self.promotions: list[Promotion] = []
        self.decisions: list[NightlyDecision] = []
        self.p = np.full(tape.data.label.size, np.nan)
        self.cut = np.full(tape.data.label.size, np.nan)
        self._frozen: dict[str, Floats] = {}  # what versions that became champion say of every bar
        self._leads: Leads | None = None  # over the present champion, of all nights
        self._streams: dict[str, Stream] = {}  # the recipes', and those of the present and the former champion

    def night(self, place: int) -> None:
        self._serve(place)
        if not self.promotions:
            ledger = self.whole.until(place, self.whole.ledger.streams)
            decision = choose_first(ledger, candidates=self._candidates(place), policy=self.policy)
            self.decisions.append(decision)
            self._promote(place, decision.winner)
        elif self.rule == "gated":
            self._gate(place)
        elif self.rule == "higher":
            self._promote(place, self._higher(place))

    def _serve(self, place: int) -> None:
        """What was served on the night's bars: the champion, or the newest version where the rule follows a recipe."""
        if not self.promotions:
            return
        champion, fresh = self.promotions[-1], self.whole.fresh(place)
        at = self.whole.places[fresh]
        if self.rule == "newest":
            stream = self.whole.ledger.streams[recipe_stream(champion.recipe.fingerprint)]
            self.p[at], self.cut[at] = stream.p[fresh], stream.cut[fresh]
        else:
            self.p[at], self.cut[at] = self._said(champion)[at], champion.cut

    def _candidates(self, place: int) -> list[Candidate]:
        """Tonight's versions, each with what it says beside the night before's."""
        night = self.tape.nights[place]
        found = []
        for column, recipe in enumerate(self.tape.job.recipes):
            last, cut = None, float(self.whole.cuts[place, column])
            if place:
                before = self.tape.nights[place - 1]
                last = before.said(recipe.name, night.places), self._cut(place - 1, column)
            version = self._version(place, recipe)
            known = None if np.isnan(cut) else cut
            found.append(continued(recipe, night.asked[recipe.name], last, version, cut=known, scorer=None))
        return found

    def _gate(self, place: int) -> None:
        present, night = self.promotions[-1], self.tape.nights[place]
        champion = _champion(present)
        if self._leads is None:
            self._leads = self._leads_over(champion)
        everyone = [*self._candidates(place), *self._former(present, night.night)]
        if self.policy.net_margin_pips is not None:
            ledger, seen = self.whole.until(place, self._streams), self.tape.as_of(night)
            everyone = [with_costs(each, self.policy, ledger, champion, seen) for each in everyone]
        decision = judge_leads(
            self._leads.until(night.night),
            champion=champion,
            candidates=everyone,
            tried=len({each.stream for each in everyone}),  # every recipe of the tape is a candidate every night
            policy=self.policy,
        )
        self.decisions.append(decision)
        if decision.returned:
            back = next(each for each in reversed(self.promotions) if each.version == decision.winner_version)
            self._crown(replace(back, night=night.night, after=night.night, refreshed=False))
        else:
            self._promote(place, decision.winner, after=present.after if decision.refreshed else None)

    def _leads_over(self, champion: Champion) -> Leads:
        self._streams = dict(self.whole.ledger.streams)
        for each in self.promotions[-1:-3:-1]:
            self._streams[version_stream(each.version)] = self.whole.frozen(
                each.recipe.name, each.version, self._said(each), each.cut, each.place
            )
        return leads_over(champion, replace(self.whole.ledger, streams=self._streams), self.policy)

    def _former(self, present: Promotion, tonight: str) -> list[Candidate]:
        former = [each for each in self.promotions[:-1] if each.version != present.version]
        if not former or sum(present.night < each.night <= tonight for each in self.tape.nights) > 250:
            return []
        last = former[-1]
        stream = version_stream(last.version)
        return [Candidate(last.recipe.name, stream, stream, last.version, former=True)]

    def _higher(self, place: int) -> str | None:
        """The recipe whose stream scored higher than the others over the last 40 days, unless it is the champion's."""
        last = np.datetime64(self.tape.nights[place].night, "D")
        means = {}
        for name, daily in self._daily.items():
            known = int(np.searchsorted(daily.day.astype("datetime64[D]"), last, "right"))
            means[name] = float(daily.mean[:known][-HIGHER_DAYS:].mean())
        best = max(means, key=lambda name: means[name])
        return None if best == self.promotions[-1].recipe.name else best

    @cached_property
    def _daily(self) -> dict[str, DailyScores]:
        """The daily means of every recipe's stream, over all nights."""
        ledger = self.whole.ledger
        scores, everything = StreamScorer(ledger, self.policy.score), np.ones(ledger.label.size, np.bool_)
        streams = {recipe.name: recipe_stream(recipe.fingerprint) for recipe in self.tape.job.recipes}
        return {name: scores.daily(scores.of(key, key), everything) for name, key in streams.items()}

    def _promote(self, place: int, name: str | None, *, after: str | None = None) -> None:
        """The recipe's version of tonight; ``after``: by a refresh, whose evidence goes on from there."""
        if name is None:
            return
        night = self.tape.nights[place].night
        column, recipe = next(each for each in enumerate(self.tape.job.recipes) if each[1].name == name)
        version, cut = self._version(place, recipe), self._cut(place, column)
        self._crown(Promotion(night, place, version, recipe, cut, after or night, after is not None))

    def _crown(self, champion: Promotion) -> None:
        self.promotions.append(champion)
        self._leads = None

    def _cut(self, place: int, column: int) -> float:
        """The cut that the version of a night is registered with."""
        cut = float(self.whole.cuts[place, column])
        return 0.5 if np.isnan(cut) else cut

    def _said(self, champion: Promotion) -> Floats:
        if champion.version not in self._frozen:
            self._frozen[champion.version] = self.tape.later(self.tape.nights[champion.place], champion.recipe)
        return self._frozen[champion.version]

    def _version(self, place: int, recipe: Recipe) -> str:
        """The name a registry gives: versions are numbered in recipe order, night by night."""
        return f"v{place * len(self.tape.job.recipes) + list(self.tape.job.recipes).index(recipe) + 1}"


def _champion(present: Promotion) -> Champion:
    return Champion(
        present.version,
        present.recipe.name,
        version_stream(present.version),
        recipe_stream(present.recipe.fingerprint),
        present.after,
        present.night,
        present.refreshed,
    )
