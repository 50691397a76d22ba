"""Baselines are rules of thumb that every figure is compared with, and never candidates; all say "up" above 0.5.

- ``no_skill``: the share of ups among the training labels, for every bar, so it says what the majority was.
- ``fade_rsi``: (100 − RSI) / 100 within 0 and 1, "up" below an RSI of 50. Needs ``rsi_14``; nothing is trained.
- ``reverse_last_bar``: "up" after a close below that of the bar before. A hard call of 1 or 0, and 0.5 where the
  close did not move or the bar before is missing; nothing is trained.
- ``time_of_day``: the share of ups among the training labels of the bars at the same time of day; over all of
  them where the window holds none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import Dataset
from flows.errors import BarsMissing, RequestRefused


def baseline(name: str, dataset: Dataset, train_mask: Mask) -> Floats:
    """The score of every bar of ``dataset``, shape (n,), by the rule of this name.

    Training labels are those of the bars where ``train_mask`` (n,) holds. Raises :class:`RequestRefused` for an unknown
    name, :class:`BarsMissing` when no label is known there or the column that the rule reads is missing.
    """
    if name not in _RULES:
        raise RequestRefused(f"there is no reference {name}: choose among {', '.join(BASELINES)}")
    return _RULES[name](dataset, train_mask & np.isfinite(dataset.label))


def _no_skill(dataset: Dataset, trained: Mask) -> Floats:
    return np.full(len(dataset.label), _share_of_ups(dataset, trained))


def _fade_rsi(dataset: Dataset, trained: Mask) -> Floats:
    # One bad cell, an RSI of 250, is no score and must not end a night over a row that is shown for comparison.
    return np.asarray(np.clip((100.0 - _column(dataset, "rsi_14")) / 100.0, 0.0, 1.0))


def _reverse_last_bar(dataset: Dataset, trained: Mask) -> Floats:
    opens = pd.DatetimeIndex(dataset.bars.frame.index)
    follows = np.asarray(opens[1:] - opens[:-1] == dataset.instrument.step)
    p = np.full(len(opens), 0.5)
    p[1:] -= np.where(follows, 0.5 * np.sign(np.diff(dataset.bars.close)), 0.0)
    return p


def _time_of_day(dataset: Dataset, trained: Mask) -> Floats:
    slots = dataset.instrument.slots
    slot = dataset.instrument.slot(pd.DatetimeIndex(dataset.bars.frame.index))
    labels = np.bincount(slot[trained], minlength=slots)
    ups = np.bincount(slot[trained], weights=dataset.label[trained], minlength=slots)
    share = np.full(slots, _share_of_ups(dataset, trained))
    np.divide(ups, labels, out=share, where=labels > 0)
    p: Floats = share[slot]
    return p


def _share_of_ups(dataset: Dataset, trained: Mask) -> float:
    if not trained.any():
        raise BarsMissing("no label is known in the training window: choose a longer or a later one")
    return float(dataset.label[trained].mean())


def _column(dataset: Dataset, name: str) -> Floats:
    frame = dataset.bars.frame
    if name not in frame.columns:
        raise BarsMissing(
            f"the bars lack the column {name}, which a reference row is computed from: add it to the files"
        )
    return frame[name].to_numpy(np.float64)


_RULES: dict[str, Callable[[Dataset, Mask], Floats]] = {
    "no_skill": _no_skill,
    "fade_rsi": _fade_rsi,
    "reverse_last_bar": _reverse_last_bar,
    "time_of_day": _time_of_day,
}

BASELINES = tuple(_RULES)
"""The names, in the order in which they are shown."""
