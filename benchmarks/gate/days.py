"""The first simulator draws days: daily scores of a champion and five recipes.

A day's score is the mean of 91 bars. Two recipes disagree on 25 % of the bars, two retrains of one on 8 %, so daily
accuracies differ with a deviation of √(0.25 / 91) = 5.2 points between recipes. The rest of a day's deviation,
√(0.25 / 91) again, is the market's and shared by all: differences do not see it, rules that compare different days do.
Where all recipes are compared with one champion they share its noise, and their leads are correlated by one half. The
simplest simulator of all has leads that are independent, each with a deviation of 5 points; it is kept beside, since it
flatters whoever waits for any of five recipes to lead. Days follow a first-order autoregression. Edge sees the same
gain with √2.2 times the signal.

Nothing here comes from ``flows``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]

RECIPES = 5
HISTORY = 250
NIGHTS = 250
BARS = 91
DISAGREE = 0.25
RETRAIN_DISAGREE = 0.08
EDGE_SIGNAL = np.sqrt(2.2)

DAILY = np.sqrt(DISAGREE / BARS)  # deviation of a daily difference between two recipes
OWN = DAILY / np.sqrt(2.0)  # of one recipe's own part
INDEPENDENT = 0.05  # deviation of a daily lead where leads are independent


@dataclass(frozen=True)
class Scenario:
    """Who is better than the champion, by how many points of accuracy, since which night.

    ``first``: gain of the first recipe, ``others``: of the others. ``fall``: what the champion loses at night
    ``fall_night`` (all recipes lead by it then). ``rise``: what the first recipe gains then; ``poor``: what the last
    two lose, always. ``wild``: how many times as large the variance of a day is from then on. ``history``: days of
    evidence before the first night.
    """

    name: str
    first: float = 0.0
    others: float = 0.0
    fall: float = 0.0
    fall_night: int = 0
    history: int = HISTORY
    autocorrelation: float = 0.0
    rise: float = 0.0
    poor: float = 0.0
    wild: float = 1.0

    def gains(self, recipes: int = RECIPES) -> Floats:
        """Points above the level of all, shape (1 + recipes, days); the champion is the first row."""
        gains = np.zeros((1 + recipes, self.history + NIGHTS))
        gains[1] = self.first
        gains[2:] = self.others
        gains[-2:] -= self.poor
        gains[0, self.history + self.fall_night :] = -self.fall
        gains[1, self.history + self.fall_night :] += self.rise
        return gains / 100.0


def autoregression(rng: np.random.Generator, shape: tuple[int, ...], coefficient: float) -> Floats:
    """Stationary, of unit variance, along the last axis."""
    noise = rng.standard_normal(shape)
    noise[..., 0] /= np.sqrt(1.0 - coefficient**2)
    return np.asarray(lfilter([np.sqrt(1.0 - coefficient**2)], [1.0, -coefficient], noise, axis=-1))


@dataclass(frozen=True)
class Days:
    """``market``: shape (years, 1, days); ``own``: shape (years, 1 + recipes, days), gains included, champion first."""

    market: Floats
    own: Floats
    gains: Floats
    autocorrelation: float

    @property
    def scores(self) -> Floats:
        """Daily scores less their long-run level, shape (years, 1 + recipes, days)."""
        return self.market + self.own

    @property
    def leads(self) -> Floats:
        """Daily lead of each recipe over the champion, shape (years, recipes, days)."""
        return self.own[:, 1:] - self.own[:, :1]

    def frozen(self, year: npt.ArrayLike, recipe: npt.ArrayLike, rng: np.random.Generator) -> Floats:
        """``own`` of a version of a recipe that is retrained no more: it differs from the stream on 8 % of the bars."""
        correlation = 1.0 - RETRAIN_DISAGREE / DISAGREE
        stream, gain = self.own[year, recipe], self.gains[recipe]
        noise = OWN * autoregression(rng, stream.shape, self.autocorrelation)
        return np.asarray(gain + correlation * (stream - gain) + np.sqrt(1.0 - correlation**2) * noise)


def independent_leads(scenario: Scenario, years: int, rng: np.random.Generator, *, signal: float = 1.0) -> Floats:
    """Daily leads over the champion that have nothing in common, shape (years, recipes, days)."""
    gains = signal * scenario.gains()
    shape = (years, RECIPES, gains.shape[1])
    return np.asarray(INDEPENDENT * autoregression(rng, shape, scenario.autocorrelation) + gains[1:] - gains[:1])


def simulate(scenario: Scenario, years: int, rng: np.random.Generator, *, signal: float = 1.0) -> Days:
    """``years`` independent histories and years of one scenario; ``signal`` is √2.2 where the score is edge."""
    shape = (years, 1 + RECIPES, scenario.history + NIGHTS)
    gains = signal * scenario.gains()
    market = OWN * autoregression(rng, (years, 1, shape[2]), scenario.autocorrelation)
    own = OWN * autoregression(rng, shape, scenario.autocorrelation)
    if scenario.wild != 1.0:
        louder = np.where(np.arange(shape[2]) >= scenario.history + scenario.fall_night, np.sqrt(scenario.wild), 1.0)
        market, own = market * louder, own * louder
    own = own + gains
    return Days(market, own, gains, scenario.autocorrelation)
