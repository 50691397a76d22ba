"""A CUSUM chart watches whether the champion has got worse than it used to be.

Each trading day's score is compared with a baseline of at least 250 out-of-sample days before the champion's promotion
window; never with the promotion window itself, which was chosen because it was good (the winner's curse). What falls
short adds up (Page, "Continuous inspection schemes", Biometrika 41, 1954)::

    x_i = (baseline mean − score_i) / deviation_i        S_i = max(0, S_{i−1} + w_i (x_i − 0.25))

and the alarm is raised by the first S above a threshold that a champion which has not changed exceeds in one year of
twenty, found by simulation for the number of days in the baseline: a short baseline is known less well and needs more
room. It lasts until S is zero again.

A day weighs w_i, its bars over those of the baseline's mean day: S then adds up bars, and a half day moves it half as
far. deviation_i is the baseline's, or that of the last 40 days around their own mean where it is larger: a market that
becomes wilder is no champion that became worse. A calmer one changes nothing.

>>> base = baseline(scores_before)                       # daily mean scores, one a trading day
>>> watch(scores_since, base).alarm
CusumAlarm(at=61, since=12, days=50, mean=0.0021, baseline_mean=0.0118, cusum=11.9, threshold=11.7, provisional=False)
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused
from flows.gate.nightly.sequential import day_autocorrelation, pooled, variance_inflation

__all__ = ["ALLOWANCE", "BASELINE_DAYS", "Baseline", "CusumAlarm", "Watch", "alarm_threshold", "baseline", "watch"]


ALLOWANCE = 0.25
"""What a day may fall short, in daily deviations, before it counts: half of the fall looked for (Page). A loss of two
points of accuracy is 0.38 deviations with 91 bars a day, the same loss seen by edge 0.57; this lies between."""

BASELINE_DAYS = NIGHTS_A_YEAR
"""A shorter baseline is provisional, and every alarm from it says so."""

MINIMUM_DAYS = 40
"""Fewer days than this are no baseline at all."""

BUDGET = 0.05
"""Probability of a false alarm in a year: one in twenty years."""

PATHS = 20_000
SEED = 20_250_102
RECENT = 40
"""Days that say how much a day varies now."""

FEWEST_RECENT = 10
"""With fewer days since the promotion the baseline's deviation is believed."""

_LONGEST = 1_000  # days; a longer baseline changes the threshold by less than simulation can tell


@dataclass(frozen=True)
class Baseline:
    """What the champion's daily score used to be: its mean a bar, and the deviation of a day with the mean number of
    ``bars``, with the days' autocorrelation in it: ``inflation`` times as large as that of independent days."""

    mean: float
    deviation: float
    days: int
    inflation: float = 1.0
    bars: float = 1.0

    @property
    def provisional(self) -> bool:
        """True where fewer days than 250 are behind it."""
        return self.days < BASELINE_DAYS


@dataclass(frozen=True)
class CusumAlarm:
    """The champion has got worse, and still is. ``at``: index of the day that raised the alarm; ``since``: of the first
    day of the fall, after which S never returned to zero; ``mean``: mean score of the ``days`` from then on."""

    at: int
    since: int
    days: int
    mean: float
    baseline_mean: float
    cusum: float
    threshold: float
    provisional: bool


@dataclass(frozen=True, eq=False)
class Watch:
    """``cusum``: S after each day, shape (n_days,); ``alarm``: that of the fall that lasts, or None."""

    cusum: Floats
    threshold: float
    alarm: CusumAlarm | None


def baseline(scores: npt.ArrayLike, bars: npt.ArrayLike | None = None) -> Baseline:
    """The baseline of daily scores, shape (n_days,), oldest first, all of them out of sample. ``bars``: behind each,
    shape (n_days,); the same for all where not given.

    Raises :class:`GateRefused` with fewer than 40 days, a score that is not finite, bars that are not positive, or days
    that never differ.
    """
    daily, behind = _daily(scores, bars)
    if daily.size < MINIMUM_DAYS:
        raise GateRefused(
            f"a baseline needs {MINIMUM_DAYS} out-of-sample days and has {daily.size}: backfill the evidence, or wait"
        )
    weights = behind / behind.mean()
    mean = float(np.average(daily, weights=weights))
    deviation = float(np.sqrt((weights * np.square(daily - mean)).sum() / (daily.size - 1)))
    correlation = float(day_autocorrelation(daily))
    if np.isnan(correlation):
        raise GateRefused(f"all {daily.size} days of the baseline score {daily[0]}: a model that never varies has none")
    inflation = float(variance_inflation(pooled([correlation])))
    return Baseline(mean, deviation * inflation, int(daily.size), inflation, float(behind.mean()))


