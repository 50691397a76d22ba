"""A fleet of simulated instruments: what its gates promote a year, pooled and alone, and after how many nights.

Days as in :mod:`benchmarks.gate.days` with one champion, for each instrument: a champion and five recipes. What a
recipe scores on one instrument is correlated with what it scores on another by a factor that all share. Instruments
differ: in the bars of a day (their days vary from 0.7 to 1.4 times as much), in how calm they are from week to week,
and each lacks up to a tenth of the nights. Recipes have a year of backfill before the first night; new champions have
no evidence before it. The gate is told nothing of the correlation.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from benchmarks.gate.days import EDGE_SIGNAL, HISTORY, NIGHTS, OWN, RECIPES, Floats, autoregression
from benchmarks.gate.figures import quantile, rate, share
from benchmarks.gate.nights import NEVER, Promotions, first_of
from benchmarks.gate.rolling import Sums, all_together, nightly_z
from flows.fleet.pooled import POOLED_SHARE, deviations, judge_pooled_days, pooled_threshold
from flows.gate.nightly.calibration import BUDGET, Calibration, YearOfNights, calibrate
from flows.gate.nightly.sequential import RECENT_WINDOWS, WINDOWS

SEED = 20_261_128
"""Fixed before the first run."""

BACKFILL = 250
YEARS, FEWER, AT_ONCE = 2_000, 400, 40
"""False promotions are rare and counted in more years than nights are."""
FLEETS, CORRELATIONS = (5, 20), (0.0, 0.1, 0.3, 0.6)
SCORES = (("accuracy", 1.0), ("edge", EDGE_SIGNAL))
MOST_MISSING = 0.1
AROUND_ONE, HARDER = (0.5**0.5, 2.0**0.5), (1.0, 2.0)
"""From 182 bars a day to 46, around the 91 of GBPUSD; or from 91 to 23, as of M15 and H1."""
WANDER, WANDER_KEPT = 0.3, 0.98
"""An instrument's deviation moves around its own: so much in logarithms, and keeping so much from day to day."""


@dataclass(frozen=True)
class World:
    """``gains``: points of each recipe above the champion of each instrument, shape (instruments, recipes). ``spread``:
    by how much the days of the first and the last instrument vary more than those of :mod:`benchmarks.gate.days`."""

    gains: Floats
    correlation: float
    history: int
    signal: float = 1.0
    spread: tuple[float, float] = AROUND_ONE

    @property
    def instruments(self) -> int:
        return len(self.gains)


@dataclass(frozen=True)
class Fleet:
    """Some years: ``leads``, shape (years, instruments, recipes, days); ``pooled``, shape (years, recipes, days)."""

    leads: Floats
    pooled: Floats


def equal(instruments: int) -> Floats:
    """Nobody is better anywhere."""
    return np.zeros((instruments, RECIPES))


def better(instruments: int, points: float, *, on: int | None = None, else_: float = 0.0) -> Floats:
    """The first recipe is better on the first ``on`` instruments, by default on all."""
    gains = equal(instruments)
    gains[:, 0] = np.where(np.arange(instruments) < (instruments if on is None else on), points, else_)
    return gains


def simulate(world: World, years: int, rng: np.random.Generator) -> Fleet:
    """Leads of some years, and their pooled days."""
    k, days = world.instruments, BACKFILL + world.history + NIGHTS
    common = rng.standard_normal((years, 1, 1 + RECIPES, days))
    own = np.sqrt(1.0 - world.correlation) * rng.standard_normal((years, k, 1 + RECIPES, days))
    own += np.sqrt(world.correlation) * common
    level = np.exp(WANDER * autoregression(rng, (years, k, 1, days), WANDER_KEPT) - WANDER**2)
    own *= OWN * np.geomspace(*world.spread, k)[:, None, None] * level
    own[:, :, 1:] += world.signal * world.gains[:, :, None] / 100.0
    leads = own[:, :, 1:] - own[:, :, :1]
    by_day = np.moveaxis(own[:, :, 1:], 2, -1)
    scale = deviations(by_day)[:, :, BACKFILL:]
    there = rng.random((years, k, days)) >= np.linspace(0.0, MOST_MISSING, k)[:, None]
    leads = leads[..., BACKFILL:]
    weight = there[:, :, BACKFILL:] / scale
    return Fleet(leads, np.asarray((leads * weight[:, :, None]).sum(axis=1)))


@dataclass(frozen=True)
class Asked:
    """Thresholds of a fleet by how its yearly budget is split: of the pooled lead, and of each gate alone."""

    pooled: float
    alone: Calibration

    @classmethod
    def of(cls, instruments: int, *, young: bool, pooled_share: float) -> Asked:
        each = YearOfNights(budget=BUDGET * (1.0 - pooled_share) / instruments, young=young)
        pooled = pooled_threshold(RECIPES, BUDGET * pooled_share, young=young) if pooled_share else np.inf
        return cls(pooled, calibrate(RECIPES, each))


