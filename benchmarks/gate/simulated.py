"""The table of the gate: what is simulated, for how many years, what must be reached; played on all cores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.gate import bars, days, reference
from benchmarks.gate.days import EDGE_SIGNAL, RECIPES, Scenario
from benchmarks.gate.figures import Figure, quantile, rate, share
from benchmarks.gate.nights import (
    NEVER,
    Promotions,
    Thresholds,
    first_alarms,
    first_promotions,
    leads_of_bars,
    promotions_of_a_year,
)

SEED = 20_250_105
"""Fixed before the first run; never chosen by what came out."""

DAY_YEARS, DAYS_AT_ONCE = 4_000, 250
BAR_YEARS, BARS_AT_ONCE = 300, 10
FALSE_BARS = 2
"""False promotions are rare: they are counted in twice as many years of bars as the rest."""
PLAIN_SHARE = 4
"""The plain form is there to be compared with: a quarter of the years will do."""
SCORES = ("accuracy", "edge")

DAYS, SHARED, BARS, PLAIN, PLAIN_SHARED = "days", "days, one champion", "bars", "plain, days", "plain, one champion"
COLUMNS = (DAYS, SHARED, BARS, PLAIN, PLAIN_SHARED)

Bounds = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Question:
    """A scenario, what is counted in it, and by score the bounds that must be reached.

    ``kind``: "false" (promotions a year), "found" (the first recipe promoted), "fall" (nights after the fall),
    "watch" (the alarm).
    """

    scenario: Scenario
    kind: str
    must: Mapping[str, Bounds]


@dataclass(frozen=True)
class Years:
    """By simulated year: the first event's ``night`` (250: none) and ``recipe``, and the ``count`` of events."""

    night: npt.NDArray[np.int64]
    recipe: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Work:
    """One chunk of years of one question in one column; ``stream`` seeds it."""

    question: Question
    column: str
    stream: int
    chunk: int
    thresholds: Mapping[int, Thresholds]
    plain: float


def questions() -> list[Question]:
    """All of them, in the order in which they are printed."""
    equal = [Scenario("all equal to the champion", autocorrelation=r) for r in (0.0, 0.1, 0.2)]
    table = [Question(scenario, "false", _both(("upper end", 0.07))) for scenario in equal]
    worse = Scenario("all 0.5 points worse", first=-0.5, others=-0.5)
    table.append(Question(worse, "false", _both(("a year", 0.01))))
    two = Scenario("one of five better by 2 points", first=2.0)
    table.append(Question(two, "found", _both(("found", 0.97), ("median", 10.0))))
    one = Scenario("one of five better by 1 point", first=1.0)
    table.append(Question(one, "found", {"accuracy": (("found", 0.65),), "edge": (("found", 0.95),)}))
    fall = Scenario("champion loses 2 points at night 125", fall=2.0, fall_night=125)
    slow, quick = (("median", 45.0), ("q90", 85.0)), (("median", 32.0), ("q90", 50.0))
    table.append(Question(fall, "fall", {"accuracy": slow, "edge": quick}))
    rise = Scenario("one of five gets better by 2 points at night 125", rise=2.0, fall_night=125)
    table.append(Question(rise, "fall", {"edge": (("median", 55.0),)}))
    poor = Scenario(
        "champion loses 2 points at night 125, two of five always 2 worse", fall=2.0, poor=2.0, fall_night=125
    )
    table.append(Question(poor, "fall", {"edge": (("median", 45.0),)}))
    cold = Scenario("cold start, one of five better by 2 points", first=2.0, history=0)
    table.append(Question(cold, "found", _both(("median", 75.0))))
    table.append(Question(Scenario("cold start, all equal", history=0), "false", _both(("upper end", 0.07))))
    return table


def watch_questions() -> list[Question]:
    """Those of the watch: without a change, and with a drop on the first night."""
    calm = [Scenario("watch: no change", autocorrelation=r) for r in (0.0, 0.2)]
    drop = Scenario("watch: drop of 2 points", fall=2.0)
    return [
        Question(calm[0], "watch", _both(("in a year", 0.06))),
        Question(calm[1], "watch", {}),
        Question(Scenario("watch: the variance triples at night 0", wild=3.0), "watch", {}),
        Question(drop, "watch", {"accuracy": (("median", 75.0),), "edge": (("median", 40.0),)}),
    ]


