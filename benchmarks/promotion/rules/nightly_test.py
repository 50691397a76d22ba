"""The best of tonight's models is promoted if a paired t-test of its lead on the last 40 days is significant at 5 %,
every night anew."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from benchmarks.promotion.night import Night

NAME = "test at 5 % every night"
SOURCE = (
    "The paired t-test of two classifiers; Dietterich, Approximate Statistical Tests for Comparing Supervised "
    "Classification Learning Algorithms, Neural Computation 10, 1998"
)
LEVEL = 0.05


def decide(night: Night) -> int | None:
    leads = night.leads[:, -40:]
    t = leads.mean(axis=1) / (leads.std(axis=1, ddof=1) + 1e-12) * np.sqrt(leads.shape[1])
    return int(t.argmax()) if t.max() > student.isf(LEVEL, leads.shape[1] - 1) else None
