"""The five features of the bar files, from prices alone.

Definitions are those of the HistData-derived files this system was built on (equal to 1e-9 once warm): exponential
smoothing that starts at the first row, and rows taken as neighbours whether or not there is a gap between them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

FEATURES = ("rsi_14", "ema_20", "ema_50", "atr_14", "adx_14")


def indicators(high: pd.Series, low: pd.Series, close: pd.Series) -> pd.DataFrame:
    """RSI, EMA, ATR and ADX at the close of each bar: shape (n, 5), columns :data:`FEATURES`.

    RSI, ATR and ADX are Wilder's (New Concepts in Technical Trading Systems, 1978), smoothed by 1/14, except that the
    files' ADX counts an upward and a downward move of the same bar both, where Wilder keeps the larger. RSI and ADX are
    in 0 … 100 and NaN where nothing has moved yet; EMA and ATR are in units of the price.
    """
    change = close.diff()
    gain, loss = _wilder(change.clip(lower=0)), _wilder(-change.clip(upper=0))
    before = close.shift()
    true_range = pd.concat([high - low, (high - before).abs(), (low - before).abs()], axis=1).max(axis=1)
    up, down = _wilder(high.diff().clip(lower=0)), _wilder((-low.diff()).clip(lower=0))
    return pd.DataFrame(
        {
            "rsi_14": 100 * gain / (gain + loss),
            "ema_20": close.ewm(span=20, adjust=False).mean(),
            "ema_50": close.ewm(span=50, adjust=False).mean(),
            "atr_14": _wilder(true_range),
            # The smoothed true range that both directions are measured in cancels in their ratio.
            "adx_14": _wilder(100 * (up - down).abs() / (up + down).where(up + down > 0, np.nan)),
        }
    )


def _wilder(values: pd.Series) -> pd.Series:
    return values.ewm(alpha=1 / 14, adjust=False).mean()
