"""As the test at 5 % every night, with the 5 % divided by the number of candidates: nights are still not paid for."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from benchmarks.promotion.night import Night

NAME = "test at 5 %, corrected for recipes"
SOURCE = (
    "Bonferroni's correction; Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, Journal of "
    "Machine Learning Research 7, 2006"
)
LEVEL = 0.05


def decide(night: Night) -> int | None:
    leads = night.leads[:, -40:]
    t = leads.mean(axis=1) / (leads.std(axis=1, ddof=1) + 1e-12) * np.sqrt(leads.shape[1])
    return int(t.argmax()) if t.max() > student.isf(LEVEL / len(t), leads.shape[1] - 1) else None
