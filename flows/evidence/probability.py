"""The map from a version's score to a probability, fitted on the ledger: bars that no version behind it was trained on.

A logistic line through the standardised log-odds of the score (Platt, 1999), whose slope is shrunk towards 0, the base
rate, by the positive part of James and Stein (1961): ``slope * max(0, 1 - variance / slope²)``. Its variances are by
trading days (the sandwich of Liang and Zeger, 1986), since bars of one day share the day's market. Why this form:
``docs/decisions/0008-probability.md``.

Whether it is used is judged on the last 250 days, each by the map of the days before it, beside the base rate of the
days before it. Every night fits it anew; ranks, sides and the gate read scores and know nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.gate.nightly.leads import with_its_past
from flows.gate.scoring.ledger import Ledger, recipe_stream, version_stream
from registry.model.probability import DAYS_JUDGED, ProbabilityMap, log_odds, share_of

FIRST_DAYS = 60
"""Trading days that a map is fitted on at least."""

_STEPS = 25
_CLOSE = 1e-9
_DIGITS = 9
_FLAT = 1e-6
_STEPS_A_DEVIATION = 32
"""Log-odds are counted in steps of a 32nd of their deviation: a slope changes by less than a thousandth of itself, and
the 250 fits of a night take a fifth of a second on 310 days instead of one (``python -m benchmarks.probability``)."""
_RIDGE = np.diag([0.0, 1.0])
"""Keeps the slope finite where scores tell all labels apart; on thousands of bars it is nothing."""


@dataclass(frozen=True, eq=False)
class ScoredDays:
    """Scores and labels of counted bars in order of time, shape (n_bars,); ``starts``: where each trading day begins,
    and the number of bars, shape (n_days + 1,)."""

    score: Floats
    label: Floats
    starts: npt.NDArray[np.intp]

    @classmethod
    def of(cls, score: Floats, label: Floats, day: npt.NDArray[np.datetime64]) -> ScoredDays:
        """``day``: the trading day of each bar, never decreasing."""
        changes = np.flatnonzero(day[1:] != day[:-1]) + 1
        return cls(score, label, np.concatenate([[0], changes, [day.size]]) if day.size else np.zeros(1, np.intp))

    @property
    def days(self) -> int:
        return self.starts.size - 1

    def by_day(self, values: Floats) -> Floats:
        """Sums of each day, shape (n_days, ...)."""
        return np.asarray(np.add.reduceat(values, self.starts[:-1], axis=0), np.float64)


@dataclass(frozen=True, eq=False)
class _Counts:
    """Scored days as counts: at each step of the log-odds, ``odds``: shape (n_steps,), how many ``bars`` each day has
    and how many of them went ``up``, shape (n_days, n_steps), with their running sums."""

    odds: Floats
    bars: Floats
    up: Floats
    bars_so_far: Floats
    up_so_far: Floats

    @classmethod
    def of(cls, scored: ScoredDays) -> _Counts:
        odds = log_odds(scored.score)
        width = max(float(odds.std()), _FLAT) / _STEPS_A_DEVIATION
        step, place = np.unique(np.rint((odds - odds.mean()) / width), return_inverse=True)
        cell = np.repeat(np.arange(scored.days), np.diff(scored.starts)) * step.size + place
        shape = scored.days, step.size
        bars, up = (
            np.bincount(cell, weights, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
            for weights in (None, scored.label)
        )
        return cls(odds.mean() + width * step, bars, up, bars.cumsum(axis=0), up.cumsum(axis=0))


@dataclass(frozen=True, eq=False)
class _Line:
    """A fitted line, its slope shrunk; ``covariance``: shape (2, 2), by days. The next fit starts ``unshrunk``."""

    base: float
    centre: float
    scale: float
    intercept: float
    slope: float
    covariance: Floats
    unshrunk: Floats

    def of(self, score: Floats) -> Floats:
        if self.slope == 0.0:  # the base rate to the last bit: rounding is no skill
            return np.full(score.size, self.base)
        return share_of(self.intercept + self.slope * (log_odds(score) - self.centre) / self.scale)


@dataclass(frozen=True, eq=False)
class JudgedDays:
    """The last days, each by the map of the days before it. ``score``, ``label``, ``mapped`` and ``base`` (of the days
    before): shape (n_bars,); ``starts``: as in :class:`ScoredDays`; ``skill`` and its standard error by days."""

    score: Floats
    label: Floats
    mapped: Floats
    base: Floats
    starts: npt.NDArray[np.intp]
    skill: float
    skill_error: float

    @property
    def days(self) -> int:
        return self.starts.size - 1


def scored_days(ledger: Ledger, version: str, fingerprint: str | None) -> ScoredDays | None:
    """The counted bars that a version's map is fitted on: of its own stream and, before it, of its recipe's, by the
    recipe's ``fingerprint``; None where there are none."""
    own, recipe = version_stream(version), recipe_stream(fingerprint or "")
    streams = with_its_past(ledger, own, recipe).streams
    stream = streams.get(own, streams.get(recipe))
    if stream is None:
        return None
    at = stream.scored & ledger.counted
    return ScoredDays.of(stream.p[at], ledger.label[at], ledger.day[at]) if at.any() else None


