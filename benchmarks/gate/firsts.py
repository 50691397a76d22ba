"""First champions where there is nothing to find, and where one recipe of six has skill.

A world begins with a night that sees 250 backfilled days and goes on for 249 nights on which production, still empty,
is judged again. Beside it the plain form: the highest mean, above zero, on the first night. Four kinds of worlds: days
drawn by chance, bars drawn by chance and judged by the gate itself, real bars whose days were shuffled and whose signs
were drawn, and days in which one recipe has the skill of the shipped ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.gate.bars import simulate
from benchmarks.gate.days import BARS, HISTORY, NIGHTS, Floats, Scenario, autoregression
from benchmarks.gate.figures import Figure, share
from benchmarks.gate.rolling import Sums, each_for_itself
from flows.bars import load_bars, prepare
from flows.gate.nightly.candidates import Candidate
from flows.gate.nightly.first import choose_first, choose_first_without_rate
from flows.gate.nightly.first_thresholds import first_thresholds
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sequential import WINDOWS
from flows.gate.scoring.days import by_day
from flows.gate.scoring.ledger import Ledger, Stream
from flows.gate.scoring.scores import trailing_base, trailing_rank
from flows.recipes import probabilities, shipped, train_all

SEED = 20_250_112
WORLDS = 4_000
BAR_WORLDS = 400
REAL_WORLDS = 1_000
AT_ONCE = 250
RECIPES = 6
DAYS = HISTORY + NIGHTS
TRAINED = 2022  # the real streams are those of fits on this year, on the bars of the two years after it

SKILL = 0.0146
"""Edge a bar of the shipped recipes on real bars."""

DEVIATION = 0.061
"""Of a day's mean edge on real bars (91 of them): 250 days of +0.0144 have a z of 3.74."""

Noise = Callable[[np.random.Generator], Floats]


