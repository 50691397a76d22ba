"""An e-process a recipe from the first night on, promoted where their mean reaches 20: the error holds at any time. It
begins anew with each champion."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from benchmarks.promotion.night import Night

NAME = "e-process at 5 %"
SOURCE = (
    "Robbins, Statistical Methods Related to the Law of the Iterated Logarithm, Annals of Mathematical Statistics 41, "
    "1970 (half-normal mixture); Ramdas, Grünwald, Vovk and Shafer, Statistical Science 38, 2023"
)
EXPECTED = 0.3  # daily deviations: the mixture is widest about a lead of this size


def decide(night: Night) -> int | None:
    n, leads = min(night.since, night.number), night.leads
    if n == 0:
        return None
    total = leads[:, -n:].sum(axis=1) / np.median(leads[:, -250:].std(axis=1))  # of a usual recipe
    spread = 1.0 + n * EXPECTED**2
    e = 2.0 / np.sqrt(spread) * np.exp(EXPECTED**2 * total**2 / (2.0 * spread))
    e *= ndtr(EXPECTED * total / np.sqrt(spread))
    return int(e.argmax()) if e.mean() > 20.0 else None
