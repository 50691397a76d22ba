"""When bars opened: read from the index of a frame, or from a column of times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from registry.errors import InputMismatch
from registry.features.trading_clock import Minutes

TIMESTAMP = "timestamp"
"""Where a mapping, or a frame without times in its index, says when each bar opened."""

_A_MINUTE = {"s": 60, "ms": 60_000, "us": 60_000_000, "ns": 60_000_000_000}


def opens_of(columns: Any) -> Minutes:
    """When each bar opened, whole minutes since 1970 in UTC, shape (n,): by the index of a frame, else by its column
    ``timestamp``, of datetimes (numpy's are taken to be UTC) or of texts with their zone.

    Raises :class:`InputMismatch` where there are no times, or one has no zone.
    """
    index = getattr(columns, "index", None)
    if getattr(getattr(index, "dtype", None), "kind", "") == "M":
        if getattr(index, "tz", None) is None:
            raise InputMismatch("the times of the index have no time zone: localize them, to UTC for instance")
        return _of_index(index)
    if TIMESTAMP not in columns:
        raise InputMismatch(
            f"the column {TIMESTAMP} is missing: features that look back, or read the clock, need the open of each bar"
        )
    times = np.asarray(columns[TIMESTAMP])
    if times.ndim != 1:
        raise InputMismatch(f"the column {TIMESTAMP} has the shape {times.shape}, expected one time a row")
    if times.dtype.kind == "M":
        return _minutes_of(times)
    return np.array([_moment(value, row) for row, value in enumerate(times.tolist())], np.int64)


def _of_index(index: Any) -> Minutes:
    missing = np.flatnonzero(np.asarray(index.asi8) == np.iinfo(np.int64).min)
    if missing.size:
        raise InputMismatch(f"the index has no time at row {int(missing[0])}: every bar needs its open")
    return np.asarray(index.asi8 // _A_MINUTE[index.unit], np.int64)  # its values would be copied to another zone


def _minutes_of(times: np.ndarray[Any, Any]) -> Minutes:
    missing = np.flatnonzero(np.isnat(times))
    if missing.size:
        raise InputMismatch(f"the column {TIMESTAMP} has no time at row {int(missing[0])}: every bar needs its open")
    return times.astype("datetime64[m]").astype(np.int64)


def _moment(value: Any, row: int) -> int:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputMismatch(
            f"the column {TIMESTAMP} is {str(value)[:40]!r} at row {row}: write a time with its zone, as in "
            "2024-04-26T13:15:00Z"
        )
    return int(moment.timestamp() // 60)
