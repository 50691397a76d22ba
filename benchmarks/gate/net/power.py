"""What is found by net pips and by edge where the same thing is true: simulated bars that move as real ones do.

Labels and predictions are those of :mod:`benchmarks.gate.bars`; how far each bar moves is drawn from real days, in
blocks, so that calm and wild weeks stay together. How much of its skill a recipe shows on a bar may depend on how large
that move is among all moves: as much on each, more on small ones, or so that nothing is earned with it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.gate.bars import WARM_UP, Bars, simulate
from benchmarks.gate.days import BARS, HISTORY, NIGHTS, RECIPES, Floats, Scenario
from benchmarks.gate.figures import quantile, share
from benchmarks.gate.net.forms import FORMS
from benchmarks.gate.net.real import SPREAD, Moves, Real, net_pips
from benchmarks.gate.nights import NEVER, Promotions, Thresholds, first_of, first_promotions
from benchmarks.gate.rolling import nightly_z
from flows.gate.nightly.sequential import WINDOWS
from flows.gate.scoring.scores import accuracy, trailing_base, trailing_rank

SEED = 20_261_129
YEARS, AT_ONCE = 150, 10
EQUAL_YEARS = 400
"""False promotions are rare: they are counted in more years."""

BLOCK = 20
"""Days that follow each other on average as real ones did."""

SELECTIVE = 0.6
"""A rank beyond it is in the highest fifth, one below minus it in the lowest."""


@dataclass(frozen=True)
class Truth:
    """``earns``: mean pips that the skill earns, as a share of what it would earn if it were the same on moves of any
    size; None: it is. ``thrifty``: the first recipe pays half of the spreads, as if it changed side half as often."""

    name: str
    scenario: Scenario
    earns: float | None = None
    thrifty: bool = False


_EQUAL = Scenario("all equal")
_POINT = Scenario("one of five better by a point", first=1.0)
TRUTHS = (
    Truth("nobody better: promotions of any", _EQUAL),
    Truth("a point better, on moves of any size", _POINT),
    Truth("a point better, more so on small moves: half the pips", _POINT, 0.5),
    Truth("a point better, earns the same", _POINT, 0.0),
    Truth("a point better, earns less", _POINT, -0.5),
    Truth("two points better", Scenario("one of five better by two points", first=2.0)),
    Truth("as often right, half the spreads paid", _EQUAL, thrifty=True),
    Truth("champion loses two points: nights", Scenario("fall", fall=2.0, fall_night=125)),
)


def show(real: Real) -> None:
    """Print one row a score, one column a truth."""
    years = [EQUAL_YEARS if truth is TRUTHS[0] else YEARS for truth in TRUTHS]
    work = [(at, chunk, real.moves) for at in range(len(TRUTHS)) for chunk in range(years[at] // AT_ONCE)]
    found: dict[int, list[Mapping[str, Promotions]]] = {}
    earned: dict[int, list[float]] = {}
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for (at, _, _), (played, pips) in zip(work, pool.map(_play, work), strict=True):
            found.setdefault(at, []).append(played)
            earned.setdefault(at, []).append(pips)
    mean, root = real.moves.size.mean(), np.sqrt(np.square(real.moves.size).mean())
    print(
        f"\nA real bar moves by {mean:.2f} pips on average, by {root:.2f} in root mean square: {mean / root:.2f} of it."
    )
    print(f"\nThe first recipe promoted within a year, bars that move as real ones do, {YEARS} years a column:")
    print(f"({EQUAL_YEARS} of the first)\n")
    print(f"| score | {' | '.join(truth.name for truth in TRUTHS)} |\n| --- |{' --- |' * len(TRUTHS)}")
    print(f"| its net lead, pips a bar | {' | '.join(f'{np.mean(pips):+.3f}' for pips in earned.values())} |")
    for score in found[0][0]:
        cells = [_cell(truth, [played[score] for played in found[at]]) for at, truth in enumerate(TRUTHS)]
        print(f"| {score} | {' | '.join(cells)} |", flush=True)


def _cell(truth: Truth, parts: list[Promotions]) -> str:
    night = np.concatenate([part.night for part in parts])
    right = np.concatenate([part.recipe for part in parts]) == 0
    fall = truth.scenario.fall_night
    if truth.scenario is _EQUAL and not truth.thrifty:
        return share(night < NEVER).words(".1%")
    if not fall:
        return share(right).words(".0%")
    after = np.where(night[night > fall] < NEVER, night[night > fall] - fall, NEVER)
    return f"{quantile(after, 0.5, never=NEVER).words('.0f')}; {quantile(after, 0.9, never=NEVER).words('.0f')}"


def _play(work: tuple[int, int, Moves]) -> tuple[Mapping[str, Promotions], float]:
    at, chunk, moves = work
    truth, rng = TRUTHS[at], np.random.default_rng((SEED, at, chunk))
    with threadpool_limits(1):
        days = WARM_UP + HISTORY + NIGHTS
        drawn = _days(len(moves.size), (AT_ONCE, days), rng)
        shown = None if truth.earns is None else worth(moves.size, truth.earns)[drawn]
        bars = simulate(truth.scenario, AT_ONCE, rng, worth=shown)
        leads = _leads(bars, moves.size[drawn], moves.range[drawn], thrifty=truth.thrifty)
        judged = {**leads, **{name: of(leads["net"]) for name, of in FORMS.items()}}
        played = {name: first_promotions(each, Thresholds.of(RECIPES), HISTORY) for name, each in judged.items()}
        for name, errors in GUARDS.items():
            played[name] = guarded(leads["edge"], leads["net"], errors)
    return played, float(leads["net"][:, 0].mean())


def _days(real: int, shape: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Which real day each simulated one moves like: blocks of days that follow each other."""
    drawn = rng.integers(real, size=shape)
    begins = rng.random(shape) < 1.0 / BLOCK
    for day in range(1, shape[1]):
        drawn[:, day] = np.where(begins[:, day], drawn[:, day], (drawn[:, day - 1] + 1) % real)
    return drawn