def watch(scores: npt.ArrayLike, base: Baseline, bars: npt.ArrayLike | None = None, *, budget: float = BUDGET) -> Watch:
    """The CUSUM of the champion's daily scores since the baseline, shape (n_days,), and its alarm, which ends when S is
    zero again: what fell has been made up for. ``bars``: behind each day; those of the baseline's where not given.

    A score that is better on every day raises no alarm, and a day changes nothing before it. No days: no alarm.

    Raises :class:`GateRefused` for a score that is not finite, or bars that are not positive.
    """
    daily, behind = _daily(scores, bars)
    weights = np.ones(daily.size) if bars is None else behind / base.bars
    threshold = alarm_threshold(min(base.days, _LONGEST), budget=budget)
    cusum, since, at = np.zeros(daily.size), 0, -1
    level, start = 0.0, 0
    for i, short in enumerate(weights * ((base.mean - daily) / _deviations(daily, weights, base) - ALLOWANCE)):
        if level == 0.0:
            start = i
        level = max(0.0, level + float(short))
        cusum[i] = level
        if level == 0.0:
            at = -1
        elif level > threshold and at < 0:
            at, since = i, start
    if at < 0:
        return Watch(cusum, threshold, None)
    fall = float(np.average(daily[since:], weights=weights[since:]))
    alarm = CusumAlarm(
        at, since, int(daily.size - since), fall, base.mean, float(cusum[at]), threshold, base.provisional
    )
    return Watch(cusum, threshold, alarm)


def _deviations(daily: Floats, weights: Floats, base: Baseline) -> Floats:
    """What each day is divided by, shape (n_days,): the baseline's deviation, or the recent days' if it is larger."""
    from_base = daily - base.mean  # near zero, so that differences of sums lose no digits
    sums = [np.concatenate([[0.0], np.cumsum(each)]) for each in (weights, weights * from_base, weights * from_base**2)]
    end = np.arange(1, daily.size + 1)
    n = np.minimum(end, RECENT)
    weight, first, second = (total[end] - total[end - n] for total in sums)
    variance = np.maximum(second - first**2 / weight, 0.0) / np.maximum(n - 1, 1)
    recent = np.where(n >= FEWEST_RECENT, np.sqrt(variance) * base.inflation, 0.0)
    return np.maximum(base.deviation, recent)


@cache
def alarm_threshold(days: int, *, budget: float = BUDGET, paths: int = PATHS, seed: int = SEED) -> float:
    """The S that an unchanged champion exceeds within 250 nights with probability ``budget``, given a baseline of
    ``days`` days; rounded to two digits. By simulation of independent normal days, in a second.

    Raises :class:`GateRefused` for a budget that the number of paths cannot resolve.
    """
    if not 50 / paths <= budget < 1.0:
        raise GateRefused(f"a yearly budget of {budget} cannot be told from {paths} simulated years: {50 / paths} is")
    rng = np.random.default_rng((seed, days))
    mean = rng.standard_normal(paths) / np.sqrt(days)  # of the baseline's estimate; its deviation is independent of it
    deviation = np.sqrt(rng.chisquare(days - 1, paths) / (days - 1))
    level, highest = np.zeros(paths), np.zeros(paths)
    first, second = np.zeros(paths), np.zeros(paths)
    recent: deque[Floats] = deque()
    for _ in range(NIGHTS_A_YEAR):
        recent.append(rng.standard_normal(paths))
        first, second = first + recent[-1], second + recent[-1] ** 2
        if len(recent) > RECENT:
            gone = recent.popleft()
            first, second = first - gone, second - gone**2
        n, divided = len(recent), deviation
        if n >= FEWEST_RECENT:
            divided = np.maximum(deviation, np.sqrt((second - first**2 / n) / (n - 1)))
        level = np.maximum(0.0, level + (mean - recent[-1]) / divided - ALLOWANCE)
        highest = np.maximum(highest, level)
    return round(float(np.quantile(highest, 1.0 - budget)), 2)


def _daily(scores: npt.ArrayLike, bars: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    daily = np.asarray(scores, dtype=np.float64)
    if daily.ndim != 1:
        raise GateRefused(f"daily scores have shape {daily.shape}: the watch follows one champion, one number a day")
    wrong = np.flatnonzero(~np.isfinite(daily))
    if wrong.size:
        raise GateRefused(f"the score of day {wrong[0]} is {daily[wrong[0]]}: leave out days that are no evidence")
    behind = np.ones(daily.size) if bars is None else np.asarray(bars, dtype=np.float64)
    if behind.shape != daily.shape or not (np.isfinite(behind) & (behind > 0.0)).all():
        raise GateRefused(
            f"bars of shape {behind.shape} beside {daily.size} daily scores, or a day without bars: count the bars "
            "that each day stands on"
        )
    return daily, behind
