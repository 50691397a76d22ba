"""A policy through time, over a tape: which champion each night, decided as the night itself would have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from flows.backfill import cut_of
from flows.gate.first import choose_first
from flows.gate.ledger import Ledger, Series, Sheet, assemble, minutes, recipe_stream, version_stream
from flows.gate.nightly import judge_nightly, tried_lately
from flows.gate.nightly_decision import NightlyDecision
from flows.gate.policy import GatePolicy
from flows.gate.rows import Candidate, Champion
from flows.gate.scored import Scored
from flows.nightly_rule import candidate, last_days, with_costs
from flows.recipes import Recipe, probabilities

from .tape import Tape, Taped

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
class Played:
    """What a policy did. ``p`` and ``cut``: shape (n_bars,) over the data's bars, what the champion of the night before
    said of each bar; NaN where there was none. ``decisions``: one a night (none where the rule asks no gate)."""

    rule: str
    promotions: tuple[Promotion, ...]
    decisions: tuple[NightlyDecision, ...]
    p: Floats
    cut: Floats


def play(
    tape: Tape, policy: GatePolicy, *, rule: Rule = "gated", on_night: Callable[[int, int], None] | None = None
) -> Played:
    """The nights of the tape under one rule.

    ``gated``: the nightly gate. ``never``: its first champion for good. ``newest``: tonight's version of the first
    champion's recipe, every night. ``higher``: whichever recipe's stream scored higher over the last 40 days.
    """
    player = _Player(tape, policy, rule)
    for place, night in enumerate(tape.nights):
        player.night(place, night)
        if on_night is not None:
            on_night(place + 1, len(tape.nights))
    return Played(rule, tuple(player.promotions), tuple(player.decisions), player.p, player.cut)


class _Player:
    """The state of a replay: what a registry would hold."""

    def __init__(self, tape: Tape, policy: GatePolicy, rule: Rule) -> None:
        self.tape = tape
        self.policy = policy
        self.rule = rule
        self.sheets: list[Sheet] = list(tape.backfill)
        self.cuts: dict[str, float] = {}
        self.promotions: list[Promotion] = []
        self.decisions: list[NightlyDecision] = []
        self.p = np.full(tape.data.label.size, np.nan)
        self.cut = np.full(tape.data.label.size, np.nan)
        self._opens = minutes(tape.as_of(tape.nights[-1]).bars.frame.index)  # type: ignore[arg-type]  # a DatetimeIndex
        self._frozen: dict[str, Floats] = {}

    def night(self, place: int, night: Taped) -> None:
        self.sheets.append(self._sheet(place, night))
        ledger = assemble(self.sheets)
        recipes = self.tape.job.recipes
        tonight: dict[str, float] = {}
        for each in recipes:
            stream = ledger.streams.get(recipe_stream(each.fingerprint))
            tonight[each.name] = 0.5 if stream is None else cut_of(self.policy, stream.p[stream.scored])
        seen = self.tape.as_of(night)
        asked = np.flatnonzero(last_days(seen))
        candidates = [
            candidate(
                self.policy,
                each,
                ledger,
                night.asked[each.name],
                self._last_said(place, each, asked),
                self._version(place, each),
            )
            for each in recipes
        ]
        self.cuts = tonight
        self._decide(place, night, ledger, candidates)

    def _sheet(self, place: int, night: Taped) -> Sheet:
        """The night's sheet with the cuts its versions were registered with, and the frozen champions beside."""
        series = [
            Series(each.stream, each.name, self._version(place - 1, recipe), self.cuts[each.name], each.p)
            for each, recipe in zip(night.sheet.series, self.tape.job.recipes, strict=False)
        ]
        at = np.searchsorted(self._opens, night.sheet.opens)
        for champion in self.promotions[-1:-3:-1]:
            p = self._said(champion)[at]
            series.append(
                Series(version_stream(champion.version), champion.recipe.name, champion.version, champion.cut, p)
            )
        if self.promotions and at.size:
            self._production(at, series)
        return replace(night.sheet, series=tuple(series))

    def _production(self, at: npt.NDArray[np.intp], series: Sequence[Series]) -> None:
        """What was served on these bars: the champion, or the newest version where the rule follows a recipe."""
        champion = self.promotions[-1]
        key = version_stream(champion.version)
        if self.rule == "newest":
            key = recipe_stream(champion.recipe.fingerprint)
        served = next(each for each in series if each.stream == key)
        self.p[at], self.cut[at] = served.p, served.cut

    def _decide(self, place: int, night: Taped, ledger: Ledger, candidates: Sequence[Candidate]) -> None:
        if not self.promotions:
            decision = choose_first(ledger, candidates=candidates, policy=self.policy)
            self.decisions.append(decision)
            self._promote(place, night, decision.winner)
        elif self.rule == "gated":
            self._gate(place, night, ledger, candidates)
        elif self.rule == "higher":
            self._promote(place, night, self._higher(ledger, candidates))

    def _gate(self, place: int, night: Taped, ledger: Ledger, candidates: Sequence[Candidate]) -> None:
        present = self.promotions[-1]
        champion = Champion(
            present.version,
            present.recipe.name,
            version_stream(present.version),
            recipe_stream(present.recipe.fingerprint),
            present.after,
            present.night,
            present.refreshed,
        )
        seen = self.tape.as_of(night)
        everyone = [
            with_costs(each, self.policy, ledger, champion, seen)
            for each in (*candidates, *self._former(present, ledger))
        ]
        decision = judge_nightly(
            ledger,
            champion=champion,
            candidates=everyone,
            tried=tried_lately(ledger, everyone),
            policy=self.policy,
        )
        self.decisions.append(decision)
        if decision.returned:
            back = next(each for each in reversed(self.promotions) if each.version == decision.winner_version)
            self.promotions.append(replace(back, night=night.night, after=night.night, refreshed=False))
        else:
            self._promote(place, night, decision.winner, after=present.after if decision.refreshed else None)

    def _former(self, present: Promotion, ledger: Ledger) -> list[Candidate]:
        former = [each for each in self.promotions[:-1] if each.version != present.version]
        if not former or sum(night > present.night for night in ledger.live_nights) > 250:
            return []
        last = former[-1]
        stream = version_stream(last.version)
        return [Candidate(last.recipe.name, stream, stream, last.version, former=True)]

    def _higher(self, ledger: Ledger, candidates: Sequence[Candidate]) -> str | None:
        """The recipe whose stream scored highest over the last 40 days, unless it is the champion's."""
        scores = Scored(ledger, self.policy)
        everything = np.ones(ledger.label.size, np.bool_)
        means = {
            each.name: float(scores.daily(scores.of(each.stream, each.stream), everything).mean[-HIGHER_DAYS:].mean())
            for each in candidates
        }
        best = max(means, key=lambda name: means[name])
        return None if best == self.promotions[-1].recipe.name else best

    def _promote(self, place: int, night: Taped, name: str | None, *, after: str | None = None) -> None:
        """The recipe's version of tonight; ``after``: by a refresh, whose evidence goes on from there."""
        if name is not None:
            recipe = next(each for each in self.tape.job.recipes if each.name == name)
            self.promotions.append(
                Promotion(
                    night.night,
                    place,
                    self._version(place, recipe),
                    recipe,
                    self.cuts[recipe.name],
                    after or night.night,
                    after is not None,
                )
            )

    def _said(self, champion: Promotion) -> Floats:
        """What a frozen version says of every bar, shape (n_bars,); fitted again once."""
        if champion.version not in self._frozen:
            fit = self.tape.fit(self.tape.nights[champion.place], champion.recipe)
            frame = self.tape.data.bars.frame
            begin = self.tape.nights[champion.place].bars - 96
            p = np.full(len(frame), np.nan)
            p[begin:] = probabilities(fit, champion.recipe.signature, frame.iloc[begin:], cores=self.tape.job.cores)
            self._frozen[champion.version] = p
        return self._frozen[champion.version]

    def _last_said(self, place: int, recipe: Recipe, asked: npt.NDArray[np.intp]) -> tuple[Floats, float] | None:
        """What the night before's version says on tonight's bars asked about, and its cut."""
        if place == 0:
            return None
        before = self.tape.nights[place - 1]
        return before.said(recipe.name, asked), self.cuts[recipe.name]

    def _version(self, place: int, recipe: Recipe) -> str:
        """The name a registry gives: versions are numbered in recipe order, night by night."""
        return f"v{place * len(self.tape.job.recipes) + list(self.tape.job.recipes).index(recipe) + 1}"
