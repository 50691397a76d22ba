"""The gate itself, night after night, over many simulated years at once: ``flows.gate`` judges, this only loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.gate.cusum import baseline, watch
from flows.gate.scores import accuracy, edge, trailing_base
from flows.gate.sequential import day_autocorrelation, existing_windows, judge, variance_inflation, window_statistics

from .bars import WARM_UP, Bars
from .days import BARS, HISTORY, NIGHTS, Days, Floats

NEVER = NIGHTS


Statistic = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Promotions:
    """The first promotion of each year. ``night``: shape (years,), 250 for none; ``recipe``: −1 for none."""

    night: npt.NDArray[np.int64]
    recipe: npt.NDArray[np.int64]


def largest_z(leads: Floats) -> Floats:
    """The largest z of each recipe, shape (years, recipes): what ``judge`` finds, for all years in one call."""
    windows = [n for n in existing_windows(leads.shape[2]) if n]
    if not windows:
        return np.full(leads.shape[:2], -np.inf)
    recent = leads[:, :, -windows[-1] :]
    r = np.maximum(day_autocorrelation(recent).mean(axis=1), 0.0)
    z = window_statistics(recent, np.full(recent.shape[2], float(BARS)), windows).z.max(axis=2)
    return np.asarray(z / variance_inflation(r)[:, None])


def first_promotions(leads: Floats, threshold: float, history: int, statistic: Statistic = largest_z) -> Promotions:
    """What the gate does with daily leads of shape (years, recipes, days), ``history`` of them before night 0."""
    years = leads.shape[0]
    night, recipe = np.full(years, NEVER), np.full(years, -1)
    waiting = np.arange(years)
    for tonight in range(NIGHTS):
        z = statistic(leads[waiting, :, : history + tonight])
        promoted = z.max(axis=1, initial=-np.inf) > threshold
        night[waiting[promoted]] = tonight
        recipe[waiting[promoted]] = z[promoted].argmax(axis=1)
        waiting = waiting[~promoted]
    return Promotions(night, recipe)


def promotions_of_a_year(days: Days, thresholds: dict[int, float], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """All promotions of each year, shape (years,): after one, the evidence starts afresh against the new champion, a
    frozen version of the winner, and the former champion stays in the race and counts."""
    recipes = days.own.shape[1] - 1
    first = first_promotions(days.leads, thresholds[recipes], HISTORY)
    count = (first.night < NEVER).astype(np.int64)
    for year in np.flatnonzero(count):
        champion, rivals = days.own[year, 0], list(days.own[year, 1:])
        night, winner = int(first.night[year]), int(first.recipe[year])
        while winner >= 0:
            former = champion
            champion = days.frozen(year, 1 + winner, rng) if winner < recipes else rivals[winner]
            rivals = [*rivals[:recipes], former]
            since, winner = HISTORY + night, -1
            while night + 1 < NIGHTS and winner < 0:
                night += 1
                lead = (np.array(rivals) - champion)[:, since : HISTORY + night].T
                best = judge(lead, np.full(lead.shape[0], float(BARS))).best
                if best is not None and best.z > thresholds[recipes + 1]:
                    winner = best.recipe
            count[year] += winner >= 0
    return count


def leads_of_bars(bars: Bars, score: str) -> Floats:
    """Daily leads by the gate's own scores, warm-up left out: shape (years, recipes, days)."""
    leads = []
    for p, up in zip(bars.p, bars.up, strict=True):
        y = up.astype(np.float64)
        base = trailing_base(y)
        scored = [edge(own, y, base=base) if score == "edge" else accuracy(own, y, cut=0.5) for own in p]
        daily = np.array(scored).reshape(len(p), bars.days, BARS)[:, WARM_UP:].mean(axis=2)
        leads.append(daily[1:] - daily[0])
    return np.array(leads)


def first_alarms(days: Days) -> npt.NDArray[np.int64]:
    """The night on which the watch over the champion first speaks, shape (years,); 250 for never."""
    alarms = []
    for scores in days.scores[:, 0]:
        alarm = watch(scores[HISTORY:], baseline(scores[:HISTORY])).alarm
        alarms.append(NEVER if alarm is None else alarm.at)
    return np.array(alarms)
