"""Leads say how much better each stream scored than the champion, by trading days, on bars that both scored live.

Of a ledger that goes further than a night, :meth:`Leads.until` gives what that night knew: every score of a bar depends
on earlier bars alone, and a day that has ended does not change.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats, Mask
from flows.gate.nightly.dependence import DaysOfStream, days_of_any, side_by_side
from flows.gate.scoring.ledger import Ledger, Stream, recipe_stream
from flows.gate.scoring.stream_scorer import StreamScorer


class Against(Protocol):
    """The champion, as far as leads over it need to know."""

    @property
    def stream(self) -> str: ...

    @property
    def recipe_stream(self) -> str: ...

    @property
    def after(self) -> str | None: ...

    @property
    def refreshed(self) -> bool: ...


@dataclass(frozen=True)
class AccuracyFigures:
    """A stream on some bars: how many, and the shares on which it, the baseline, and the champion were
    right; None where there is no bar, or no champion."""

    bars: int
    right: float | None
    majority: float | None
    champion: float | None = None


@dataclass(frozen=True, eq=False)
class _Days:
    r"""A stream beside the champion on each ``day`` that is evidence, shape (n_days,). ``rows``: shape (6, n_days),
    its mean lead a bar and the bars behind it; then of the bars that both were scored on how many there are, and on
    how many it, the baseline and the champion were right. ``begun``: the first day with such a bar, evidence or not."""

    day: npt.NDArray[np.datetime64]
    rows: Floats
    begun: np.datetime64 | None

    def until(self, last: np.datetime64) -> _Days:
        n = int(np.searchsorted(self.day, last, "right"))
        begun = self.begun if self.begun is not None and self.begun <= last else None
        return _Days(self.day[:n], self.rows[:, :n], begun)


class Leads:
    """Leads over one champion, each computed once. ``nights``: the live nights of the ledger."""

    def __init__(self, ledger: Ledger, scores: StreamScorer, champion: Against) -> None:
        self.scores = scores
        self._ledger = ledger
        self._champion = champion
        self._theirs = scores.of(champion.stream, champion.recipe_stream)
        served = scores.daily(self._theirs, scored_since(ledger, champion, champion.stream))
        self._served = served.day.astype("datetime64[D]")
        self._by_stream: dict[str, _Days] = {}
        self._scores_by_day: dict[str, DaysOfStream] = {}
        self._known: dict[str, _Days] = {}  # until the last day
        self._last: np.datetime64 | None = None
        self.nights = ledger.live_nights

    def until(self, night: str) -> Leads:
        """The same leads as this night knew them."""
        then = copy.copy(self)  # what was computed is shared
        then._last, then._known = np.datetime64(night, "D"), {}
        then.nights = tuple(earlier for earlier in self.nights if earlier <= night)
        return then

    def of(self, streams: Sequence[str]) -> tuple[npt.NDArray[np.datetime64], Floats, Floats]:
        """Days of any of the streams, ascending, shape (n_days,); leads and bars of each, shape (n_days, n_streams),
        NaN and 1 where a day is none of its."""
        daily = [self._daily(stream) for stream in streams]
        days = days_of_any([stream.day for stream in daily])
        d, w = np.full((days.size, len(daily)), np.nan), np.ones((days.size, len(daily)))
        for column, lead in enumerate(daily):
            at = np.searchsorted(days, lead.day)
            d[at, column], w[at, column] = lead.rows[:2]
        return days, d, w

    def figures(self, stream: str, days: npt.NDArray[np.datetime64]) -> AccuracyFigures:
        """How often both were right on the bars of some of the stream's days, ascending."""
        daily = self._daily(stream)
        bars, *right = daily.rows[2:, np.searchsorted(daily.day, days)].sum(axis=1)
        if not bars:
            return AccuracyFigures(0, None, None)
        return AccuracyFigures(int(bars), *(float(count / bars) for count in right))

    def champion_days(self) -> int:
        """Days that the champion itself can be judged on, whichever recipes there were beside it."""
        return self._served.size if self._last is None else int(np.searchsorted(self._served, self._last, "right"))

    def recipes(self) -> list[str]:
        """Streams of recipes that have a bar beside the champion: also of one that is not trained any more."""
        return [key for key, _ in recipes_of(self._ledger) if self._daily(key).begun is not None]

    def side_by_side(self) -> tuple[list[str], Floats]:
        """Streams of recipes, and their daily scores on the days that all of them have, backfill included: as
        :func:`side_by_side`."""
        return side_by_side({key: self._scored_days(key) for key, _ in recipes_of(self._ledger)})

    def _scored_days(self, stream: str) -> DaysOfStream:
        if stream not in self._scores_by_day:
            everything = np.ones(self._ledger.label.size, np.bool_)
            daily = self.scores.daily(self.scores.of(stream, stream), everything)
            self._scores_by_day[stream] = daily.day.astype("datetime64[D]"), daily.mean[:, 0]
        day, mean = self._scores_by_day[stream]
        n = day.size if self._last is None else int(np.searchsorted(day, self._last, "right"))
        return day[:n], mean[:n]

    def _daily(self, stream: str) -> _Days:
        if stream not in self._by_stream:
            self._by_stream[stream] = self._computed(stream)
        if self._last is None:
            return self._by_stream[stream]
        if stream not in self._known:
            self._known[stream] = self._by_stream[stream].until(self._last)
        return self._known[stream]

    def _computed(self, stream: str) -> _Days:
        ledger = self._ledger
        since = scored_since(ledger, self._champion, stream)
        begun = ledger.day[since][0] if since.any() else None
        daily = self.scores.daily(self.scores.of(stream, stream) - self._theirs, since)
        day = daily.day.astype("datetime64[D]")
        if not day.size:
            return _Days(day, np.empty((6, 0)), begun)
        both = since & ledger.counted
        sides = self.scores.right(ledger.streams[stream], ledger.streams[self._champion.stream])
        counts = bars_of_days(ledger.day, [both, *(both & side for side in sides)], day)
        return _Days(day, np.stack([daily.mean[:, 0], daily.bars[:, 0], *counts]), begun)


