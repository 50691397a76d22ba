"""Small frames and datasets made in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flows.bars import Bars, Dataset, prepare


def dataset_of(frame: pd.DataFrame, labels: str = "next_bar") -> Dataset:
    return prepare(
        Bars(
            frame=frame,
            file_time=frame.index.tz_localize(None).to_numpy(),
            source="a test",
            simulated=True,
            as_of=frame.index[-1] + pd.Timedelta(minutes=15),
            clock="UTC",
            repairs=(),
        ),
        labels=labels,
    )


def simulated_frame(rows: int, seed: int = 1) -> pd.DataFrame:
    """A random walk in pips around 1.27 with the notebook's columns; the RSI knows a little of the next move."""
    rng = np.random.default_rng(seed)
    move = rng.normal(0, 8e-4, rows).round(5)
    close = 1.27 + np.cumsum(move)
    ahead = np.append(move[1:], 0.0)
    return pd.DataFrame(
        {
            "open_15m": close - move,
            "close_15m": close,
            "rsi_14": np.clip(50 + 4e3 * ahead + rng.normal(0, 10, rows), 1, 99),
            "ema_20": close - rng.normal(0, 5e-4, rows),
            "ema_50": close - rng.normal(0, 9e-4, rows),
            "atr_14": rng.uniform(4e-4, 9e-4, rows),
            "adx_14": rng.uniform(10, 40, rows),
        },
        index=pd.date_range("2024-03-04", periods=rows, freq="15min", tz="UTC", name="timestamp"),
    )