def worth(size: Floats, earns: float) -> Floats:
    """By bar, of mean 1, a straight line in the rank of the move among all: moves weighted by it have ``earns`` times
    their mean."""
    rank = np.empty(size.size)
    rank[np.argsort(size, axis=None)] = np.arange(size.size) / size.size
    rank = rank.reshape(size.shape) - rank.mean()
    slope = (earns - 1.0) * size.mean() / (rank * size).mean()
    return np.asarray(1.0 + slope * rank)


def _leads(bars: Bars, size: Floats, span: Floats, *, thrifty: bool) -> Mapping[str, Floats]:
    """Daily leads over the champion by each score, warm-up left out: shape (years, recipes, days)."""
    scored: dict[str, list[Floats]] = {}
    flat = (values.reshape(len(size), -1) for values in (size, span))
    for p, up, moved, atr in zip(bars.p, bars.up, *flat, strict=True):
        y, move = up.astype(np.float64), np.where(up, moved, -moved)
        base = trailing_base(y)
        rank = np.stack([trailing_rank(own) for own in p])
        of_edge = (2.0 * y - 1.0 - base) * rank  # as the gate scores it, ranked once for all scores that need a rank
        rank = np.nan_to_num(rank)
        side = np.where(p > 0.5, 1.0, -1.0)
        spread = np.full((len(p), 1), SPREAD)
        spread[1] *= 0.5 if thrifty else 1.0
        outer = np.where(np.abs(rank) > SELECTIVE, np.sign(rank), 0.0)
        net = net_pips(side, move, spread=spread)
        each = {
            "edge": of_edge,
            "accuracy": np.stack([accuracy(own, y, threshold=0.5) for own in p]),
            "net": net,
            "net over ATR": net / atr,
            "net of the outer fifths": net_pips(outer, move, spread=spread),
            "net of a position as large as the rank": net_pips(rank, move, spread=spread),
            "the same over ATR": net_pips(rank, move, spread=spread) / atr,
            "the same over ATR, before costs": rank * move / atr,
        }
        for name, values in each.items():
            daily = values.reshape(len(p), bars.days, BARS)[:, WARM_UP:].mean(axis=2)
            scored.setdefault(name, []).append(daily[1:] - daily[0])
    return {name: np.array(leads) for name, leads in scored.items()}


def guarded(leads: Floats, net: Floats, errors: float) -> Promotions:
    """Promotions by edge of a recipe whose net lead over the last 250 days is not below so many standard errors."""
    z, everyone = nightly_z(leads, HISTORY)
    seen = HISTORY + np.arange(NIGHTS)
    begin = seen - WINDOWS[-1]
    total, square = (np.cumsum(np.pad(values, ((0, 0), (0, 0), (1, 0))), axis=2) for values in (net, np.square(net)))
    mean, power = ((sums[:, :, seen] - sums[:, :, begin]) / WINDOWS[-1] for sums in (total, square))
    error = np.sqrt((power - np.square(mean)) / (WINDOWS[-1] - 1))
    z = np.where(mean >= errors * error, z, -np.inf)
    allowed = Thresholds.of(RECIPES).grown
    fell = everyone > (np.inf if allowed.together is None else allowed.together)
    return first_of(z, (z.max(axis=1) > allowed.threshold) | (fell & (z.max(axis=1) > 0.0)))


GUARDS: Mapping[str, float] = {
    "edge, with a guard: net lead not below −1.64 standard errors": -1.64,
    "edge, with a guard: net lead not below −1 standard error": -1.0,
    "edge, with a guard: net lead not below 0": 0.0,
}
