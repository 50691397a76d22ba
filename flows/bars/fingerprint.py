"""A fingerprint is a SHA-256 of the content of some bars: the same bars have the same one, however they were read.

Hashed are the column names in alphabetical order, then row by row the open in UTC (nanoseconds since 1970, int64) and
the values in that order (float64), all little-endian, with -0.0 written as 0.0. So the index's unit, the order of
columns and the CSV engine do not matter; one changed value, one bar more or less, or another name of a column does.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars.trading_days import trading_day
from flows.instruments import GBPUSD_M15, Instrument


def fingerprint(frame: pd.DataFrame) -> str:
    """SHA-256 (hex) of the bars in ``frame``: a DatetimeIndex with a zone, numbers without NaN."""
    head, rows = _canonical(frame)
    return _digest(head, rows)


def day_fingerprints(frame: pd.DataFrame, instrument: Instrument = GBPUSD_M15) -> dict[date, str]:
    """The fingerprint of each trading day's bars, in order of time; ``frame`` must be in order of time itself."""
    head, rows = _canonical(frame)
    days, starts = np.unique(trading_day(_index(frame), instrument), return_index=True)
    bounds = pairwise([*starts.tolist(), len(rows)])
    return {day: _digest(head, rows[begin:end]) for day, (begin, end) in zip(days.tolist(), bounds, strict=True)}


def row_fingerprints(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """The first eight bytes of each bar's own fingerprint, shape (n,): which bars have other values than before."""
    head, rows = _canonical(frame)
    digests = (hashlib.sha256(head + row.tobytes()).digest()[:8] for row in np.ascontiguousarray(rows, "<u8"))
    return np.fromiter((int.from_bytes(digest, "little") for digest in digests), np.uint64, len(rows))


def _canonical(frame: pd.DataFrame) -> tuple[bytes, npt.NDArray[np.uint64]]:
    """The names, and one row of 64-bit words a bar."""
    names = sorted(map(str, frame.columns))
    values = frame[names].to_numpy(np.float64) + 0.0  # -0.0 + 0.0 is 0.0
    opens = _index(frame).tz_convert("UTC").as_unit("ns").asi8
    words = np.column_stack([opens.astype("<i8").view("<u8"), np.ascontiguousarray(values.astype("<f8")).view("<u8")])
    return json.dumps(names).encode("ascii") + b"\n", words


def _digest(head: bytes, rows: npt.NDArray[np.uint64]) -> str:
    return hashlib.sha256(head + np.ascontiguousarray(rows, "<u8").tobytes()).hexdigest()


def _index(frame: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(frame.index)
