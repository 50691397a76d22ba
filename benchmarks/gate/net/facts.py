"""Edge is not money: on real bars of unseen years, how often recipes are right on small and on large moves, and the z
of their edge beside that of their pips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.gate.days import Floats
from benchmarks.gate.figures import Z
from benchmarks.gate.net.real import Real, Scored, net_pips
from flows.gate.nightly.sequential import judge
from flows.gate.scoring.days import by_day
from flows.gate.scoring.scores import edge, trailing_base, trailing_rank


def show(real: Real) -> None:
    """Print one row a recipe and span."""
    print("\nRight, by the size of the move that followed; z by trading days; net of 0.8 pips a change of side:\n")
    print(
        "| recipe | trained → scored | smaller half of the moves | largest tenth | z of edge | z of signed pips "
        "| by rank, over ATR | z of net pips | net pips a bar |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    below = rows = sharper = 0
    for (trained, scored), bars in real.spans.items():
        size = np.abs(bars.move)
        for recipe in bars.p:
            position = bars.position(recipe)
            right = np.where(np.isnan(position), np.nan, (position > 0.0) == (bars.label == 1.0))
            small = _share(right, bars, size <= np.median(size))
            large = _share(right, bars, size >= np.quantile(size, 0.9))
            of_edge = _z(bars, edge(bars.p[recipe], bars.label, base=trailing_base(bars.label)))
            gross, net = _z(bars, position * bars.move), _z(bars, net_pips(position, bars.move))
            sized = _z(bars, trailing_rank(bars.p[recipe]) * bars.move / bars.atr)
            below, sharper, rows = below + (large[0] < 0.5), sharper + (sized[0] > gross[0]), rows + 1
            cells = [f"{100 * share:.1f} % ± {100 * Z * error:.1f}" for share, error in (small, large)]
            pips = f"{net[1]:+.3f} ± {Z * net[2]:.3f}"
            cells += [f"{of_edge[0]:+.1f}", f"{gross[0]:+.1f}", f"{sized[0]:+.1f}", f"{net[0]:+.1f}", pips]
            print(f"| {recipe} | {trained} → {scored} | {' | '.join(cells)} |")
    print(f"\nBelow one half on the largest tenth: {below} of {rows}. Sharper by rank over ATR: {sharper}.", flush=True)


def _share(right: Floats, bars: Scored, among: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """How often right on some bars, and its standard error by trading days."""
    used = among & ~np.isnan(right)
    _, number, count = np.unique(bars.day[used], return_inverse=True, return_counts=True)
    share = float(right[used].mean())
    off = np.bincount(number, weights=right[used]) - count * share
    return share, float(np.sqrt(count.size / (count.size - 1) * np.square(off).sum()) / used.sum())


def _z(bars: Scored, score: Floats) -> tuple[float, float, float]:
    """z of a score's daily mean, by the gate's own judgement of the whole year; the mean and its standard error."""
    daily = by_day(bars.day, score)
    found = judge(daily.mean, daily.bars, windows=(daily.mean.shape[0],))
    return float(found.z[0, 0]), float(found.mean[0, 0]), float(found.standard_error[0, 0])
