"""The rivals' table: what each rule does in a year in which nothing is better, and in one in which something is."""

from __future__ import annotations

import numpy as np

from benchmarks.gate import rivals
from benchmarks.gate.days import RECIPES, Days, Scenario, simulate
from benchmarks.gate.figures import rate
from benchmarks.gate.nights import Thresholds, first_promotions
from benchmarks.gate.rivals import Played

SEED = 20_250_106
YEARS = 500

SCENARIOS = (
    Scenario("all equal"),
    Scenario("all 0.5 points worse", first=-0.5, others=-0.5),
    Scenario("one better by 1 point", first=1.0),
)


def show() -> None:
    """Print the table."""
    print(f"\nRules on the same {YEARS} years of days, accuracy, K = {RECIPES}, no autocorrelation:\n")
    print(
        "| rule | promotions a year, all equal | all 0.5 points worse | one better by 1 point | nights served by it |"
    )
    print("| --- | --- | --- | --- | --- |")
    for at, name in enumerate(_RULES):
        cells, better = [], 0.0
        for scenario in SCENARIOS:
            days = simulate(scenario, YEARS, np.random.default_rng((SEED, SCENARIOS.index(scenario))))
            played = _RULES[name](days, np.random.default_rng((SEED, 100 + at)))
            cells.append(rate(played.promotions).words(".2f"))
            better = float(played.better.mean())
        shown = f"{better:.0%}"
        if name == _UNRELATED:  # without a recipe that persists, none can be better
            cells[1:], shown = ["–", "–"], "–"
        print(f"| {name} | {' | '.join(cells)} | {shown} |")


def _gate(days: Days, rng: np.random.Generator) -> Played:
    first = first_promotions(days.leads, Thresholds.of(RECIPES), days.own.shape[2] - 250)
    return Played((first.recipe >= 0).astype(np.int64), np.where(first.recipe == 0, 250 - first.night, 0) / 250)


_UNRELATED = "promote if higher, each night's candidates unrelated"
_RULES = {
    "this gate (to its first promotion)": _gate,
    "promote if higher": lambda days, rng: rivals.play(rivals.higher(0.0), days, rng),
    _UNRELATED: rivals.play_unrelated,
    "promote if higher by 1 point": lambda days, rng: rivals.play(rivals.higher(0.01), days, rng),
    "stored metrics of different days": lambda days, rng: rivals.play_stored(days),
    "test at 5 % every night": lambda days, rng: rivals.play(rivals.tested(0.05), days, rng),
    "test at 5 % every night, corrected for five": lambda days, rng: rivals.play(rivals.tested(0.01), days, rng),
    "forward e-process at 5 %": rivals.play_e_process,
}
