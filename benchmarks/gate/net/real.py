"""The six shipped recipes on real bars of years that they were not trained on, and the pips of their sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.gate.days import BARS, Floats
from flows.bars import Dataset, load_bars, prepare
from flows.gate.scoring.days import by_day
from flows.gate.scoring.scores import TRAILING_BARS, TRAILING_MINIMUM, trailing_rank
from flows.recipes import probabilities, shipped, train_all

SPREAD = 0.8
"""Pips that a change of side costs."""

SPANS = ((2022, 2023), (2022, 2024), (2023, 2024))
"""Trained on, scored on."""

FULL_DAY = 85
"""Bars of a day whose moves are used for simulated days."""


@dataclass(frozen=True, eq=False)
class Scored:
    """The bars of one year that are evidence, arrays of shape (n_bars,), and what each recipe said of them."""

    label: Floats
    move: Floats
    atr: Floats
    day: npt.NDArray[np.datetime64]
    p: Mapping[str, Floats]

    def position(self, recipe: str) -> Floats:
        """1 above the median of the recipe's last 2,000 predictions, else −1; NaN with fewer than 500 of them."""
        p = pd.Series(self.p[recipe])
        cut = p.rolling(TRAILING_BARS, min_periods=TRAILING_MINIMUM).median().shift(1)
        return np.where(cut.isna(), np.nan, np.where(p > cut, 1.0, -1.0))

    def daily_net(self) -> Floats:
        """Net pips a bar of each recipe, always in the market, on each day that is evidence: (n_days, n_recipes)."""
        return self._daily([net_pips(self.position(recipe), self.move) for recipe in self.p])

    def daily_sized(self) -> Floats:
        """The same of positions as large as the rank of the prediction, in units of ATR."""
        return self._daily([net_pips(trailing_rank(p), self.move) / self.atr for p in self.p.values()])

    def _daily(self, scores: Sequence[Floats]) -> Floats:
        mean = by_day(self.day, np.stack(scores, axis=1)).mean
        return np.asarray(mean[~np.isnan(mean).any(axis=1)])


@dataclass(frozen=True, eq=False)
class Moves:
    """Real days: ``size``, shape (n_days, 91), by how many pips each bar moved up or down; ``range``: its ATR, pips."""

    size: Floats
    range: Floats


@dataclass(frozen=True, eq=False)
class Real:
    """By years trained and scored; and the moves of all years."""

    spans: Mapping[tuple[int, int], Scored]
    moves: Moves


def net_pips(position: Floats, move: Floats, *, spread: float | Floats = SPREAD) -> Floats:
    """Pips of each bar after costs, shape (…, n_bars): a position held over gaps pays a spread where it changes side,
    and a part of it where it changes by less than from long to short."""
    changed = np.zeros(position.shape)
    changed[..., 1:] = np.abs(np.diff(position, axis=-1)) / 2.0
    return np.asarray(position * move - spread * changed)


def read(data: Path) -> Real:
    """Train on the first of each span's years and say what is thought of the second."""
    dataset = prepare(load_bars(data))
    known = ~np.isnan(dataset.label) & dataset.counted
    fits = {
        year: train_all(list(shipped().values()), dataset, dataset.years(year), seed=0)
        for year in sorted({trained for trained, _ in SPANS})
    }
    spans = {}
    for trained, scored in SPANS:
        used = known & dataset.years(scored)
        p = {
            fit.recipe.name: probabilities(fit, fit.recipe.signature, dataset.bars.frame)[used] for fit in fits[trained]
        }
        move, day = dataset.move_pips[used], dataset.trading_day[used]
        spans[trained, scored] = Scored(dataset.label[used], move, _atr(dataset)[used], day, p)
    return Real(spans, _moves(dataset, known))


def _atr(dataset: Dataset) -> Floats:
    return np.asarray(dataset.bars.frame["atr_14"].to_numpy(np.float64) * dataset.instrument.pips)


def _moves(dataset: Dataset, known: npt.NDArray[np.bool_]) -> Moves:
    day = dataset.trading_day[known]
    size, atr = np.abs(dataset.move_pips[known]), _atr(dataset)[known]
    _, begins, bars = np.unique(day, return_index=True, return_counts=True)
    days = [(at, n) for at, n in zip(begins, bars, strict=True) if n >= FULL_DAY]
    return Moves(*(np.stack([np.resize(values[at : at + n], BARS) for at, n in days]) for values in (size, atr)))