def fit_map(scored: ScoredDays) -> ProbabilityMap | None:
    """The map of these days, and how its kind did on the last 250 of them; None with fewer than 60 days."""
    if scored.days < FIRST_DAYS:
        return None
    line, base = _fit(_Counts.of(scored), scored.days), float(scored.label.mean())
    judged = judge_map(scored)
    (intercept_variance, covariance), (_, slope_variance) = line.covariance.tolist()
    return ProbabilityMap(
        bars=scored.label.size,
        days=scored.days,
        base=_short(base),
        base_error=_short(float(np.sqrt(np.square(scored.by_day(scored.label - base)).sum())) / scored.label.size),
        centre=_short(line.centre),
        scale=_short(line.scale),
        intercept=_short(line.intercept),
        slope=_short(line.slope),
        intercept_variance=_short(intercept_variance),
        covariance=_short(covariance),
        slope_variance=_short(slope_variance),
        judged=0 if judged is None else judged.days,
        skill=None if judged is None else _short(judged.skill),
        skill_error=None if judged is None else _short(judged.skill_error),
    )


def judge_map(scored: ScoredDays, last: int = DAYS_JUDGED) -> JudgedDays | None:
    """The ``last`` days, each by the map of the days before it; None where no day has 60 before it."""
    first = max(scored.days - last, FIRST_DAYS)
    if first >= scored.days:
        return None
    counts = _Counts.of(scored)
    mapped, base = [], []
    start: Floats | None = None
    for day in range(first, scored.days):
        line = _fit(counts, day, start)
        start = line.unshrunk
        begin, end = scored.starts[day], scored.starts[day + 1]
        mapped.append(line.of(scored.score[begin:end]))
        base.append(np.full(end - begin, line.base))
    at = slice(int(scored.starts[first]), None)
    label, maps, bases = scored.label[at], np.concatenate(mapped), np.concatenate(base)
    gain, loss = np.square(bases - label) - np.square(maps - label), np.square(bases - label)
    skill = float(gain.sum() / max(loss.sum(), _FLAT))
    days = ScoredDays(scored.score[at], label, scored.starts[first:] - scored.starts[first])
    error = float(np.sqrt(np.square(days.by_day(gain - skill * loss)).sum()) / max(loss.sum(), _FLAT))
    return JudgedDays(days.score, label, maps, bases, days.starts, skill, error)


def calibration_slope(scored: ScoredDays) -> tuple[float, float] | None:
    """The slope of labels on the log-odds of what was said (Cox, 1958), and its standard error by days.

    1 where these are right, below 1 where they are too bold; None where the same was said of all bars.
    """
    line = _fit(_Counts.of(scored), scored.days)
    if line.scale == _FLAT or line.base in (0.0, 1.0):
        return None
    return float(line.unshrunk[1]) / line.scale, float(np.sqrt(line.covariance[1, 1])) / line.scale


def _fit(counts: _Counts, days: int, start: Floats | None = None) -> _Line:
    """Newton's method from ``start`` on the first ``days``. Without two kinds of labels, or of scores, no slope."""
    bars, up = counts.bars_so_far[days - 1], counts.up_so_far[days - 1]
    total = bars.sum()
    base, centre = float(up.sum() / total), float(bars @ counts.odds / total)
    scale = max(float(np.sqrt(bars @ np.square(counts.odds - centre) / total)), _FLAT)
    x = np.column_stack([np.ones(counts.odds.size), (counts.odds - centre) / scale])
    flat = np.array([log_odds(np.array(base)), 0.0])
    if scale == _FLAT or base in (0.0, 1.0):
        return _Line(base, centre, scale, float(flat[0]), 0.0, np.zeros((2, 2)), flat)
    coefficients = flat if start is None else start
    for _ in range(_STEPS):
        p = share_of(x @ coefficients)
        information = (x * (bars * p * (1.0 - p))[:, None]).T @ x + _RIDGE
        step = np.linalg.solve(information, x.T @ (up - bars * p) - _RIDGE @ coefficients)
        coefficients = coefficients + step
        if np.abs(step).max() < _CLOSE:
            break
    said = share_of(x @ coefficients)
    daily = counts.up[:days] @ x - counts.bars[:days] @ (x * said[:, None])
    inverse = np.linalg.inv(information)
    covariance = np.asarray(inverse @ (daily.T @ daily) @ inverse)
    slope, variance = float(coefficients[1]), float(covariance[1, 1])
    shrunk = slope * max(0.0, 1.0 - variance / slope**2) if slope > 0 else 0.0
    # scores are standardised, so that the intercept hardly changes with the slope; without a slope it is the base rate
    intercept = float(coefficients[0]) if shrunk else float(flat[0])
    return _Line(base, centre, scale, intercept, shrunk, covariance, coefficients)


def _short(value: float) -> float:
    """Nine digits: a state stands in every entry, and what comes after them is noise."""
    return float(f"{value:.{_DIGITS}g}")
