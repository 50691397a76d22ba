"""The nightly gate of this project, by its own code: a recipe's lead and the mean lead of all, against thresholds that
a year without any difference passes in one case of twenty."""

from __future__ import annotations

from benchmarks.promotion.gate_leads import CHAMPION, FORMER, NightLeads
from benchmarks.promotion.night import RETURN, Night
from flows.gate.nightly.judge import judge_leads
from flows.gate.nightly.policy import GatePolicy

NAME = "ours"
SOURCE = "[The gate](gate.md), `flows/gate/nightly/judge.py`"
PRODUCT = "gated"  # on bars, `retrain replay` plays it, guards included


def decide(night: Night) -> int | None:
    leads = NightLeads(night)
    candidates = leads.candidates()
    policy = GatePolicy(score=night.score)
    decision = judge_leads(leads, champion=CHAMPION, candidates=candidates, tried=len(candidates), policy=policy)
    if decision.winner is None:
        return None
    return RETURN if decision.winner == FORMER else int(decision.winner)
