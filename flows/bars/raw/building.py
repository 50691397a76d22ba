"""Exports are built into the yearly feature files of a folder: everything anew, or what is later than its last bar.

There is one way through: bars that are kept, then those of the exports, then features over all of them. Nothing is
carried from one build to the next but bars, so adding day by day gives the bytes of one build over everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from flows.arrays import Mask
from flows.bars.clock import DEFAULT_CLOCK, FileClock
from flows.bars.faults import BarFault, first_faults, refuse
from flows.bars.indicators import Definitions, indicators
from flows.bars.loading import load_bars
from flows.bars.plausibility import SeenBars, examine, judge
from flows.bars.raw.folder import State, commit, digests, locked, read_state
from flows.bars.raw.merging import BarsBefore, Merged, merge, new_bars
from flows.bars.raw.reading import Export
from flows.bars.raw.resampling import Prices
from flows.bars.raw.rules import RawRule
from flows.bars.writing import header, year_lines
from flows.bars.year_names import year_file
from flows.errors import BarsMissing, RequestRefused
from flows.instruments import GBPUSD_M15, Instrument

WARM_UP = 500
"""Bars at the very beginning that are not written: by then what an indicator began with has faded to the last digit."""

WARM_UP_APART = 19
"""The same for ``years="apart"``: how many the notebook's files leave out of each year, warm or not."""

Years = Literal["continuous", "apart"]
Last = Literal["auto", "keep", "drop"]


@dataclass(frozen=True)
class Choices:
    """How to build.

    ``clock``: of the files that are written. ``years``: whether indicators go on over New Year, or begin anew in every
    file, as the notebook's do. ``last``: the last quarter of an hour of the exports is written if it is complete, in
    any case, or not. ``longest_gap``: a longer one is a fault. ``read_by``: the clock that exports without a zone were
    read by, None for ``clock``. ``allow``: checks of plausibility whose findings are meant. ``now``: after it no bar
    can close. ``instrument``: whose bars are written, and of which length.
    """

    clock: str = DEFAULT_CLOCK
    definitions: Definitions = "notebook"
    years: Years = "continuous"
    last: Last = "auto"
    longest_gap: timedelta = timedelta(days=5)
    read_by: str | None = None
    allow: tuple[str, ...] = ()
    now: datetime | None = None
    instrument: Instrument = GBPUSD_M15


@dataclass(frozen=True)
class Built:
    """What there is now. ``bars``: in the files; ``added``: of these, by this build; ``first``, ``last``: their opens
    in UTC; ``warming``: bars not written because indicators warmed up; ``held_back``: bars of the exports whose quarter
    of an hour is still open; ``holes``: breaks of more than a quarter of an hour and less than a day; ``questions``:
    what about the bars is implausible."""

    folder: str
    files: tuple[str, ...]
    bars: int
    added: int
    first: datetime
    last: datetime
    warming: int
    held_back: int
    holes: int
    repairs: tuple[str, ...]
    questions: tuple[str, ...] = ()


def build(folder: str | Path, exports: Sequence[Export], choices: Choices) -> Built:
    """Yearly files in ``folder`` from ``exports`` alone; those of an earlier build there are replaced.

    Raises :class:`BarsRejected` with every fault, :class:`BarsMissing` if there are too few bars to write one, and
    :class:`RequestRefused` if the folder is not a build's; then the folder is as it was.
    """
    path = Path(folder)
    with locked(path):
        read_state(path, choices.instrument)
        return _extend(path, exports, choices, None)


def add(folder: str | Path, exports: Sequence[Export], choices: Choices) -> Built:
    """What ``exports`` hold after the last bar of ``folder`` is appended to its files; the rest must be there already.

    The errors are those of :func:`build`; :class:`RequestRefused` also if nothing was built there yet, or by other
    choices.
    """
    path = Path(folder)
    with locked(path):
        state = read_state(path, choices.instrument)
        if state is None:
            raise RequestRefused(f"nothing was built in {path} yet: leave out --add")
        for name in ("clock", "definitions", "years"):
            chosen, there = getattr(choices, name), getattr(state, name)
            if chosen != there:
                raise RequestRefused(
                    f"{path} was built with {name} {there}, not {chosen}: name the same, or build anew"
                )
        return _extend(path, exports, choices, state)


