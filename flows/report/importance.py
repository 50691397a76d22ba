"""What the champion rests on: by how much its score falls where one feature is shuffled among recent bars.

Permutation importance (Breiman, "Random Forests", 2001) of the champion itself, on bars that it was not trained on: on
its training bars shuffling would show what it memorised. Each feature is shuffled alone, so where two say nearly the
same either may look small. Seeds are fixed: the same bars give the same figures. The dossier asks the same of refits of
the recipe, which takes longer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats
from flows.bars import Dataset
from flows.gate.scoring.ledger import Ledger, Stream
from flows.gate.scoring.stream_scorer import StreamScorer
from flows.recipes.predicting import input_matrix
from flows.recipes.threads import one_thread
from flows.report.data import FeatureImportance, ImportanceRow
from registry import ChampionRecord, Model
from registry.archive.input_schema import RowsOf
from registry.clock import read_moment
from registry.errors import RegistryError

AS_IS = "all features"
"""The name of the stream of bars as they are; no feature has a space in its name."""

DAYS = 120
"""Trading days, at most: half a year."""

FEW_DAYS = 20
"""With fewer trading days there are no figures."""

REPEATS = 2
"""Shuffles of each feature, whose losses are averaged."""


def importance(model: Model, champion: ChampionRecord, data: Dataset, score: str) -> FeatureImportance | None:
    """``score``: of the policy. None with fewer than 20 days since the champion was trained, and where its artifact
    cannot be read or these bars lack its columns: the watch has an alarm for either."""
    if champion.known_at is None:
        return None
    opens = pd.DatetimeIndex(data.bars.frame.index)
    after = np.asarray(opens >= pd.Timestamp(read_moment(champion.known_at))) & ~np.isnan(data.label)
    asked = after & np.isin(data.trading_day, np.unique(data.trading_day[after])[-DAYS:])
    if np.unique(data.trading_day[asked]).size < FEW_DAYS:
        return None
    try:
        archive = model.archive(champion)
        known = asked & archive.signature.known(data.bars.frame)
        inputs = input_matrix(archive.signature, RowsOf(data.bars.frame, known))
    except RegistryError:
        return None
    features = archive.signature.features
    scores = {AS_IS: np.full(len(opens), np.nan)}
    with one_thread():
        scores[AS_IS][known] = archive.up(inputs)
        for place, name in enumerate(features):
            for repeat in range(REPEATS):
                found = scores[f"{name} {repeat}"] = np.full(len(opens), np.nan)
                found[known] = archive.up(shuffled(inputs, place, (repeat, place)))
    ledger = ledger_of(data, scores, among=asked)
    lost = losses(ledger, score)
    rows = []
    for name in features:
        mean_lost = np.mean([lost[f"{name} {repeat}"] for repeat in range(REPEATS)], axis=0)
        at = ledger.counted & ~np.isnan(mean_lost)
        if at.any():
            rows.append(ImportanceRow(name, *mean_and_error(mean_lost[at], ledger.day[at])))
    at = ledger.counted & ledger.streams[AS_IS].scored
    days = np.unique(ledger.day[at])
    ordered = tuple(sorted(rows, key=lambda row: -row.lost))
    return FeatureImportance(score, int(at.sum()), int(days.size), str(days[0]), str(days[-1]), ordered)


def shuffled(inputs: Floats, column: int, seed: tuple[int, ...]) -> Floats:
    """The inputs, shape (n_bars, n_features), with one column shuffled among them."""
    found = inputs.copy()
    found[:, column] = np.random.default_rng(seed).permutation(found[:, column])
    return found


def ledger_of(data: Dataset, scores: Mapping[str, Floats], *, among: npt.NDArray[np.bool_] | None = None) -> Ledger:
    """A ledger of scores by name, each of shape (n_bars,) over the dataset's bars, where the label is known.

    ``among``: shape (n_bars,), the bars to keep; all by default.
    """
    known = ~np.isnan(data.label) if among is None else among & ~np.isnan(data.label)
    half, live = np.full(int(known.sum()), 0.5), np.ones(int(known.sum()), np.bool_)
    streams = {name: Stream(name, each[known], half, live, None) for name, each in scores.items()}
    opens = pd.DatetimeIndex(data.bars.frame.index)[known]
    label, day, counted = data.label[known], data.trading_day[known], data.counted[known]
    return Ledger(opens, label, day, counted, streams, {}, (), data.instrument, data.question)


def losses(ledger: Ledger, score: str) -> dict[str, Floats]:
    """By stream: what each bar loses against the stream of bars as they are, in units of the score, shape (n_bars,)."""
    scores = StreamScorer(ledger, score)
    as_is = scores.of(AS_IS, AS_IS)
    return {name: as_is - scores.of(name, name) for name in ledger.streams if name != AS_IS}


def mean_and_error(values: Floats, day: npt.NDArray[np.datetime64]) -> tuple[float, float | None]:
    """The mean of values a bar, shape (n_bars,), and its standard error by trading days; None of one day."""
    mean = float(values.mean())
    _, number = np.unique(day, return_inverse=True)
    sums = np.bincount(number, values - mean)
    return mean, None if sums.size < 2 else float(np.sqrt(np.square(sums).sum()) / values.size)
