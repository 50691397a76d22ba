"""Yearly files are loaded as :class:`Bars`: the rows that were known at the as-of, in one frame in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.bars.checks import CLOSE, QUARTER_HOUR, Checked, check_rows
from flows.bars.clock import DEFAULT_CLOCK, FileClock
from flows.bars.faults import BarFault, Rule, refuse
from flows.bars.rows import TIMESTAMP, Rows, read_rows
from flows.bars.source import open_source
from flows.bars.trading_days import night_of
from flows.bars.year_names import other_forms, year_file, years_there
from flows.errors import BarsMissing, RequestRefused

MARKER = "SIMULATED.json"
"""The file beside the yearly ones that says that they are simulated."""

BAR = pd.Timedelta(minutes=15)


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars that had closed at ``as_of``, in order of time, each timestamp once.

    ``frame``: index ``timestamp`` (datetime64[ns, UTC], the bar's open), float64 columns, ``close_15m`` among them.
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

    @property
    def last_close(self) -> pd.Timestamp:
        """When the newest bar closed, UTC."""
        return pd.Timestamp(self.frame.index[-1]) + BAR

    @property
    def night(self) -> date:
        """The night these bars stand for: the trading day of the newest bar."""
        return night_of(self.frame.index[-1])


def load_bars(
    source: str | Path,
    *,
    as_of: datetime | None = None,
    years: Iterable[int] | None = None,
    clock: str = DEFAULT_CLOCK,
    require: Sequence[str] = (),
) -> Bars:
    """The bars in the yearly files of ``source`` (a folder or ``s3://bucket/prefix``) that had closed at ``as_of``.

    ``as_of`` needs a zone; default is the close of the newest bar. Of later rows nothing is read but the timestamp, and
    a file whose whole year is later is not opened, so they change nothing. ``years`` selects files; without it all are
    read, and a year missing between two others is an error. ``clock``: see :class:`~flows.bars.clock.FileClock`.
    ``require``: feature columns that must be there; all files must have the same columns.

    Raises :class:`BarsRejected` with every fault of every file at once, :class:`BarsMissing` if a file, a year or any
    bar before the as-of is missing, :class:`RequestRefused` for an as-of without zone or an unknown clock.
    """
    if as_of is not None and as_of.tzinfo is None:
        raise RequestRefused(f"as-of {as_of} has no time zone: write for instance {as_of.isoformat()}Z for UTC")
    if as_of is not None and not 1970 <= as_of.year < 2200:
        raise RequestRefused(f"as-of {as_of} is out of range: give a moment from 1970 to 2199, as the bars are of")
    moment = None if as_of is None else pd.Timestamp(as_of).tz_convert("UTC")
    file_clock = FileClock.parse(clock)
    place = open_source(source)
    names = place.names()
    chosen, faults, beside = _choose(names, str(source), None if years is None else set(years), file_clock, moment)
    read = [read_rows(year_file(year), year, place.read(year_file(year))) for year in chosen]
    if moment is None:
        moment = _newest_close(read, file_clock)
    else:
        read = [_as_known(rows, file_clock, moment) for rows in read]
    checked = _check_all(read, require, file_clock, moment)
    refuse([*faults, *(fault for file in checked for fault in file.faults)])
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
    )


def _choose(
    names: Mapping[str, str], source: str, named: set[int] | None, clock: FileClock, as_of: pd.Timestamp | None
) -> tuple[list[int], list[BarFault], list[str]]:
    """The years to read, ascending; a fault for each file that names no year or holds one in a form that is not read;
    a sentence for each that lies beside the file of its year."""
    there, faults = years_there(names)

    def is_asked_for(year: int) -> bool:
        return (named is None or year in named) and (as_of is None or _begin(year, clock) + BAR <= as_of)

    forms = {name: form for name, form in other_forms(names).items() if is_asked_for(form[0])}
    faults += [BarFault(Rule.FORM, name, 0, why) for name, (year, why) in forms.items() if year not in there]
    beside = [f"{name}: not read, {year_file(year)} is" for name, (year, _) in forms.items() if year in there]
    if not there and not faults:
        raise BarsMissing(f"{source} holds no file named {year_file(2024).replace('2024', '{year}')}")
    begun = [year for year in there if as_of is None or _begin(year, clock) + BAR <= as_of]
    wanted = set(range(begun[0], begun[-1])) if named is None and begun else named or set()
    missing = sorted(wanted - set(there))
    if missing:
        refuse(faults)  # one of these files may be the very one
        raise BarsMissing(
            f"{source} holds no file of {', '.join(map(str, missing))} (it holds {', '.join(map(str, there))}): "
            "add the file, or name the years you want"
        )
    later = sorted(wanted - set(begun))
    if later:
        raise BarsMissing(f"{', '.join(map(str, later))} had not begun at the as-of {as_of}: name earlier years")
    return [year for year in begun if named is None or year in named], faults, beside


def _begin(year: int, clock: FileClock) -> pd.Timestamp:
    return pd.Timestamp(clock.to_utc(np.array([f"{year}-01-01"], "datetime64[ns]"))[0][0], tz="UTC")


def _as_known(rows: Rows, clock: FileClock, as_of: pd.Timestamp) -> Rows:
    """``rows`` without the mention of an unfinished one that had not closed at ``as_of`` anyway."""
    if rows.unfinished is None or np.isnat(rows.unfinished.time):
        return rows
    opens = clock.to_utc(np.array([rows.unfinished.time], "datetime64[ns]"))[0][0]
    return rows if opens + QUARTER_HOUR <= as_of.to_datetime64() else replace(rows, unfinished=None)


def _newest_close(read: list[Rows], clock: FileClock) -> pd.Timestamp:
    """The close of the newest bar of all; 1970 where there is none, and then there are faults."""
    newest = [clock.to_utc(rows.time)[0].max() for rows in read if rows.time.size]
    return pd.Timestamp(max(newest), tz="UTC") + BAR if newest else pd.Timestamp(0, tz="UTC")


def _check_all(read: list[Rows], require: Sequence[str], clock: FileClock, as_of: pd.Timestamp) -> list[Checked]:
    needed = {name: f"{rows.file} has it" for rows in reversed(read) for name in rows.columns if name != TIMESTAMP}
    needed |= {CLOSE: "every bar needs one"} | {name: "a recipe needs it" for name in require if name != CLOSE}
    checked = []
    for rows in read:
        utc, unclear = clock.to_utc(rows.time)
        known = utc + QUARTER_HOUR <= as_of.to_datetime64()
        checked.append(check_rows(rows.only(known), needed, unclear[known]))
    return checked


def _frame(checked: list[Checked], utc: npt.NDArray[np.datetime64]) -> pd.DataFrame:
    """One frame in UTC; the columns of later files are brought into the order of the first."""
    columns = checked[0].columns
    values = [file.values[:, [file.columns.index(name) for name in columns]] for file in checked]
    index = pd.DatetimeIndex(utc, tz="UTC", name=TIMESTAMP)
    return pd.DataFrame(np.concatenate(values), index=index, columns=list(columns))
