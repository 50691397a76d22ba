"""Bars that are well formed are checked here for whether they can be true: clock, length, prices, features.

::

    findings = judge(examine(SeenBars.of(bars, now)), allow=("frozen_feed",))

Each check is a pure function of :class:`SeenBars` in a module of its own and gives findings of three weights: *refuse*
(nothing is trained on such bars), *question* (a night by hand goes on and says so, a scheduled one alerts), *note* (in
the log alone). A check speaks only with enough evidence; its module says how much.
"""

from flows.bars.plausibility.examining import CHECKS, Findings, examine, judge
from flows.bars.plausibility.finding import BarFinding, Check, CheckName
from flows.bars.plausibility.seen import SeenBars

__all__ = ["CHECKS", "BarFinding", "Check", "CheckName", "Findings", "SeenBars", "examine", "judge"]
