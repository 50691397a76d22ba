"""The gate: arrays in, a :class:`Decision` out. It promotes on nothing but evidence; guards can only hold back.

:func:`judge_holdout` compares champion and candidates once, on bars that none was trained on.
"""

from .decision import CandidateRow, Decision, Guard, JudgedBars
from .holdout import HoldoutPolicy, judge_holdout
from .streams import Stream

__all__ = [
    "CandidateRow",
    "Decision",
    "Guard",
    "HoldoutPolicy",
    "JudgedBars",
    "Stream",
    "judge_holdout",
]