def pooled_promotions(fleet: Fleet, asked: Asked, history: int) -> tuple[Promotions, npt.NDArray[np.bool_]]:
    """The first pooled promotion of each year, and on which instruments the champion changes, shape (years,
    instruments): where the recipe's own lead is above zero."""
    z, _ = nightly_z(fleet.pooled, history)
    first = first_of(z, z.max(axis=1) > asked.pooled)
    changed = np.zeros(fleet.leads.shape[:2], np.bool_)
    for year in np.flatnonzero(first.night < NEVER):
        own = fleet.leads[year, :, first.recipe[year], : history + first.night[year]][:, -WINDOWS[-1] :]
        changed[year] = own.mean(axis=1) > 0.0
    return first, changed


def alone_promotions(leads: Floats, asked: Calibration, history: int) -> Promotions:
    """The first promotion of each gate alone; ``leads``: shape (gates, recipes, days).

    Widening makes z only smaller, so those that do not pass without it are not looked at again.
    """
    assert asked.together is not None
    seen = history + np.arange(NIGHTS)
    near = Sums(leads, seen).largest_z(WINDOWS).max(axis=(1, 2)) > asked.threshold
    near |= Sums(all_together(leads), seen).largest_z(RECENT_WINDOWS).max(axis=1) > asked.together
    night, recipe = np.full(len(leads), NEVER), np.full(len(leads), -1)
    if near.any():
        z, everyone = nightly_z(leads[near], history)
        found = first_of(z, (z.max(axis=1) > asked.threshold) | (everyone > asked.together))
        night[near], recipe[near] = found.night, found.recipe
    return Promotions(night, recipe)


