"""Error rates and power of the gate, and figures of real bars: ``python -m benchmarks.gate``.

Prints the tables of ``docs/gate.md``. Seeds are fixed; 95 % intervals stand in brackets.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.gate import firsts, labels, net, pooled, real, reference, refreshes, rolling, stress, wires, worlds
from benchmarks.gate.figures import Figure
from benchmarks.gate.simulated import (
    BAR_YEARS,
    BARS,
    COLUMNS,
    DAY_YEARS,
    SCORES,
    SHARED,
    Bounds,
    Question,
    questions,
    run,
    watch_questions,
)
from flows.gate.nightly.calibration import YearOfNights, calibrate

FORMS = {"a year": ".3f", "in a year": ".1%", "found": ".1%"}
UPPER_END_OF_BARS = 0.08  # fewer years of bars than of days can be had, so their interval is wider
PARTS = ("thresholds", "firsts", "simulated", "watch", "refresh", "stress", "worlds", "real", "net", "tripwires")
ASKED_FOR = ("labels", "pooled")
"""They take the better part of an hour each, and only where they are named."""


def main() -> None:
    """Run the parts that are named, by default all of :data:`PARTS`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"any of {', '.join(PARTS)}: all by default; {', '.join(ASKED_FOR)}")
    parser.add_argument("--day-years", type=int, default=DAY_YEARS)
    parser.add_argument("--bar-years", type=int, default=BAR_YEARS)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2].parent / "shared" / "data")
    options = parser.parse_args()
    if unknown := sorted(set(options.part) - {*PARTS, *ASKED_FOR}):
        parser.error(f"there is no part {', '.join(unknown)}: choose among {', '.join((*PARTS, *ASKED_FOR))}")
    begun = time.perf_counter()
    print(f"running sums agree with the gate to {rolling.check():.0e} in z")
    for part in options.part or PARTS:
        if part == "thresholds":
            show_thresholds()
        elif part == "firsts":
            firsts.show(options.data)
        elif part == "simulated":
            show_table(questions(), COLUMNS, options.day_years, options.bar_years)
        elif part == "watch":
            show_table(watch_questions(), (SHARED,), options.day_years, options.bar_years)
        elif part == "refresh":
            refreshes.show()
        elif part == "stress":
            stress.show()
        elif part == "worlds":
            worlds.show()
        elif part == "labels":
            labels.show()
        elif part == "net":
            net.show(options.data)
        elif part == "pooled":
            pooled.show()
        elif part == "tripwires":
            wires.show(options.data)
        else:
            real.show(options.data)
        print(f"\n_{part}: {time.perf_counter() - begun:.0f} seconds since the start_", flush=True)


def show_thresholds() -> None:
    """Print the thresholds of the gate beside those of its plain form, which is simulated apart."""
    print("\n| recipes | decides | yearly budget | a recipe | all together | in a champion's first year | plain form |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    cases = [(1, 1, 0.05), (3, 1, 0.05), (5, 1, 0.05), (8, 1, 0.05), (5, 5, 0.05), (5, 1, 0.1), (5, 1, 0.2)]
    for recipes, cadence, budget in cases:
        grown, young = (
            calibrate(recipes, YearOfNights(cadence=cadence, budget=budget, young=each)) for each in (False, True)
        )
        plain = reference.threshold(recipes, budget, cadence)
        both = "–" if grown.together is None else f"{grown.together:.2f}"
        first = f"{young.threshold:.2f}" + ("" if young.together is None else f", {young.together:.2f}")
        how = "nightly" if cadence == 1 else "weekly"
        print(f"| {recipes} | {how} | {budget:.0%} | {grown.threshold:.2f} | {both} | {first} | {plain:.2f} |")


def show_table(table: Sequence[Question], columns: Sequence[str], day_years: int, bar_years: int) -> None:
    """Print one row for each question and score, one column for each simulator."""
    figures = run(table, columns, workers=os.cpu_count() or 1, day_years=day_years, bar_years=bar_years)
    print(f"\n{day_years:,} years of days, {bar_years:,} of bars.\n")
    print(f"| scenario | score | {' | '.join(columns)} | must reach |")
    print(f"| --- | --- | {'--- | ' * len(columns)}--- |")
    for at, question in enumerate(table):
        for score in SCORES:
            must = question.must.get(score, ())
            cells = [_cell(figures[at, column, score], must, column) for column in columns]
            bounds = ", ".join(
                f"{name} {'≥' if name == 'found' else '≤'} {bound:g}"
                + (f" (bars {UPPER_END_OF_BARS:g})" if name == "upper end" and BARS in columns else "")
                for name, bound in must
            )
            r = question.scenario.autocorrelation
            name = question.scenario.name + (f", autocorrelation {r:g}" if r else "")
            print(f"| {name} | {score} | {' | '.join(cells)} | {bounds} |")


def _cell(figures: Mapping[str, Figure], must: Bounds, column: str) -> str:
    missed = {
        "a year" if name == "upper end" else name for name, bound in must if not _reached(figures, name, bound, column)
    }
    words = [
        f"{name} {figure.words(FORMS.get(name, '.0f'))}{' ✗' if name in missed else ''}"
        for name, figure in figures.items()
    ]
    return ", ".join(words)


def _reached(figures: Mapping[str, Figure], name: str, bound: float, column: str) -> bool:
    if name == "upper end":
        return figures["a year"].high <= (UPPER_END_OF_BARS if column == BARS else bound)
    return figures[name].value >= bound if name == "found" else figures[name].value <= bound


if __name__ == "__main__":
    main()
