"""A dataset is bars with their labels (did the next bar close higher?), trading days, and which bars are evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import fingerprint as fingerprints
from flows.bars.loading import Bars
from flows.bars.trading_days import rollover, trading_day
from flows.errors import BarsMissing, RequestRefused
from flows.instruments import Instrument


@dataclass(frozen=True, eq=False)
class Dataset:
    """Bars and, of each, all of shape (n,):

    - ``label``: 1.0 the next bar closed higher, 0.0 it did not (an unmoved close is not up), NaN not known.
    - ``move_pips``: how far the close moved to the next bar's, in pips; NaN where the label is.
    - ``known_at``: when the label was known, the next bar's close (UTC); NaT where the label is NaN.
    - ``trading_day``: datetime64[D], see :mod:`flows.bars.trading_days`.
    - ``rollover``: closes after 16:45 and up to 18:00 New York, when bids move with the spread.
    - ``counted``: may be evidence.
    """

    bars: Bars
    label: Floats
    move_pips: Floats
    known_at: pd.DatetimeIndex
    trading_day: npt.NDArray[np.datetime64]
    rollover: Mask
    counted: Mask

    @property
    def instrument(self) -> Instrument:
        """Whose bars these are."""
        return self.bars.instrument

    def window(self, days: float = 365, end: datetime | None = None) -> Mask:
        """Bars of the ``days`` days before ``end`` (default: the as-of) whose label was known by then: shape (n,).

        Raises :class:`BarsMissing` if there is none, :class:`RequestRefused` for an ``end`` without zone or no days.
        """
        if end is not None and end.tzinfo is None:
            raise RequestRefused(f"the end of a window, {end}, has no time zone: say in which zone it is")
        if not days > 0:
            raise RequestRefused(f"a window of {days} days is out of range: give more than 0")
        last = self.bars.as_of if end is None else pd.Timestamp(end).tz_convert("UTC")
        opens = self.bars.frame.index
        mask = np.asarray((opens >= last - timedelta(days=days)) & (self.known_at <= last), np.bool_)
        if not mask.any():
            raise BarsMissing(
                f"no bar with a known label in the {days:g} days before {last}{self.spacing}: take a longer window"
            )
        return mask

    def years(self, *years: int) -> Mask:
        """Bars of these files with a known label: shape (n,). :class:`BarsMissing` if one of the years has none."""
        year = self.bars.file_time.astype("datetime64[Y]").astype(np.int64) + 1970
        known = ~np.isnan(self.label)
        missing = sorted(set(years) - set(year[known].tolist()))
        if missing or not years:
            raise BarsMissing(
                f"no bar with a known label in {', '.join(map(str, missing)) or 'no year'}: the bars from "
                f"{self.bars.source} are of {', '.join(map(str, np.unique(year).tolist()))}{self.spacing}"
            )
        return np.asarray(known & np.isin(year, years), np.bool_)

    @property
    def spacing(self) -> str:
        """A note for messages where most bars are not as far apart as they are long (another length of bars has no
        labels); else empty."""
        opens, length = self.bars.frame.index, self.instrument.minutes
        steps = np.diff(opens.to_numpy())
        usual = np.median(steps.astype("timedelta64[s]").astype(np.int64)) / 60 if steps.size else length
        return (
            ""
            if usual == length
            else f" (its bars are {usual:g} minutes apart, and labels are of bars of {length}: see `retrain features`)"
        )

    def fingerprint(self, mask: Mask | None = None, columns: Sequence[str] = ()) -> str:
        """SHA-256 (hex) of the bars, or of those where ``mask`` (n,), and of all ``columns`` or of these; see
        :mod:`flows.bars.fingerprint`."""
        frame = self.bars.frame if mask is None else self.bars.frame[mask]
        return fingerprints.fingerprint(frame[list(columns)] if columns else frame)

    def day_fingerprints(self) -> dict[date, str]:
        """The fingerprint of each trading day, so that a correction of the past is seen on its day."""
        return fingerprints.day_fingerprints(self.bars.frame, self.instrument)


def prepare(bars: Bars, *, labels: str = "next_bar") -> Dataset:
    """``bars`` with their labels.

    ``"next_bar"``: a label is known only if the next bar opens when this one closes, 15 minutes later; a bar counts if
    its label is known, it is not in the rollover, and its trading day has at least half a day's bars, 48.

    ``"notebook"``: the next row is the next bar, whatever lies between, and every known label counts. This is parity
    with the notebook and nothing else: with 2022 and 2024 loaded, ``years(2022)`` has 24,918 bars, ``years(2024)``
    24,926, and the last bar of 2022 gets its label from the first of 2024.

    Raises :class:`RequestRefused` for other ``labels``.
    """
    if labels not in ("next_bar", "notebook"):
        raise RequestRefused(f"labels {labels!r} are not known: write next_bar or notebook")
    opens = pd.DatetimeIndex(bars.frame.index)
    instrument, close = bars.instrument, bars.close
    known = np.zeros(len(close), np.bool_)
    known[:-1] = True if labels == "notebook" else np.asarray(opens[1:] - opens[:-1] == instrument.step)
    move, up = np.full(len(close), np.nan), np.full(len(close), np.nan)
    move[:-1] = (close[1:] - close[:-1]) * instrument.pips
    known_at = np.full(len(close), np.datetime64("NaT", "ns"))
    known_at[known] = (opens + instrument.step).tz_localize(None).to_numpy()[1:][known[:-1]]
    up[:-1] = close[1:] > close[:-1]
    days, near_rollover = trading_day(opens, instrument), rollover(opens, instrument)
    _, number, size = np.unique(days, return_inverse=True, return_counts=True)
    evidence = ~near_rollover & (size[number] >= instrument.counts.half_day)
    return Dataset(
        bars=bars,
        label=np.where(known, up, np.nan),
        move_pips=np.where(known, move, np.nan),
        known_at=pd.DatetimeIndex(known_at, tz="UTC"),
        trading_day=days,
        rollover=near_rollover,
        counted=known if labels == "notebook" else known & evidence,
    )
