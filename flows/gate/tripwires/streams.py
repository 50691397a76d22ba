"""The wires of the streams: right too often, and right about other days than the one that was predicted.

**Too often.** Out of sample a stream is right on 50 to 53 % of the bars. One that is right on more than the policy's
bound over its last 250 trading days is tripped, provided that chance cannot do it: its accuracy must be five standard
errors above 53 %, which 1,276 bars are at 60 %. A leak that is a month old hides in a year, so the last 20 days are
looked at alone; there it must be five standard errors above the bound itself. Labels over a horizon of several bars
overlap, and their errors are those of as many labels as stand beside each other.

**The control.** All labels are put off by whole trading days, each to the same quarter of an hour of another day, and
every stream is scored on them again. A stream says nothing about these; what it still seems to know is a fault of the
evaluation: days that were handed in twice, predictions beside the labels of another day, a label that follows the time
of day. The labels themselves are put beside those of other days as well. Both sides are centred, so that a majority
class is no knowledge; the mean over trading days is divided by its standard error, as in the gate. Whatever is within
:data:`CONTROL_Z` of zero is noise. A horizon is a trading day at most, so labels a day apart share no move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.gate.tripwires.wire import TrippedWire, one_sided
from flows.instruments import GBPUSD_M15, DayCounts

SUSPICIOUS_PERCENT = 60.0
"""Accuracy above which a stream is not believed, by default."""

CREDIBLE = 0.53
"""Accuracy that a stream may truly have."""

CHANCE = 5.0
"""Standard errors that it must be above that, and in the last days above the bound."""

SHIFTS = (1, 2, 3, 5, 10)
"""Trading days that labels are put off by, forward and back."""

CONTROL_Z = 6.0
"""Standard errors from zero within which the control is noise."""

FEWEST_DAYS = 40
"""Trading days that the control needs."""

LABELS = "labels"
"""What the control calls the labels themselves."""


@dataclass(frozen=True, eq=False)
class JudgedSides:
    """The bars that streams are judged on, in order of time, all of shape (n_bars,). ``label``: 0 or 1. ``day``: the
    trading day; ``quarter``: the quarter of an hour of it, 0 to 95, or which of the ``slots`` of the
    instrument's bars. ``ups``: name of a stream → 1 where it says "up", 0 where it does not, NaN where it says nothing.
    A stream is looked at over a year and four weeks by ``counts``; a label tells of ``horizon`` bars."""

    label: Floats
    day: npt.NDArray[np.datetime64]
    quarter: npt.NDArray[np.int64]
    ups: Mapping[str, Floats]
    slots: int = GBPUSD_M15.slots
    counts: DayCounts = GBPUSD_M15.counts
    horizon: int = 1


def tripped_recipes(judged: JudgedSides, *, percent: float = SUSPICIOUS_PERCENT) -> list[TrippedWire]:
    """The streams that are right on more than ``percent`` % of the bars, each once, over the longest span of them."""
    found = (next(_too_often(name, up, judged, percent), None) for name, up in judged.ups.items())
    return [wire for wire in found if wire is not None]


def tripped_controls(judged: JudgedSides) -> list[TrippedWire]:
    """The streams, and the labels, that agree with labels of other days, each once, at its worst."""
    days = np.unique(judged.day)[-judged.counts.year :]
    label = by_trading_day(judged.label, judged, days)
    tripped = []
    for name, up in {LABELS: judged.label, **judged.ups}.items():
        found = list(_with_other_days(name, by_trading_day(up, judged, days), label, judged.counts.half_day))
        if found:
            tripped.append(max(found, key=lambda wire: wire.figure))
    return tripped


def control_z(
    up: Floats, label: Floats, shift: int, *, fewest: int = GBPUSD_M15.counts.half_day
) -> tuple[float, float, int] | None:
    """How much the sides agree with the labels of ``shift`` trading days later (earlier, where it is negative): z, the
    accuracy that is, and the bars. None with too few days of ``fewest`` bars.

    ``up``, ``label``: shape (n_days, 96), 0 or 1 and NaN where there is none.
    """
    earlier, later = (up[:-shift], label[shift:]) if shift > 0 else (up[-shift:], label[:shift])
    both = ~np.isnan(earlier + later)
    enough = both.sum(axis=1) >= fewest
    if np.count_nonzero(enough) < FEWEST_DAYS:
        return None
    earlier, later, both = earlier[enough], later[enough], both[enough]
    agreed = (earlier - earlier[both].mean()) * (later - later[both].mean())
    by_day = np.nansum(agreed, axis=1) / both.sum(axis=1)
    error = float(by_day.std(ddof=1)) / np.sqrt(by_day.size)
    mean = float(by_day.mean())
    z = mean / error if error > 0.0 else 0.0 if mean == 0.0 else float(np.copysign(np.inf, mean))
    return z, 0.5 + 2.0 * mean, int(both.sum())


def _too_often(name: str, up: Floats, judged: JudgedSides, percent: float) -> Iterator[TrippedWire]:
    scored = ~np.isnan(up)
    days = np.unique(judged.day[scored])
    for span, surely_above in ((judged.counts.year, CREDIBLE), (judged.counts.four_weeks, percent / 100.0)):
        at = scored & np.isin(judged.day, days[-span:])
        bars = int(at.sum())
        if not bars:
            return
        right = float(np.mean(up[at] == judged.label[at]))
        if 100.0 * right > percent and right - CHANCE * 0.5 / np.sqrt(bars / judged.horizon) > surely_above:
            words = (
                f"the stream {name} is right on {100 * right:.2f} % of {bars:,} bars out of sample (the last "
                f"{min(span, days.size)} trading days), where {percent:g} % is the bound"
                f"{one_sided(judged.label[at])}"
            )
            yield TrippedWire("recipe", name, 100.0 * right, percent, bars, words)


def by_trading_day(values: Floats, judged: JudgedSides, days: npt.NDArray[np.datetime64]) -> Floats:
    """Values of bars as a table of shape (n_days, slots), NaN where there is no bar."""
    among = np.isin(judged.day, days)
    table = np.full((days.size, judged.slots), np.nan)
    table[np.searchsorted(days, judged.day[among]), judged.quarter[among]] = values[among]
    return table


def _with_other_days(name: str, up: Floats, label: Floats, fewest: int) -> Iterator[TrippedWire]:
    for shift in (*SHIFTS, *(-shift for shift in SHIFTS)):
        found = control_z(up, label, shift, fewest=fewest)
        if found is None or abs(found[0]) <= CONTROL_Z:
            continue
        z, right, bars = found
        who = "the labels agree" if name == LABELS else f"the stream {name} agrees"
        words = (
            f"{who} with the labels of {abs(shift)} trading day{'s' if abs(shift) > 1 else ''} "
            f"{'later' if shift > 0 else 'earlier'} on {100 * right:.2f} % of {bars:,} bars "
            f"({abs(z):.1f} standard errors from chance, where {CONTROL_Z:g} is the bound): the evaluation is broken"
        )
        yield TrippedWire("control", name, abs(z), CONTROL_Z, bars, words)
