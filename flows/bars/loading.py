"""Yearly files are loaded as :class:`Bars`: the rows that were known at the as-of, in one frame in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars.checks import Checked, WrongTimes, check_rows
from flows.bars.clock import DEFAULT_CLOCK, FileClock
from flows.bars.faults import BarFault, Rule, refuse
from flows.bars.rows import LINES_READ, TIMESTAMP, Rows, read_rows
from flows.bars.source import open_source
from flows.bars.trading_days import night_of
from flows.bars.year_names import YearFiles
from flows.errors import BarsMissing, RequestRefused
from flows.instruments import GBPUSD_M15, SYMBOL, Instrument
from registry.format.phrases import listed

_OF_ANY = re.compile(rf"({SYMBOL.pattern}_[A-Z]\d{{1,2}})_\d{{4}}_features\.(csv|parquet)")

MARKER = "SIMULATED.json"
"""The file beside the yearly ones that says that they are simulated."""

_EPOCH = np.datetime64("1970-01-01", "ns")


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars that had closed at ``as_of``, in order of time, each timestamp once.

    ``frame``: index ``timestamp`` (datetime64[ns, UTC], the bar's open), float64 columns, the close among
    them (``close_15m``).
    ``file_time``: shape (n,), datetime64[ns], what the file's own clock showed. ``source`` and ``clock`` are as given;
    ``simulated``: these bars are not of a real market; ``repairs`` are sentences, one a repair.
    """

    frame: pd.DataFrame
    file_time: npt.NDArray[np.datetime64]
    source: str
    simulated: bool
    as_of: pd.Timestamp
    clock: str
    repairs: tuple[str, ...]
    line: npt.NDArray[np.int64] | None = None
    """The line of each in its yearly file, shape (n,); None for bars that come from no file."""
    instrument: Instrument = GBPUSD_M15

    @property
    def last_close(self) -> pd.Timestamp:
        """When the newest bar closed, UTC."""
        return pd.Timestamp(self.frame.index[-1]) + self.instrument.step

    @property
    def close(self) -> Floats:
        """The close of each: shape (n,)."""
        return self.frame[self.instrument.columns.close].to_numpy(np.float64)

    def file_of(self, year: int) -> str:
        """The name of the file that holds ``year``."""
        return YearFiles(self.instrument).name(year)

    @property
    def night(self) -> date:
        """The night these bars stand for: the trading day of the newest bar."""
        return night_of(self.frame.index[-1], self.instrument)


