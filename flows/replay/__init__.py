"""A replay runs past nights as if they were live: first every fit of every night, then any policy over all of them.

Fits do not depend on decisions, so they are made once, by a pool of workers (:mod:`flows.fitting`), and kept in a cache
(:mod:`.fit_cache`); a policy then only reads it. The as-of of each night is enforced as it is live: a night sees no bar
that had not closed and no label that was not known.

Choosing the policy that did best here is a selection too: its figures are then no longer out of sample.
"""

from flows.fitting.workers import WorkerPool
from flows.replay.fit_cache import FitCache, NightSpan, fill_cache
from flows.replay.rules import Promotion, RuleResult, replay_rule

__all__ = ["FitCache", "NightSpan", "Promotion", "RuleResult", "WorkerPool", "fill_cache", "replay_rule"]
