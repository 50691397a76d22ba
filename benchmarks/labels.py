"""What other questions than the next bar earn on real bars: ``python -m benchmarks.labels``.

Each label is walked forward from 2023 on as a first night's backfill is: every shipped recipe refitted each 20
trading days on the year before, on labels that were known by then, so that none shares a move with a bar it is scored
on. A stream speaks on every bar, also where its label will not be known (no label crosses a weekend or a hole), and is
traded always for the next bar, held for the horizon else; the instrument's own spreads and swap are paid. The baselines
are traded the same way. Intervals hold 95 % by trading days, √((1 + r) / (1 − r)) times as wide for the lag-1
autocorrelation r of the days where that is above zero, as the gate's own standard errors: a label of a day reaches into
the next day and no further.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset, load_bars, prepare
from flows.evidence.backfill import decision_threshold, refits
from flows.gate.nightly.policy import GatePolicy
from flows.gate.nightly.sequential import day_autocorrelation, judge, pooled, variance_inflation
from flows.gate.scoring.days import DailyScores, by_day
from flows.gate.scoring.scores import edge, trailing_base, trailing_rank
from flows.instruments.spreads import Spreads
from flows.pnl.account import SURE, Account, Swap, TradedBars, account
from flows.pnl.trading_rules import TradingRule
from flows.recipes import BASELINES, Machine, Recipe, baseline, choose, probabilities, shipped, train_all
from registry.archive.input_schema import RowsOf

LABELS = {"next_bar": "always", "horizon 16": "hold 16", "horizon 96": "hold 96"}
"""Labels, and the rule that each is traded by."""

FIRST_DAY = "2023-01-01"
TRAINING_DAYS = 365
LAGS = (1, 4, 16, 48, 96, 480)
LATER = ("daily lead, 1 day", "2 days", "3 to 5 days, sum")
LARGEST = 0.9


@dataclass(frozen=True, eq=False)
class Walked:
    """What streams said on the bars of ``data`` where ``at``, shape (n,), is true. ``p``, ``cut``: by stream, shape
    (n_at,); a cut is that of the version of its bar."""

    data: Dataset
    at: Mask
    p: Mapping[str, Floats]
    cut: Mapping[str, Floats]

    @property
    def opens(self) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self.data.bars.frame.index)[self.at]

    @property
    def judged(self) -> Mask:
        """Of these bars, those whose label is known and counts: shape (n_at,)."""
        return self.data.counted[self.at]

    def rank(self, stream: str) -> Floats:
        return trailing_rank(self.p[stream], counts=self.data.instrument.counts)


def main() -> None:
    """Print what each label earned, and how long the streams of each keep what they say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labels", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1].parent / "shared" / "data")
    parser.add_argument("--recipes", nargs="+", default=list(shipped()), help="all shipped ones by default")
    parser.add_argument("--cores", type=int, default=None)
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"there is no folder {options.data}: name one with real bars by --data")
    bars = load_bars(options.data)
    recipes = choose(options.recipes, shipped())
    found = {label: walk(prepare(bars, labels=label), recipes, FIRST_DAY, cores=options.cores) for label in LABELS}
    show(found)
    show_persistence(found, [recipe.name for recipe in recipes])


def walk(data: Dataset, recipes: Sequence[Recipe], first: str, *, cores: int | None = None) -> Walked:
    """Recipes and baselines from this trading day on."""
    days = np.unique(data.trading_day[data.counted & (data.trading_day >= np.datetime64(first))]).size
    opens, policy = pd.DatetimeIndex(data.bars.frame.index), GatePolicy()
    steps = [end for end, _ in refits(data, days)]
    said: dict[str, list[Floats]] = {}
    cuts: dict[str, list[Floats]] = {}
    for end, following in pairwise([*steps, None]):
        scored = np.asarray((opens >= end) & ((opens < following) if following is not None else True), np.bool_)
        trained = data.window(days=TRAINING_DAYS, end=end)
        rows = RowsOf(data.bars.frame, scored)
        for fit in train_all(recipes, data, trained, seed=0, machine=Machine(cores)):
            before = said.setdefault(fit.recipe.name, [])
            earlier = np.concatenate([np.empty(0), *before])
            p = probabilities(fit, fit.recipe.signature, rows)
            cut = decision_threshold(policy, earlier, data.instrument.counts)
            before.append(p)
            cuts.setdefault(fit.recipe.name, []).append(np.full(p.size, cut))
        for name in BASELINES:
            p = baseline(name, data, trained)[scored]
            said.setdefault(name, []).append(p)
            cuts.setdefault(name, []).append(np.full(p.size, 0.5))
    at = np.asarray(opens >= steps[0], np.bool_)
    whole = [{name: np.concatenate(parts) for name, parts in each.items()} for each in (said, cuts)]
    return Walked(data, at, *whole)


def show(found: Mapping[str, Walked]) -> None:
    """Print one row a label and stream."""
    first = next(iter(found.values()))
    print(f"\n{first.opens[0].date()} to {first.opens[-1].date()}, pips a bar outside of the rollover hour:\n")
    print(
        "| label | traded | stream | bars judged, days | right | right on the largest tenth of its moves | z of edge "
        "| trades a day | before costs, pips a bar | net pips a bar | net pips in all |"
    )
    print("| --- " * 11 + "|")
    for label, walked in found.items():
        for stream in walked.p:
            cells = [label, LABELS[label], stream, *accuracies(walked, stream), edge_z(walked, stream)]
            print(f"| {' | '.join([*cells, *earned(walked, stream, LABELS[label])])} |", flush=True)


