"""The guard on costs compares the net pips of a stream with the champion's, day by day. It can only hold back.

Both become positions by the policy's trading rule, on the same bars, and an account (:mod:`flows.pnl.account`). A
candidate is held back where it is shown to earn less: where the mean difference of their days is below zero by more
than the margin, which is by default 1.64 of its own standard errors. Nothing is promoted for earning more: a few large
moves decide who does.
"""

from __future__ import annotations

import numpy as np

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.guards import Guard
from flows.gate.nightly.leads import Against, scored_since, with_its_past
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import Ledger
from flows.gate.scoring.stream_account import last_traded, stream_account
from flows.pnl.account import SURE, TradedBars, error_by_days

DAYS = NIGHTS_A_YEAR
"""Trading days that the pips are counted over."""


def costs_guard(ledger: Ledger, champion: Against, stream: str, bars: TradedBars, policy: GatePolicy) -> Guard | None:
    """Whether the stream earned as much after costs as the champion, less the policy's margin, on the bars of the last
    250 days that both were scored on; None where the policy asks for no margin, or there are fewer than two such days.

    ``bars``: the ledger's, in its order, with the move after each, NaN where it is not known.
    """
    if not policy.counts_costs:
        return None
    if champion.refreshed:
        ledger = with_its_past(ledger, champion.stream, champion.recipe_stream)
    both = last_traded(ledger, scored_since(ledger, champion, stream) & bars.known, DAYS)
    if not both.any():
        return None
    ours, theirs = (
        stream_account(ledger.streams[key], bars, both, policy.trading_rule, before=ledger.streams.get(before)).by_day()
        for key, before in ((stream, stream), (champion.stream, champion.recipe_stream))
    )
    error = error_by_days(ours.net - theirs.net, ours.bars)
    if error is None:
        return None
    lead = float((ours.net - theirs.net).sum() / ours.bars.sum())
    margin = (policy.net_margin_pips or 0.0) + (policy.net_margin_errors or 0.0) * error
    words = (
        f"earned {ours.mean:+.3f} pips a bar after costs, the champion {theirs.mean:+.3f}: {lead:+.3f} "
        f"±{SURE * error:.3f}, and may be {f'{margin:.3f} less' if margin else 'no less'}"
    )
    return Guard("costs", bool(np.round(lead + margin, 12) >= 0.0), words)
