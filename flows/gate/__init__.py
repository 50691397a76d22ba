"""The gate takes arrays and gives a :class:`Decision`. It promotes on evidence alone; guards can only hold back.

:func:`judge_holdout` compares champion and candidates once, on bars that none was trained on.
"""

from flows.gate.guards import Guard
from flows.gate.holdout.decision import CandidateRow, Decision, JudgedBars
from flows.gate.holdout.judge import HoldoutBars, HoldoutPolicy, judge_holdout
from flows.gate.holdout.streams import Predictions

__all__ = [
    "CandidateRow",
    "Decision",
    "Guard",
    "HoldoutBars",
    "HoldoutPolicy",
    "JudgedBars",
    "Predictions",
    "judge_holdout",
]
