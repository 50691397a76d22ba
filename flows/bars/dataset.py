"""A dataset is bars with their labels (is a later close higher?), trading days, and which bars are evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Floats, Mask
from flows.bars import fingerprint as fingerprints
from flows.bars.label import NEXT_BAR, Label
from flows.bars.labelling import labels_of
from flows.bars.loading import Bars
from flows.bars.trading_days import rollover, trading_day
from flows.errors import BarsMissing, RequestRefused
from flows.instruments import Instrument

NOTEBOOK = "notebook"
"""Labels for parity with the notebook: see :func:`prepare`."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Bars and, of each, all of shape (n,):

    - ``label``: what ``question`` asks, 1.0 up (the next bar closed higher), 0.0 not (an unmoved close is not up), NaN
      not known. See :mod:`flows.bars.labelling`.
    - ``trained``: known, and to be trained on; without the bars of a dead zone.
    - ``move_pips``: how far the close moved to the next bar's, in pips; NaN where no bar follows.
    - ``known_at``: when the label was known, the close of the horizon's last bar (UTC); NaT where the label is NaN.
    - ``trading_day``: datetime64[D], see :mod:`flows.bars.trading_days`.
    - ``rollover``: closes after 16:45 and up to 18:00 New York, when bids move with the spread.
    - ``counted``: may be evidence.

    ``question``: the label as data.
    """

    bars: Bars
    label: Floats
    move_pips: Floats
    known_at: pd.DatetimeIndex
    trading_day: npt.NDArray[np.datetime64]
    rollover: Mask
    counted: Mask
    trained: Mask
    question: Label = NEXT_BAR

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


def prepare(bars: Bars, *, labels: Label | str = NEXT_BAR) -> Dataset:
    """``bars`` with their labels: a :class:`Label`, or its text.

    A label is known only if all bars of its horizon follow one another: with ``next_bar``, if the next bar opens when
    this one closes. A bar counts if its label is known, it is not in the rollover, nor, with another label than
    ``next_bar``, is the end of its horizon, and its trading day has at least half a day's bars, 48.

    ``"notebook"``: the next row is the next bar, whatever lies between, and every known label counts. This is parity
    with the notebook and nothing else: with 2022 and 2024 loaded, ``years(2022)`` has 24,918 bars, ``years(2024)``
    24,926, and the last bar of 2022 gets its label from the first of 2024.

    Raises :class:`~flows.errors.LabelRefused` for other ``labels``, or a horizon too long for the instrument.
    """
    opens = pd.DatetimeIndex(bars.frame.index)
    instrument, close = bars.instrument, bars.close
    follows = np.asarray(opens[1:] - opens[:-1] == instrument.step) | (labels == NOTEBOOK)
    days, near_rollover = trading_day(opens, instrument), rollover(opens, instrument)
    question = NEXT_BAR if labels == NOTEBOOK else Label.of(labels)
    found = labels_of(bars, question, follows, near_rollover)
    move = np.full(len(close), np.nan)
    move[:-1] = np.where(follows, (close[1:] - close[:-1]) * instrument.pips, np.nan)
    _, number, size = np.unique(days, return_inverse=True, return_counts=True)
    apart = near_rollover if question == NEXT_BAR else near_rollover | found.ends_in_rollover
    evidence = ~apart & (size[number] >= instrument.counts.half_day)
    known = ~np.isnan(found.up)
    return Dataset(
        bars=bars,
        label=found.up,
        move_pips=move,
        known_at=found.known_at,
        trading_day=days,
        rollover=near_rollover,
        counted=known if labels == NOTEBOOK else known & evidence,
        trained=found.trained,
        question=question,
    )
