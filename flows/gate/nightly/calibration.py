"""This module computes the thresholds that hold the gate's error rate for a whole year of nights, by simulation.

A year of nights in which no recipe is better than the champion is played many times: independent normal days, the
champion's noise shared by all differences (so that any two are correlated by one half), 250 days of history before the
first night, every window of every recipe looked at on every night that decides. The threshold is the value that the
largest z of such a year exceeds with the probability of the yearly error budget. The mean of all recipes
(:func:`flows.gate.nightly.sequential.together`) has two fifths of the budget and a threshold of its own, the recipes
the rest: both together cannot spend more than there is, however recipes depend on each other.

A young champion has no history to be judged on, and so fewer looks in its first year: its thresholds are those of a
year that begins with the promotion, until the longest window is full. Recipes and their mean may be of different age:
a lead begins with its recipe's first day, so after all recipes were edited none of theirs has been looked at, however
old the champion is. The mean goes on through such an edit and has been looked at for as long as the champion served.

Nothing of the present data enters, so a threshold is known before the evidence is looked at. What real days do
differently is taken care of elsewhere: autocorrelation by the factor in :mod:`flows.gate.nightly.sequential` (its
estimate is floored at zero and not simulated here, which errs on the careful side), heavy tails and uneven days by the
many bars in a day. ``benchmarks/gate`` measures what is left, with simulators of its own.

>>> calibrate(recipes=5).threshold, calibrate(recipes=5).together
(3.468, 3.408)
>>> calibrate(5, YearOfNights(cadence=5)).threshold        # decide once a week: fewer looks
3.399
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused
from flows.gate.nightly.remembered import remembered
from flows.gate.nightly.sequential import RECENT_WINDOWS, WINDOWS, fewest_days, normal_from_t
from flows.gate.nightly.thresholds import SETTINGS, shipped

__all__ = [
    "BUDGET",
    "PATHS",
    "SEED",
    "SMALLEST_BUDGET",
    "TOGETHER_SHARE",
    "Calibration",
    "Simulation",
    "YearOfNights",
    "calibrate",
    "simulation_of",
]

BUDGET = 0.05
"""Probability of a false promotion in a year: one in twenty years."""

TOGETHER_SHARE = 0.4
"""Of the budget, for the mean of all recipes: chosen by what ``benchmarks/gate`` finds, see ``docs/gate.md``."""

PATHS = 20_000
"""Simulated years; the threshold's standard error is then about 0.01."""

BEYOND = 50
"""Simulated years that the budget must hold, or nothing is known of a threshold."""

BEYOND_SMALL = 200
"""Those that a budget holds which is too small for :data:`PATHS`, a model's share of a fleet's for one: as many years
are simulated as that takes."""

SMALLEST_BUDGET = 0.0001
"""Two million years, minutes: once for a user of a machine."""

SEED = 20_250_101
"""Fixed, so that the same question has the same answer everywhere."""

_CHUNK = 500  # years at once, 250 thousand days: fits the processor's cache


@dataclass(frozen=True)
class Calibration:
    """Thresholds of a recipe's z and of the mean's (None with one recipe: it is its own mean), and everything needed to
    compute them again; it goes into the decision record. ``young``: of a first year; ``young_together``: the mean's.
    ``over_weeks``: days that depend on each other over weeks widen z (:mod:`~.dependence`), and ``by_shares``: recipes
    that lead count more in the mean of all (:mod:`~.shares`), as they do in all decisions but those made before."""

    threshold: float
    together: float | None
    recipes: int
    windows: tuple[int, ...]
    cadence: int
    budget: float
    nights: int
    paths: int
    seed: int
    young: bool = False
    young_together: bool = False
    over_weeks: bool = True
    by_shares: bool = True


@dataclass(frozen=True)
class YearOfNights:
    """The year that a threshold is for. ``cadence``: nights from one decision to the next (1 nightly, 5 weekly).
    ``budget``: probability of at least one false promotion in the year. ``young``: a year before which no recipe was
    looked at. ``young_together``: the same of the recipes' mean, ``young`` where not given.

    Raises :class:`GateRefused` for a cadence or windows that no year has, or a budget outside 0 to 1.
    """

    windows: tuple[int, ...] = WINDOWS
    cadence: int = 1
    budget: float = BUDGET
    young: bool = False
    young_together: bool | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.cadence <= NIGHTS_A_YEAR:
            raise GateRefused(f"recipes are judged every {self.cadence} nights: give a cadence of 1 to {NIGHTS_A_YEAR}")
        if not self.windows or sorted(set(self.windows)) != list(self.windows) or self.windows[0] < 3:
            raise GateRefused(f"the windows {self.windows} must be increasing numbers of days, from 3 up")

    @property
    def mean_is_young(self) -> bool:
        return self.young if self.young_together is None else self.young_together


@dataclass(frozen=True)
class Simulation:
    """How many years are simulated, and from which seed."""

    paths: int = PATHS
    seed: int = SEED


USUAL_YEAR, USUAL_SIMULATION = YearOfNights(), Simulation()


def simulation_of(budget: float) -> Simulation:
    """As many years as a budget of this size needs: :data:`PATHS` where they hold :data:`BEYOND` of them."""
    if not 0.0 < budget < BEYOND / PATHS:
        return USUAL_SIMULATION
    return Simulation(paths=_CHUNK * math.ceil(BEYOND_SMALL / budget / _CHUNK))


