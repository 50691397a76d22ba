"""Wilder's RSI is recomputed from three closes at a time.

With ``g`` and ``l`` the smoothed gains and losses, ``r = g / (g + l)`` is the RSI and ``s = g + l`` is not in the file.
But two values of ``r`` and the move between them give it:

    s[t] = (13 · s[t-1] + |move[t]|) / 14        r[t] · s[t] = (13 · r[t-1] · s[t-1] + gain[t]) / 14

and the ``s`` that one step gives must be the one that the next step begins with. Both definitions of
:mod:`flows.bars.indicators` keep this from the second row on, whatever they began with. Wilder, New Concepts in
Technical Trading Systems, 1978.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.bars.plausibility import following
from flows.bars.plausibility.finding import BarFinding, Check
from flows.bars.plausibility.seen import SeenBars, written_step

NAME = "rsi_14"

ENOUGH = 30
"""Steps from which the column is judged."""

MOVED = 5e-4
"""How far the RSI (as a part of 1) must move in a step for that step to give ``s``: less drowns in the last digit."""

_EXACT = 1e-3
"""How far apart two ``s`` may be, as a part of them, where ten decimals are written."""


def check(bars: SeenBars) -> Iterator[BarFinding]:
    """Steps of ``rsi_14`` that do not follow. Speaks from :data:`ENOUGH` steps on."""
    if NAME not in bars.columns or bars.follows.sum() < ENOUGH:
        return
    share, close = bars.columns[NAME] / 100, bars.close
    step = written_step(bars.columns[NAME]) / 100
    move = np.diff(close)
    moved = np.diff(share)
    clear = np.abs(moved) > max(MOVED, 100 * step)
    before = (np.maximum(move, 0) - share[1:] * np.abs(move)) / (13 * np.where(clear, moved, np.nan))
    after = (13 * before + np.abs(move)) / 14
    judged, wrong = np.zeros(close.size, np.bool_), np.zeros(close.size, np.bool_)
    # the direction shows in one step: an RSI rises with the close, falls with it, and stands still with it
    against = (np.sign(moved) != np.sign(move)) & (np.abs(moved) > 2 * step)
    far = np.abs(move) > np.median(np.abs(move))
    still = far & (moved == 0)
    if still.sum() * 2 > far.sum():  # one that is rounded stands still now and then, this one does not move
        against |= still
    within = (share[:-1] > 0) & (share[1:] < 1) & (share[1:] > 0) & (share[:-1] < 1)
    wrong[1:] = against
    judged[1:] = bars.follows[1:] & within
    pairs = bars.follows[2:] & bars.follows[1:-1] & clear[1:] & clear[:-1]
    tolerance = _EXACT + 8 * step / np.minimum(np.abs(moved[1:]), np.abs(moved[:-1])).clip(min=step)
    apart = ~(np.abs(after[:-1] - before[1:]) <= tolerance * np.abs(after[:-1]))
    wrong[2:] |= pairs & apart
    if judged.sum() >= ENOUGH:
        yield from following.report(Check.RELATIVE_STRENGTH, bars, NAME, judged, wrong & judged)
