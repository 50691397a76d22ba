"""Small ledgers made by chance: bars of a few weeks, streams of a chosen skill, one sheet a night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from flows.gate.nightly.calibration import Calibration
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.nightly.judge import judge_nightly
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sequential import WINDOWS
from flows.gate.scoring.ledger import Ledger, NightScores, StreamScores, assemble

BARS_A_DAY = 64
WARM_DAYS = 10
"""Backfilled days before the first live one: 640 bars, enough for ranks and base to be defined."""

CALIBRATED = Calibration(3.0, None, 2, WINDOWS, 1, 0.05, 250, 20_000, 1)
"""A threshold given by hand: simulating one takes seconds and is tested elsewhere."""

CHAMPION = Champion("v1", "old", "version:v1", "recipe:old", None)


@dataclass(frozen=True, eq=False)
class Bars:
    """Opens in minutes since 1970 UTC, labels and trading days (midnight to 16:00 UTC lies inside of one)."""

    opens: np.ndarray
    label: np.ndarray
    day: np.ndarray

    def said(self, skill: float, seed: int) -> np.ndarray:
        """Probabilities that lean towards what comes by ``skill`` standard deviations of their noise."""
        noise = np.random.default_rng(seed).normal(size=self.label.size)
        return np.clip(0.5 + 0.08 * (skill * (2 * self.label - 1) + noise), 0.0, 1.0)


def bars(days: int, seed: int = 0, bars_a_day: int = BARS_A_DAY) -> Bars:
    day = np.busday_offset("2023-01-02", np.arange(days)).astype("datetime64[D]")
    start = day.astype("datetime64[m]").astype(np.int64)
    opens = (start[:, None] + 15 * np.arange(bars_a_day)[None, :]).ravel()
    label = np.random.default_rng(seed).integers(0, 2, opens.size).astype(float)
    return Bars(opens, label, np.repeat(day, bars_a_day))


def sheets(made: Bars, streams: Mapping[str, np.ndarray], *, live_from: int = WARM_DAYS) -> list[NightScores]:
    """One sheet a day; those before day number ``live_from`` are a backfill."""
    result = []
    for number, day in enumerate(np.unique(made.day)):
        at = made.day == day
        series = tuple(StreamScores(key, key.partition(":")[2], "v1", 0.5, p[at]) for key, p in streams.items())
        night = str(day)
        result.append(NightScores(night, number >= live_from, made.opens[at], made.label[at], {night: "mark"}, series))
    return result


def ledger(made: Bars, streams: Mapping[str, np.ndarray], *, live_from: int = WARM_DAYS) -> Ledger:
    return assemble(sheets(made, streams, live_from=live_from))


def candidate(name: str, **values: Any) -> Candidate:
    return Candidate(name, name, f"recipe:{name}", values.pop("version", "v9"), **values)


def judged(found: Ledger, *names: str | Candidate, champion: Champion = CHAMPION, **values: Any) -> NightlyDecision:
    """The decision on these candidates, named or given whole, by a threshold of 3."""
    candidates = [each if isinstance(each, Candidate) else candidate(each) for each in names]
    given: dict[str, Any] = {"tried": len(candidates), "policy": GatePolicy(), "calibration": CALIBRATED}
    return judge_nightly(found, champion=champion, candidates=candidates, **(given | values))