def _both(*bounds: tuple[str, float]) -> dict[str, Bounds]:
    return dict.fromkeys(SCORES, bounds)


def run(
    table: Sequence[Question], columns: Sequence[str], *, workers: int, day_years: int, bar_years: int
) -> dict[tuple[int, str, str], dict[str, Figure]]:
    """Figures by (number of the question, column, score); the same whatever the number of workers."""
    thresholds = {k: Thresholds.of(k) for k in (RECIPES, RECIPES + 1)}
    plain = reference.threshold() if PLAIN in columns else np.inf
    work = [
        Work(question, column, len(COLUMNS) * at + COLUMNS.index(column), chunk, thresholds, plain)
        for at, question in enumerate(table)
        for column in columns
        for chunk in range(_chunks(question, column, day_years, bar_years))
    ]
    found: dict[tuple[int, str, str], list[Years]] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done, played in zip(work, pool.map(_play, work), strict=True):
            for score, years in played.items():
                found.setdefault((done.stream // len(COLUMNS), done.column, score), []).append(years)
    return {key: _figures(table[key[0]], parts) for key, parts in found.items()}


def _chunks(question: Question, column: str, day_years: int, bar_years: int) -> int:
    if column == BARS:
        return -(-bar_years * (FALSE_BARS if question.kind == "false" else 1) // BARS_AT_ONCE)
    years = day_years // PLAIN_SHARE if column in (PLAIN, PLAIN_SHARED) else day_years
    return -(-years // DAYS_AT_ONCE)


def _play(work: Work) -> dict[str, Years]:
    """The years of one chunk by either score."""
    rng = np.random.default_rng((SEED, work.stream, work.chunk))
    scenario = work.question.scenario
    with threadpool_limits(1):
        if work.column == BARS:
            simulated = bars.simulate(scenario, BARS_AT_ONCE, rng)
            return {score: _first(leads_of_bars(simulated, score), work) for score in SCORES}
        if scenario == Scenario(scenario.name, history=scenario.history, autocorrelation=scenario.autocorrelation):
            equal = _play_days(work, rng, signal=1.0)  # nobody gains, so the score makes no difference
            return dict.fromkeys(SCORES, equal)
        return {score: _play_days(work, rng, signal=EDGE_SIGNAL if score == "edge" else 1.0) for score in SCORES}


def _play_days(work: Work, rng: np.random.Generator, *, signal: float) -> Years:
    scenario, kind = work.question.scenario, work.question.kind
    if work.column in (DAYS, PLAIN):
        return _first(days.independent_leads(scenario, DAYS_AT_ONCE, rng, signal=signal), work)
    simulated = days.simulate(scenario, DAYS_AT_ONCE, rng, signal=signal)
    if kind == "watch":
        alarm = first_alarms(simulated)
        return Years(alarm, np.zeros_like(alarm), (alarm < NEVER).astype(np.int64))
    if kind == "false" and work.column == SHARED and scenario.history:
        count = promotions_of_a_year(simulated, dict(work.thresholds), rng)
        return Years(np.where(count > 0, 0, NEVER), np.zeros_like(count), count)
    return _first(simulated.leads, work)


def _first(leads: days.Floats, work: Work) -> Years:
    history = work.question.scenario.history
    first: Promotions
    if work.column in (PLAIN, PLAIN_SHARED):
        first = reference.first_promotions(leads, work.plain, history)
    else:
        first = first_promotions(leads, work.thresholds[RECIPES], history)
    return Years(first.night, first.recipe, (first.night < NEVER).astype(np.int64))


def _figures(question: Question, parts: list[Years]) -> dict[str, Figure]:
    night = np.concatenate([part.night for part in parts])
    recipe = np.concatenate([part.recipe for part in parts])
    count = np.concatenate([part.count for part in parts])
    if question.kind == "false":
        return {"a year": rate(count)}
    if question.kind == "watch" and not question.scenario.fall:
        return {"in a year": rate(count)}
    figures: dict[str, Figure] = {}
    if question.kind == "found":
        right = (night < NEVER) & (recipe == 0)
        figures["found"], night = share(right), np.where(right, night, NEVER)
    if question.kind == "fall":
        fall = question.scenario.fall_night
        night = np.where(night[night > fall] < NEVER, night[night > fall] - fall, NEVER)
    figures["median"] = quantile(night, 0.5, never=NEVER)
    figures["q90"] = quantile(night, 0.9, never=NEVER)
    return figures
