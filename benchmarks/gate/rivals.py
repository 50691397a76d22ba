"""What people do instead of the gate, played through the same years.

Each rule sees the last 40 days of every stream, as a holdout of two months would show them, and changes the champion
on the spot. The new champion is a frozen version of the winner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import t as student

from benchmarks.gate.days import DAILY, HISTORY, NIGHTS, OWN, Days, Floats

WINDOW = 40
LEVEL = 0.05
EXPECTED = 0.3  # daily deviations: the mixture of the e-process is widest about a lead of this size

Rule = Callable[[Floats], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Played:
    """``promotions``: shape (years,), in a year; ``better``: share of nights with the first recipe serving."""

    promotions: npt.NDArray[np.int64]
    better: Floats


def higher(margin: float) -> Rule:
    """Promote the best of the window if it leads by more than ``margin``."""

    def rule(leads: Floats) -> npt.NDArray[np.int64]:
        mean = leads.mean(axis=2)
        return np.where(mean.max(axis=1) > margin, mean.argmax(axis=1), -1)

    return rule


def tested(level: float) -> Rule:
    """Promote the best of the window if a one-sided t-test of its lead is significant at ``level``."""
    critical = float(student.isf(level, WINDOW - 1))

    def rule(leads: Floats) -> npt.NDArray[np.int64]:
        t = leads.mean(axis=2) / leads.std(axis=2, ddof=1) * np.sqrt(WINDOW)
        return np.where(t.max(axis=1) > critical, t.argmax(axis=1), -1)

    return rule


def play(rule: Rule, days: Days, rng: np.random.Generator) -> Played:
    """A rule on the streams' leads over the present champion, night after night."""
    years = np.arange(days.own.shape[0])
    champion, serving = days.own[:, 0].copy(), np.zeros(years.size, dtype=np.int64)
    promotions, better = np.zeros(years.size, dtype=np.int64), np.zeros(years.size)
    for night in range(NIGHTS):
        seen = slice(HISTORY + night - WINDOW, HISTORY + night)
        winner = rule(days.own[:, 1:, seen] - champion[:, None, seen])
        changed = years[winner >= 0]
        if changed.size:
            serving[changed] = 1 + winner[changed]
            champion[changed] = days.frozen(changed, serving[changed], rng)
        promotions[changed] += 1
        better += serving == 1
    return Played(promotions, better / NIGHTS)


def play_unrelated(days: Days, rng: np.random.Generator) -> Played:
    """Promote-if-higher where tonight's candidates have nothing in common with last night's."""
    years, recipes = days.own.shape[0], days.own.shape[1] - 1
    champion = OWN * rng.standard_normal((years, WINDOW))
    promotions = np.zeros(years, dtype=np.int64)
    for _ in range(NIGHTS):
        candidates = OWN * rng.standard_normal((years, recipes, WINDOW))
        means = candidates.mean(axis=2)
        best = means.argmax(axis=1)
        changed = means.max(axis=1) > champion.mean(axis=1)
        champion[changed] = candidates[changed, best[changed]]
        promotions += changed
        champion = np.concatenate([champion[:, 1:], OWN * rng.standard_normal((years, 1))], axis=1)
    return Played(promotions, np.zeros(years))


def play_stored(days: Days) -> Played:
    """Promote a candidate whose metric on its own last 40 days exceeds the one stored with the champion on its own."""
    scores = days.scores
    stored = scores[:, 0, HISTORY - WINDOW : HISTORY].mean(axis=1)
    serving = np.zeros(stored.size, dtype=np.int64)
    promotions, better = np.zeros(stored.size, dtype=np.int64), np.zeros(stored.size)
    for night in range(NIGHTS):
        metric = scores[:, 1:, HISTORY + night - WINDOW : HISTORY + night].mean(axis=2)
        changed = metric.max(axis=1) > stored
        serving = np.where(changed, 1 + metric.argmax(axis=1), serving)
        stored = np.maximum(stored, metric.max(axis=1))
        promotions += changed
        better += serving == 1
    return Played(promotions, better / NIGHTS)


def play_e_process(days: Days, rng: np.random.Generator) -> Played:
    """An e-process a recipe from night 0 on (Robbins' half-normal mixture of likelihood ratios), promoted when their
    mean reaches 20: valid at any time, whatever the number of looks. It starts again after a promotion."""
    years = np.arange(days.own.shape[0])
    champion, serving = days.own[:, 0].copy(), np.zeros(years.size, dtype=np.int64)
    total, n = np.zeros((years.size, days.own.shape[1] - 1)), np.zeros((years.size, 1))
    promotions, better = np.zeros(years.size, dtype=np.int64), np.zeros(years.size)
    for night in range(NIGHTS):
        total += (days.own[:, 1:, HISTORY + night] - champion[:, None, HISTORY + night]) / DAILY
        n += 1.0
        spread = 1.0 + n * EXPECTED**2
        e = 2.0 / np.sqrt(spread) * np.exp(EXPECTED**2 * total**2 / (2.0 * spread))
        e *= ndtr(EXPECTED * total / np.sqrt(spread))
        changed = years[e.mean(axis=1) > 1.0 / LEVEL]
        if changed.size:
            serving[changed] = 1 + e[changed].argmax(axis=1)
            champion[changed] = days.frozen(changed, serving[changed], rng)
            total[changed], n[changed] = 0.0, 0.0
        promotions[changed] += 1
        better += serving == 1
    return Played(promotions, better / NIGHTS)
