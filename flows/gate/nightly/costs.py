"""The guard on costs compares the net pips of a stream with the champion's, day by day. It can only hold back.

Both become positions by the policy's trading rule, on the same bars, and an account (:mod:`flows.pnl.account`). A
candidate is held back where it is shown to earn less: where the mean difference of their days is below zero by more
than the margin, which is by default 1.64 of its own standard errors. Nothing is promoted for earning more: a few large
moves decide who does.
"""

from __future__ import annotations

import copy

import numpy as np

from flows.arrays import Mask
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.guards import Guard
from flows.gate.nightly.leads import Against, scored_since, with_its_past
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger
from flows.gate.scoring.stream_account import last_traded
from flows.gate.scoring.stretches import JudgedStretch, StreamPips, StretchedBars
from flows.pnl.account import SURE, DailyPips, TradedBars, error_by_days
from flows.pnl.trading_rules import TradingRule

DAYS = NIGHTS_A_YEAR
"""Trading days that the pips are counted over."""


class NetLeads:
    """What streams earned after costs beside one champion; each account is made once.

    ``bars``: the ledger's, in its order, with the move after each, NaN where it is not known. Of a ledger that goes
    further than a night, :meth:`until` gives what that night knew.
    """

    def __init__(self, ledger: Ledger, champion: Against, bars: TradedBars, policy: GatePolicy) -> None:
        if champion.refreshed:
            ledger = with_its_past(ledger, champion.stream, champion.recipe_stream)
        self._ledger = ledger
        self._champion = champion
        self._bars = bars
        self._policy = policy
        self._end = ledger.label.size
        self._beside: dict[str, _Beside] = {}  # by stream
        self._by_bars: dict[bytes, _Beside] = {}  # most streams stand beside the champion on the same bars

    def until(self, bars: int) -> NetLeads:
        """The same of the first so many bars of the ledger."""
        then = copy.copy(self)  # what was computed is shared
        then._end = bars
        return then

    def guard(self, stream: str) -> Guard | None:
        """Whether the stream earned as much after costs as the champion, less the policy's margin, on the bars of the
        last 250 days that both were scored on; None where the policy asks for no margin, or there are fewer than two
        such days."""
        if not self._policy.counts_costs:
            return None
        beside = self._both(stream)
        stretch = beside.last_days(self._end)
        if stretch is None:
            return None
        ours, theirs = beside.pips(stream, stream).by_day(stretch), beside.champions(stretch)
        error = error_by_days(ours.net - theirs.net, ours.bars)
        if error is None:
            return None
        lead = float((ours.net - theirs.net).sum() / ours.bars.sum())
        margin = (self._policy.net_margin_pips or 0.0) + (self._policy.net_margin_errors or 0.0) * error
        words = (
            f"earned {ours.mean:+.3f} pips a bar after costs, the champion {theirs.mean:+.3f}: {lead:+.3f} "
            f"±{SURE * error:.3f}, and may be {f'{margin:.3f} less' if margin else 'no less'}"
        )
        return Guard("costs", bool(np.round(lead + margin, 12) >= 0.0), words)

    def _both(self, stream: str) -> _Beside:
        if stream not in self._beside:
            both = scored_since(self._ledger, self._champion, stream) & self._bars.known
            key = both.tobytes()
            if key not in self._by_bars:
                self._by_bars[key] = _Beside(self._ledger, self._champion, self._bars, self._policy.trading_rule, both)
            self._beside[stream] = self._by_bars[key]
        return self._beside[stream]


class _Beside:
    """The bars ``both`` that a stream and the champion were scored on, of days that have one outside of the rollover
    hour."""

    def __init__(self, ledger: Ledger, champion: Against, bars: TradedBars, rule: TradingRule, both: Mask) -> None:
        self._ledger = ledger
        self._champion = champion
        self._rule = rule
        among = last_traded(ledger, both, ledger.label.size)
        self._at = np.flatnonzero(among)
        day = ledger.day[among]
        self._starts = np.flatnonzero(np.append(True, day[1:] != day[:-1])) if day.size else np.empty(0, np.intp)
        self._counted = ledger.counted[among]
        self._bars = StretchedBars(bars, among)
        self._pips: dict[str, StreamPips] = {}
        self._window: tuple[int, JudgedStretch | None] | None = None  # the last one that was asked for
        self._champions: tuple[JudgedStretch, DailyPips] | None = None

    def last_days(self, end: int) -> JudgedStretch | None:
        """The last 250 days of the first ``end`` bars of the ledger; None where there is none."""
        if self._window is None or self._window[0] != end:
            self._window = end, self._last_days(end)
        return self._window[1]

    def _last_days(self, end: int) -> JudgedStretch | None:
        last = int(np.searchsorted(self._at, end))
        day = int(np.searchsorted(self._starts, last)) - 1
        if day >= 0 and not self._counted[self._starts[day] : last].any():  # the day goes on after the end
            last, day = int(self._starts[day]), day - 1
        return None if day < 0 else self._bars.stretch(int(self._starts[max(day + 1 - DAYS, 0)]), last)

    def pips(self, stream: str, before: str) -> StreamPips:
        """What a stream of the ledger came to, its ranks starting with those of the stream ``before``."""
        if stream not in self._pips:
            streams = self._ledger.streams
            self._pips[stream] = StreamPips(streams[stream], self._bars, self._rule, before=streams.get(before))
        return self._pips[stream]

    def champions(self, stretch: JudgedStretch) -> DailyPips:
        """The champion's pips by day."""
        known = self._champions
        if known is None or known[0] is not stretch:
            champion = self._champion
            self._champions = known = stretch, self.pips(champion.stream, champion.recipe_stream).by_day(stretch)
        return known[1]
