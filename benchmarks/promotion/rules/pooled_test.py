"""All days since the champion was promoted are put into one t-test at 5 %, read every night as they grow, with no
correction for nights or candidates."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from benchmarks.promotion.night import Night

NAME = "pooled test, uncorrected"
SOURCE = (
    "Johari, Koomen, Pekelis and Walsh, Peeking at A/B Tests, KDD 2017; Armitage, McPherson and Rowe, Repeated "
    "Significance Tests on Accumulating Data, Journal of the Royal Statistical Society A 132, 1969"
)
LEVEL, FEWEST = 0.05, 5


def decide(night: Night) -> int | None:
    if night.since < FEWEST:
        return None
    leads = night.leads[:, -night.since :]
    t = leads.mean(axis=1) / (leads.std(axis=1, ddof=1) + 1e-12) * np.sqrt(leads.shape[1])
    return int(t.argmax()) if t.max() > student.isf(LEVEL, leads.shape[1] - 1) else None
