"""The gate: arrays in, a :class:`Decision` out. It promotes on nothing but evidence; guards can only hold back.

:func:`judge_holdout` compares champion and candidates once, on bars that none was trained on.
"""

from flows.gate.guards import Guard
from flows.gate.holdout.decision import CandidateRow, Decision, JudgedBars
from flows.gate.holdout.judge import HoldoutPolicy, judge_holdout
from flows.gate.holdout.streams import Predictions

__all__ = [
    "CandidateRow",
    "Decision",
    "Guard",
    "HoldoutPolicy",
    "JudgedBars",
    "Predictions",
    "judge_holdout",
]