def false_promotions(instruments: int, correlation: float, history: int, years: int) -> str:
    """One row: pooled promotions a year, those of all gates alone, both, and champions changed."""
    asked = Asked.of(instruments, young=not history, pooled_share=POOLED_SHARE)
    world, pooled, alone, changes = World(equal(instruments), correlation, history), [], [], []
    stream = 1_000 * instruments + int(100 * correlation) + (0 if history else 500)
    for chunk in range(years // AT_ONCE):
        fleet = simulate(world, AT_ONCE, np.random.default_rng((SEED, stream, chunk)))
        first, changed = pooled_promotions(fleet, asked, history)
        gates = fleet.leads.reshape(-1, RECIPES, fleet.leads.shape[-1])
        each = (alone_promotions(gates, asked.alone, history).night < NEVER).reshape(AT_ONCE, instruments).sum(axis=1)
        pooled.append(first.night < NEVER)
        alone.append(each)
        changes.append(changed.sum(axis=1) + each)
    by_pool, by_alone, all_changes = (np.concatenate(each).astype(int) for each in (pooled, alone, changes))
    figures = [rate(by_pool), rate(by_alone), rate(by_pool + by_alone), share(by_pool + by_alone > 0)]
    return " | ".join([*(each.words(".3f") for each in figures), rate(all_changes).words(".2f")])


def nights_to(world: World, years: int, stream: int, *, pooled_share: float, instrument: int | None = None) -> str:
    """Nights until the first recipe is promoted: by the pool, or on one instrument by whichever is first; median and
    how many years see it."""
    asked = Asked.of(world.instruments, young=not world.history, pooled_share=pooled_share)
    found = []
    for chunk in range(years // AT_ONCE):
        fleet = simulate(world, AT_ONCE, np.random.default_rng((SEED, stream, chunk)))
        first, changed = pooled_promotions(fleet, asked, world.history)
        right = first.recipe == 0
        if instrument is not None:
            own = alone_promotions(fleet.leads[:, instrument], asked.alone, world.history)
            by_pool = np.where(right & changed[:, instrument], first.night, NEVER)
            found.append(np.minimum(by_pool, np.where(own.recipe == 0, own.night, NEVER)))
        else:
            found.append(np.where(right, first.night, NEVER))
    night = np.concatenate(found)
    return f"{quantile(night, 0.5, never=NEVER).words('.0f')}; {share(night < NEVER).words('.0%')}"


def mixed(world: World, years: int, stream: int) -> str:
    """How often the pool promotes a recipe that is worse on some instruments; of those, on how many it then serves, and
    on how many of those where it is better."""
    asked, n, good, bad, years_bad = Asked.of(world.instruments, young=False, pooled_share=POOLED_SHARE), [], 0, 0, []
    worse = world.gains[:, 0] < 0.0
    for chunk in range(years // AT_ONCE):
        fleet = simulate(world, AT_ONCE, np.random.default_rng((SEED, stream, chunk)))
        first, changed = pooled_promotions(fleet, asked, world.history)
        right = first.recipe == 0
        n.append(right)
        good += int(changed[right][:, ~worse].sum())
        bad += int(changed[right][:, worse].sum())
        years_bad.append(right * changed[:, worse].sum(axis=1))
    found = np.concatenate(n)
    times = max(int(found.sum()), 1)
    on_worse = rate(np.concatenate(years_bad)).words(".2f")
    return (
        f"{share(found).words('.1%')} | {good / times / max((~worse).sum(), 1):.0%} | "
        f"{bad / times / max(worse.sum(), 1):.0%} | {on_worse}"
    )


def check() -> float:
    """The largest difference in z from what the pool itself says of the same days."""
    rng, worst = np.random.default_rng(1), 0.0
    fleet = simulate(World(better(5, 1.0), 0.3, HISTORY), 2, rng)
    z, _ = nightly_z(fleet.pooled, HISTORY)
    for night in rng.integers(0, NIGHTS, 10).tolist():
        for year in range(2):
            found = judge_pooled_days(fleet.pooled[year, :, : HISTORY + night].T)
            worst = max(worst, float(np.abs(np.nanmax(found.z, axis=1) - z[year, :, night]).max()))
    assert worst < 1e-6, f"running sums differ from the pooled judgement by {worst} in z"
    return worst


def show(years: int = YEARS, fewer: int = FEWER) -> None:
    """Print the tables of a fleet, played on all cores."""
    print(f"\nrunning sums agree with the pooled judgement to {check():.0e} in z")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        _show_false(pool, years, HISTORY)
        _show_nights(pool, fewer)
        _show_one(pool, fewer)
        _show_mixed(pool, fewer)
        _show_false(pool, years, 0)


def _show_false(pool: Executor, years: int, history: int) -> None:
    age = "champions a year old" if history else "new champions"
    print(f"\nNobody is better anywhere, {age}, {years:,} years of each fleet, a budget of {BUDGET} a year:\n")
    print("| instruments | correlation | pooled, a year | alone, a year | both | years with any | champions changed |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    rows = [(instruments, correlation) for instruments in FLEETS for correlation in CORRELATIONS]
    found = pool.map(partial(false_promotions, history=history, years=years), *zip(*rows, strict=True))
    for (instruments, correlation), row in zip(rows, found, strict=True):
        print(f"| {instruments} | {correlation:g} | {row} |", flush=True)


def _show_nights(pool: Executor, years: int) -> None:
    print(f"\nOne of five recipes is better by a point on all instruments, new champions, {years} years:\n")
    print("| instruments | score | correlation | median night; found in a year | days vary 1 to 2 times as much |")
    print("| --- | --- | --- | --- | --- |")
    play = partial(nights_to, years=years, stream=10, pooled_share=POOLED_SHARE)
    for score, signal in SCORES:
        one = World(better(1, 1.0), 0.0, 0, signal, (1.0, 1.0))
        plain = nights_to(one, years=4 * years, stream=11, pooled_share=0.0, instrument=0)
        print(f"| 1, its own gate with all of {BUDGET} | {score} | | {plain} | |", flush=True)
        rows = [(instruments, correlation) for instruments in FLEETS for correlation in CORRELATIONS]
        worlds = [World(better(k, 1.0), r, 0, signal, each) for k, r in rows for each in (AROUND_ONE, HARDER)]
        found = pool.map(play, worlds)
        for instruments, correlation in rows:
            print(f"| {instruments} | {score} | {correlation:g} | {next(found)} | {next(found)} |", flush=True)


def _show_one(pool: Executor, years: int) -> None:
    print(f"\nOne recipe is better by 2 points on one instrument alone, correlation 0.3, {years} years:\n")
    print("| instruments | score | a quarter to the pool | a half to the pool | no pool |")
    print("| --- | --- | --- | --- | --- |")
    for instruments in FLEETS:
        for score, signal in SCORES:
            world = World(better(instruments, 2.0, on=1), 0.3, 0, signal, (1.0, 2.0**0.5))
            shares = (POOLED_SHARE, 0.5, 0.0)
            cells = pool.map(partial(_on_one, world, years), shares)
            print(f"| {instruments} | {score} | {' | '.join(cells)} |", flush=True)


def _on_one(world: World, years: int, pooled_share: float) -> str:
    return nights_to(world, years=years, stream=20, pooled_share=pooled_share, instrument=0)


def _show_mixed(pool: Executor, years: int) -> None:
    print(f"\nA recipe that is better on some instruments and worse on others, 20, correlation 0.3, {years} years:\n")
    print(
        "| recipe | pooled promotions a year | then serves where it is better | where it is worse | worse ones a year |"
    )
    print("| --- | --- | --- | --- | --- |")
    rows = [
        (f"{name}, {score}", World(gains, 0.3, HISTORY, signal))
        for name, gains in (
            ("a point better on ten, a point worse on ten", better(20, 1.0, on=10, else_=-1.0)),
            ("a point better on fourteen, a point worse on six", better(20, 1.0, on=14, else_=-1.0)),
            ("two points better on ten, a point worse on ten", better(20, 2.0, on=10, else_=-1.0)),
        )
        for score, signal in SCORES
    ]
    for (name, _), row in zip(
        rows, pool.map(partial(mixed, years=years, stream=30), [w for _, w in rows]), strict=True
    ):
        print(f"| {name} | {row} |", flush=True)
