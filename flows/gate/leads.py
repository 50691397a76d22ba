"""How much each stream leads the champion, by trading days, on the bars that both were scored on live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .days import DailyScores
from .ledger import Ledger, Stream, recipe_stream
from .scored import Scored

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


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


class Leads:
    """Leads over one champion, each computed once."""

    def __init__(self, ledger: Ledger, scores: Scored, champion: Against) -> None:
        self.scores = scores
        self._ledger = ledger
        self._champion = champion
        self._theirs = scores.of(champion.stream, champion.recipe_stream)
        self._found: dict[str, DailyScores] = {}

    def of(self, streams: Sequence[str]) -> tuple[npt.NDArray[np.datetime64], Floats, Floats]:
        """Days of any of the streams, ascending, shape (n_days,); leads and bars of each, shape (n_days, n_streams),
        NaN and 1 where a day is none of its."""
        daily = [self._daily(stream) for stream in streams]
        days = np.unique(np.concatenate([each.day.astype("datetime64[D]") for each in daily]))
        d, w = np.full((days.size, len(daily)), np.nan), np.ones((days.size, len(daily)))
        for column, each in enumerate(daily):
            at = np.searchsorted(days, each.day.astype("datetime64[D]"))
            d[at, column], w[at, column] = each.mean[:, 0], np.where(each.bars[:, 0] > 0, each.bars[:, 0], 1.0)
        return days, d, w

    def since(self, stream: str) -> Mask:
        """Bars of days later than the champion's ``after`` that both were scored on live, shape (n_bars,)."""
        return scored_since(self._ledger, self._champion, stream)

    def recipes(self) -> list[str]:
        """Streams of recipes that have a day beside the champion: also of one that is not trained any more."""
        return [key for key, _ in recipes_of(self._ledger) if self.since(key).any()]

    def _daily(self, stream: str) -> DailyScores:
        if stream not in self._found:
            self._found[stream] = self.scores.daily(self.scores.of(stream, stream) - self._theirs, self.since(stream))
        return self._found[stream]


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
