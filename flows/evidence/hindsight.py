"""Hindsight is what a night scores when it is too late to be live, or from values that were not there at first.

The night of a trading day is due when the day is over. Bars that it scores then, or one night late, are live. Later
than that, which is also so where the as-of lies in the past, or from values that the vendor restated, they are
retrospective: kept, said in the decision, and counted like a backfill.

The clock is the one on the wall. Simulated bars are of no time, so there the as-of is what it shows: nights on the
sample, one after the other, are live, and a leap over a month of it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flows.arrays import Mask
from flows.bars import Dataset
from flows.bars.fingerprint import fingerprint, row_fingerprints
from flows.bars.trading_days import trading_day
from flows.gate.scoring.ledger import NightScores, minutes, opens_of, without_replaced_days
from flows.gate.scoring.sight import LATE, LIVE, RESTATED, FirstSight
from flows.instruments import Instrument
from registry.clock import write_time
from registry.format.phrases import plural

NIGHTS_LATE = 1
"""A night may be so many trading days late and its bars still be live: a run that failed is repeated the next day."""

COLUMNS_NAMED, COLUMNS_KEPT = 5, 20
"""Restated columns that a sentence names, and that a decision keeps: an entry is small."""


@dataclass(frozen=True)
class Hindsight:
    """What is not live of the nights since the last decided one. ``nights_late``: trading days between the end of
    tonight's and the run, where these are too many, else 0. ``bars`` were scored too late, on ``days``; the longest
    ``lag`` between a close and its scoring is in minutes. ``restated`` bars had other values than when they were first
    scored, on ``restated_days``, in these ``columns`` (none where that cannot be told)."""

    nights_late: int = 0
    bars: int = 0
    days: tuple[str, ...] = ()
    lag: int = 0
    restated: int = 0
    restated_days: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """In a decision's sentence, beginning with "; "; empty where all is live."""
        late, restated = self._late(), self.question
        return "".join(f"; {part}" for part in (late, restated) if part)

    @property
    def question(self) -> str:
        """What a person should ask the vendor; empty where nothing was restated."""
        if not self.restated:
            return ""
        named = ", ".join(self.columns[:COLUMNS_NAMED])
        more = len(self.columns) - COLUMNS_NAMED
        values = f" in {named}{f' and {more} more' if more > 0 else ''}" if named else ""
        count = plural(self.restated, "bar")
        return (
            f"restated: {count} of {_span(self.restated_days)} came with other values{values} than when first scored, "
            "so not with what was known then: scored anew, and counted as backfill"
        )

    def to_dict(self) -> dict[str, Any]:
        """As a decision records it; empty where all is live."""
        values: dict[str, Any] = {}
        if self.nights_late:
            values["nights_late"] = self.nights_late
        if self.bars:
            values |= {"bars": self.bars, "first": self.days[0], "last": self.days[-1], "lag_minutes": self.lag}
        if self.restated:
            values["restated"] = {
                "bars": self.restated,
                "first": self.restated_days[0],
                "last": self.restated_days[-1],
                "columns": list(self.columns[:COLUMNS_KEPT]),
                "question": self.question,
            }
        return values

    def _late(self) -> str:
        if not self.nights_late and not self.bars:
            return ""
        bars = ""
        if self.bars:
            bars = f"{plural(self.bars, 'bar')} of {_span(self.days)} {'was' if self.bars == 1 else 'were'} scored"
            bars += " more than one trading day after their own night, and count as backfill"
        run = "" if not self.nights_late else f"decided {plural(self.nights_late, 'trading day')} after its night"
        return f"retrospective: {' and '.join(part for part in (run, bars) if part)}"


def clock_of(data: Dataset, now: datetime) -> datetime:
    """What time it is for these bars: ``now``, or the as-of where they are simulated."""
    return data.bars.as_of.to_pydatetime() if data.bars.simulated else now


