"""How long bars are shows in the steps between them; the project's are a quarter of an hour, or the instrument's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars
from flows.instruments import MINUTES

ENOUGH = 10
"""Steps from which the length shows."""

STRETCH = 24
"""Steps in a row without one of 15 minutes that are another length; the longest on the real years is 4."""

_NAMES = {minutes: name for name, minutes in MINUTES.items() if minutes > 15}


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Bars of another length, all of them or a stretch. Speaks from :data:`ENOUGH` steps on."""
    steps, usual, words = np.diff(bars.opens), bars.instrument.length, bars.instrument.bar_words
    if steps.size < ENOUGH:
        return
    lengths, counts = np.unique(steps, return_counts=True)
    longer = np.zeros(bars.opens.size, np.bool_)
    if lengths[np.argmax(counts)] != usual:
        longer[1:] = steps != usual
        found = f"the commonest step between bars is {_length(lengths[np.argmax(counts)])}, not {words}"
        yield bars.finding(Check.BAR_LENGTH, "refuse", longer, found)
        return
    is_longer = steps != usual
    number = np.cumsum(~is_longer)  # one number a run of longer steps
    size = np.bincount(number[is_longer], minlength=int(number[-1]) + 1)
    longer[1:] = is_longer & (size[number] >= STRETCH)
    if longer.any():
        lengths, counts = np.unique(steps[longer[1:]], return_counts=True)
        found = f"{int(longer.sum()):,} steps of {_length(lengths[np.argmax(counts)])} among bars of {words}"
        yield bars.finding(Check.BAR_LENGTH, "refuse", longer, found)


def _length(step: np.timedelta64) -> str:
    minutes = int(step // np.timedelta64(1, "m"))
    name = _NAMES.get(minutes)
    return f"{minutes} minutes{f' ({name})' if name else ''}"
