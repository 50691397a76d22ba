"""Several exports are merged into one run of bars, which is fitted to the bars that are there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars.faults import BarFault, first_places
from flows.bars.raw.reading import Export
from flows.bars.raw.resampling import Prices, on_grid, quarter, resample
from flows.bars.raw.rules import RawRule
from flows.errors import BarsMissing
from flows.instruments import GBPUSD_M15, Instrument


@dataclass(frozen=True, eq=False)
class Places:
    """Where bars stand: ``file`` (a position in ``files``) and ``number`` of the line, for each ``time`` in order, all
    of shape (n,)."""

    files: tuple[str, ...]
    file: npt.NDArray[np.int64]
    number: npt.NDArray[np.int64]
    time: npt.NDArray[np.datetime64]

    def at(self, position: int) -> tuple[str, int]:
        """File and line of the bar at ``position``."""
        return self.files[self.file[position]], int(self.number[position])

    def from_(self, opens: np.datetime64, end: np.datetime64) -> tuple[str, int]:
        """File and line of the first bar from ``opens`` on and before ``end``; a bar of an earlier build has none."""
        return self.first(opens, end) or ("held back before", 0)

    def first(self, opens: np.datetime64, end: np.datetime64) -> tuple[str, int] | None:
        """As :meth:`from_`; None where no bar of these exports opens then."""
        position = int(np.searchsorted(self.time, opens))
        there = position < self.time.size and self.time[position] < end
        return self.at(position) if there else None


@dataclass(frozen=True, eq=False)
class Merged:
    """The bars of all exports in order of time, each time once; ``place`` says file and line of each."""

    minutes: int
    bars: Prices
    place: Places
    faults: tuple[BarFault, ...]
    repairs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FittedBars:
    """Quarter-hour bars after the last one there, the bars of the open quarter, and what does not fit."""

    bars: Prices
    open: Prices
    faults: tuple[BarFault, ...]


def merge(exports: Sequence[Export], minutes: int | None, instrument: Instrument = GBPUSD_M15) -> Merged:
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
        if not _of_length(export, minutes, instrument)
    ]
    file = np.repeat(np.arange(len(exports)), [export.time.size for export in exports])
    number = np.concatenate([export.number for export in exports])
    time = np.concatenate([export.time for export in exports])
    values = np.concatenate([export.prices for export in exports])
    order = np.argsort(time, kind="stable")
    time, values, file, number = time[order], values[order], file[order], number[order]
    every = Places(tuple(export.file for export in exports), file, number, time)
    again = np.zeros(time.size, np.bool_)
    again[1:] = time[1:] == time[:-1]
    differ = again.copy()
    differ[1:] &= (values[1:] != values[:-1]).any(axis=1)
    faults += _faults_at(
        RawRule.DUPLICATE,
        np.flatnonzero(differ),
        lambda at: (*every.at(at), f"{pd.Timestamp(time[at])} UTC is also in {_file_and_row(every.at(at - 1))}"),
    )
    repairs = [repair for export in exports for repair in export.repairs]
    if again.any():
        repairs.append(f"{int(again.sum())} bars that two exports hold are taken once")
    first = ~again
    place = Places(every.files, file[first], number[first], time[first])
    return Merged(minutes, Prices(time, values).where(first), place, tuple(faults), tuple(repairs))


def _faults_at(rule: RawRule, at: npt.NDArray[np.intp], found: Callable[[int], tuple[str, int, str]]) -> list[BarFault]:
    """A fault (its file, line and what stands there) for the first of the positions ``at``; the last counts others."""
    return [BarFault(rule, *found(each), more) for each, more in first_places(at)]


def _of_length(export: Export, minutes: int, of: Instrument) -> bool:
    """Whether the bars of ``export`` may be ``minutes`` long; a single bar does not show how long it is."""
    shorter = export.minutes < minutes and bool(on_grid(export.time, minutes, of).all())
    return export.minutes == minutes or shorter


@dataclass(frozen=True, eq=False)
class BarsBefore:
    """``bars``: quarter-hour bars that are there, in order of time; ``open``: bars held back before. ``instrument``:
    whose they are."""

    bars: Prices
    open: Prices | None
    instrument: Instrument = GBPUSD_M15


def new_bars(merged: Merged, before: BarsBefore, last: str, longest_gap: timedelta) -> FittedBars:
    """What ``merged`` has after the bars before."""
    there, open_, of = before.bars, before.open, before.instrument
    run, place = merged.bars, merged.place
    faults: list[BarFault] = []
    if open_ is not None and open_.time.size and (not there.time.size or quarter(open_.time, of)[0] > there.time[-1]):
        run, faults = _joined(open_, run, place, of)
    complete = {"auto": None, "keep": True, "drop": False}[last]
    bars, rest = resample(run, merged.minutes, of, last_is_complete=complete)
    if there.time.size:
        past = bars.time <= there.time[-1]
        begins_inside = run.time.size and run.time[0] != quarter(run.time, of)[0]
        checked = past & ~(begins_inside & (np.arange(bars.time.size) == 0))
        faults += _misfits(bars.where(checked), there, place, of)
        bars = bars.where(~past)
        rest = rest.where(quarter(rest.time, of) > there.time[-1])
    whole = there.time[-1:]
    steps = np.diff(np.concatenate([whole, bars.time]))
    opens = bars.time if whole.size else bars.time[1:]

    def gap(at: int) -> tuple[str, int, str]:
        before = pd.Timestamp(opens[at] - steps[at])
        between = f"no bar between {before} and {pd.Timestamp(opens[at])} UTC"
        return *place.from_(opens[at], opens[at] + of.length), between

    faults += _faults_at(RawRule.GAP, np.flatnonzero(steps > np.timedelta64(longest_gap)), gap)
    return FittedBars(bars, rest, tuple(faults))


def _joined(open_: Prices, run: Prices, place: Places, of: Instrument) -> tuple[Prices, list[BarFault]]:
    """Bars held back by an earlier build and those of the exports, and a fault for each that differs."""
    at = np.minimum(np.searchsorted(run.time, open_.time), max(run.time.size - 1, 0))
    same = run.time[at] == open_.time if run.time.size else np.zeros(open_.time.size, np.bool_)
    differ = same.copy()
    differ[same] = (run.values[at[same]] != open_.values[same]).any(axis=1)
    faults = [
        BarFault(
            RawRule.CORRECTED,
            *place.from_(time, time + of.length),
            f"the bar of {pd.Timestamp(time)} UTC, held back before, differs",
        )
        for time in open_.time[differ]
    ]
    both = open_.where(~same).then(run)
    order = np.argsort(both.time)
    return Prices(both.time[order], both.values[order]), faults


def _misfits(bars: Prices, there: Prices, place: Places, of: Instrument) -> list[BarFault]:
    """A fault for each of ``bars`` that is not in ``there``, or is with other prices."""
    at = np.minimum(np.searchsorted(there.time, bars.time), there.time.size - 1)
    late = there.time[at] != bars.time
    other = ~late & (there.values[at] != bars.values).any(axis=1)

    def found(misfit: int) -> tuple[str, int, str]:
        opens = bars.time[misfit]
        return *place.from_(opens, opens + of.length), f"the bar of {pd.Timestamp(opens)} UTC"

    return [
        fault
        for rule, wrong in ((RawRule.LATE, late), (RawRule.CORRECTED, other))
        for fault in _faults_at(rule, np.flatnonzero(wrong), found)
    ]


def _file_and_row(place: tuple[str, int]) -> str:
    return f"{place[0]} row {place[1]}"
