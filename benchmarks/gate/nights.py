"""The gate itself over many simulated years at once: ``flows.gate`` judges each night, this module only loops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.gate.bars import WARM_UP, Bars
from benchmarks.gate.days import BARS, HISTORY, NIGHTS, Days, Floats
from benchmarks.gate.rolling import nightly_z
from flows.gate.nightly.calibration import Calibration, YearOfNights, calibrate
from flows.gate.nightly.dependence import OverWeeks
from flows.gate.nightly.sequential import RECENT_WINDOWS, WINDOWS, judge, together
from flows.gate.nightly.shares import shares
from flows.gate.scoring.scores import accuracy, edge, trailing_base
from flows.monitoring.cusum import baseline, watch

NEVER = NIGHTS


@dataclass(frozen=True)
class Thresholds:
    """Of a champion with a year behind it, and of a young one."""

    grown: Calibration
    young: Calibration

    @classmethod
    def of(cls, recipes: int) -> Thresholds:
        return cls(calibrate(recipes), calibrate(recipes, YearOfNights(young=True)))

    def at(self, days: int) -> Calibration:
        return self.young if days < WINDOWS[-1] else self.grown


@dataclass(frozen=True)
class Promotions:
    """The first promotion of each year. ``night``: shape (years,), 250 for none; ``recipe``: −1 for none."""

    night: npt.NDArray[np.int64]
    recipe: npt.NDArray[np.int64]


def first_promotions(leads: Floats, thresholds: Thresholds, history: int) -> Promotions:
    """What the gate does with daily leads of shape (years, recipes, days), ``history`` of them before night 0."""
    z, everyone = nightly_z(leads, history)
    allowed = [thresholds.at(history + night) for night in range(NIGHTS)]
    fell = everyone > np.array([np.inf if each.together is None else each.together for each in allowed])
    return first_of(z, (z.max(axis=1) > np.array([each.threshold for each in allowed])) | fell)


def first_of(z: Floats, promoted: npt.NDArray[np.bool_]) -> Promotions:
    """The first promotion of each year, to the recipe of the largest z; ``promoted``: shape (years, nights)."""
    night = np.where(promoted.any(axis=1), promoted.argmax(axis=1), NEVER)
    best = z[np.arange(len(z)), :, np.minimum(night, NIGHTS - 1)].argmax(axis=1)
    return Promotions(night, np.where(night < NEVER, best, -1))


def promotions_of_a_year(
    days: Days, thresholds: dict[int, Thresholds], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
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
                scores = np.array(rivals[:recipes])[:, : HISTORY + night].T
                winner = _tonight(lead, thresholds[recipes + 1].at(lead.shape[0]), scores)
            count[year] += winner >= 0
    return count


def _tonight(lead: Floats, allowed: Calibration, scores: Floats) -> int:
    """Who is promoted in one year tonight, −1 for nobody; the last column is the former champion's. ``scores``: of the
    recipes on all days."""
    bars = np.full(lead.shape[0], float(BARS))
    names = [str(recipe) for recipe in range(lead.shape[1])]
    weeks, found = OverWeeks(names[:-1], scores), judge(lead, bars)
    found = weeks.widened(found, names)
    best = found.best
    if best is None:
        return -1
    if best.z > allowed.threshold:
        return best.recipe
    mean, bars = together(lead[:, :-1], bars, shares(lead[:, :-1]))
    everyone = weeks.all_together(judge(mean, bars, windows=RECENT_WINDOWS, r=found.r), judge(lead[:, :-1], bars)).best
    fell = everyone is not None and allowed.together is not None and everyone.z > allowed.together
    return int(np.nanmax(found.z[:-1], axis=1).argmax()) if fell else -1


def leads_of_bars(bars: Bars, score: str) -> Floats:
    """Daily leads by the gate's own scores, warm-up left out: shape (years, recipes, days)."""
    leads = []
    for p, up in zip(bars.p, bars.up, strict=True):
        y = up.astype(np.float64)
        base = trailing_base(y)
        scored = [edge(own, y, base=base) if score == "edge" else accuracy(own, y, threshold=0.5) for own in p]
        daily = np.array(scored).reshape(len(p), bars.days, BARS)[:, WARM_UP:].mean(axis=2)
        leads.append(daily[1:] - daily[0])
    return np.array(leads)


def first_alarms(days: Days) -> npt.NDArray[np.int64]:
    """The night on which the watch over the champion first speaks, shape (years,); 250 for never."""
    alarms = []
    for scores in days.scores[:, 0]:
        found = watch(scores[HISTORY:], baseline(scores[:HISTORY]))
        above = np.flatnonzero(found.cusum > found.threshold)
        alarms.append(int(above[0]) if above.size else NEVER)
    return np.array(alarms)
