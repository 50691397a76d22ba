"""The first words of a decision answer the trader: what a version would have earned after costs, and how sure that is.

held: v3 would have lost 0.031 pips a bar after costs (±0.028) on the last 250 days, 9.7 trades a day; …
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.scoring.ledger import Ledger
from flows.gate.scoring.stream_account import last_traded, stream_account
from flows.pnl.account import TradedBars
from flows.pnl.phrases import would_have
from flows.pnl.trading_rules import TradingRule

FEW_DAYS = 20
"""Trading days below which a champion is counted by its recipe's stream."""


def with_money(
    decision: NightlyDecision,
    candidates: Sequence[Candidate],
    champion: Champion | None,
    ledger: Ledger,
    bars: TradedBars,
    rule: TradingRule,
) -> str:
    """The decision's sentence with, at its beginning, what the version that production loads now would have earned on
    its stream's last 250 days, backfill included; as it is where production stays empty or nothing can be counted.

    ``bars``: the ledger's, with the moves that followed.
    """
    who, keys = _in_production(decision, candidates, champion)
    for key, days in zip(keys, (FEW_DAYS, 1), strict=False):
        stream = ledger.streams.get(key)
        if stream is None:
            continue
        among = last_traded(ledger, stream.scored & bars.known, NIGHTS_A_YEAR)
        if np.unique(ledger.day[among & ledger.counted]).size >= (days if len(keys) > 1 else 1):
            book = stream_account(stream, bars, among, rule, before=ledger.streams.get(keys[-1]))
            action, _, reason = decision.sentence.partition(": ")
            return f"{action}: {who} {would_have(book.result(who))}; {reason}"
    return decision.sentence


def _in_production(
    decision: NightlyDecision, candidates: Sequence[Candidate], champion: Champion | None
) -> tuple[str, tuple[str, ...]]:
    """Who is in production after the decision, in words, and the streams that tell of it, the best first."""
    won = [
        candidate
        for candidate in candidates
        if (candidate.name, candidate.version) == (decision.winner, decision.winner_version)
    ]
    if won:
        who = won[0].name if won[0].version is None else f"{won[0].name} ({won[0].version})"
        return who, (won[0].stream,)
    return ("", ()) if champion is None else (champion.version, (champion.stream, champion.recipe_stream))
