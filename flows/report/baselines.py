"""The reference rows as streams of the ledger, so that they are scored exactly as the champion is."""

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

LEARNT_DAYS = 365


def reference_stream(name: str) -> str:
    return f"reference:{name}"


def with_references(ledger: Ledger, data: Dataset, first: datetime) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger with a stream for each reference, and the names of those there are.

    References that learn do so from the year before ``first``. One whose column the bars lack, or that has nothing to
    learn from, is left out.
    """
    place = places(ledger, data)
    found = {}
    for name in BASELINES:
        try:
            said = baseline(name, data, data.window(days=LEARNT_DAYS, end=first))
        except BarsMissing:
            continue
        p = np.where(place >= 0, said[place], np.nan)
        found[name] = Stream(name, p, np.full(p.size, 0.5), np.ones(p.size, np.bool_), None)
    streams = {**ledger.streams, **{reference_stream(name): stream for name, stream in found.items()}}
    return replace(ledger, streams=streams), tuple(found)


def places(ledger: Ledger, data: Dataset) -> npt.NDArray[np.int64]:
    """Where each bar of the ledger stands in the dataset, −1 where the bars have it no more: shape (n_bars,)."""
    return np.asarray(pd.DatetimeIndex(data.bars.frame.index).get_indexer(ledger.opens), np.int64)
