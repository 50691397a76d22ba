"""Yearly bar files are loaded here as bars that were known at the as-of, with labels, trading days and fingerprints.

::

    bars = load_bars("../shared/data", as_of=datetime(2024, 6, 3, 21, tzinfo=UTC))   # or "s3://bucket/prefix"
    dataset = prepare(bars)
    train = dataset.window(days=365)                                                 # a mask of bars
    bars.frame.loc[train, ["rsi_14", "adx_14"]], dataset.label[train]

Nothing later than the as-of is read: neither a bar that had not closed nor a label that was not known.
:func:`write_sample` writes simulated files of the same layout, for users without data.
"""

from flows.bars.clock import DEFAULT_CLOCK, FileClock
from flows.bars.dataset import Dataset, prepare
from flows.bars.indicators import DEFINITIONS, FEATURES, indicators
from flows.bars.label import NEXT_BAR, Label
from flows.bars.loading import MARKER, Bars, load_bars
from flows.bars.sample import write_sample
from flows.bars.trading_days import night_of, rollover, trading_day
from flows.bars.year_names import year_file

__all__ = [
    "DEFAULT_CLOCK",
    "DEFINITIONS",
    "FEATURES",
    "MARKER",
    "NEXT_BAR",
    "Bars",
    "Dataset",
    "FileClock",
    "Label",
    "indicators",
    "load_bars",
    "night_of",
    "prepare",
    "rollover",
    "trading_day",
    "write_sample",
    "year_file",
]
