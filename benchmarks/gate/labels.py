"""Labels that overlap: how often the gate errs, what it finds, and how slowly real streams change their mind.

The simulator is :mod:`benchmarks.gate.overlapping`. Of all years the first promotion is counted.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.gate import firsts, worlds
from benchmarks.gate.days import HISTORY, NIGHTS, Floats, Scenario
from benchmarks.gate.figures import Figure, Z, quantile, rate, share
from benchmarks.gate.nights import NEVER, Promotions, Thresholds, first_promotions
from benchmarks.gate.overlapping import (
    EQUAL,
    FAST,
    HORIZONS,
    Parts,
    Predictions,
    RecipeWorld,
    daily,
    labels,
    market,
    predictions,
)
from flows.gate.nightly.sequential import day_autocorrelation

SEED = 20_261_128
YEARS, OTHER_YEARS, WORLD_YEARS, FOUND_YEARS = 1_000, 320, 320, 200
"""Of streams like real ones; of slower and faster ones; of other worlds; of what is found."""

AT_ONCE, MARKETS = 10, 4
"""Streams drawn at once, and how many markets each meets: what it says knows nothing of any."""

SCORES = ("edge", "accuracy")
CHANGE = 125
"""The night on which a recipe gets better, or the champion falls."""

USUAL = "about as real streams of a day's horizon"
PERSISTENCE: Mapping[str, Parts] = {
    "forgotten within hours (0.9 a bar)": ((1.0, FAST),),
    USUAL: ((0.07, 0.0), (0.55, FAST), (0.38, 0.9981)),
    "slower than the slowest pair of them": ((0.25, FAST), (0.75, 0.9981)),
    "kept for weeks (0.9995 a bar)": ((1.0, 0.9995),),
}
"""How long a stream keeps what it says: see :func:`benchmarks.labels.show_persistence` for that of real streams."""

WORLDS = (
    RecipeWorld("five that have little in common (correlation 0.1)", alike=0.1, champion=0.1),
    RecipeWorld("five, nearly the same (correlation 0.95), the champion another", alike=0.95, champion=0.0),
    RecipeWorld("one", recipes=1),
    RecipeWorld("five, one of them constant, one the opposite of another", odd=True),
    RecipeWorld("five, one of them slow, the others forget within hours", one_slow=True),
)

CHANGES = {
    "one point better, found": Scenario("one point better", first=1.0),
    "two points better, found": Scenario("two points better", first=2.0),
    "gets better by one point": Scenario("rise", rise=1.0, fall_night=CHANGE),
    "by two": Scenario("rise", rise=2.0, fall_night=CHANGE),
    "champion loses one point": Scenario("fall", fall=1.0, fall_night=CHANGE),
    "two": Scenario("fall", fall=2.0, fall_night=CHANGE),
}
"""What is found, or after how many nights."""

BY_DAYS = {
    **{f"five, {r} each": (r,) * 6 for r in (0.05, 0.15, 0.25)},
    "one, 0.15": (0.15,) * 2,
    "five, one of them 0.25, all others 0.03": (0.03, 0.25, *(0.03,) * 4),
    "five, one of them constant, one the opposite of another, 0.05 each": (0.05,) * 6,
}
"""Lag-1 autocorrelations of the days of champion and recipes; a quarter is the most that labels of a day make."""

DAY_YEARS, DAYS_AT_ONCE = 4_000, 250
DAYS_ALONE = (
    "years of days",
    "autocorrelation of daily leads",
    "false promotions a year",
    "in a champion's first year",
    "a first champion within a year",
)
COUNTED = ("false",)
RATES = (
    "years of bars",
    "bars ahead",
    *(f"autocorrelation of daily leads, {score}" for score in SCORES),
    *(f"false promotions a year, {score}" for score in SCORES),
)
MORE_RATES = tuple(
    f"{what}, {score}" for what in ("in a champion's first year", "a first champion within a year") for score in SCORES
)
FOUND = ("bars ahead", "score", "a day's lead deviates by", *CHANGES)

Nights = npt.NDArray[np.int64]
Of = TypeVar("Of")
Key = tuple[int, str, str]
"""Horizon, score, and what was counted."""


@dataclass(frozen=True)
class OverlapWork:
    """Years of bars to be played. ``parts``: of what streams say; ``found``: the changes, and not what is rare;
    ``years`` of it."""

    world: RecipeWorld
    parts: Parts
    stream: int
    chunk: int
    found: bool = False
    years: int = AT_ONCE


def show() -> None:
    """Print the three tables: rates by label and persistence, rates of other worlds, and what is found."""
    usual = PERSISTENCE[USUAL]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        _head("Nobody better, five recipes", ("what streams say is", *RATES, *MORE_RATES))
        for at, (name, parts) in enumerate(PERSISTENCE.items()):
            years = YEARS if name == USUAL else OTHER_YEARS
            show_rates(name, joined(pool.map(play, work(EQUAL, parts, at, years))), (*COUNTED, "young", "first"))
        _head("By days alone", ("recipes, autocorrelation of a day's score", *DAYS_ALONE))
        for name in BY_DAYS:
            chunks = [(name, chunk) for chunk in range(DAY_YEARS // DAYS_AT_ONCE)]
            show_days(name, joined(pool.map(play_days, chunks)))
        _head(f"Other worlds, streams {USUAL}", ("recipes", *RATES))
        for at, world in enumerate(WORLDS):
            show_rates(world.name, joined(pool.map(play, work(world, usual, 100 + at, WORLD_YEARS))), COUNTED)
        _head(f"What is found, streams {USUAL}; nights: median; ninth decile", FOUND)
        show_found(joined(pool.map(play, work(EQUAL, usual, 200, FOUND_YEARS, found=True))))


def work(world: RecipeWorld, parts: Parts, stream: int, years: int, *, found: bool = False) -> list[OverlapWork]:
    """So many years in chunks; ``stream`` seeds them."""
    return [OverlapWork(world, parts, stream, chunk, found) for chunk in range(years // (AT_ONCE * MARKETS))]


def joined(parts: Iterable[Mapping[Of, Floats]]) -> dict[Of, Floats]:
    """The years of all chunks."""
    found = defaultdict(list)
    for part in parts:
        for key, values in part.items():
            found[key].append(values)
    return {key: np.concatenate(values) for key, values in found.items()}


def _head(title: str, columns: Sequence[str]) -> None:
    print(f"\n{title}:\n\n| {' | '.join(columns)} |\n{'| --- ' * len(columns)}|")


def show_rates(name: str, found: Mapping[Key, Floats], counted: Sequence[str]) -> None:
    """Print one row a horizon, and one of the mean over all of them."""
    for horizon in HORIZONS:
        cells = [f"{found[horizon, score, 'r'].mean():+.3f}" for score in SCORES]
        cells += [rate(found[horizon, score, what] < NEVER).words(".3f") for what in counted for score in SCORES]
        print(f"| {name} | {found[horizon, 'edge', 'r'].size:,} | {horizon} | {' | '.join(cells)} |", flush=True)
    mean = [_mean_rate([found[horizon, score, what] for horizon in HORIZONS]) for what in counted for score in SCORES]
    words = [each.words(".3f") for each in mean]
    print(f"| {name} | {found[HORIZONS[0], 'edge', 'r'].size:,} | mean | – | – | {' | '.join(words)} |", flush=True)


def _mean_rate(nights: Sequence[Floats]) -> Figure:
    """Promotions a year over all horizons, its interval by draws of streams: years that share one are not independent.
    ``nights``: each of shape (years,), chunk by chunk, in each the markets one after the other."""
    promoted = np.mean([night < NEVER for night in nights], axis=0)
    by_draw = promoted.reshape(-1, MARKETS, AT_ONCE).mean(axis=1).ravel()
    reach = Z * by_draw.std(ddof=1) / np.sqrt(by_draw.size)
    return Figure(float(by_draw.mean()), max(float(by_draw.mean() - reach), 0.0), float(by_draw.mean() + reach))


def show_found(found: Mapping[Key, Floats]) -> None:
    """Print one row a horizon and score."""
    for horizon in HORIZONS:
        for score in SCORES:
            cells = [f"{found[horizon, score, 'deviation'].mean():.3f}"]
            for what in CHANGES:
                night = found[horizon, score, what]
                if what.endswith("found"):
                    cells.append(share(night < NEVER).words(".1%"))
                else:
                    after = np.where(night < NEVER, night - CHANGE, NEVER)[night > CHANGE]
                    middle, late = (quantile(after, q, never=NEVER).words(".0f") for q in (0.5, 0.9))
                    cells.append(f"{middle}; {late}")
            print(f"| {horizon} | {score} | {' | '.join(cells)} |", flush=True)


def play(chunk: OverlapWork) -> dict[Key, Floats]:
    """Of each year of a chunk, by horizon and score: what was counted, shape (years,). Of promotions the night, 250
    where there is none."""
    rng = np.random.default_rng((SEED, chunk.stream, chunk.chunk))
    scenarios: Mapping[str, Scenario | None] = CHANGES if chunk.found else {"nobody better": None}
    # streams that say the same for days have no variance there, on nights too early to be judged
    with threadpool_limits(1), np.errstate(divide="ignore", invalid="ignore"):
        said = predictions(chunk.world, chunk.parts, chunk.years, rng)
        scores = joined(_scores(said, market(chunk.years, said.days, rng), scenarios) for _ in range(MARKETS))
        found: dict[Key, Floats] = {}
        for (horizon, score, what), each in scores.items():
            counted = _changed(each, what) if chunk.found else _rates(each, of_equal=said.world == EQUAL)
            found |= {(horizon, score, name): values for name, values in counted.items()}
        return found


def _scores(said: Predictions, moves: Floats, scenarios: Mapping[str, Scenario | None]) -> dict[Key, Floats]:
    """Daily scores by horizon, score and scenario, each of shape (years, 1 + recipes, days)."""
    found: dict[Key, Floats] = {}
    for horizon in HORIZONS:
        for what, scenario in scenarios.items():
            label = labels(moves, said, horizon, scenario)
            found |= {(horizon, score, what): daily(said, label, score, horizon) for score in SCORES}
    return found


def _rates(scores: Floats, *, of_equal: bool) -> dict[str, Floats]:
    leads = scores[:, 1:] - scores[:, :1]
    found = {"r": np.nanmean(day_autocorrelation(leads), axis=1), "false": _promoted(leads, HISTORY).night}
    if of_equal:
        found["young"] = _promoted(leads[:, :, :NIGHTS], 0).night
        found["first"] = firsts.crowned(scores, HISTORY)[0]
    return found


def _changed(scores: Floats, what: str) -> dict[str, Floats]:
    leads = scores[:, 1:] - scores[:, :1]
    promoted = _promoted(leads, HISTORY)
    right = promoted.recipe == 0 if what.endswith("found") else promoted.night < NEVER
    return {what: np.where(right, promoted.night, NEVER), "deviation": leads.std(axis=2).mean(axis=1)}


def play_days(asked: tuple[str, int]) -> dict[str, Floats]:
    """Years of days of one of :data:`BY_DAYS`, whose scores are a moving average of two days: what labels that overlap
    by a day make of days. The second number is that of the chunk."""
    name, chunk = asked
    r = np.array(BY_DAYS[name])[:, None]
    rng = np.random.default_rng((SEED, 300, list(BY_DAYS).index(name), chunk))
    own = rng.standard_normal((DAYS_AT_ONCE, r.size, HISTORY + NIGHTS + 1))
    before = (1.0 - np.sqrt(1.0 - 4.0 * r**2)) / (2.0 * r)
    scores = (own[..., 1:] + before * own[..., :-1]) / np.sqrt(1.0 + before**2)
    odd = "opposite" in name
    if odd:
        scores += rng.standard_normal((DAYS_AT_ONCE, 1, HISTORY + NIGHTS))  # what all have in common
        scores[:, 1], scores[:, 2] = 0.0, -scores[:, 3]
    with threadpool_limits(1):
        return _rates(scores, of_equal=not odd)


def show_days(name: str, found: Mapping[str, Floats]) -> None:
    """Print one row."""
    cells = [rate(found[what] < NEVER).words(".3f") if what in found else "–" for what in ("false", "young", "first")]
    print(f"| {name} | {found['r'].size:,} | {found['r'].mean():+.3f} | {' | '.join(cells)} |", flush=True)


def _promoted(leads: Floats, history: int) -> Promotions:
    """As :func:`first_promotions`, of one recipe too, which is its own mean and has no others beside it."""
    recipes = leads.shape[1]
    allowed = Thresholds.of(recipes)
    if recipes > 1:
        return first_promotions(leads, allowed, history)
    z = worlds.alone(leads[:, 0], history + NIGHTS)[:, -NIGHTS:]
    passes = z > np.array([allowed.at(history + night).threshold for night in range(NIGHTS)])
    night = np.where(passes.any(axis=1), passes.argmax(axis=1), NEVER)
    return Promotions(night, np.where(night < NEVER, 0, -1))
