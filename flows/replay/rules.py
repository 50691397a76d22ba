"""A rule is replayed over the nights of a cache: which version is champion each night, decided as the night decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from flows.arrays import Floats
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.costs import NetLeads
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.first import choose_among
from flows.gate.nightly.judge import judge_leads, leads_over
from flows.gate.nightly.leads import Leads
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.skill import SkillLeads
from flows.gate.scoring.days import DailyScores
from flows.gate.scoring.ledger import Stream, recipe_stream, version_stream
from flows.gate.scoring.scores import trailing_rank
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.night.nightly_rule import (
    as_champion,
    continued,
    former_candidate,
    former_takes_part,
    traded_bars,
    with_costs,
)
from flows.pnl.account import TradedBars
from flows.pnl.trading_rules import TradingRule
from flows.recipes import Recipe
from flows.replay.fit_cache import FitCache
from flows.replay.full_ledger import full_ledger

Rule = Literal["gated", "never", "newest", "higher"]
RULES: tuple[Rule, ...] = ("gated", "never", "newest", "higher")
HIGHER_DAYS = 40
"""Trading days that the rule ``higher`` looks back."""


@dataclass(frozen=True)
class Promotion:
    """A version that became champion: ``night`` and its ``number`` in the replay; recipe and decision threshold
    (``cut``) of the version; ``after``: the last night that is no evidence, which a refresh leaves as it was."""

    night: str
    number: int
    version: str
    recipe: Recipe
    cut: float
    after: str
    refreshed: bool = False


@dataclass(frozen=True, eq=False)
class RuleResult:
    """What came of a rule. ``p`` and ``cut``: shape (n_bars,) over the data's bars, score and decision threshold of the
    champion of the night before; NaN where there was none. ``decisions``: one a night (none where the rule has no
    gate). ``traded_by``: the policy's trading rule, and ``rank``, shape (n_bars,), what it asks: −1 lowest to 1 highest
    of the champion's scores, which start with those of its recipe; NaN where there is none, or the rule asks for none.
    """

    rule: str
    promotions: tuple[Promotion, ...]
    decisions: tuple[NightlyDecision, ...]
    p: Floats
    cut: Floats
    rank: Floats
    traded_by: TradingRule


def replay_rule(
    cache: FitCache, policy: GatePolicy, *, rule: Rule = "gated", on_night: Callable[[int, int], None] | None = None
) -> RuleResult:
    """The nights of the cache under one rule.

    ``gated``: the nightly gate. ``never``: the first champion is never replaced. ``newest``: tonight's version of the
    first champion's recipe, every night. ``higher``: whichever recipe's stream scored higher over the last 40 days.
    """
    return Replay(cache, policy, rule).played(rule, on_night)


class Replay:
    """The state of a replay: what a registry would hold. Another kind of rule is a class that overrides
    :meth:`decide`."""

    def __init__(self, cache: FitCache, policy: GatePolicy, rule: Rule) -> None:
        self.cache = cache
        self.policy = policy
        self.rule = rule
        self.full = full_ledger(cache, policy)
        self.promotions: list[Promotion] = []
        self.decisions: list[NightlyDecision] = []
        self.p = np.full(cache.data.label.size, np.nan)
        self.cut = np.full(cache.data.label.size, np.nan)
        self.rank = np.full(cache.data.label.size, np.nan)
        self._frozen: dict[str, Floats] = {}  # scores of every bar by versions that became champion
        self._beside: tuple[Leads, NetLeads] | None = (
            None  # what all streams did beside the present champion, all nights
        )

    def played(self, name: str, on_night: Callable[[int, int], None] | None = None) -> RuleResult:
        """All nights, one after the other, as the result of the rule with this name."""
        for number in range(len(self.cache.nights)):
            self._night(number)
            if on_night is not None:
                on_night(number + 1, len(self.cache.nights))
        self._rank()
        found = self.p, self.cut, self.rank, self.policy.trading_rule
        return RuleResult(name, tuple(self.promotions), tuple(self.decisions), *found)

    def decide(self, number: int) -> None:
        """What the rule does in the night with this number, once there is a champion."""
        if self.rule == "gated":
            self._judge(number)
        elif self.rule == "higher":
            self.promote(number, self._higher(number))

    def _night(self, number: int) -> None:
        self._serve(number)
        if not self.promotions:
            unskilled = self.cache.job.request.advanced.accept_unskilled
            known = self._skill.until(self.cache.nights[number].night)
            decision = choose_among(
                known, candidates=self._candidates(number), policy=self.policy, accept_unskilled=unskilled
            )
            self.decisions.append(decision)
            self.promote(number, decision.winner)
        else:
            self.decide(number)

    def _serve(self, number: int) -> None:
        """Records what was served on the night's bars: the champion, or the newest version where the rule follows a
        recipe."""
        if not self.promotions:
            return
        champion, fresh = self.promotions[-1], self.full.fresh(number)
        at = self.full.positions[fresh]
        if self.rule == "newest":
            stream = self._stream_of(champion)
            self.p[at], self.cut[at] = stream.p[fresh], stream.cut[fresh]
        else:
            self.p[at], self.cut[at] = self.served(champion, int(at[-1]) + 1 if at.size else 0)[at], champion.cut

    def _stream_of(self, champion: Promotion) -> Stream:
        return self.full.ledger.streams[recipe_stream(champion.recipe.fingerprint)]

    def _rank(self) -> None:
        """Ranks what each champion said among its own scores before, which start with its recipe's walk-forward."""
        if self.policy.trading_rule.always:
            return
        ends = {night.night: int(end) for night, end in zip(self.cache.nights, self.full.ends, strict=True)}
        begins = [ends[champion.night] for champion in self.promotions]
        for champion, begin, end in zip(self.promotions, begins, [*begins[1:], self.full.positions.size], strict=True):
            recipe, at = self._stream_of(champion), self.full.positions[begin:end]
            self.rank[at] = trailing_rank(
                self.p[at],
                earlier=recipe.p[:begin][recipe.scored[:begin]],
                counts=self.full.ledger.instrument.counts,
            )

    def _candidates(self, number: int) -> list[Candidate]:
        """Tonight's versions, each compared with its recipe's version of the night before."""
        night = self.cache.nights[number]
        candidates = []
        for column, recipe in enumerate(self.cache.job.recipes):
            last, cut = None, float(self.full.cuts[number, column])
            if number:
                before = self.cache.nights[number - 1]
                last = before.probabilities(recipe.name, night.positions), self._cut(number - 1, column)
            version = self._version(number, recipe)
            known = None if np.isnan(cut) else cut
            candidates.append(continued(recipe, night.recent[recipe.name], last, version, cut=known, scorer=None))
        return candidates

    def _judge(self, number: int) -> None:
        present, night = self.promotions[-1], self.cache.nights[number]
        champion = as_champion(
            present.version,
            present.recipe.name,
            present.recipe.fingerprint,
            after=present.after,
            since=present.night,
            refreshed=present.refreshed,
        )
        if self._beside is None:
            self._beside = self._all_beside(champion)
        leads, costs = self._beside
        known = costs.until(int(self.full.ends[number]))
        everyone = [*self._candidates(number), *self._former(champion, number)]
        everyone = [with_costs(candidate, known) for candidate in everyone]
        decision = judge_leads(
            leads.until(night.night),
            champion=champion,
            candidates=everyone,
            tried=len({candidate.stream for candidate in everyone}),  # every recipe is a candidate every night
            policy=self.policy,
        )
        self.decisions.append(decision)
        if decision.returned:
            former = next(each for each in reversed(self.promotions) if each.version == decision.winner_version)
            self._set_champion(replace(former, night=night.night, after=night.night, refreshed=False))
        else:
            self.promote(number, decision.winner, after=present.after if decision.refreshed else None)

    def _all_beside(self, champion: Champion) -> tuple[Leads, NetLeads]:
        streams = dict(self.full.ledger.streams)
        for promoted in self.promotions[-1:-3:-1]:
            streams[version_stream(promoted.version)] = self.full.frozen(
                promoted.recipe.name, promoted.version, self._probabilities(promoted), promoted.cut, promoted.number
            )
        ledger = replace(self.full.ledger, streams=streams)
        return leads_over(champion, ledger, self.policy), NetLeads(ledger, champion, self._traded, self.policy)

    def _former(self, champion: Champion, number: int) -> list[Candidate]:
        former = [each for each in self.promotions[:-1] if each.version != champion.version]
        nights = [night.night for night in self.cache.nights[: number + 1]]
        if not former or not former_takes_part(champion, nights):
            return []
        return [former_candidate(former[-1].version, former[-1].recipe.name)]

    def _higher(self, number: int) -> str | None:
        """The recipe whose stream scored higher than the others over the last 40 days, unless it is the champion's."""
        last = np.datetime64(self.cache.nights[number].night, "D")
        means = {}
        for name, daily in self._daily.items():
            known = int(np.searchsorted(daily.day.astype("datetime64[D]"), last, "right"))
            means[name] = float(daily.mean[:known][-HIGHER_DAYS:].mean())
        best = max(means, key=lambda name: means[name])
        return None if best == self.promotions[-1].recipe.name else best

    @cached_property
    def _skill(self) -> SkillLeads:
        """What all streams did beside no skill, all nights."""
        return SkillLeads(self.full.ledger, self.policy)

    @cached_property
    def _traded(self) -> TradedBars:
        """The bars of all nights. A bar of the ledger has a label: its move was known to the night that scored it."""
        return traded_bars(self.full.ledger, self.cache.data, self.policy)

    @cached_property
    def _daily(self) -> dict[str, DailyScores]:
        """The daily means of every recipe's stream, over all nights."""
        ledger = self.full.ledger
        scores, everything = StreamScorer(ledger, self.policy.score), np.ones(ledger.label.size, np.bool_)
        streams = {recipe.name: recipe_stream(recipe.fingerprint) for recipe in self.cache.job.recipes}
        return {name: scores.daily(scores.of(key, key), everything) for name, key in streams.items()}

    def promote(self, number: int, name: str | None, *, after: str | None = None) -> None:
        """Promotes the recipe's version of tonight; ``after``: by a refresh, whose evidence goes on from there."""
        if name is None:
            return
        night = self.cache.nights[number].night
        column, recipe = next(pair for pair in enumerate(self.cache.job.recipes) if pair[1].name == name)
        version, cut = self._version(number, recipe), self._cut(number, column)
        self._set_champion(Promotion(night, number, version, recipe, cut, after or night, after is not None))

    def _set_champion(self, champion: Promotion) -> None:
        self.promotions.append(champion)
        self._beside = None

    def _cut(self, number: int, column: int) -> float:
        """The decision threshold that the version of a night is registered with."""
        cut = float(self.full.cuts[number, column])
        return 0.5 if np.isnan(cut) else cut

    def served(self, champion: Promotion, until: int) -> Floats:
        """The scores by a version of the bars from its night on and before the position ``until``, shape (n_bars,), NaN
        where it is not known. The first five days were predicted when it was fitted; for later ones it is fitted
        again."""
        night = self.cache.nights[champion.number]
        coming = night.coming[champion.recipe.name]
        if champion.version in self._frozen or until > night.through + coming.size:
            return self._probabilities(champion)
        p = np.full(self.cache.data.label.size, np.nan)
        p[night.through : night.through + coming.size] = coming
        return p

    def _probabilities(self, champion: Promotion) -> Floats:
        if champion.version not in self._frozen:
            night = self.cache.nights[champion.number]
            self._frozen[champion.version] = self.cache.frozen_probabilities(night, champion.recipe)
        return self._frozen[champion.version]

    def _version(self, number: int, recipe: Recipe) -> str:
        """The name a registry gives: versions are numbered in recipe order, night by night."""
        return f"v{number * len(self.cache.job.recipes) + list(self.cache.job.recipes).index(recipe) + 1}"
