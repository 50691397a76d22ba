"""Days that are not what the threshold was calibrated for: nobody is better, but the noise is not as assumed."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.gate import reference
from benchmarks.gate.days import DISAGREE, HISTORY, NIGHTS, RECIPES, RETRAIN_DISAGREE, Floats, autoregression
from benchmarks.gate.figures import Figure, rate
from benchmarks.gate.nights import NEVER, Thresholds, first_promotions

SEED = 20_250_108
YEARS = 1_000
AT_ONCE = 250
DAYS = HISTORY + NIGHTS

Noise = Callable[[np.random.Generator], Floats]


def show() -> None:
    """Print false promotions a year of the gate and of its plain form under each kind of noise."""
    print(f"\nFalse promotions a year, nobody better, one champion, {YEARS:,} years of days:\n")
    print("| noise | gate | plain form |\n| --- | --- | --- |")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for name, (gate, plain) in zip(KINDS, pool.map(_rates, KINDS), strict=True):
            print(f"| {name} | {gate.words('.3f')} | {plain.words('.3f')} |")


def _rates(name: str) -> tuple[Figure, Figure]:
    gate, plain = [], []
    with threadpool_limits(1):
        for chunk in range(YEARS // AT_ONCE):
            own = KINDS[name](np.random.default_rng((SEED, list(KINDS).index(name), chunk)))
            leads = own[:, 1:] - own[:, :1]
            gate.append(first_promotions(leads, Thresholds.of(RECIPES), HISTORY).night < NEVER)
            plain.append(reference.first_promotions(leads, reference.threshold(), HISTORY).night < NEVER)
    return rate(np.concatenate(gate)), rate(np.concatenate(plain))


def _white(rng: np.random.Generator) -> Floats:
    return rng.standard_normal((AT_ONCE, 1 + RECIPES, DAYS))


def _ageing(rng: np.random.Generator) -> Floats:
    """The champion is a retrain of the first recipe at first and a stranger to it after two years."""
    own = _white(rng)
    kept = np.linspace(1.0 - RETRAIN_DISAGREE / DISAGREE, 0.0, DAYS)
    own[:, 0] = kept * own[:, 1] + np.sqrt(1.0 - kept**2) * own[:, 0]
    return own


def _ageing_to_all(rng: np.random.Generator) -> Floats:
    """The same to all five recipes at once: deviations of every lead nearly double in two years."""
    return _white(rng) * np.sqrt(np.linspace(RETRAIN_DISAGREE / DISAGREE, 1.0, DAYS))


def _spells(rng: np.random.Generator) -> Floats:
    """Calm and wild spells of twenty days on average, shared by all; twice the deviation in the wild ones."""
    turns = rng.random((AT_ONCE, 1, DAYS)) < 1.0 / 20.0
    wild = (np.cumsum(turns, axis=2) + rng.integers(0, 2, (AT_ONCE, 1, 1))) % 2 == 1
    return _white(rng) * np.where(wild, 2.0, 1.0)


def _heavy_tails(rng: np.random.Generator) -> Floats:
    return rng.standard_t(4, (AT_ONCE, 1 + RECIPES, DAYS))


def _triples(rng: np.random.Generator) -> Floats:
    """The variance of all days triples at some night."""
    begin = rng.integers(HISTORY, DAYS, (AT_ONCE, 1, 1))
    return _white(rng) * np.where(np.arange(DAYS) >= begin, np.sqrt(3.0), 1.0)


def _following(kept: float) -> Noise:
    return lambda rng: autoregression(rng, (AT_ONCE, 1 + RECIPES, DAYS), kept)


def _one_follows(rng: np.random.Generator) -> Floats:
    """One recipe's days have an autocorrelation of 0.6, the others' none."""
    own = _white(rng)
    own[:, 1] = autoregression(rng, (AT_ONCE, DAYS), 0.6)
    return own


def _slow(part: float, kept: float) -> Noise:
    """``part`` of the variance decays slowly, by 1 − ``kept`` a day, the rest at once."""
    shape = (AT_ONCE, 1 + RECIPES, DAYS)
    return lambda rng: np.sqrt(1.0 - part) * _white(rng) + np.sqrt(part) * autoregression(rng, shape, kept)


KINDS: dict[str, Noise] = {
    "as calibrated": _white,
    "a champion that ages, a retrain of one recipe at first, a stranger to it after two years": _ageing,
    "one that ages so to all five recipes at once": _ageing_to_all,
    "calm and wild spells of 20 days, one twice the other": _spells,
    "heavy tails (Student, 4 degrees)": _heavy_tails,
    "heavy tails (Student, 3 degrees)": lambda rng: rng.standard_t(3, (AT_ONCE, 1 + RECIPES, DAYS)),
    "the variance triples at some night": _triples,
    "day autocorrelation 0.3": _following(0.3),
    "day autocorrelation 0.4": _following(0.4),
    "one recipe alone with 0.6": _one_follows,
    "autocorrelation 0.1 that decays slowly (0.8 a day)": _slow(0.125, 0.8),
    "2 % of the variance decays by 2 % a day": _slow(0.02, 0.98),
    "5 % of the variance decays by 5 % a day": _slow(0.05, 0.95),
}
