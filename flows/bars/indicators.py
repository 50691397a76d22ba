"""Indicators compute the five features of the bar files from prices alone, by one of two :data:`Definitions`.

``"notebook"``: those of the HistData-derived files this system was built on. Exponential means that begin at the first
row and take rows as neighbours whether or not there is a gap between them. The files' values follow from their own
prices to the last digit written (5e-11), from the first row on once the state that the file began with is solved for;
see ``tests/flows/bars/test_notebook_definitions.py``.

``"textbook"``: Wilder's own (New Concepts in Technical Trading Systems, 1978), as TA-Lib computes them. What differs:

=====  ==================================================  ==========================================================
       notebook                                            textbook
=====  ==================================================  ==========================================================
RSI    exponential mean with alpha 1/14 from the first     begins with the plain mean of the first 14 changes
       change
EMA    begins at the first close                           begins with the plain mean of the first 20 (50) closes
ATR    begins at the first bar's high - low                begins with the plain mean of the first 14 true ranges
ADX    an upward and a downward move of one bar count      only the larger of the two moves counts; the mean begins with
       both; the mean of DX weighs what there is           the plain mean of the first 14
       (``adjust=True``)
=====  ==================================================  ==========================================================

After some 500 bars the beginnings have faded and RSI, EMA and ATR agree; ADX never does.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from registry.extras import needing

Definitions = Literal["notebook", "textbook"]

DEFINITIONS: tuple[Definitions, ...] = get_args(Definitions)

FEATURES = ("rsi_14", "ema_20", "ema_50", "atr_14", "adx_14")


def indicators(
    high: pd.Series, low: pd.Series, close: pd.Series, definitions: Definitions = "notebook"
) -> pd.DataFrame:
    """RSI, EMA, ATR and ADX at the close of each bar: shape (n, 5), columns :data:`FEATURES`.

    RSI and ADX are in 0 … 100, EMA and ATR in units of the price. NaN is what is not known yet: by the notebook
    RSI and ADX before anything has moved, by the textbook everything before its first plain mean is complete.
    :class:`PackageMissing` for the textbook's where TA-Lib is not installed.
    """
    return _textbook(high, low, close) if definitions == "textbook" else _notebook(high, low, close)


def _notebook(high: pd.Series, low: pd.Series, close: pd.Series) -> pd.DataFrame:
    change = close.diff()
    gain, loss = _wilder(change.clip(lower=0)), _wilder(-change.clip(upper=0))
    before = close.shift()
    true_range = pd.concat([high - low, (high - before).abs(), (low - before).abs()], axis=1).max(axis=1)
    up, down = _wilder(high.diff().clip(lower=0)), _wilder((-low.diff()).clip(lower=0))
    # The smoothed true range that both directions are measured in cancels in their ratio.
    direction = 100 * (up - down).abs() / (up + down).where(up + down > 0, np.nan)
    return pd.DataFrame(
        {
            "rsi_14": 100 * gain / (gain + loss),
            "ema_20": close.ewm(span=20, adjust=False).mean(),
            "ema_50": close.ewm(span=50, adjust=False).mean(),
            "atr_14": _wilder(true_range),
            "adx_14": direction.ewm(alpha=1 / 14, adjust=True).mean(),
        }
    )


def _wilder(values: pd.Series) -> pd.Series:
    return values.ewm(alpha=1 / 14, adjust=False).mean()


def _textbook(high: pd.Series, low: pd.Series, close: pd.Series) -> pd.DataFrame:
    with needing("textbook", "textbook definitions"):
        import talib
    top, bottom, last = (prices.to_numpy(np.float64) for prices in (high, low, close))
    values = (
        talib.RSI(last, 14),
        talib.EMA(last, 20),
        talib.EMA(last, 50),
        talib.ATR(top, bottom, last, 14),
        talib.ADX(top, bottom, last, 14),
    )
    return pd.DataFrame(dict(zip(FEATURES, values, strict=True)), index=close.index)
