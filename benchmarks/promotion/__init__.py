"""PromotionBench: the rules by which models are put into production, side by side (``python -m benchmarks.promotion``).

Every rule sees the same nights and is asked the same question: which candidate is promoted tonight, or none? It is one
small file in :mod:`benchmarks.promotion.rules`, found by being there::

    '''Promote the best of the last 40 days if it scored higher than the champion on them.'''

    NAME = "promote if higher"
    SOURCE = "A work, or a vendor and the title of its page"

    def decide(night: Night) -> int | None:
        mean = night.leads[:, -40:].mean(axis=1)      # shape (n_recipes,)
        return int(mean.argmax()) if mean.max() > 0.0 else None

:mod:`benchmarks.promotion.night` says what a night shows, :mod:`benchmarks.promotion.simulated` plays rules through
years of which the truth is known, :mod:`benchmarks.promotion.replayed` through the nights of a replay of bars. What
came of it is kept in ``benchmarks/results/promotion.json``, and ``docs/promotion-rules.md`` is written from that.
"""
