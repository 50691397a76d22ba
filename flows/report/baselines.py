"""The baselines are added to the ledger as streams, so that they are scored exactly as the champion is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars import Dataset
from flows.errors import BarsMissing
from flows.gate.scoring.ledger import Ledger, Stream
from flows.recipes import BASELINES, baseline

TRAINING_DAYS = 365


def reference_stream(name: str) -> str:
    return f"reference:{name}"


def with_references(ledger: Ledger, data: Dataset, first: datetime) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger with a stream for each baseline, and the names of those streams.

    Baselines that are fitted use the year before ``first``. A baseline is left out where the bars lack its column, or
    hold nothing to fit it on.
    """
    positions = bar_positions(ledger, data)
    added = {}
    for name in BASELINES:
        try:
            predicted = baseline(name, data, data.window(days=TRAINING_DAYS, end=first))
        except BarsMissing:
            continue
        p = np.where(positions >= 0, predicted[positions], np.nan)
        added[name] = Stream(name, p, np.full(p.size, 0.5), np.ones(p.size, np.bool_), None)
    streams = {**ledger.streams, **{reference_stream(name): stream for name, stream in added.items()}}
    return replace(ledger, streams=streams), tuple(added)


def bar_positions(ledger: Ledger, data: Dataset) -> npt.NDArray[np.int64]:
    """Position of each bar of the ledger in the dataset, −1 where the dataset no longer has it: shape (n_bars,)."""
    return np.asarray(pd.DatetimeIndex(data.bars.frame.index).get_indexer(ledger.opens), np.int64)
