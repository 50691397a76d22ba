"""Several exports are merged into one run of bars, which is fitted to the bars that are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars.faults import BarFault
from flows.bars.raw.reading import Export
from flows.bars.raw.resampling import QUARTER, Prices, quarter, resample
from flows.bars.raw.rules import RawRule
from flows.errors import BarsMissing


@dataclass(frozen=True, eq=False)
class Merged:
    """The bars of all exports in order of time, each time once; ``place`` says file and line of each."""

    minutes: int
    bars: Prices
    place: tuple[tuple[str, int], ...]
    faults: tuple[BarFault, ...]
    repairs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FittedBars:
    """Quarter-hour bars after the last one there, the bars of the open quarter, and what does not fit."""

    bars: Prices
    open: Prices
    faults: tuple[BarFault, ...]


def merge(exports: Sequence[Export], minutes: int | None) -> Merged:
    """One run of all ``exports``, in any order of files; ``minutes`` is the length their bars must have, if known.

    Where two overlap they must say the same. Raises :class:`BarsMissing` if there is no export.
    """
    if not exports:
        raise BarsMissing("no export was given: name at least one file of raw bars")
    faults = [fault for export in exports for fault in export.faults]
    minutes = minutes or max(export.minutes for export in exports)
    faults += [
        BarFault(RawRule.LENGTH, export.file, 0, f"bars of {export.minutes} minutes beside bars of {minutes}")
        for export in exports
        if not _of_length(export, minutes)
    ]
    places = [(export.file, int(number)) for export in exports for number in export.number]
    time = np.concatenate([export.time for export in exports])
    values = np.concatenate([export.prices for export in exports])
    order = np.argsort(time, kind="stable")
    time, values = time[order], values[order]
    places = [places[at] for at in order.tolist()]
    again = np.zeros(time.size, np.bool_)
    again[1:] = time[1:] == time[:-1]
    differ = again.copy()
    differ[1:] &= (values[1:] != values[:-1]).any(axis=1)
    faults += [
        BarFault(
            RawRule.DUPLICATE, *places[at], f"{pd.Timestamp(time[at])} UTC is also in {_file_and_row(places[at - 1])}"
        )
        for at in np.flatnonzero(differ).tolist()
    ]
    repairs = [repair for export in exports for repair in export.repairs]
    if again.any():
        repairs.append(f"{int(again.sum())} bars that two exports hold are taken once")
    first = np.flatnonzero(~again).tolist()
    bars = Prices(time, values).where(~again)
    return Merged(minutes, bars, tuple(places[at] for at in first), tuple(faults), tuple(repairs))


def _of_length(export: Export, minutes: int) -> bool:
    """Whether the bars of ``export`` may be ``minutes`` long; a single bar does not show how long it is."""
    step = np.timedelta64(minutes * 60, "s")
    on_grid = not ((export.time - np.datetime64(0, "ns")) % step).astype(np.int64).any()
    return export.minutes == minutes or (export.minutes < minutes and on_grid)


def new_bars(merged: Merged, there: Prices, open_: Prices | None, last: str, longest_gap: timedelta) -> FittedBars:
    """What ``merged`` has after the bars ``there``, quarter-hour bars in order of time; ``open_`` are bars held back
    before."""
    run, place = merged.bars, dict(zip(merged.bars.time.tolist(), merged.place, strict=True))
    faults: list[BarFault] = []
    if open_ is not None and open_.time.size and (not there.time.size or quarter(open_.time)[0] > there.time[-1]):
        run, faults = _joined(open_, run, place)
    complete = {"auto": None, "keep": True, "drop": False}[last]
    bars, rest = resample(run, merged.minutes, last_is_complete=complete)
    if there.time.size:
        past = bars.time <= there.time[-1]
        begins_inside = run.time.size and run.time[0] != quarter(run.time)[0]
        checked = past & ~(begins_inside & (np.arange(bars.time.size) == 0))
        faults += _misfits(bars.where(checked), there, run, place)
        bars = bars.where(~past)
        rest = rest.where(quarter(rest.time) > there.time[-1])
    whole = there.time[-1:]
    steps = np.diff(np.concatenate([whole, bars.time]))
    opens = bars.time if whole.size else bars.time[1:]
    for at in np.flatnonzero(steps > np.timedelta64(longest_gap)).tolist():
        before = pd.Timestamp(opens[at] - steps[at])
        gap = f"no bar between {before} and {pd.Timestamp(opens[at])} UTC"
        faults.append(BarFault(RawRule.GAP, *_where(opens[at], run, place), gap))
    return FittedBars(bars, rest, tuple(faults))


def _joined(open_: Prices, run: Prices, place: dict[int, tuple[str, int]]) -> tuple[Prices, list[BarFault]]:
    """Bars held back by an earlier build and those of the exports, and a fault for each that differs."""
    of_run = dict(zip(run.time.tolist(), run.values, strict=True))
    held_back = zip(open_.time.tolist(), open_.values, strict=True)
    faults = [
        BarFault(RawRule.CORRECTED, *place[time], f"the bar of {pd.Timestamp(time)} UTC, held back before, differs")
        for time, values in held_back
        if time in of_run and not np.array_equal(of_run[time], values)
    ]
    both = open_.where(~np.isin(open_.time, run.time)).then(run)
    order = np.argsort(both.time)
    return Prices(both.time[order], both.values[order]), faults


def _misfits(bars: Prices, there: Prices, run: Prices, place: dict[int, tuple[str, int]]) -> list[BarFault]:
    """A fault for each of ``bars`` that is not in ``there``, or is with other prices."""
    at = np.minimum(np.searchsorted(there.time, bars.time), there.time.size - 1)
    late = there.time[at] != bars.time
    other = ~late & (there.values[at] != bars.values).any(axis=1)
    return [
        BarFault(rule, *_where(bars.time[misfit], run, place), f"the bar of {pd.Timestamp(bars.time[misfit])} UTC")
        for rule, wrong in ((RawRule.LATE, late), (RawRule.CORRECTED, other))
        for misfit in np.flatnonzero(wrong).tolist()
    ]


def _where(opens: np.datetime64, run: Prices, place: dict[int, tuple[str, int]]) -> tuple[str, int]:
    """File and line of the first bar of an export in the quarter of an hour that ``opens`` then."""
    inside: npt.NDArray[np.datetime64] = run.time[(run.time >= opens) & (run.time < opens + QUARTER)]
    return next((place[time] for time in inside.tolist() if time in place), ("held back before", 0))


def first_place(merged: Merged, opens: np.datetime64) -> tuple[str, int] | None:
    """File and line of the first bar of an export in the quarter of an hour that ``opens`` then; None if there is
    none."""
    at = int(np.searchsorted(merged.bars.time, opens))
    inside = at < merged.bars.time.size and merged.bars.time[at] < opens + QUARTER
    return merged.place[at] if inside else None


def _file_and_row(place: tuple[str, int]) -> str:
    return f"{place[0]} row {place[1]}"
