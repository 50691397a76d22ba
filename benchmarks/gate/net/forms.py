"""Forms of a test of net pips: what becomes of a daily lead before the gate's z judges it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.gate.days import Floats

TRAILING = 60
"""Days before each whose deviation from zero is the measure of it."""

LIMIT = 2.0
"""Deviations that one day may count for at most where large days are cut."""


def recent_deviation(leads: Floats) -> Floats:
    """Root mean square of the days before each, at most 60 of them; of the first, the whole first 60: (…, days)."""
    square = np.cumsum(np.pad(np.square(leads), [(0, 0)] * (leads.ndim - 1) + [(1, 0)]), axis=-1)
    end = np.arange(leads.shape[-1])
    begin = np.maximum(end - TRAILING, 0)
    end, begin = np.where(end < TRAILING, TRAILING, end), np.where(end < TRAILING, 0, begin)
    return np.asarray(np.sqrt((square[..., end] - square[..., begin]) / (end - begin)))


def _cut(leads: Floats) -> Floats:
    most = LIMIT * recent_deviation(leads)
    return np.clip(leads, -most, most)


FORMS: dict[str, Callable[[Floats], Floats]] = {
    "net": lambda leads: leads,
    "net, large days cut at two deviations": _cut,
    "net, each day by the recent deviation": lambda leads: leads / recent_deviation(leads),
    "net, sign of each day": np.sign,
}
