"""Rules play through simulated years of which the truth is known: :mod:`benchmarks.gate.days`, one champion, accuracy.

The first champion has served 250 days when the year of 250 nights begins, and differs from all five recipes. A version
that is promoted is frozen: it differs from its recipe's further versions on 8 % of the bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.gate.days import BARS, HISTORY, NIGHTS, Days, Floats, Scenario, simulate
from benchmarks.gate.figures import Figure, quantile, rate, share
from benchmarks.promotion.night import RETURN, Night, Rule

SEED = 20_261_128
"""Fixed before the first run."""

YEARS = 300
HOLDOUT = 40
FIRST = HISTORY + HOLDOUT
"""Days before night 0: those that the champion served, and before them those of the metric it was promoted with."""

NOBODY = -1
"""In production is a version of no recipe: the first champion."""


@dataclass(frozen=True)
class World:
    """What is true in a year. ``fall``: points that whoever is champion at night ``fall_night`` loses then."""

    name: str
    scenario: Scenario
    fall: float = 0.0
    fall_night: int = NIGHTS // 2


EQUAL = World("all equal", Scenario("all equal", history=FIRST))
WORSE = World("all 0.5 points worse", Scenario("all 0.5 points worse", first=-0.5, others=-0.5, history=FIRST))
BETTER = World("one better by 1 point", Scenario("one better by 1 point", first=1.0, history=FIRST))
FALL = World("champion falls by 2 points", Scenario("all equal", history=FIRST), fall=2.0)
WORLDS = (EQUAL, WORSE, BETTER, FALL)


@dataclass(frozen=True, eq=False)
class Played:
    """One year. ``promoted``: shape (nights,), whether the version in production changed; ``serving``: shape (nights,),
    the row of its recipe after each night, :data:`NOBODY` for the first champion's."""

    promoted: npt.NDArray[np.bool_]
    serving: npt.NDArray[np.int64]


def play(rule: Rule, days: Days, year: int, world: World, rng: np.random.Generator) -> Played:
    """One year under one rule, night after night."""
    return _Year(days, year, world, rng).played(rule)


class _Year:
    """The state of a year: who is in production, who was before."""

    def __init__(self, days: Days, year: int, world: World, rng: np.random.Generator) -> None:
        self.days, self.year, self.world, self.rng = days, year, world, rng
        self.market, self.recipes = days.market[year, 0], days.own[year, 1:]
        self.champion, self.serving = days.own[year, 0].copy(), NOBODY
        self.former: Floats | None = None
        self.former_serving = NOBODY
        self.begun = HOLDOUT  # the first day that the champion serves

    def played(self, rule: Rule) -> Played:
        promoted, serving = np.zeros(NIGHTS, np.bool_), np.empty(NIGHTS, np.int64)
        for number in range(NIGHTS):
            if number == self.world.fall_night:
                self.champion[FIRST + number :] -= self.world.fall / 100.0
            answer = rule.asked(self.night(number))
            if answer is not None:
                self.promote(answer, FIRST + number)
                promoted[number] = True
            serving[number] = self.serving
        return Played(promoted, serving)

    def night(self, number: int) -> Night:
        """What is known before day ``FIRST + number``."""
        day = FIRST + number
        return Night(
            number=number,
            scores=self.market[:day] + self.recipes[:, :day],
            champion=self.market[:day] + self.champion[:day],
            since=day - self.begun,
            own=None if self.serving == NOBODY else self.serving,
            former=None if self.former is None else self.market[:day] + self.former[:day],
            bars=np.full(day, float(BARS)),
            score="accuracy",
        )

    def promote(self, answer: int, day: int) -> None:
        before, before_serving = self.champion, self.serving
        if answer == RETURN:
            assert self.former is not None, "the rule was asked whether there is one"
            self.champion, self.serving = self.former, self.former_serving
        else:
            self.champion = self.days.frozen(self.year, 1 + answer, self.rng).copy()
            self.serving = answer
        self.former, self.former_serving, self.begun = before, before_serving, day


@dataclass(frozen=True)
class Simulated:
    """A rule's figures. ``false``, ``worse``: promotions a year where all are equal, or all candidates worse.
    ``better``: nights until the better recipe is first promoted, at the median; ``served``: share of nights with it in
    production. ``fall``: nights after the fall until another version is in production, at the median."""

    false: Figure
    worse: Figure
    better: Figure
    served: Figure
    fall: Figure


def measure(rules: Sequence[Rule], years: int = YEARS) -> Iterator[tuple[Rule, Simulated]]:
    """Each rule through the same years; its own draws are those of the versions it froze."""
    with threadpool_limits(1):
        drawn = [simulate(world.scenario, years, np.random.default_rng((SEED, at))) for at, world in enumerate(WORLDS)]
        for rule in rules:
            played = {
                world.name: [
                    play(rule, days, year, world, np.random.default_rng((SEED, at, year))) for year in range(years)
                ]
                for at, (world, days) in enumerate(zip(WORLDS, drawn, strict=True))
            }
            yield rule, figures(played)


def figures(played: dict[str, list[Played]]) -> Simulated:
    """The figures of a rule, from its years in each world."""
    counts = {name: [int(year.promoted.sum()) for year in years] for name, years in played.items()}
    better = np.array([year.serving for year in played[BETTER.name]]) == 0
    return Simulated(
        false=rate(counts[EQUAL.name]),
        worse=rate(counts[WORSE.name]),
        better=quantile(_first(better), 0.5, never=NIGHTS),
        served=_mean(better.mean(axis=1)),
        fall=quantile(_first(_after_the_fall(played[FALL.name])), 0.5, never=NIGHTS - FALL.fall_night),
    )


def _after_the_fall(years: Sequence[Played]) -> npt.NDArray[np.bool_]:
    """Promotions by nights since the fall, shape (years, nights); on night 0 nothing of it is known yet."""
    promoted = np.array([year.promoted[FALL.fall_night :] for year in years])
    promoted[:, 0] = False
    return promoted


def _first(events: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The first night with an event, shape (years,); the number of nights where there is none."""
    return np.where(events.any(axis=1), events.argmax(axis=1), events.shape[1])


def _mean(values: Floats) -> Figure:
    if np.isin(values, (0.0, 1.0)).all():
        return share(values > 0.5)
    reach = 1.96 * values.std(ddof=1) / np.sqrt(values.size)
    middle = float(values.mean())
    return Figure(middle, max(middle - float(reach), 0.0), min(middle + float(reach), 1.0))
