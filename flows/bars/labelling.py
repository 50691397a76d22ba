"""How bars get their labels: up or not, when that was known, and which of them are trained on.

With ``c`` the closes, ``h`` the bars of the horizon and ``w`` the width of a bar (with the spread, where costs count):

- ``next_bar``, ``horizon``: up is ``c[t + h] > c[t]``; an unmoved close is not up.
- ``triple_barrier``: up where a high of the bars ``t + 1 … t + h`` is at or above ``c[t] + w`` before a low is at or
  below ``c[t] - w`` (de Prado, Advances in Financial Machine Learning, 2018, chapter 3); where one bar reaches both, by
  its close beside ``c[t]``; where none does, as the horizon says. Bars without columns of highs and lows reach with
  their closes. A bar that closes in the rollover reaches nothing: the bid moves there with the spread.
- ``dead_zone``: as ``horizon``, and trained on where ``|c[t + h] - c[t]| > w``. What a bar did later must not say
  whether it is evidence, so every bar has its label.

A label is known if all bars of the horizon follow one another without a gap, and from the close of the last of them,
also where a barrier was reached before: so what is known is always a beginning of the bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.label import Label
from flows.bars.loading import Bars
from flows.errors import BarsMissing
from flows.instruments.spreads import Spreads

ATR = "atr_14"
"""The column of average true ranges, in units of the price."""

_TOUCH = 1e-6
"""Pips by which a price may miss a width and still reach it: of binary fractions, not of the market."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Of bars, all of shape (n,): ``up``, 1.0 or 0.0, and NaN where it is not known; ``known_at``, NaT there;
    ``trained``: those to learn from; ``ends_in_rollover``: where the horizon's last close stands apart by the spread.
    """

    up: Floats
    known_at: pd.DatetimeIndex
    trained: Mask
    ends_in_rollover: Mask


def labels_of(bars: Bars, label: Label, follows: Mask, rollover: Mask) -> Labels:
    """The labels of ``bars``. ``follows``: shape (n - 1,), which rows the next one follows without a gap;
    ``rollover``: shape (n,), those that close in the rollover span.

    Raises :class:`~flows.errors.LabelRefused` for a horizon too long for the instrument, :class:`BarsMissing` where
    widths are in average true ranges and the bars have none.
    """
    label.check(bars.instrument)
    horizon, close = label.bars, bars.close
    count = np.concatenate([[0], np.cumsum(follows)])
    known = _ahead(count, horizon) - count == horizon
    last = np.flatnonzero(known) + horizon
    up, trained = _ahead(close, horizon) > close, known
    if label.kind == "triple_barrier":
        up = _first_barrier(bars, label, known, rollover)
    elif label.kind == "dead_zone":
        move = (_ahead(close, horizon) - close) * bars.instrument.pips
        trained = known & (np.abs(move) > _width(bars, label) + _TOUCH)
    known_at = np.full(known.size, np.datetime64("NaT", "ns"))
    known_at[known] = (pd.DatetimeIndex(bars.frame.index) + bars.instrument.step).tz_localize(None).to_numpy()[last]
    ends = np.zeros(known.size, np.bool_)
    ends[known] = rollover[last]
    return Labels(np.where(known, up, np.nan), pd.DatetimeIndex(known_at, tz="UTC"), trained, ends)


def _ahead(values: npt.NDArray[Any], bars: int) -> Floats:
    """The values so many bars later, NaN at the end: shape (n,)."""
    later = np.full(values.size, np.nan)
    later[:-bars] = values[bars:]
    return later


def _first_barrier(bars: Bars, label: Label, known: Mask, rollover: Mask) -> Mask:
    """Whether the upper barrier comes first: shape (n,)."""
    columns, close, width = bars.instrument.columns, bars.close, _width(bars, label) - _TOUCH
    high, low = (
        bars.frame[name].to_numpy(np.float64) if name in bars.frame.columns else close
        for name in (columns.high, columns.low)
    )
    up = _ahead(close, label.bars) > close
    at = np.flatnonzero(known)  # still between its barriers
    for later in range(1, label.bars + 1):
        then = at + later
        above = (high[then] - close[at]) * bars.instrument.pips >= width[at]
        below = (close[at] - low[then]) * bars.instrument.pips >= width[at]
        reached = (above | below) & ~rollover[then]
        up[at[reached]] = np.where(above & below, close[then] > close[at], above)[reached]
        at = at[~reached]
    return np.asarray(up, np.bool_)


def _width(bars: Bars, label: Label) -> Floats:
    """How far a barrier or the end of a dead zone is from each close, in pips: shape (n,)."""
    instrument = bars.instrument
    width = np.full(len(bars.frame), float(label.width or 0.0))
    if label.unit == "atr":
        if ATR not in bars.frame.columns:
            raise BarsMissing(
                f"the bars from {bars.source} have no column {ATR}, in which the label {label} counts: add it "
                "(`retrain features`), or give the width in pips"
            )
        width *= bars.frame[ATR].to_numpy(np.float64) * instrument.pips
    if label.costs:
        width += Spreads.parse(instrument.costs.spreads).pips(pd.DatetimeIndex(bars.frame.index))
    return width
