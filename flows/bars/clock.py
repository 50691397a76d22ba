"""A file clock says what time a timestamp without a zone means.

A yearly file carries no zone, so its clock is a setting: ``"london-5h"`` (HistData's: London's wall clock minus five
hours, the default), ``"UTC"``, any IANA zone (``"America/New_York"``), one shifted by whole hours
(``"America/New_York+7h"``: what most MetaTrader 5 servers show), or a fixed offset (``"UTC-5"``, ``"UTC+05:30"``).

>>> FileClock.parse("london-5h").to_utc(np.array(["2024-07-01T12:00"], "datetime64[ns]"))[0]
array(['2024-07-01T16:00:00.000000000'], dtype='datetime64[ns]')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Mask
from flows.errors import RequestRefused

DEFAULT_CLOCK = "london-5h"

_MOST_HOURS = 14  # as far as any clock is from UTC
_SHIFTED = re.compile(r"(.+[^+-])([+-]\d{1,2})h")
_FIXED = re.compile(r"UTC(?:([+-])(\d{1,2})(?::([0-5]\d))?)?", re.IGNORECASE)


@dataclass(frozen=True)
class FileClock:
    """``file time + ahead`` is the wall clock of ``zone``; ``name`` is how a person writes it."""

    name: str
    zone: tzinfo
    ahead: timedelta = timedelta(0)

    @classmethod
    def parse(cls, name: str) -> FileClock:
        """The clock called ``name``; :class:`RequestRefused` if there is none of that name."""
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

    def to_utc(self, file_time: npt.NDArray[np.datetime64]) -> tuple[npt.NDArray[np.datetime64], Mask]:
        """UTC of times in the file, and which of them a change of summer time leaves unclear.

        Both of shape (n,). Unclear is a time that the clock shows twice (given as the earlier of the two) or skips
        (given as the moment of the change).
        """
        wall = pd.DatetimeIndex(file_time + np.timedelta64(self.ahead))
        earlier = wall.tz_localize(self.zone, ambiguous=np.ones(len(wall), np.bool_), nonexistent="shift_forward")
        sure = wall.tz_localize(self.zone, ambiguous="NaT", nonexistent="NaT")
        return _naive(earlier.tz_convert("UTC")), np.asarray(sure.isna(), np.bool_)

    def from_utc(self, index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
        """What the file's clock shows at each moment of ``index`` (with a zone): shape (n,), datetime64[ns]."""
        return _naive(index.tz_convert(self.zone)) - np.timedelta64(self.ahead)


def _naive(index: pd.DatetimeIndex) -> npt.NDArray[np.datetime64]:
    return index.tz_localize(None).as_unit("ns").to_numpy()