def load_bars(
    source: str | Path,
    *,
    as_of: datetime | None = None,
    years: Iterable[int] | None = None,
    clock: str = DEFAULT_CLOCK,
    require: Sequence[str] = (),
    instrument: Instrument = GBPUSD_M15,
) -> Bars:
    """The bars in the yearly files of ``source`` (a folder or ``s3://bucket/prefix``) that had closed at ``as_of``.

    ``as_of`` needs a zone; default is the close of the newest bar. Of later rows nothing is read but the timestamp, and
    a file whose whole year is later is not opened, so they change nothing. ``years`` selects files; without it all are
    read, and a year missing between two others is an error. ``clock``: see :class:`~flows.bars.clock.FileClock`.
    ``require``: feature columns that must be there; all files must have the same columns. ``instrument``: whose bars;
    files of others are not looked at.

    Raises :class:`BarsRejected` with every fault of every file at once, :class:`BarsMissing` if a file, a year or any
    bar before the as-of is missing, :class:`RequestRefused` for an as-of without zone or an unknown clock.
    """
    if as_of is not None and as_of.tzinfo is None:
        raise RequestRefused(f"as-of {as_of} has no time zone: write for instance {as_of.isoformat()}Z for UTC")
    if as_of is not None and not 1970 <= as_of.year < 2200:
        raise RequestRefused(f"as-of {as_of} is out of range: give a moment from 1970 to 2199, as the bars are of")
    moment = None if as_of is None else pd.Timestamp(as_of).tz_convert("UTC")
    file_clock = FileClock.parse(clock).of_bars(instrument.step)
    place = open_source(source)
    names = place.names()
    known_by = _Known(instrument, file_clock, moment)
    chosen, faults, beside = _choose(names, str(source), None if years is None else set(years), known_by)
    most = LINES_READ * max(1, 15 // instrument.minutes)
    read = [read_rows(name, year, place.read(name), most=most) for year, name in chosen.items()]
    if moment is None:
        moment = _newest_close(read, known_by)
    else:
        read = [_as_known(rows, known_by, moment) for rows in read]
    checked = _check_all(read, require, known_by, moment)
    refuse([*faults, *(fault for file in checked for fault in file.faults)], instrument)
    checked = [file for file in checked if file.time.size]
    if not checked:
        raise BarsMissing(
            f"no bar in {source} had closed by {moment}: give a later as-of or the files of earlier years"
        )
    time = np.concatenate([file.time for file in checked])
    return Bars(
        frame=_frame(checked, file_clock.to_utc(time)[0]),
        file_time=time,
        source=str(source),
        simulated=MARKER in names,
        as_of=moment,
        clock=file_clock.name,
        repairs=(*beside, *(repair for file in checked for repair in file.repairs)),
        line=np.concatenate([file.line for file in checked]),
        instrument=instrument,
    )


@dataclass(frozen=True)
class _Known:
    """Whose bars are read, by which clock, and what is known at ``as_of`` (None: everything)."""

    instrument: Instrument
    clock: FileClock
    as_of: pd.Timestamp | None

    def has_begun(self, year: int) -> bool:
        """Whether the first bar of ``year`` can have closed."""
        if self.as_of is None:
            return True
        begin = self.clock.to_utc(np.array([f"{year}-01-01"], "datetime64[ns]"))[0][0]
        return pd.Timestamp(begin, tz="UTC") + self.instrument.step <= self.as_of

    def off_grid(self, time: npt.NDArray[np.datetime64], utc: npt.NDArray[np.datetime64]) -> Mask:
        """Where no bar opens: shape (n,). Bars of an hour and more are counted from the begin of the trading day."""
        if self.instrument.minutes < 60:
            return np.asarray((time - _EPOCH) % self.instrument.length != np.timedelta64(0), np.bool_)
        return ~self.instrument.on_grid(pd.DatetimeIndex(utc, tz="UTC"))


def _choose(
    names: Mapping[str, str], source: str, named: set[int] | None, known_by: _Known
) -> tuple[dict[int, str], list[BarFault], list[str]]:
    """The years to read, ascending, with the names of their files; a fault for each file that names no year
    or holds one in a form that is not read; a sentence for each that lies beside the file of its year."""
    files = YearFiles(known_by.instrument)
    there, faults = files.there(names)

    def is_asked_for(year: int) -> bool:
        return (named is None or year in named) and known_by.has_begun(year)

    forms = {name: form for name, form in files.other_forms(names).items() if is_asked_for(form[0])}
    faults += [BarFault(Rule.FORM, name, 0, why) for name, (year, why) in forms.items() if year not in there]
    beside = [f"{name}: not read, {there[year]} is" for name, (year, _) in forms.items() if year in there]
    if not there and not faults:
        raise BarsMissing(f"{source} holds no file named {files.name('{year}')}{_others(names, files)}")
    begun = [year for year in there if known_by.has_begun(year)]
    wanted = set(range(begun[0], begun[-1])) if named is None and begun else named or set()
    missing = sorted(wanted - set(there))
    if missing:
        refuse(faults, known_by.instrument)  # one of these files may be the very one
        raise BarsMissing(
            f"{source} holds no file of {', '.join(map(str, missing))} (it holds {', '.join(map(str, there))}): "
            "add the file, or name the years you want"
        )
    later = sorted(wanted - set(begun))
    if later:
        raise BarsMissing(
            f"{', '.join(map(str, later))} had not begun at the as-of {known_by.as_of}: name earlier years"
        )
    return {year: there[year] for year in begun if named is None or year in named}, faults, beside


def _others(names: Mapping[str, str], files: YearFiles) -> str:
    """Whose files lie there instead, in a message; empty where none do."""
    others = sorted({found[1] for name in names if (found := _OF_ANY.fullmatch(name)) is not None})
    if not others:
        return ""
    return (
        f": it holds those of {listed(others)}, which are other instruments than {files.instrument.name}; set "
        "RETRAIN_INSTRUMENT, or name the folder of its files"
    )


def _as_known(rows: Rows, known_by: _Known, as_of: pd.Timestamp) -> Rows:
    """``rows`` without the mention of an unfinished one that had not closed at ``as_of`` anyway."""
    if rows.unfinished is None or np.isnat(rows.unfinished.time):
        return rows
    opens = known_by.clock.to_utc(np.array([rows.unfinished.time], "datetime64[ns]"))[0][0]
    return rows if opens + known_by.instrument.length <= as_of.to_datetime64() else replace(rows, unfinished=None)


def _newest_close(read: list[Rows], known_by: _Known) -> pd.Timestamp:
    """The close of the newest bar of all; 1970 where there is none, and then there are faults."""
    newest = [known_by.clock.to_utc(rows.time)[0].max() for rows in read if rows.time.size]
    none = pd.Timestamp(0, tz="UTC")
    return pd.Timestamp(max(newest), tz="UTC") + known_by.instrument.step if newest else none


def _check_all(read: list[Rows], require: Sequence[str], known_by: _Known, as_of: pd.Timestamp) -> list[Checked]:
    prices = known_by.instrument.columns
    needed = {name: f"{rows.file} has it" for rows in reversed(read) for name in rows.columns if name != TIMESTAMP}
    needed |= {prices.close: "every bar needs one"}
    needed |= {name: "a recipe needs it" for name in require if name != prices.close}
    checked = []
    for rows in read:
        utc, unclear = known_by.clock.to_utc(rows.time)
        known = utc + known_by.instrument.length <= as_of.to_datetime64()
        wrong = WrongTimes(unclear, known_by.off_grid(rows.time, utc)).only(known)
        checked.append(check_rows(rows.only(known), needed, wrong, prices))
    return checked


def _frame(checked: list[Checked], utc: npt.NDArray[np.datetime64]) -> pd.DataFrame:
    """One frame in UTC; the columns of later files are brought into the order of the first."""
    columns = checked[0].columns
    values = [file.values[:, [file.columns.index(name) for name in columns]] for file in checked]
    index = pd.DatetimeIndex(utc, tz="UTC", name=TIMESTAMP)
    return pd.DataFrame(np.concatenate(values), index=index, columns=list(columns))
