"""The second simulator draws bars: probabilities and hits of a champion and five recipes, 91 bars a day.

What a recipe thinks of a bar is the sum of what the market shows to all, what this recipe sees in it (it persists over
retrains), and what its version of the day sees (it does not), each an autoregression of 0.9 from bar to bar, so that a
side changes every seven bars. Their shares make recipes disagree on 25 % of the bars and retrains of one on 8 %. A
label is up with a probability of one half plus what the thoughts of the recipes are worth, by noise that depends a
little on the bar before. Accuracy comes out as asked for by solving for that worth; the same signal is then worth about
√2.2 times as much to a score that uses the size of a probability. Where days depend on each other, what a recipe was
right more than expected yesterday is its expectation today, times the autocorrelation.

Nothing here comes from ``flows``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from benchmarks.gate.days import BARS, DISAGREE, RECIPES, RETRAIN_DISAGREE, Floats, Scenario, autoregression

WARM_UP = 6
"""Days before the history, so that a rank has its first 500 bars."""

LEVEL = 0.01
"""What every recipe is right above one half, before anyone's gain."""

_ALL = np.cos(np.pi * DISAGREE)  # the correlation at which two Gaussian signs differ that often
_RECIPE = np.cos(np.pi * RETRAIN_DISAGREE) - _ALL
_VERSION = 1.0 - _ALL - _RECIPE
_BAR_TO_BAR = 0.9
_LABEL_TO_LABEL = 0.05


@dataclass(frozen=True)
class Bars:
    """``p``: probabilities, shape (years, 1 + recipes, n_bars), champion first; ``up``: shape (years, n_bars)."""

    p: Floats
    up: npt.NDArray[np.bool_]
    days: int


def simulate(scenario: Scenario, years: int, rng: np.random.Generator, *, worth: Floats | None = None) -> Bars:
    """``years`` independent warm-ups, histories and years of one scenario. ``worth``: shape (years, days, bars), how
    much of what recipes know each bar shows, on average 1; by default all bars the same."""
    gains = scenario.gains()
    gains = np.concatenate([np.repeat(gains[:, :1], WARM_UP, axis=1), gains], axis=1)
    days = gains.shape[1]
    own = (years, 1 + RECIPES, days, BARS)
    lasting = np.sqrt(_ALL) * autoregression(rng, (years, 1, days, BARS), _BAR_TO_BAR)
    lasting = lasting + np.sqrt(_RECIPE) * autoregression(rng, own, _BAR_TO_BAR)
    thought = lasting + np.sqrt(_VERSION) * autoregression(rng, own, _BAR_TO_BAR)
    lasting /= np.sqrt(_ALL + _RECIPE)
    draw = ndtr(autoregression(rng, (years, days, BARS), _LABEL_TO_LABEL))
    shown = np.ones(draw.shape) if worth is None else worth
    return Bars(
        p=ndtr(0.1 * thought).reshape(years, 1 + RECIPES, -1),
        up=_labels(lasting, thought > 0.0, draw, LEVEL + gains, scenario.autocorrelation, shown).reshape(years, -1),
        days=days,
    )


def _labels(
    lasting: Floats,
    says_up: npt.NDArray[np.bool_],
    draw: Floats,
    gains: Floats,
    autocorrelation: float,
    shown: Floats,
) -> npt.NDArray[np.bool_]:
    """Whether each bar went up, shape (years, days, bars), day after day."""
    years, recipes, days, bars = lasting.shape
    # accuracy above one half of recipe j = Σ worth_k · E[sign(thought_j) · lasting_k]
    correlation = np.full((recipes, recipes), _ALL / np.sqrt(_ALL + _RECIPE))
    np.fill_diagonal(correlation, np.sqrt(_ALL + _RECIPE))
    solve = np.linalg.inv(np.sqrt(2.0 / np.pi) * correlation)
    up = np.empty((years, days, bars), dtype=np.bool_)
    surprise = np.zeros((years, recipes))
    for day in range(days):
        expected = gains[:, day] + autocorrelation * surprise
        worth = expected @ solve.T
        up[:, day] = draw[:, day] < 0.5 + shown[:, day] * np.einsum("yr,yrb->yb", worth, lasting[:, :, day])
        surprise = (says_up[:, :, day] == up[:, None, day]).mean(axis=2) - 0.5 - gains[:, day]
    return up


def signal_ratio(bars: Bars) -> float:
    """Signal-to-noise a day of the first recipe's lead over the champion: a score by ranks over accuracy."""
    side = np.where(bars.up, 1.0, -1.0)[:, None]
    by_rank = side * (2.0 * ndtr((bars.p[:, :2] - 0.5) / bars.p[:, :2].std()) - 1.0)
    by_side = side * np.sign(bars.p[:, :2] - 0.5)

    def per_day(score: Floats) -> float:
        lead = (score[:, 1] - score[:, 0]).reshape(len(score), bars.days, BARS).mean(axis=2)
        return float(lead.mean() / lead.std())

    return per_day(by_rank) / per_day(by_side)