def nights_late(data: Dataset, now: datetime) -> npt.NDArray[np.int64]:
    """How many trading days lie between the end of the one on which each bar's label came and ``now``, shape (n_bars,):
    0 on the day after it, less while it is not over. A weekday without bars is no trading day, but after the newest bar
    each is one."""
    days = np.unique(data.trading_day)
    of = data.instrument
    today = trading_day(pd.DatetimeIndex([now]), of)[0]
    after = pd.DatetimeIndex(data.bars.frame.index) + of.step  # a day's last bar waits for the next one's
    labelled = trading_day((data.known_at - of.step).where(data.known_at.notna(), after), of)
    known = np.searchsorted(days, today) - 1 - np.searchsorted(days, labelled)
    missing = of.hours.days_between(days[-1] + 1, today) if today > days[-1] else 0
    return np.asarray(known + missing, np.int64)


def first_sight(data: Dataset, at: Mask, earlier: Sequence[NightScores], now: datetime) -> FirstSight:
    """How the bars ``at`` (shape (n_bars,)) look as they are scored ``now``, beside how they looked ``earlier``.

    A bar that was scored before keeps its standing where its values are what they were, whatever became of its label;
    so does one of an older package, which kept no fingerprints of rows.
    """
    late = nights_late(data, now)[at] > NIGHTS_LATE
    standing = np.where(late, LATE, LIVE).astype(np.uint8)
    frame, days = data.bars.frame[at], data.trading_day[at].astype(str)
    opens = minutes(pd.DatetimeIndex(frame.index))
    restated: dict[str, set[str]] = {}
    for scores in without_replaced_days([scores for scores in earlier if scores.live]):
        place = np.flatnonzero(np.isin(opens, scores.opens))
        there = np.searchsorted(scores.opens, opens[place])
        if not place.size:
            continue
        standing[place] = np.where(scores.live_bars[there], LIVE, LATE)
        if scores.seen is None or not set(scores.columns) <= set(map(str, frame.columns)):
            continue
        again = frame.iloc[place][list(scores.columns)]
        other = row_fingerprints(again) != scores.seen.rows[there]
        standing[place[other]] = RESTATED
        for day in np.unique(days[place[other]]).tolist():
            of_day = place[days[place] == day]
            whole = of_day.size == _bars_of(scores, day, data.instrument)
            now_seen = _columns(frame.iloc[of_day]) if whole else {}
            then = scores.seen.inputs.get(day, {})
            restated.setdefault(day, set()).update(
                name for name, mark in now_seen.items() if name in then and then[name] != mark
            )
    inputs = {str(day): _columns(frame[days == day]) for day in np.unique(days)}
    named = {day: sorted(columns) for day, columns in restated.items()}
    return FirstSight(write_time(now), standing, row_fingerprints(frame), inputs, named)


def hindsight(data: Dataset, now: datetime, since: Sequence[NightScores]) -> Hindsight:
    """What is not live of some nights' scores, and how late a run at ``now`` is for the newest trading day."""
    late = int(nights_late(data, now)[-2:].max(initial=0))  # the newest bar may end its day
    bars = {LATE: 0, RESTATED: 0}
    days: Mapping[int, set[str]] = {LATE: set(), RESTATED: set()}
    columns: set[str] = set()
    lag = 0
    for scores in since:
        if scores.seen is None:
            continue
        day = trading_day(opens_of(scores.opens), data.instrument)
        for standing in (LATE, RESTATED):
            here = scores.seen.standing == standing
            bars[standing] += int(here.sum())
            days[standing].update(np.unique(day[here]).astype(str).tolist())
        lag = max(
            lag,
            int(scores.seen.lag(scores.opens, data.instrument.minutes)[scores.seen.standing == LATE].max(initial=0)),
        )
        columns.update(name for names in scores.seen.restated.values() for name in names)
    return Hindsight(
        nights_late=late if late > NIGHTS_LATE else 0,
        bars=bars[LATE],
        days=tuple(sorted(days[LATE])),
        lag=lag,
        restated=bars[RESTATED],
        restated_days=tuple(sorted(days[RESTATED])),
        columns=tuple(sorted(columns)),
    )


def _columns(frame: pd.DataFrame) -> dict[str, str]:
    """The first eight bytes, in hexadecimal, of the fingerprint of each column's values on these bars."""
    return {str(name): fingerprint(frame[[name]])[:16] for name in frame.columns}


def _bars_of(scores: NightScores, day: str, of: Instrument) -> int:
    return int((trading_day(opens_of(scores.opens), of).astype(str) == day).sum())


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{len(days)} trading days from {days[0]} to {days[-1]}"