def _extend(path: Path, exports: Sequence[Export], choices: Choices, state: State | None) -> Built:
    of = choices.instrument
    clock = FileClock.parse(choices.clock).of_bars(of.step)
    there = Prices.none() if state is None else _bars_there(path, state, of)
    merged = merge(exports, None if state is None else state.minutes, of)
    fitted = new_bars(
        merged, BarsBefore(there, None if state is None else state.open, of), choices.last, choices.longest_gap
    )
    refuse([*merged.faults, *fitted.faults, *_unclear(fitted.bars, clock)], of)
    bars = there.then(fitted.bars)
    frame, written = _features(bars, clock, choices)
    if not written.any():
        raise BarsMissing(
            f"{bars.time.size} bars are too few: the first "
            f"{WARM_UP if choices.years == 'continuous' else WARM_UP_APART} warm the indicators up and are not written"
        )
    plausible = judge(examine(_seen(bars, exports, merged, choices)), choices.allow)
    fresh = written & (np.arange(bars.time.size) >= there.time.size)
    files = _files(path, frame[fresh], clock, state, of)
    commit(
        path,
        files,
        State(
            clock=clock.name,
            definitions=choices.definitions,
            years=choices.years,
            minutes=merged.minutes,
            unwritten=bars.where(~written),
            open=fitted.open,
            digests=({} if state is None else dict(state.digests)) | digests(files),
        ),
        of,
    )
    steps = np.diff(bars.time)
    opens = frame.index[written]
    return Built(
        folder=str(path),
        files=tuple(sorted(files)),
        bars=int(written.sum()),
        added=int(fresh.sum()),
        first=opens[0].to_pydatetime(),
        last=opens[-1].to_pydatetime(),
        warming=int((~written).sum()),
        held_back=fitted.open.time.size,
        holes=int(((steps > of.length) & (steps < np.timedelta64(1, "D"))).sum()),
        repairs=merged.repairs,
        questions=tuple(map(str, plausible.questions)),
    )


def _seen(bars: Prices, exports: Sequence[Export], merged: Merged, choices: Choices) -> SeenBars:
    """The prices as the checks see them, by the clock of the exports; features are made here, so there is nothing to
    check about them."""
    zoned = all(export.zoned for export in exports)
    of = choices.instrument
    clock = FileClock.parse("UTC" if zoned else choices.read_by or choices.clock).of_bars(of.step)
    file_time = clock.from_utc(pd.DatetimeIndex(bars.time, tz="UTC"))

    def place(at: int) -> tuple[str, int]:
        of_export = merged.place.first(bars.time[at], bars.time[at] + of.length)
        return of_export or (year_file(int(file_time[at].astype("datetime64[Y]").astype(int)) + 1970, of), 0)

    columns = {name: bars.values[:, column] for column, name in enumerate(of.columns)}
    return SeenBars(bars.time, file_time, clock, columns, place, choices.now, of)


def _bars_there(path: Path, state: State, of: Instrument) -> Prices:
    """The bars there are, those in no file included, in order of time."""
    frame = load_bars(path, clock=state.clock, instrument=of).frame
    time = pd.DatetimeIndex(frame.index).tz_localize(None).to_numpy("datetime64[ns]")
    all_ = state.unwritten.then(Prices(time, frame[list(of.columns)].to_numpy(np.float64)))
    order = np.argsort(all_.time)
    return Prices(all_.time[order], all_.values[order])


def _unclear(bars: Prices, clock: FileClock) -> list[BarFault]:
    """A fault for each bar whose time in the file would not say when it was."""
    back, unclear = clock.to_utc(clock.from_utc(pd.DatetimeIndex(bars.time, tz="UTC")))
    wrong = np.flatnonzero(unclear | (back != bars.time))
    return first_faults(
        RawRule.SUMMER_TIME,
        clock.name,
        np.zeros(bars.time.size, np.int64),
        wrong,
        lambda at: f"the bar of {pd.Timestamp(bars.time[at])} UTC cannot be written",
    )


def _features(bars: Prices, clock: FileClock, choices: Choices) -> tuple[pd.DataFrame, Mask]:
    """Prices and features of every bar, and which are written, shape (n,)."""
    index = pd.DatetimeIndex(bars.time, tz="UTC")
    prices = pd.DataFrame(bars.values, index=index, columns=list(choices.instrument.columns))
    if choices.years == "continuous":
        spans, skipped = [prices], WARM_UP
    else:
        year = clock.from_utc(index).astype("datetime64[Y]")
        spans, skipped = [prices[year == one] for one in np.unique(year)], WARM_UP_APART
    _, high, low, close = choices.instrument.columns
    parts = [indicators(span[high], span[low], span[close], choices.definitions) for span in spans]
    features = pd.concat(parts) if parts else indicators(prices[high], prices[low], prices[close])
    warm = np.concatenate([np.arange(len(span)) >= skipped for span in spans] or [np.zeros(0, np.bool_)])
    return prices.join(features), warm & features.notna().all(axis=1).to_numpy(np.bool_)


def _files(path: Path, fresh: pd.DataFrame, clock: FileClock, state: State | None, of: Instrument) -> dict[str, bytes]:
    """The new content of each yearly file that ``fresh`` has rows for: what is there stays, byte for byte."""
    if fresh.empty:
        return {}
    lines = year_lines(fresh, clock.from_utc(pd.DatetimeIndex(fresh.index)), of, price=repr)
    files = {}
    for name, new_lines in lines.items():
        begun = state is not None and name in state.digests
        before = (path / name).read_bytes() if begun else f"{header(fresh)}\n".encode("ascii")
        files[name] = before + "\n".join([*new_lines, ""]).encode("ascii")
    return files
