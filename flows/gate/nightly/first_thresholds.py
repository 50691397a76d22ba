"""The thresholds of a first champion: a year in which no recipe has skill brings one in one case of twenty.

While production is empty every night is one more try, of every recipe. The budget of such a year is split. Three fifths
belong to the night that begins the evidence, which sees the whole backfill at once; the rest to all later nights, on
which the window moves on by one day. A threshold counts every recipe that was ever scored for the model, also those
that were edited away: who tries five forms of a recipe has tried five recipes.

With no skill a stream's z (:mod:`~.sequential`) is standard normal, and K of them that have nothing in common exceed u
with the probability 1 − Φ(u)^K (Šidák, Journal of the American Statistical Association 62, 1967); streams that are
alike exceed it more rarely (Slepian, Bell System Technical Journal 41, 1962), and this is not counted on.

Over the later nights L, the z of the last T days is the increment of a random walk over a moving window. Its largest
value exceeds u with the probability::

    1 − Φ(u) + L / T · u φ(u) · ν(u √(2 / T))
    ν(x) = (2 / x) (Φ(x / 2) − 1/2) / (x / 2 · Φ(x / 2) + φ(x / 2))

(a tail of a stationary Gaussian process with correlation 1 − |t| / T: Pickands, Transactions of the American
Mathematical Society 145, 1969; ν, because it is looked at once a night and not all the time: Siegmund, Sequential
Analysis, 1985, §10; its form here: Siegmund and Yakir, The Statistics of Gene Mapping, 2007). The deviation of the days
is estimated and moves, too: simulated years exceed the formula by up to a tenth (``tests/flows/gate/nightly``), so
:data:`ESTIMATED` is taken off the budget. A window that still grows is looked at under the same threshold, which it
exceeds more rarely.

>>> first_thresholds(6, first_look=True)
FirstThresholds(tonight=2.571, later=3.472, recipes=6, longest=250, budget=0.05, first_look=True, over_weeks=True)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused
from flows.gate.nightly.calibration import BUDGET
from flows.gate.nightly.sequential import WINDOWS

FIRST_LOOK_SHARE = 0.6
"""Of the budget, for the night that begins the evidence: what has skill shows it in the backfill, or hardly at all."""

ESTIMATED = 1.12
"""How many times as often as by the formula a stream may exceed a threshold, since its deviation is estimated."""

_NORMAL = NormalDist()
_HIGHEST = 12.0  # beyond it a double knows no tail


@dataclass(frozen=True)
class FirstThresholds:
    """What the z of a stream against no skill must exceed: ``tonight``, and on ``later`` nights. ``recipes``: ever
    scored for the model; ``longest``: days of the window; ``first_look``: tonight begins the evidence.
    ``over_weeks``: as of a :class:`~flows.gate.nightly.calibration.Calibration`. ``of_middle``: what can be seen is
    said of the middle recipe; ``low_end``: z is widened by what is shown of a variance ratio, not by all of it. Not so
    in decisions made before."""

    tonight: float
    later: float
    recipes: int
    longest: int
    budget: float
    first_look: bool
    over_weeks: bool = True
    of_middle: bool = True
    low_end: bool = True


def first_thresholds(
    recipes: int, *, first_look: bool, longest: int = WINDOWS[-1], budget: float = BUDGET
) -> FirstThresholds:
    """The thresholds for this many recipes, rounded to three digits; more recipes never give a lower one.

    Raises :class:`GateRefused` for no recipes, a window of no length or a budget outside 0 to 1.
    """
    if recipes < 1 or longest < 1 or not 0.0 < budget < 1.0:
        raise GateRefused(
            f"{recipes} recipes, a window of {longest} days and a yearly budget of {budget}: give at least one recipe, "
            "one day and a probability"
        )
    at_once = _NORMAL.inv_cdf((1.0 - FIRST_LOOK_SHARE * budget) ** (1.0 / recipes))
    each = -math.expm1(math.log1p(-(1.0 - FIRST_LOOK_SHARE) * budget) / recipes)
    later = round(_exceeded_by(each / ESTIMATED, longest), 3)
    return FirstThresholds(round(at_once, 3) if first_look else later, later, recipes, longest, budget, first_look)


def exceeds(u: float, longest: int) -> float:
    """Probability that a stream without skill exceeds u on any of the later nights of a year."""
    x = u * math.sqrt(2.0 / longest)
    discrete = (2.0 / x) * (_NORMAL.cdf(x / 2) - 0.5) / (x / 2 * _NORMAL.cdf(x / 2) + _NORMAL.pdf(x / 2))
    later = (NIGHTS_A_YEAR - 1) / longest
    return _NORMAL.cdf(-u) + later * u * _NORMAL.pdf(u) * discrete


def _exceeded_by(probability: float, longest: int) -> float:
    low, high = 1.0, _HIGHEST  # from 1 on the probability falls
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if exceeds(middle, longest) > probability else (low, middle)
    return high
