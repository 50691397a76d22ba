"""Scores and probabilities of the shipped recipes on real bars, before and after: ``python -m benchmarks.probability``.

Prints the tables of ``docs/serving.md``. Every recipe is refitted each 20 trading days on the year before them and
scores those days; each of the last days then gets the probability that the map of the days before it gives. No figure
stands on a bar that a fit or a map behind it has seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from flows.arrays import Floats
from flows.bars import Dataset, load_bars, prepare
from flows.evidence.backfill import refits
from flows.evidence.probability import FIRST_DAYS, JudgedDays, ScoredDays, calibration_slope, fit_map, judge_map
from flows.recipes import Machine, Recipe, probabilities, shipped, train_all
from flows.recipes.catalogue import LEVELS, stationary
from registry.archive.input_schema import InputSchema
from registry.model.likeness import ranges_of, unlike
from registry.model.probability import DAYS_JUDGED, share_of

WINDOW_DAYS = 365
LEAST_BARS = 2_000
FIRST_MONTH = 20
"""Trading days."""
SPANS = {"all": 10_000, "last 250": DAYS_JUDGED}
WORLDS = 400
WORLD_DAYS, WORLD_BARS = FIRST_DAYS + DAYS_JUDGED, 91
"""Of a world without skill: the first night on which a map may be used."""


def main() -> None:
    """Print the tables: eight minutes on two cores."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probability", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1].parent / "shared" / "data")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    data = prepare(load_bars(options.data))
    streams = walked_forward(data, list(shipped().values()), options.cores)
    print("| recipe | days | slope of the score | Brier skill of the score | slope of the probability | Brier skill |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, score in streams.items():
        at = data.counted & ~np.isnan(score)
        scored = ScoredDays.of(score[at], data.label[at], data.trading_day[at])
        for words, last in SPANS.items():
            judged = judge_map(scored, last)
            if judged is None:
                raise SystemExit(f"{options.data} has too few trading days to judge a map by: add years")
            print(f"| {name} | {words} ({judged.days}) | {_figures(judged)} |")
    print(f"\n{noise_worlds()}")
    print("\n| features | trained on | unlike it, of its own bars | of the 20 days after | of the year after |")
    print("| --- | --- | --- | --- | --- |")
    for row in unlike_rows(data):
        print(f"| {' | '.join(row)} |")


def unlike_rows(data: Dataset) -> Iterator[tuple[str, ...]]:
    """Shares of bars that are called unlike the training ones: by the features of the shipped recipes, for each year
    that has another one after it."""
    years = np.unique(data.bars.file_time.astype("datetime64[Y]").astype(np.int64) + 1970).tolist()
    for names in (LEVELS, stationary()):
        schema = InputSchema(names)
        for trained, after in pairwise(years):
            fitted, later = (
                schema.matrix(data.bars.frame[data.years(year) & data.counted]) for year in (trained, after)
            )
            days = data.trading_day[data.years(after) & data.counted]
            ranges, soon = ranges_of(fitted), days < np.unique(days)[FIRST_MONTH]
            shares = [float(unlike(x, ranges).mean()) for x in (fitted, later[soon], later)]
            yield ", ".join(names), str(trained), *(f"{share:.1%}" for share in shares)


def noise_worlds() -> str:
    """In how many worlds whose scores say nothing a map is used on the first night that it may be, and how long a
    night's fit takes."""
    used, seconds = 0, []
    starts = np.arange(0, WORLD_DAYS * WORLD_BARS + 1, WORLD_BARS)
    for seed in range(WORLDS):
        random = np.random.default_rng(seed)
        score = share_of(random.normal(scale=0.2, size=starts[-1]))
        label = (random.random(score.size) < 0.5).astype(np.float64)
        begun = time.perf_counter()
        found = fit_map(ScoredDays(score, label, starts))
        seconds.append(time.perf_counter() - begun)
        used += found is not None and found.is_used
    share = used / WORLDS
    error = 1.96 * np.sqrt(share * (1.0 - share) / WORLDS)
    return (
        f"scores without skill: the map is used in {used} of {WORLDS} worlds of {WORLD_DAYS} days "
        f"({share:.1%} ± {error:.1%}); a night's fit takes {1000 * np.median(seconds):.0f} ms"
    )


def walked_forward(data: Dataset, recipes: list[Recipe], cores: int) -> dict[str, Floats]:
    """The scores of each recipe by the newest fit before each bar, shape (n_bars,), NaN where there is none."""
    scores = {recipe.name: np.full(data.label.size, np.nan) for recipe in recipes}
    for end, evaluated in refits(data, 10_000):
        trained = data.window(days=WINDOW_DAYS, end=end)
        if trained.sum() < LEAST_BARS:
            continue
        for fit in train_all(recipes, data, trained, seed=0, machine=Machine(cores)):
            frame = data.bars.frame[evaluated]
            scores[fit.recipe.name][evaluated] = probabilities(fit, fit.recipe.signature, frame, cores=cores)
    return scores


def _figures(judged: JudgedDays) -> str:
    """Slope and skill of the score as it is, then of the probability, each with ± of two standard errors by days."""
    base = np.square(judged.base - judged.label)
    raw = 1.0 - np.square(judged.score - judged.label).sum() / base.sum()
    return (
        f"{_slope(judged, judged.score)} | {100 * raw:+.3f} % | {_slope(judged, judged.mapped)} | "
        f"{100 * judged.skill:+.3f} ± {200 * judged.skill_error:.3f} %"
    )


def _slope(judged: JudgedDays, said: Floats) -> str:
    """The slope of calibration: 1 where log-odds are right, below where they are too bold; what is flat has none."""
    found = calibration_slope(ScoredDays(said, judged.label, judged.starts))
    return "flat" if found is None else f"{found[0]:.2f} ± {2 * found[1]:.2f}"


if __name__ == "__main__":
    main()
