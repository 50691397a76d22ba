"""How much more each stream scored than no skill, by trading day: what a first champion is chosen by.

Of a ledger that goes further than a night, :meth:`SkillLeads.until` gives what that night knew, as
:meth:`flows.gate.nightly.leads.Leads.until` does once there is a champion: a day that has ended does not change.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.gate.nightly.leads import AccuracyFigures, bars_of_days, recipes_of
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.days import DailyScores
from flows.gate.scoring.ledger import Ledger
from flows.gate.scoring.stream_scorer import StreamScorer


@dataclass(frozen=True, eq=False)
class _SkillDays:
    """A stream's ``own`` scores by trading day, and by how much they are ``above`` no skill, of one column each.
    ``counts``: shape (3, n_days of ``own``), the bars that it was scored on, and on how many of them it and the
    baseline were right."""

    own: DailyScores
    above: DailyScores
    counts: Floats


class SkillLeads:
    """Scores beside no skill, each computed once. ``nights``: the live nights of the ledger."""

    def __init__(self, ledger: Ledger, policy: GatePolicy) -> None:
        self._ledger = ledger
        self._scores = StreamScorer(ledger, policy.score, policy.baseline)
        self._no_skill = self._scores.no_skill()
        self._by_stream: dict[str, _SkillDays] = {}
        self._last: np.datetime64 | None = None
        self.nights = ledger.live_nights

    def until(self, night: str) -> SkillLeads:
        """The same as this night knew it."""
        then = copy.copy(self)  # what was computed is shared
        then._last = np.datetime64(night, "D")
        then.nights = tuple(earlier for earlier in self.nights if earlier <= night)
        return then

    def recipes(self) -> list[str]:
        """Streams of recipes that have ever had a score, backfilled or live."""
        last = self._last
        return [
            key
            for key, stream in recipes_of(self._ledger)
            if last is None or (stream.scored.any() and self._ledger.day[np.argmax(stream.scored)] <= last)
        ]

    def own(self, stream: str) -> DailyScores:
        """What the stream scored on each day."""
        return self._until(self._of(stream).own)

    def above(self, stream: str) -> DailyScores:
        """By how much that is more than no skill scored."""
        return self._until(self._of(stream).above)

    def figures(self, stream: str, days: npt.NDArray[np.generic]) -> AccuracyFigures:
        """How often the stream and the baseline were right on the bars of some of its days, ascending."""
        found = self._of(stream)
        bars, right, baseline = found.counts[:, np.searchsorted(found.own.day, days)].sum(axis=1).tolist()
        return AccuracyFigures(int(bars), right / bars, baseline / bars) if bars else AccuracyFigures(0, None, None)

    def _until(self, daily: DailyScores) -> DailyScores:
        if self._last is None:
            return daily
        n = int(np.searchsorted(daily.day, self._last, "right"))
        return DailyScores(daily.day[:n], daily.mean[:n], daily.bars[:n])

    def _of(self, stream: str) -> _SkillDays:
        if stream not in self._by_stream:
            self._by_stream[stream] = self._computed(stream)
        return self._by_stream[stream]

    def _computed(self, key: str) -> _SkillDays:
        ledger, everything = self._ledger, np.ones(self._ledger.label.size, np.bool_)
        scored = self._scores.of(key, key)
        own, above = (self._scores.daily(each, everything) for each in (scored, scored - self._no_skill))
        stream = ledger.streams.get(key)
        if stream is None:
            return _SkillDays(own, above, np.zeros((3, own.day.size)))
        among = stream.scored & ledger.counted
        right, baseline, _ = self._scores.right(stream, stream)
        counts = bars_of_days(ledger.day, [among, among & right, among & baseline], own.day)
        return _SkillDays(own, above, np.stack(counts))
