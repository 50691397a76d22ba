"""A file clock says what time a timestamp without a zone means.

A yearly file carries no zone, so its clock is a setting: ``"london-5h"`` (HistData's: London's wall clock minus five
hours, the default), ``"UTC"``, any IANA zone (``"America/New_York"``), one shifted by whole hours
(``"America/New_York+7h"``: what most MetaTrader 5 servers show), or a fixed offset (``"UTC-5"``, ``"UTC+05:30"``).

>>> FileClock.parse("london-5h").to_utc(np.array(["2024-07-01T12:00"], "datetime64[ns]"))[0]
array(['2024-07-01T16:00:00.000000000'], dtype='datetime64[ns]')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Mask
from flows.errors import RequestRefused
from flows.instruments import Instrument

DEFAULT_CLOCK = "london-5h"


def default_clock(instrument: Instrument) -> str:
    """The name of the clock that files of the instrument are taken to have: of a market that is never shut UTC, as any
    other would show an hour twice a year."""
    return DEFAULT_CLOCK if instrument.hours.week is not None else "UTC"


_MOST_HOURS = 14  # as far as any clock is from UTC
Stamped = Literal["open", "close"]

AT_CLOSE = " at close"
"""Ends the name of a clock of files whose bars are stamped at their close: ``"UTC at close"``."""

_SHIFTED = re.compile(r"(.+[^+-])([+-]\d{1,2})h")
_FIXED = re.compile(r"UTC(?:([+-])(\d{1,2})(?::([0-5]\d))?)?", re.IGNORECASE)


@dataclass(frozen=True)
class FileClock:
    """``file time + ahead`` is the wall clock of ``zone``; ``name`` is how a person writes it. Where bars are
    ``stamped`` at their close, that moment is the length of a ``bar`` after their open."""

    name: str
    zone: tzinfo
    ahead: timedelta = timedelta(0)
    stamped: Stamped = "open"
    bar: timedelta = timedelta(minutes=15)

    @classmethod
    def parse(cls, name: str) -> FileClock:
        """The clock called ``name``; :class:`RequestRefused` if there is none of that name."""
        if name.endswith(AT_CLOSE):
            return cls.parse(name.removesuffix(AT_CLOSE)).stamped_at("close")
        if name.lower() == DEFAULT_CLOCK:
            return cls(DEFAULT_CLOCK, ZoneInfo("Europe/London"), timedelta(hours=5))
        fixed = _FIXED.fullmatch(name)
        if fixed is not None and int(fixed[2] or 0) <= 14:
            offset = timedelta(hours=int(fixed[2] or 0), minutes=int(fixed[3] or 0))
            return cls(name.upper(), timezone(-offset if fixed[1] == "-" else offset) if offset else UTC)
        shifted = _SHIFTED.fullmatch(name)
        zone, hours = (shifted[1], int(shifted[2])) if shifted is not None else (name, 0)
        try:
            if abs(hours) > _MOST_HOURS:
                raise ValueError("no clock is so far from its zone")
            return cls(name, ZoneInfo(zone), timedelta(hours=-hours))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
            raise RequestRefused(
                f"{name[:60]!r} is not a clock of bar files: write london-5h, UTC, an IANA zone such as "
                f"America/New_York, one shifted by at most {_MOST_HOURS} hours such as America/New_York+7h, or a fixed "
                "offset such as UTC-5"
            ) from error

    def stamped_at(self, stamped: Stamped) -> FileClock:
        """The same clock for bars stamped at their open, or at their close."""
        return replace(self, name=self.unstamped + (AT_CLOSE if stamped == "close" else ""), stamped=stamped)

    def of_bars(self, length: timedelta) -> FileClock:
        """The same clock for bars of this length."""
        return replace(self, bar=timedelta(seconds=length.total_seconds()))

    @property
    def unstamped(self) -> str:
        """Its name without how bars are stamped."""
        return self.name.removesuffix(AT_CLOSE)

    def to_utc(self, file_time: npt.NDArray[np.datetime64]) -> tuple[npt.NDArray[np.datetime64], Mask]:
        """UTC of the opens of bars by their times in the file, and which a change of summer time leaves unclear.

        Both of shape (n,). Unclear is a time that the clock shows twice (given as the earlier of the two) or skips
        (given as the moment of the change).
        """
        wall = pd.DatetimeIndex(file_time + np.timedelta64(self.ahead))
        earlier = wall.tz_localize(self.zone, ambiguous=np.ones(len(wall), np.bool_), nonexistent="shift_forward")
        sure = wall.tz_localize(self.zone, ambiguous="NaT", nonexistent="NaT")
        return _naive(earlier.tz_convert("UTC")) - self._until_stamp, np.asarray(sure.isna(), np.bool_)

    def from_utc(self, index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
        """What the file shows for bars that open at ``index`` (with a zone): shape (n,), datetime64[ns]."""
        return _naive((index + self._until_stamp).tz_convert(self.zone)) - np.timedelta64(self.ahead)

    @property
    def _until_stamp(self) -> np.timedelta64:
        return np.timedelta64(self.bar if self.stamped == "close" else timedelta(0))


def _naive(index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
    return index.tz_localize(None).as_unit("ns").to_numpy()
