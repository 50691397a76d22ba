"""How holding a position felt: how deep its sum fell, the worst day, how long it stood below its peak.

>>> felt = risk(book.by_day())
>>> felt.drawdown, felt.worst, felt.under_water
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flows.errors import GateRefused
from flows.pnl.account import DailyPips


@dataclass(frozen=True)
class Risk:
    """``drawdown``: pips from the highest sum to the lowest after it, ended on ``drawdown_day``; ``worst``: pips of the
    worst day, below zero where it lost, and ``worst_day``; ``under_water``: trading days in the longest run on which
    the sum stood below an earlier one, ``still``: that run had not ended on the last day."""

    drawdown: float
    drawdown_day: str
    worst: float
    worst_day: str
    under_water: int
    still: bool


def risk(daily: DailyPips) -> Risk:
    """Of the running sum of net pips, which begins at zero before the first day.

    Raises :class:`GateRefused` where there is no day.
    """
    if not daily.day.size:
        raise GateRefused("there is no day to tell a drawdown of")
    total = np.cumsum(daily.net)
    fallen = np.maximum.accumulate(np.concatenate([[0.0], total]))[1:] - total
    runs, run = [], 0
    for below in (fallen > 0.0).tolist():
        run = run + 1 if below else 0
        runs.append(run)
    deepest, worst = int(np.argmax(fallen)), int(np.argmin(daily.net))
    return Risk(
        drawdown=float(fallen[deepest]),
        drawdown_day=str(daily.day[deepest]),
        worst=float(daily.net[worst]),
        worst_day=str(daily.day[worst]),
        under_water=max(runs),
        still=runs[-1] == max(runs) and runs[-1] > 0,
    )
