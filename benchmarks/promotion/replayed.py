"""Rules play through the nights of a replay of bars: :mod:`flows.replay` fits, chooses the first champion and serves.

A rule is asked once there is a champion, and sees the policy's own score. Ours is played by ``retrain replay`` itself,
guards included; it alone is offered the former champion, whose scores would have to be fitted for every other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.gate.figures import Figure
from benchmarks.promotion.night import Night, Rule
from benchmarks.promotion.results import OnBars
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import recipe_stream, version_stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.replay import FitCache, RuleResult, replay_rule
from flows.replay.rules import Promotion, Replay
from flows.replay.table import Served, account_of, common_bars


def replayed(cache: FitCache, policy: GatePolicy, rule: Rule) -> RuleResult:
    """What comes of a rule over the nights of a cache."""
    if rule.product is not None:
        return replace(replay_rule(cache, policy, rule=rule.product), rule=rule.name)  # type: ignore[arg-type]  # a rule of the product by name
    return AskedReplay(cache, policy, rule).played(rule.name)


class AskedReplay(Replay):
    """A replay whose champion is replaced as a rule of the bench says."""

    def __init__(self, cache: FitCache, policy: GatePolicy, rule: Rule) -> None:
        super().__init__(cache, policy, "never")
        self._asked = rule
        self._every = dict(self.full.ledger.streams)
        self._scorer = StreamScorer(replace(self.full.ledger, streams=self._every), policy.score)
        daily = [self._daily_of(recipe_stream(recipe.fingerprint)) for recipe in cache.job.recipes]
        self._days = sorted(set.intersection(*(set(each) for each in daily)))
        self._scores = np.array([[each[day][0] for day in self._days] for each in daily])
        self._bars = np.array([daily[0][day][1] for day in self._days])

    def decide(self, number: int) -> None:
        answer = self._asked.asked(self.seen(number))
        if answer is not None:
            self.promote(number, self.cache.job.recipes[answer].name)

    def seen(self, number: int) -> Night:
        """What the night with this number shows: the days until it."""
        champion = self.promotions[-1]
        last, begun = (np.datetime64(night, "D") for night in (self.cache.nights[number].night, champion.night))
        n, before = (int(np.searchsorted(self._days, day, "right")) for day in (last, begun))
        own = list(self.cache.job.recipes).index(champion.recipe)
        row = self._scores[own, :n].copy()
        if n > before:
            served = self._champion_days(champion, number)
            row[before:] = [served[day][0] for day in self._days[before:n]]
        return Night(number, self._scores[:, :n], row, n - before, own, None, self._bars[:n], self.policy.score)

    def _champion_days(self, champion: Promotion, number: int) -> Mapping[np.datetime64, tuple[float, float]]:
        """The champion's own daily scores since it was promoted, by trading day, at least until this night."""
        until = int(self.full.positions[self.full.ends[number] - 1]) + 1
        p = self.served(champion, until)
        key = version_stream(champion.version) + (":frozen" if champion.version in self._frozen else "")
        if key not in self._every:
            name = champion.recipe.name
            self._every[key] = self.full.frozen(name, champion.version, p, champion.cut, champion.number)
        return self._daily_of(key, ranked_after=recipe_stream(champion.recipe.fingerprint))

    def _daily_of(self, key: str, ranked_after: str | None = None) -> dict[np.datetime64, tuple[float, float]]:
        """Mean score a bar and bars of each trading day of a stream."""
        everything = np.ones(self.full.ledger.label.size, np.bool_)
        daily = self._scorer.daily(self._scorer.of(key, ranked_after or key), everything)
        figures = zip(daily.mean[:, 0], daily.bars[:, 0], strict=True)
        return dict(zip(daily.day.astype("datetime64[D]"), figures, strict=True))


def on_bars(cache: FitCache, results: Sequence[RuleResult]) -> dict[str, OnBars]:
    """Promotions after the first champion's, and net pips a bar (:mod:`flows.pnl.account`) by the policy's trading rule
    on the bars that all rules had a champion for, as ``retrain replay`` counts them; the interval is by trading
    days."""
    common = common_bars(cache.data, results)
    figures = {}
    for found in results:
        pips = account_of(cache.data, Served.by(found), common).result(found.rule)
        net, reach = pips.net_a_bar, np.inf if pips.net_interval is None else pips.net_interval
        figures[found.rule] = OnBars(len(found.promotions) - 1, pips.bars, Figure(net, net - reach, net + reach))
    return figures
