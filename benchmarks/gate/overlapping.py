"""The third simulator draws bars whose labels look several bars ahead, so that labels of neighbouring bars overlap.

The label of a bar is whether the sum of the next h moves is above zero. It shares h − k moves with the label k bars
later, also where that bar is of the next day. Two daily scores then depend on each other as far as predictions persist,
too: what a stream says of a bar is a sum of autoregressions, as slow as the real streams of a question that long
(:mod:`benchmarks.gate.labels` measures them). A day has 96 bars, of which 91 count, as on real bars without the
rollover hour; weekends are left out, over which no label of the project reaches.

Every bar is simulated, ranked and scored: sums of days alone would not be exact, since ranks, the cut and the base look
back on the bars of a month. Ranks and bases are the gate's own; a base and ``no_skill`` know the labels only of bars
that are h bars old. The version of a day has the median of its stream's last 2,000 predictions before that day as cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.gate.days import BARS, DISAGREE, HISTORY, NIGHTS, RECIPES, Floats, Scenario, autoregression
from flows.gate.scoring.scores import TRAILING_BARS, base_so_far, trailing_base, trailing_rank

DAY = 96
"""Bars of a trading day of 15 minutes."""

HORIZONS = (1, 4, 16, 48, DAY)
"""Bars that a label looks ahead: the next bar, an hour, four hours, half a day, a day."""

WARM_UP = 24
"""Days before the history, so that ranks and bases have a month of known labels."""

FAST = 0.9
"""What is left one bar later of a stream that follows the last few hours."""

Parts = Sequence[tuple[float, float]]
"""Of what a stream says: shares of its variance, and how much of each is left one bar later."""


@dataclass(frozen=True)
class RecipeWorld:
    """Recipes beside a champion. ``alike``: correlation of what two of them say; ``champion``: of the champion with
    each. ``odd``: the first says always the same, the second the opposite of the third. ``one_slow``: what
    the first says has the parts asked for, and what others say is forgotten within a few hours."""

    name: str
    alike: float = float(np.cos(np.pi * DISAGREE))
    champion: float = float(np.cos(np.pi * DISAGREE))
    recipes: int = RECIPES
    odd: bool = False
    one_slow: bool = False

    @property
    def correlation(self) -> Floats:
        """Of champion and recipes, shape (1 + recipes, 1 + recipes)."""
        found = np.full((1 + self.recipes, 1 + self.recipes), self.alike)
        found[0], found[:, 0] = self.champion, self.champion
        np.fill_diagonal(found, 1.0)
        return found


EQUAL = RecipeWorld("five equal")


@dataclass(frozen=True, eq=False)
class Predictions:
    """What champion and recipes say of each bar, arrays of shape (years, 1 + recipes, n_bars): ``thought``, ``rank``
    among the stream's last 2,000, and by how much it is ``above`` the cut, in deviations. ``world`` is whose they
    are."""

    thought: Floats
    rank: Floats
    above: Floats
    world: RecipeWorld

    @property
    def up(self) -> npt.NDArray[np.bool_]:
        """The side."""
        return self.above > 0.0

    @cached_property
    def left(self) -> Floats:
        """Autocorrelation of what streams say above their cut, 0 to 95 bars later: shape (96,)."""
        moving = self.above[:, self.above.std(axis=(0, 2)) > 0.0]
        bars = moving.shape[-1]
        return np.array([np.vdot(moving[..., k:], moving[..., : bars - k]) / moving[..., k:].size for k in range(DAY)])

    @property
    def days(self) -> int:
        return self.thought.shape[-1] // DAY


def predictions(world: RecipeWorld, parts: Parts, years: int, rng: np.random.Generator) -> Predictions:
    """Predictions that know nothing of any move, of so many independent warm-ups, histories and years."""
    days = WARM_UP + HISTORY + NIGHTS
    shape = (years, 1 + world.recipes, days * DAY)
    drawn = _mixture(rng, shape, parts)
    if world.one_slow:
        others = [at for at in range(shape[1]) if at != 1]
        drawn[:, others] = autoregression(rng, (years, len(others), shape[2]), FAST)
        thought = drawn
    else:
        thought = np.einsum("jk,ykb->yjb", np.linalg.cholesky(world.correlation), drawn)
    if world.odd:
        thought[:, 1], thought[:, 2] = 0.0, -thought[:, 3]
    rank = np.array([[trailing_rank(stream) for stream in year] for year in thought])
    above = thought - np.repeat(_cuts(thought), DAY, axis=-1)
    above /= np.maximum(above.std(axis=(0, 2), keepdims=True), np.finfo(np.float64).tiny)
    return Predictions(thought, rank, above, world)


def _mixture(rng: np.random.Generator, shape: tuple[int, ...], parts: Parts) -> Floats:
    found = np.zeros(shape)
    for share, coefficient in parts:
        found += np.sqrt(share) * autoregression(rng, shape, coefficient)
    return found


def _cuts(thought: Floats) -> Floats:
    """The cut of each day's versions, shape (years, streams, days); 0 before there is a month."""
    before = -(-TRAILING_BARS // DAY)
    cuts = np.zeros((*thought.shape[:-1], thought.shape[-1] // DAY))
    for day in range(before, cuts.shape[-1]):
        cuts[..., day] = np.median(thought[..., day * DAY - TRAILING_BARS : day * DAY], axis=-1)
    return cuts


def market(years: int, days: int, rng: np.random.Generator) -> Floats:
    """Moves that follow each bar, shape (years, n_bars + 96), which nothing can predict."""
    return rng.standard_normal((years, days * DAY + DAY))


def labels(moves: Floats, said: Predictions, horizon: int, scenario: Scenario | None = None) -> Floats:
    """1 where the sum of the ``horizon`` moves that follow a bar is above zero, else 0: shape (years, n_bars).

    ``scenario``: who is right more often, and since when; its gains are put into the market as a drift of what each
    stream says, above its cut, which is what its side shows. Without it nobody is right more often.
    """
    bars = said.thought.shape[-1]
    drifting = moves.copy()
    if scenario is not None:
        gains = scenario.gains(said.world.recipes)
        gains = np.concatenate([np.repeat(gains[:, :1], WARM_UP, axis=1), gains], axis=1)
        # of two normal variables with correlation c the signs agree on 1/2 + asin(c) / π
        correlation = np.sin(np.pi * gains) * np.sqrt(horizon) / said.left[:horizon].sum()
        worth = np.repeat(np.linalg.solve(said.world.correlation, correlation), DAY, axis=1)
        drifting[:, :bars] += np.einsum("jb,yjb->yb", worth, said.above)
    total = np.concatenate([np.zeros((len(moves), 1)), np.cumsum(drifting, axis=1)], axis=1)
    return (total[:, horizon : horizon + bars] > total[:, :bars]).astype(np.float64)


def daily(said: Predictions, label: Floats, score: str, horizon: int) -> Floats:
    """Mean score of each stream on each day above no skill, warm-up left out: shape (years, 1 + recipes, days).

    No skill has an edge of zero; by accuracy it says the side of the majority of all known labels.
    """
    if score == "edge":
        base = np.array([trailing_base(year, horizon=horizon) for year in label])
        return _by_day(2.0 * label - 1.0 - base, said.rank)
    drift = np.array([base_so_far(year, horizon=horizon) for year in label])
    market = 2.0 * label - 1.0
    no_skill = _by_day(market, np.where(drift > 0.0, 0.5, -0.5)[:, None])
    return _by_day(market, np.where(said.above > 0.0, 0.5, -0.5)) - no_skill


def _by_day(market: Floats, said: Floats) -> Floats:
    """Daily mean, over counted bars, of ``market``, (years, n_bars), times ``said``, (years, streams, n_bars)."""
    shape = (*said.shape[:-1], said.shape[-1] // DAY, DAY)
    moved = market.reshape(shape[0], 1, *shape[2:])[:, :, WARM_UP:, :BARS]
    return np.asarray(np.einsum("ysdb,ysdb->ysd", said.reshape(shape)[:, :, WARM_UP:, :BARS], moved) / BARS)