def bars_of_days(day: npt.NDArray[np.datetime64], masks: Sequence[Mask], days: npt.NDArray[np.generic]) -> list[Floats]:
    """How many bars of each of ``days`` each mask holds: whole numbers, shape (n_days,)."""
    starts, stops = np.searchsorted(day, days, "left"), np.searchsorted(day, days, "right")
    sums = [np.concatenate([[0], np.cumsum(mask)]) for mask in masks]
    return [(total[stops] - total[starts]).astype(np.float64) for total in sums]


def scored_since(ledger: Ledger, champion: Against, stream: str) -> Mask:
    """Bars of days later than the champion's ``after`` that it and the stream were scored on live, shape (n_bars,)."""
    live = np.ones(ledger.label.size, np.bool_)
    for key in (champion.stream, stream):
        live &= ledger.streams[key].live if key in ledger.streams else False
    return live if champion.after is None else live & (ledger.day > np.datetime64(champion.after, "D"))


def recipes_of(ledger: Ledger) -> list[tuple[str, Stream]]:
    """The streams of recipes, in the order of their keys."""
    return sorted((key, stream) for key, stream in ledger.streams.items() if key.startswith(recipe_stream("")))


def with_its_past(ledger: Ledger, version: str, recipe: str) -> Ledger:
    """The ledger with the stream of a version extended into the past by its recipe's, of which it is the newest.

    Where either stream is missing there is nothing to extend.
    """
    own, past = ledger.streams.get(version), ledger.streams.get(recipe)
    if own is None or past is None:
        return ledger
    whole = Stream(
        own.name,
        np.where(own.scored, own.p, past.p),
        np.where(own.scored, own.cut, past.cut),
        np.where(own.scored, own.live, past.live),
        own.last_version,
    )
    return replace(ledger, streams={**ledger.streams, version: whole})