def accuracies(walked: Walked, stream: str) -> list[str]:
    """Bars and days judged, how often right, and how often on the tenth of the bars whose label's move was largest."""
    bars, data = walked.judged, walked.data
    right = ((walked.p[stream] > walked.cut[stream]) == (data.label[walked.at] == 1.0))[bars].astype(np.float64)
    day, size = data.trading_day[walked.at][bars], np.abs(_moves(data))[walked.at][bars]
    large = size >= np.quantile(size, LARGEST)
    shares = []
    for among in (np.ones_like(large), large):
        number = np.unique(day[among], return_inverse=True)[1]
        count = np.bincount(number).astype(np.float64)
        hits = np.bincount(number, weights=right[among])
        share = hits.sum() / count.sum()
        shares.append(f"{100 * share:.2f} % ± {100 * interval(hits, count):.2f}")
    return [f"{bars.sum():,}, {np.unique(day).size}", *shares]


def _moves(data: Dataset) -> Floats:
    """Pips to the end of the label's horizon, shape (n,); NaN beyond the last bar."""
    close, ahead = data.bars.close, data.question.bars
    moves = np.full(close.size, np.nan)
    moves[:-ahead] = (close[ahead:] - close[:-ahead]) * data.instrument.pips
    return moves


def edge_z(walked: Walked, stream: str) -> str:
    """z of the daily mean edge, as the gate computes it over all days; none of who says the same until the next refit,
    where ranks only tell which month it is."""
    if stream == "no_skill":
        return "–"
    daily = daily_edges(walked, stream)
    found = judge(daily.mean, daily.bars, windows=(daily.mean.shape[0],)).best
    return "–" if found is None else f"{found.z:+.1f}"


def daily_edges(walked: Walked, stream: str) -> DailyScores:
    """Mean edge of each day on the bars that count; bases know the labels of bars that are a horizon old alone."""
    data, counts = walked.data, walked.data.instrument.counts
    known = ~np.isnan(data.label[walked.at])
    label, p = data.label[walked.at][known], walked.p[stream][known]
    base = trailing_base(label, counts=counts, horizon=data.question.bars)
    there = ~np.isnan(base)
    scores = np.full(label.size, np.nan)
    scores[there] = edge(p, label, base=np.where(there, base, 0.0), counts=counts)[there]
    scores[~walked.judged[known]] = np.nan
    return by_day(data.trading_day[walked.at][known], scores, minimum_bars=counts.half_day)


def earned(walked: Walked, stream: str, rule: str) -> list[str]:
    """Trades a day, pips a bar before and after costs with their intervals, and the sum after costs."""
    book = traded(walked, stream, rule)
    total = book.result(stream)
    number = np.unique(book.bars.day, return_inverse=True)[1]
    count = np.bincount(number, weights=~book.bars.rollover)
    errors = [interval(np.bincount(number, weights=pips), count) for pips in (book.earned, book.net)]
    return [
        f"{total.trades_a_day:.1f}",
        f"{total.gross_a_bar:+.3f} ± {errors[0]:.3f}",
        f"{total.net_a_bar:+.3f} ± {errors[1]:.3f}",
        f"{total.net:+,.0f} ± {errors[1] * total.bars:,.0f}",
    ]


def traded(walked: Walked, stream: str, rule: str) -> Account:
    """The account of a stream by a rule, on all bars that another follows."""
    data, opens = walked.data, walked.opens
    move = data.move_pips[walked.at]
    costs = data.instrument.costs
    bars = TradedBars(opens, move, Spreads.parse(costs.spreads).pips(opens), Swap.parse(costs.swap), data.instrument)
    followed = bars.among(bars.known)
    up = (walked.p[stream] > walked.cut[stream])[bars.known]
    return account(TradingRule.parse(rule).positions(followed, up=up, rank=np.zeros(up.size)), followed)


def interval(sums: Floats, count: Floats) -> float:
    """Half of the 95 % interval of ``sums`` over ``count``, by day: shape (n_days,), wider where days follow each
    other."""
    days = count.size
    off = sums - count * sums.sum() / count.sum()
    error = np.sqrt(days / (days - 1) * np.square(off).sum()) / count.sum()
    return float(SURE * error * variance_inflation(pooled([float(day_autocorrelation(off))])))


def show_persistence(found: Mapping[str, Walked], recipes: Sequence[str]) -> None:
    """Print how much of the difference between two recipes' ranks is left some bars later, and how daily leads follow
    each other: the mean of all pairs, and the pair of which most is left after 96 bars."""
    print(
        "\nWhat is left of the difference between the ranks of two recipes, and of their daily lead by edge days "
        "later:\n"
    )
    columns = ["label", "pairs", *(f"{lag} bars" for lag in LAGS), *LATER]
    print(f"| {' | '.join(columns)} |\n{'| --- ' * len(columns)}|")
    for label, walked in found.items():
        rows = np.array([_left(walked, *pair) for pair in combinations(recipes, 2)])
        slowest = rows[rows[:, LAGS.index(96)].argmax()]
        for name, row in (("mean of all", rows.mean(axis=0)), ("the slowest", slowest)):
            print(f"| {label} | {name} | {' | '.join(f'{each:+.3f}' for each in row)} |", flush=True)


def _left(walked: Walked, one: str, other: str) -> list[float]:
    apart = walked.rank(one) - walked.rank(other)
    apart = apart[~np.isnan(apart)]
    apart = apart - apart.mean()
    left = [float(np.vdot(apart[lag:], apart[:-lag]) / (apart.size - lag) / apart.var()) for lag in LAGS]
    leads = (daily_edges(walked, one).mean - daily_edges(walked, other).mean)[:, 0]
    off = leads - leads.mean()
    later = [float(np.vdot(off[lag:], off[:-lag]) / np.vdot(off, off)) for lag in range(1, 6)]
    return [*left, later[0], later[1], sum(later[2:])]


if __name__ == "__main__":
    main()
