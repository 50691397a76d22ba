"""Past nights as if live: every fit of every night first, then any policy through time in one cheap pass.

Fits do not depend on decisions, so they are made once, by as many workers as there are (:mod:`.crew`), and kept on a
*tape*; a policy then only reads it. The as-of of each night is enforced as it is live: a night sees no bar that had not
closed and no label that was not known.

Choosing the policy that did best here is selection too: its figures are then no longer out of sample.
"""

from flows.replay.fit_cache import FitCache, fill_cache
from flows.replay.rules import Promotion, RuleResult, replay_rule
from flows.replay.workers import WorkerPool

__all__ = ["FitCache", "Promotion", "RuleResult", "WorkerPool", "fill_cache", "replay_rule"]