def show(data: Path) -> None:
    """Print the share of worlds with a first champion, on the first night and within a year; then the power."""
    print(f"\nFirst champions where nothing can be predicted, {RECIPES} recipes unless said otherwise:\n")
    print("| worlds | first night | within a year | highest mean above zero, first night |")
    print("| --- | --- | --- | --- |")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for name, figures in zip(KINDS, pool.map(_kind, KINDS), strict=True):
            print(f"| {name} | {' | '.join(each.words('.3f') for each in figures)} |", flush=True)
        chunks = [*pool.map(_bar_worlds, range(BAR_WORLDS // 20))]
    night, plain = (share(np.concatenate([chunk[at] for chunk in chunks])) for at in (0, 1))
    print(f"| {BAR_WORLDS} of bars, judged by the gate itself | {night.words('.3f')} | – | {plain.words('.3f')} |")
    _show_real(data)
    print(f"\nOne of {RECIPES} has an edge of {SKILL} a bar, {WORLDS:,} worlds:\n")
    print("| backfill | found on the first night | within a year | of these the right one |\n| --- | --- | --- | --- |")
    for history in (HISTORY, 363, 0):
        rng = np.random.default_rng((SEED, 1_000 + history))
        gains = np.array([SKILL] + [0.0] * (RECIPES - 1))[:, None] / DEVIATION
        found = [crowned(rng.standard_normal((AT_ONCE, RECIPES, history + NIGHTS)) + gains, history) for _ in _chunks()]
        night, who = (np.concatenate([each[at] for each in found]) for at in (0, 1))
        words = [share(night == 0).words(".1%"), share(night < NIGHTS).words(".1%")]
        print(f"| {history} days | {' | '.join(words)} | {share(who[night < NIGHTS] == 0).words('.1%')} |", flush=True)


def _chunks() -> range:
    return range(WORLDS // AT_ONCE)


def crowned(edges: Floats, history: int, begins: Sequence[int] | None = None) -> tuple[Floats, Floats]:
    """The night of a first champion and which recipe it is, shape (worlds,): :data:`NIGHTS` where there is none.

    ``edges``: shape (worlds, recipes, days). ``begins``: the night on which each recipe is first scored; before it was
    not there, and is not counted.
    """
    seen = history + np.arange(NIGHTS)
    z = np.full((*edges.shape[:2], NIGHTS), -np.inf)
    mean = np.full(z.shape, -np.inf)
    begun = np.zeros(edges.shape[1], np.int64) if begins is None else np.asarray(begins)
    own = np.full(z.shape, np.nan)
    for recipe, begin in enumerate(begun.tolist()):
        days = edges[:, recipe, history + begin :] if begin else edges[:, recipe]
        nights = seen[begin:] - (history + begin if begin else 0)
        sums = Sums(days, nights)
        own[:, recipe, begin:] = np.maximum(sums.autocorrelation(WINDOWS[-1]), 0.0)
        z[:, recipe, begin:] = sums.largest_z(WINDOWS[-1:])
        total = np.concatenate([np.zeros((days.shape[0], 1)), np.cumsum(days, axis=1)], axis=1)
        n = np.minimum(nights, WINDOWS[-1])
        mean[:, recipe, begin:] = (total[:, nights] - total[:, nights - n]) / np.maximum(n, 1)
    r = np.maximum(own, np.nanmean(own, axis=1)[:, None])
    z /= np.sqrt(each_for_itself(r, edges[:, begun == 0], seen))
    asked = np.array(
        [_asked(int((begun <= night).sum()), first_look=night == 0) for night in range(NIGHTS)], dtype=np.float64
    )
    passes = z > asked
    any_of = passes.any(axis=1)
    night = np.where(any_of.any(axis=1), any_of.argmax(axis=1), NIGHTS)
    at = np.minimum(night, NIGHTS - 1)
    rows = np.arange(night.size)
    return night, np.where(passes[rows, :, at], mean[rows, :, at], -np.inf).argmax(axis=1)


@cache
def _asked(recipes: int, *, first_look: bool) -> float:
    return first_thresholds(recipes, first_look=first_look).tonight


def _rates(edges: Floats, history: int, begins: Sequence[int] | None = None) -> tuple[Floats, Floats, Floats]:
    """Whether each world has one on the first night, within a year, and on the first night by the plain form."""
    night, _ = crowned(edges, history, begins)
    at_first = edges[:, : RECIPES if begins is not None else None, max(history - WINDOWS[-1], 0) : history]
    plain = (at_first.mean(axis=2) > 0.0).any(axis=1) if history >= 40 else np.zeros(night.size, np.bool_)
    return night == 0, night < NIGHTS, plain


def _kind(name: str) -> list[Figure]:
    noise, history, begins = KINDS[name]
    with threadpool_limits(1):
        found = [
            _rates(noise(np.random.default_rng((SEED, list(KINDS).index(name), chunk))), history, begins)
            for chunk in _chunks()
        ]
    return [share(np.concatenate([each[at] for each in found])) for at in range(3)]


def _white(rng: np.random.Generator, recipes: int = RECIPES, days: int = DAYS) -> Floats:
    return rng.standard_normal((AT_ONCE, recipes, days))


def _alike(rng: np.random.Generator) -> Floats:
    return _white(rng) + _white(rng, 1)


def _spells(rng: np.random.Generator) -> Floats:
    turns = rng.random((AT_ONCE, 1, DAYS)) < 1.0 / 20.0
    wild = (np.cumsum(turns, axis=2) + rng.integers(0, 2, (AT_ONCE, 1, 1))) % 2 == 1
    return _white(rng) * np.where(wild, 2.0, 1.0)


def _triples(rng: np.random.Generator) -> Floats:
    begin = rng.integers(HISTORY, DAYS, (AT_ONCE, 1, 1))
    return _white(rng) * np.where(np.arange(DAYS) >= begin, np.sqrt(3.0), 1.0)


def _slow(rng: np.random.Generator) -> Floats:
    shape = (AT_ONCE, RECIPES, DAYS)
    part = 0.1 / 0.8  # of the variance, so that it makes a lag-1 autocorrelation of 0.1
    return np.asarray(np.sqrt(1.0 - part) * _white(rng) + np.sqrt(part) * autoregression(rng, shape, 0.8))


EDITED = [0] * RECIPES + [night for night in (60, 120, 180) for _ in range(RECIPES)]
ADDED = [0] * RECIPES + [20 * more for more in range(1, 11)]

KINDS: dict[str, tuple[Noise, int, Sequence[int] | None]] = {
    "days that have nothing in common": (_white, HISTORY, None),
    "recipes that share half of their noise": (_alike, HISTORY, None),
    "day autocorrelation 0.1": (lambda rng: autoregression(rng, (AT_ONCE, RECIPES, DAYS), 0.1), HISTORY, None),
    "day autocorrelation 0.2": (lambda rng: autoregression(rng, (AT_ONCE, RECIPES, DAYS), 0.2), HISTORY, None),
    "autocorrelation 0.1 that decays slowly (0.8 a day)": (_slow, HISTORY, None),
    "heavy tails (Student, 3 degrees)": (lambda rng: rng.standard_t(3, (AT_ONCE, RECIPES, DAYS)), HISTORY, None),
    "calm and wild spells, one twice the other": (_spells, HISTORY, None),
    "the variance triples at some night": (_triples, HISTORY, None),
    "one recipe": (lambda rng: _white(rng, 1), HISTORY, None),
    "sixteen recipes": (lambda rng: _white(rng, 16), HISTORY, None),
    "100 backfilled days": (lambda rng: _white(rng, days=100 + NIGHTS), 100, None),
    "no backfill": (lambda rng: _white(rng, days=NIGHTS), 0, None),
    "all six edited every 60 nights": (lambda rng: _white(rng, len(EDITED)), HISTORY, EDITED),
    "a recipe added every 20 nights": (lambda rng: _white(rng, len(ADDED)), HISTORY, ADDED),
}


def _bar_worlds(chunk: int) -> tuple[Floats, Floats]:
    """Worlds of bars, each judged once by :func:`choose_first` on a ledger: what production would do on that night."""
    nothing = Scenario("no skill", first=-1.0, others=-1.0, fall=1.0, history=0)  # a point below a level of one
    rng = np.random.default_rng((SEED, 2_000, chunk))
    made = simulate(nothing, 20, rng)
    day = np.repeat(np.busday_offset("2023-01-02", np.arange(made.days)).astype("datetime64[D]"), BARS)
    names = [str(recipe) for recipe in range(made.p.shape[1])]  # the simulator's champion is one more recipe
    candidates = [Candidate(name, name, f"recipe:{name}", None) for name in names]
    now, plain = [], []
    for p, up in zip(made.p, made.up, strict=True):
        bars = np.ones(up.size, np.bool_)
        streams = {
            f"recipe:{name}": Stream(name, p[at], np.full(up.size, 0.5), ~bars, None) for at, name in enumerate(names)
        }
        opens = pd.DatetimeIndex(day.astype("datetime64[ns]"), tz="UTC")
        found = Ledger(opens, up.astype(np.float64), day, bars, streams, {}, ())
        now.append(choose_first(found, candidates=candidates, policy=GatePolicy()).winner is not None)
        old = choose_first_without_rate(found, candidates=candidates, policy=GatePolicy())
        plain.append(old.winner is not None)
    return np.array(now), np.array(plain)


def _show_real(data: Path) -> None:
    """Real streams on real bars, whose labels come from another day, all of a day up and down exchanged by a coin."""
    if not data.is_dir():
        print(f"| real bars, shuffled: there is no folder {data.name} beside the repository | – | – | – |")
        return
    dataset = prepare(load_bars(data))
    fits = train_all(list(shipped().values()), dataset, dataset.years(TRAINED), seed=0)
    used = ~np.isnan(dataset.label) & dataset.counted & dataset.years(TRAINED + 1, TRAINED + 2)
    label, day = dataset.label[used], dataset.trading_day[used]
    ranks = np.stack(
        [trailing_rank(probabilities(fit, fit.recipe.signature, dataset.bars.frame[used])) for fit in fits], axis=1
    )
    days, begins, bars = np.unique(day, return_index=True, return_counts=True)
    rng = np.random.default_rng((SEED, 3_000))
    edges = []
    for _ in range(REAL_WORLDS):
        market = np.empty(label.size)
        for begin, n, other in zip(begins, bars, rng.permutation(days.size), strict=True):
            taken = label[begins[other] + np.arange(n) % bars[other]]
            market[begin : begin + n] = taken if rng.random() < 0.5 else 1.0 - taken
        scored = (2.0 * market - 1.0 - trailing_base(market))[:, None] * ranks
        edges.append(by_day(day, scored).mean.T)
    made = np.stack(edges)
    figures = [share(each) for each in _rates(made, made.shape[2] - NIGHTS)]
    print(
        f"| {REAL_WORLDS:,} shuffled real markets | {' | '.join(each.words('.3f') for each in figures)} |", flush=True
    )
