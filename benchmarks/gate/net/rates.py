"""False promotions a year where nobody earns more than the champion: days as net pips have them, by each form."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.gate.days import HISTORY, NIGHTS, RECIPES, Floats
from benchmarks.gate.figures import Figure, rate
from benchmarks.gate.net.forms import FORMS
from benchmarks.gate.net.real import Real
from benchmarks.gate.nights import NEVER, Thresholds, first_promotions

SEED = 20_261_128
YEARS, AT_ONCE = 4_500, 250
DAYS = HISTORY + NIGHTS
BLOCK = 10
"""Days that a block of real days has on average."""

Nets = tuple[tuple[Floats, Floats], ...]
"""By span the daily net of each recipe: always in the market, and of sized positions."""


def show(real: Real) -> None:
    """Print one row a world, one column a form."""
    nets = tuple((scored.daily_net(), scored.daily_sized()) for scored in real.spans.values())
    print(f"\nFalse promotions a year, nobody earns more, five recipes, {YEARS:,} years of days:\n")
    print(f"| days | {' | '.join(FORMS)} |\n| --- |{' --- |' * len(FORMS)}")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for name, figures in zip(WORLDS, pool.map(_rates, [(name, nets) for name in WORLDS]), strict=True):
            print(f"| {name} | {' | '.join(figure.words('.3f') for figure in figures.values())} |", flush=True)


def _rates(work: tuple[str, Nets]) -> Mapping[str, Figure]:
    name, nets = work
    made = list(WORLDS).index(name)
    promoted: dict[str, list[npt.NDArray[np.bool_]]] = {form: [] for form in FORMS}
    with threadpool_limits(1):
        for chunk in range(YEARS // AT_ONCE):
            leads = WORLDS[name](np.random.default_rng((SEED, made, chunk)), nets, chunk)
            for form, of in FORMS.items():
                first = first_promotions(of(leads), Thresholds.of(RECIPES), HISTORY)
                promoted[form].append(first.night < NEVER)
    return {form: rate(np.concatenate(each)) for form, each in promoted.items()}


def _over_one(own: Floats) -> Floats:
    """Leads over the first, who is the champion: shape (years, recipes, days) from (years, 1 + recipes, days)."""
    return np.asarray(own[:, 1:] - own[:, :1])


def _all(rng: np.random.Generator) -> Floats:
    return rng.standard_normal((AT_ONCE, 1 + RECIPES, DAYS))


def _student(rng: np.random.Generator) -> Floats:
    return rng.standard_t(3, (AT_ONCE, 1 + RECIPES, DAYS))


def _tripled(own: Floats, rng: np.random.Generator) -> Floats:
    begin = rng.integers(0, DAYS, (len(own), 1, 1))
    return np.asarray(own * np.where(np.arange(DAYS) >= begin, np.sqrt(3.0), 1.0))


def _rare_losses(rng: np.random.Generator) -> Floats:
    """Days of mean zero with a skewness of −1: many small gains, and a rare large loss."""
    return 4.0 - rng.gamma(4.0, size=(AT_ONCE, RECIPES, DAYS))


def _drawn(net: Floats, champion: int, block: int, rng: np.random.Generator) -> Floats:
    """Real leads over one of the six recipes, their means taken off, whole days drawn in blocks of random length
    (Politis and Romano, "The stationary bootstrap", Journal of the American Statistical Association 89, 1994)."""
    leads = np.delete(net, champion, axis=1) - net[:, [champion]]
    leads = leads - leads.mean(axis=0)
    at = np.empty((AT_ONCE, DAYS), dtype=np.int64)
    anywhere = rng.integers(len(leads), size=at.shape)
    begins = rng.random(at.shape) < 1.0 / block
    at[:, 0] = anywhere[:, 0]
    for day in range(1, DAYS):
        at[:, day] = np.where(begins[:, day], anywhere[:, day], (at[:, day - 1] + 1) % len(leads))
    return np.asarray(leads[at].transpose(0, 2, 1))


def _real(block: int, *, sized: bool = False) -> Callable[[np.random.Generator, Nets, int], Floats]:
    """Each of the six recipes is the champion in as many years, on each span."""
    return lambda rng, nets, chunk: _drawn(nets[chunk // 6 % len(nets)][sized], chunk % 6, block, rng)


WORLDS: dict[str, Callable[[np.random.Generator, Nets, int], Floats]] = {
    "as calibrated": lambda rng, nets, chunk: _over_one(_all(rng)),
    "Student, 3 degrees": lambda rng, nets, chunk: _over_one(_student(rng)),
    "Student, 3 degrees, leads independent": lambda rng, nets, chunk: _student(rng)[:, 1:],
    "the variance triples at some night": lambda rng, nets, chunk: _over_one(_tripled(_all(rng), rng)),
    "the same, leads independent": lambda rng, nets, chunk: _tripled(_all(rng)[:, 1:], rng),
    "Student, 3 degrees, and the variance triples": lambda rng, nets, chunk: _over_one(_tripled(_student(rng), rng)),
    "real daily differences, day by day": _real(1),
    f"real daily differences, in blocks of {BLOCK} days": _real(BLOCK),
    "many small gains, a rare large loss (skewness −1)": lambda rng, nets, chunk: _rare_losses(rng),
    "real, of a position as large as the rank, over ATR, day by day": _real(1, sized=True),
    f"the same in blocks of {BLOCK} days": _real(BLOCK, sized=True),
}
