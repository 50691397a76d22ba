"""Figures of real bars: daily z of single recipes against no skill, by each score, on the years after training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from flows.arrays import Floats
from flows.bars import Dataset, load_bars, prepare
from flows.gate.nightly.calibration import calibrate
from flows.gate.nightly.sequential import judge, visible_difference
from flows.gate.scoring.days import by_day
from flows.gate.scoring.scores import accuracy, base_so_far, brier, edge, trailing_base
from flows.recipes import Fit, choose, probabilities, shipped, train_all

RECIPES = ("rf_deep", "rf_shallow", "logistic")
SPANS = ((2022, 2024), (2023, 2024))
PAIRED = (2023, 2024)
CHAMPION = "rf_shallow"
SCORES = ("brier", "accuracy", "edge")


def show(data: Path) -> None:
    """Print the table; say so where there are no bars."""
    if not data.is_dir():
        print(f"\nNo real bars: there is no folder {data.name} beside the repository; name one with --data.")
        return
    dataset = prepare(load_bars(data))
    print("\nDaily z against no skill on real bars, whole day / without the rollover hour; days behind it:\n")
    print(f"| recipe | trained → scored | {' | '.join(SCORES)} | days |")
    print("| --- | --- | --- | --- | --- | --- |")
    for train, test in SPANS:
        fits = train_all(choose(list(RECIPES), shipped()), dataset, dataset.years(train), seed=0)
        for fit in fits:
            p = probabilities(fit, fit.recipe.signature, dataset.bars.frame)
            whole = daily_z(dataset, p, train, test, with_rollover=True)
            without = daily_z(dataset, p, train, test, with_rollover=False)
            cells = [f"{whole[score][0]:+.1f} / {without[score][0]:+.1f}" for score in SCORES]
            print(f"| {fit.recipe.name} | {train} → {test} | {' | '.join(cells)} | {without['edge'][1]} |")
    show_baselines(dataset)
    show_pairs(dataset, train_all(list(shipped().values()), dataset, dataset.years(PAIRED[0]), seed=0))


def show_baselines(dataset: Dataset) -> None:
    """Print how often who has no skill is right in each year but the first, beside the majority of the last month."""
    known = ~np.isnan(dataset.label)
    y, counted = dataset.label[known], dataset.counted[known]
    rules = {"no_skill, all bars before": base_so_far(y), "the majority of the last 2,000": trailing_base(y)}
    years = np.unique(dataset.trading_day[dataset.counted].astype("datetime64[Y]").astype(int) + 1970)[1:].tolist()
    print("\nRight without skill:\n")
    print(f"| baseline | {' | '.join(map(str, years))} |")
    print(f"| --- |{' --- |' * len(years)}")
    for name, base in rules.items():
        right = (base > 0.0) == (y == 1.0)
        of_years = [counted & dataset.years(year)[known] for year in years]
        print(f"| {name} | {' | '.join(f'{right[at].mean():.2%}' for at in of_years)} |")


def show_pairs(dataset: Dataset, fits: Sequence[Fit]) -> None:
    """Print how the shipped recipes differ from ``rf_shallow`` as a champion, and what could be seen of it."""
    used = ~np.isnan(dataset.label) & dataset.counted & dataset.years(PAIRED[1])
    y, day, base = dataset.label[used], dataset.trading_day[used], trailing_base(dataset.label[used])
    threshold = calibrate(len(fits) - 1).threshold
    streams = {fit.recipe.name: probabilities(fit, fit.recipe.signature, dataset.bars.frame)[used] for fit in fits}
    champion = streams.pop(CHAMPION)
    print(f"\nLeads over {CHAMPION}, trained {PAIRED[0]}, scored {PAIRED[1]}, each at its median:\n")
    print(
        "| recipe | disagree | points of accuracy: lead, a day's deviation | z | edge: lead, deviation | z | can see |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    following: list[Floats] = []
    for name, p in streams.items():
        cut, champion_cut = float(np.median(p)), float(np.median(champion))
        apart = float(np.mean((p > cut) != (champion > champion_cut)))
        hits = 100.0 * (accuracy(p, y, threshold=cut) - accuracy(champion, y, threshold=champion_cut))
        cells = [f"{apart:.0%}"]
        seen = []
        for lead in (hits, edge(p, y, base=base) - edge(champion, y, base=base)):
            daily = by_day(day, lead)
            n = daily.mean.shape[0]
            found = judge(daily.mean, daily.bars, windows=(n,)).best
            if found is None:
                raise SystemExit(f"{PAIRED[1]} has no trading day with enough bars in these files")
            form = ".2f" if lead is hits else ".4f"
            cells += [f"{found.mean:+{form}}, {found.standard_error * n**0.5:{form}}", f"{found.z:+.1f}"]
            seen.append(f"{visible_difference(found, threshold):{form}}")
            following.append(correlations(daily.mean[:, 0]))
        print(f"| {name} | {' | '.join(cells)} | {seen[0]} points, {seen[1]} edge |")
    mean = np.mean(following, axis=0)
    print(
        f"\nAutocorrelation of these leads: {mean[0]:+.3f} at one day, {mean.sum():+.2f} summed over {mean.size} days."
    )


def correlations(days: Floats, lags: int = 20) -> Floats:
    """Autocorrelation of daily leads at 1 to ``lags`` days."""
    centred = days - days.mean()
    return np.array([centred[lag:] @ centred[:-lag] for lag in range(1, lags + 1)]) / (centred @ centred)


def daily_z(dataset: Dataset, p: Floats, train: int, test: int, *, with_rollover: bool) -> dict[str, tuple[float, int]]:
    """z of the daily lead over no skill and the days behind it, by score: no skill says what the training year's
    majority was (accuracy), its share of ups (Brier), nothing (edge)."""
    known = ~np.isnan(dataset.label) & (dataset.counted | (with_rollover & dataset.rollover))
    trained, scored = known & dataset.years(train), known & dataset.years(test)
    y, q = dataset.label[scored], p[scored]
    share = float(dataset.label[trained].mean())
    level = np.full(y.size, share)
    leads = {
        "brier": brier(q, y) - brier(level, y),
        "accuracy": accuracy(q, y, threshold=0.5) - accuracy(level, y, threshold=0.5),
        "edge": edge(q, y, base=trailing_base(y)),
    }
    found = {}
    for score, lead in leads.items():
        daily = by_day(dataset.trading_day[scored], lead)
        n = daily.mean.shape[0]
        found[score] = float(judge(daily.mean, daily.bars, windows=(n,)).z[0, 0]), n
    return found