def calibrate(recipes: int, year: YearOfNights = USUAL_YEAR, *, simulation: Simulation | None = None) -> Calibration:
    """The z to be exceeded with this many recipes, rounded to three digits.

    At the shipped settings from a table (:mod:`~.thresholds`), else simulated: a second a recipe, once for a user of a
    machine (:mod:`~.remembered`). ``simulation``: by default as many years as the budget needs (:func:`simulation_of`).

    ``recipes`` counts the distinct fingerprints tried in the last 250 nights. More recipes never give a lower
    threshold: the noise of a recipe does not depend on how many others there are.

    Raises :class:`GateRefused` for no recipes, or a budget that the number of paths cannot resolve (fewer than 50 of
    them in the whole budget).
    """
    if recipes < 1:
        raise GateRefused(f"{recipes} recipes are to be judged: give at least 1")
    simulation = simulation or simulation_of(year.budget)
    least = max(BEYOND / simulation.paths, SMALLEST_BUDGET if simulation.paths > PATHS else 0.0)
    if not least <= year.budget < 1.0:
        raise GateRefused(
            f"a yearly budget of {year.budget} cannot be told from {simulation.paths} simulated years: at least "
            f"{least} can"
        )
    settings = {
        "windows": year.windows,
        "recent_windows": RECENT_WINDOWS,
        "cadence": year.cadence,
        "budget": year.budget,
        "together_share": TOGETHER_SHARE,
        "nights": NIGHTS_A_YEAR,
        "paths": simulation.paths,
        "seed": simulation.seed,
    }
    tabled = None
    if settings == SETTINGS:
        tabled = shipped(recipes, young=year.young, young_together=year.mean_is_young)
    asked = {**settings, "recipes": recipes, "young": year.young, "young_together": year.mean_is_young}
    threshold, together = tabled or remembered(asked, lambda: simulated(recipes, year, simulation))
    return Calibration(
        threshold=threshold,
        together=together,
        recipes=recipes,
        windows=year.windows,
        cadence=year.cadence,
        budget=year.budget,
        nights=NIGHTS_A_YEAR,
        paths=simulation.paths,
        seed=simulation.seed,
        young=year.young,
        young_together=year.mean_is_young,
    )


def simulated(recipes: int, year: YearOfNights, simulation: Simulation) -> tuple[float, float | None]:
    """The thresholds of a recipe and of the mean, as :func:`calibrate` where no table has them."""
    longest = max(year.windows[-1], RECENT_WINDOWS[-1])
    history = 0 if year.young else longest
    largest = _largest_z(0, year.windows, year.cadence, history, simulation)
    for recipe in range(1, recipes):
        largest = np.maximum(largest, _largest_z(recipe, year.windows, year.cadence, history, simulation))
    share = TOGETHER_SHARE if recipes > 1 else 0.0
    threshold = round(float(np.quantile(largest, 1.0 - year.budget * (1.0 - share))), 3)
    if not share:
        return threshold, None
    # the mean's days are normal like a recipe's, and its z is by its own deviation: any series will do
    alone = _largest_z(0, RECENT_WINDOWS, year.cadence, 0 if year.mean_is_young else longest, simulation)
    return threshold, round(float(np.quantile(alone, 1.0 - year.budget * share)), 3)


@cache
def _largest_z(
    recipe: int, windows: tuple[int, ...], cadence: int, history: int, simulation: Simulation
) -> npt.NDArray[np.float32]:
    """The largest z that one recipe shows in each simulated year, over all windows and deciding nights: (paths,)."""
    chunks = []
    for start in range(0, simulation.paths, _CHUNK):
        shape = (history + NIGHTS_A_YEAR, min(_CHUNK, simulation.paths - start))
        champion, own = (
            np.random.default_rng((simulation.seed, start, stream)).standard_normal(shape, dtype=np.float32)
            for stream in (0, recipe + 1)
        )
        chunks.append(_year(own - champion, windows, cadence, history))
    return np.concatenate(chunks)


def _year(d: npt.NDArray[np.float32], windows: tuple[int, ...], cadence: int, history: int) -> npt.NDArray[np.float32]:
    """Largest z over windows and nights of each column of daily differences: shape (paths,) from (n_days, paths)."""
    origin = np.zeros((1, d.shape[1]), dtype=np.float32)
    total = np.concatenate([origin, np.cumsum(d, axis=0)])
    square = np.concatenate([origin, np.cumsum(np.square(d), axis=0)])
    looks = np.arange(history + 1, history + NIGHTS_A_YEAR + 1, cadence)  # days seen on each night that decides
    looks = looks[looks >= fewest_days(windows)]
    if not looks.size:
        return np.full(d.shape[1], -np.inf, dtype=np.float32)

    def moments(seen: npt.NDArray[np.int64], n: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float32], ...]:
        days = n[:, None].astype(np.float32)
        mean = (total[seen] - total[seen - n]) / days
        spread = (square[seen] - square[seen - n]) / days - np.square(mean)
        return mean, spread * (days / (days - 1)), days

    longest = np.minimum(looks, windows[-1])
    mean, believed, days = moments(looks, longest)
    best = mean / np.sqrt(believed / days)
    for n in windows[:-1]:
        full = looks >= n
        mean, variance, days = moments(looks[full], np.full(int(full.sum()), n))
        best[full] = np.maximum(best[full], mean / np.sqrt(np.maximum(variance, believed[full]) / days))
    return np.asarray(normal_from_t(best, longest[:, None] - 1.0).max(axis=0), dtype=np.float32)
