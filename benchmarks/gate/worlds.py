"""Worlds in which recipes come, go, are alike, or are not what they seem: what the gate does in a year of each.

Nobody is better than the champion in any of them but the leaky one, so a promotion is false. Noise that is not as the
threshold assumes is in :mod:`benchmarks.gate.stress`. The two rows in which recipes come and go are judged without the
widening by days that depend on each other over weeks, which could only promote less.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.gate.days import BARS, EDGE_SIGNAL, HISTORY, NIGHTS, OWN, RECIPES, Floats
from benchmarks.gate.figures import quantile, rate, share
from benchmarks.gate.nights import NEVER, Thresholds, first_of, first_promotions
from benchmarks.gate.rolling import Sums, all_together, nightly_z
from flows.gate.nightly.sequential import RECENT_WINDOWS, WINDOWS, variance_inflation
from flows.gate.tripwires.streams import JudgedSides, tripped_recipes

SEED = 20_251_128
YEARS = 1_000
AT_ONCE = 250
DAYS = HISTORY + NIGHTS
MONTH, WEEK = 20, 5
LEAKS = (0.99, 0.65, 0.62)
LEAKY_YEARS = 100
ASTRAY_NIGHT = 125
ASTRAY = 3.0
"""Variance of the days of a champion that agrees with nobody, beside that of one that does as recipes do."""

Promoted = npt.NDArray[np.bool_]


def show() -> None:
    """Print the false promotions a year of each world, then what the tripwire makes of a leak."""
    print(f"\nFalse promotions a year, nobody better, one champion, {YEARS:,} years of days:\n")
    print("| recipes | gate |\n| --- | --- |")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for name, found in zip(KINDS, pool.map(_promoted, KINDS), strict=True):
            print(f"| {name} | {rate(found).words('.3f')} |", flush=True)
    print(f"\nA champion that loses 2 points at night {ASTRAY_NIGHT}, {YEARS:,} years of days, nights after it:\n")
    print("| score | it still says what recipes say | it goes astray |\n| --- | --- | --- |")
    for score, signal in (("accuracy", 1.0), ("edge", EDGE_SIGNAL)):
        cells = []
        for wild in (1.0, ASTRAY):
            night = _astray(signal, wild)
            after = np.where(night < NEVER, night - ASTRAY_NIGHT, NEVER)[night > ASTRAY_NIGHT]
            middle, late = (quantile(after, q, never=NEVER).words(".0f") for q in (0.5, 0.9))
            cells.append(f"{middle}; {late}")
        print(f"| {score} | {' | '.join(cells)} |")
    print(f"\nA recipe that knows the next move, {LEAKY_YEARS} years of bars, the night after 250 days:\n")
    print("| right on | held by the tripwire |\n| --- | --- |")
    for right in LEAKS:
        print(f"| {right:.0%} of the bars | {share(_held(right)).words('.1%')} |")


def _promoted(name: str) -> Promoted:
    with threadpool_limits(1):
        streams = [(SEED, list(KINDS).index(name), chunk) for chunk in range(YEARS // AT_ONCE)]
        return np.concatenate([KINDS[name](np.random.default_rng(stream)) for stream in streams])


def _white(rng: np.random.Generator, recipes: int = RECIPES) -> Floats:
    return rng.standard_normal((AT_ONCE, 1 + recipes, DAYS))


def _judged(own: Floats) -> Promoted:
    return first_promotions(own[:, 1:] - own[:, :1], Thresholds.of(RECIPES), HISTORY).night < NEVER


def _alike(rng: np.random.Generator) -> Promoted:
    """Recipes that are nearly the same, beside a champion that is another: nothing but its noise is in their leads."""
    own = np.sqrt(0.05) * _white(rng)
    own[:, 1:] += np.sqrt(0.95) * rng.standard_normal((AT_ONCE, 1, DAYS))
    own[:, 0] = rng.standard_normal((AT_ONCE, DAYS))
    return _judged(own)


def _odd(rng: np.random.Generator) -> Promoted:
    """One recipe always says the same, and scores nothing; another is wrong where the others are right."""
    own = _white(rng)
    own[:, 1] = 0.0
    own[:, 2] = -own[:, 2] - 0.02 / OWN
    return _judged(own)


def _short_days(rng: np.random.Generator) -> Promoted:
    """Each third day has ten bars, which are no evidence: the gate sees two days of three."""
    own = _white(rng)
    z, everyone = nightly_z(own[:, 1:] - own[:, :1], HISTORY, seen=(2 * (HISTORY + np.arange(NIGHTS))) // 3)
    allowed = [Thresholds.of(RECIPES).at((2 * (HISTORY + night)) // 3) for night in range(NIGHTS)]
    fell = everyone > np.array([each.together for each in allowed])
    passed = z.max(axis=1) > np.array([each.threshold for each in allowed])
    return first_of(z, passed | fell).night < NEVER


def _added(rng: np.random.Generator) -> Promoted:
    """A recipe more each month: its days begin with it, and the threshold counts it."""
    begins = [0] * RECIPES + list(range(MONTH, NIGHTS, MONTH))
    own = _white(rng, len(begins))
    leads = own[:, 1:] - own[:, :1]
    best = nightly_z(leads[:, :RECIPES], HISTORY)[0].max(axis=1)
    tried = np.array([sum(begin <= night for begin in begins) for night in range(NIGHTS)])
    for at, begin in enumerate(begins[RECIPES:], RECIPES):
        best[:, begin:] = np.maximum(best[:, begin:], alone(leads[:, at, HISTORY + begin :], NIGHTS - begin))
    several = np.where(np.arange(DAYS) < HISTORY + np.array(begins)[:, None], np.nan, 1.0)
    several[:RECIPES] = 1.0
    return _passes(best, all_together(leads * several), tried)


def _tuned(rng: np.random.Generator) -> Promoted:
    """One of five recipes is edited each week in which the report shows it behind: its days begin anew, and it counts
    once more among those tried in the last 250 nights. Its author stops where it looks good."""
    own = _white(rng)
    leads = own[:, 1:] - own[:, :1]
    best = nightly_z(leads[:, 1:], HISTORY)[0].max(axis=1)
    edits = np.full((AT_ONCE, NIGHTS), RECIPES)
    for year in range(AT_ONCE):
        begin, tuned = HISTORY, leads[year, 0]
        for week in range(WEEK, NIGHTS + 1, WEEK):
            end = HISTORY + week
            if tuned[begin:end].mean() >= 0.0 and week < NIGHTS:
                continue
            nights = np.arange(begin - HISTORY, week)
            found = alone(tuned[None, begin:end], nights.size)[0]
            best[year, nights] = np.maximum(best[year, nights], found)
            begin, tuned = end, rng.standard_normal(DAYS) - own[year, 0]
            edits[year, week:] += 1
    return _passes(best, all_together(leads[:, 1:]), edits)


def alone(leads: Floats, nights: int) -> Floats:
    """Largest z of a recipe on each night since its first, shape (years, nights), −inf before there is a window."""
    sums = Sums(leads, np.arange(nights))
    r = np.maximum(sums.autocorrelation(WINDOWS[-1]), 0.0)
    return np.asarray(sums.largest_z(WINDOWS) / variance_inflation(r))


def _passes(best: Floats, mean: Floats, tried: npt.NDArray[np.int64]) -> Promoted:
    sums = Sums(mean, HISTORY + np.arange(NIGHTS))
    r = np.maximum(sums.autocorrelation(WINDOWS[-1]), 0.0)
    everyone = sums.largest_z(RECENT_WINDOWS) / variance_inflation(r)
    asked = np.array([_asked(k) for k in range(1, int(tried.max()) + 1)])[np.broadcast_to(tried, best.shape) - 1]
    together = Thresholds.of(RECIPES).grown.together
    return np.asarray(((best > asked) | (everyone > together)).any(axis=1))


@cache
def _asked(recipes: int) -> float:
    return Thresholds.of(recipes).grown.threshold


def _astray(signal: float, wild: float) -> npt.NDArray[np.int64]:
    """Nights of the first promotion where the champion loses 2 points, of ``signal`` as much, and its days vary
    ``wild`` times as much: who disagrees on a half of the bars with everybody, and not on a quarter, has a lead whose
    variance is twice that of two recipes, three times its own."""
    found = []
    for chunk in range(YEARS // AT_ONCE):
        own = _white(np.random.default_rng((SEED, 2_000, chunk)))
        own[:, 0, HISTORY + ASTRAY_NIGHT :] *= np.sqrt(wild)
        own[:, 0, HISTORY + ASTRAY_NIGHT :] -= 0.02 * signal / OWN
        found.append(first_promotions(own[:, 1:] - own[:, :1], Thresholds.of(RECIPES), HISTORY).night)
    return np.concatenate(found)


def _held(right: float) -> Promoted:
    """Whether the wire holds a stream that is right so often, against four that are right on 51 %."""
    rng = np.random.default_rng((SEED, 1_000))
    day = np.repeat(np.arange(HISTORY).astype("datetime64[D]"), BARS)
    quarter = np.tile(np.arange(BARS), HISTORY)
    held = []
    for _ in range(LEAKY_YEARS):
        label = (rng.random(day.size) < 0.5).astype(np.float64)
        ups = {
            str(at): np.where(rng.random(day.size) < share_right, label, 1.0 - label)
            for at, share_right in enumerate([right, *[0.51] * (RECIPES - 1)])
        }
        tripped = tripped_recipes(JudgedSides(label, day, quarter, ups))
        held.append([wire.name for wire in tripped] != [] and len({wire.name for wire in tripped}) == 1)
    return np.array(held)


KINDS: dict[str, Callable[[np.random.Generator], Promoted]] = {
    "five, nearly the same (correlation 0.95), the champion another": _alike,
    "five, one of them constant, one anti-predictive": _odd,
    "five, each third day has ten bars": _short_days,
    "five, and one more every month": _added,
    "five, one of them edited in each week in which the report shows it behind": _tuned,
}
