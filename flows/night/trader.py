"""What the trader asks of a decision: what a version would have earned after costs, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.nightly.candidates import Candidate, Champion
from flows.gate.nightly.decision import NightlyDecision
from flows.gate.scoring.ledger import Ledger
from flows.gate.scoring.stream_account import last_traded, stream_account
from flows.pnl.account import PipsResult, TradedBars
from flows.pnl.phrases import would_have
from flows.pnl.trading_rules import TradingRule

FEW_DAYS = 20
"""Trading days below which a champion is counted by its recipe's stream."""


def earned(
    decision: NightlyDecision,
    candidates: Sequence[Candidate],
    champion: Champion | None,
    ledger: Ledger,
    bars: TradedBars,
    rule: TradingRule,
) -> PipsResult | None:
    """What the version that production loads after the decision would have earned on its stream's last 250 days,
    backfill included; None where production stays empty or nothing can be counted.

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
            return book.result(who)
    return None


def with_money(sentence: str, result: PipsResult | None) -> str:
    """A decision's whole account with what was earned at its beginning."""
    if result is None:
        return sentence
    action, _, reason = sentence.partition(": ")
    return f"{action}: {result.name} {would_have(result)}; {reason}"


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
