"""The paired difference of two streams of hits is a mean of trading days, weighted by their bars.

With n_d bars on day d, N = Σ n_d, w_d = n_d / N, and D_d the mean over the bars of day d of (hit − other's hit)::

    difference        m  = Σ w_d D_d
    effective days    J  = 1 / Σ w_d²
    standard error    s² = J / (J − 1) · Σ w_d² (D_d − m)²
    z                 m / s, read against Student's t with J − 1 degrees of freedom

``m`` is the difference of the two accuracies. The day is the unit because bars of one day share its market; ``s`` is
the standard error of a ratio estimated from clusters of unequal size (Cochran, Sampling Techniques, 3rd ed. 1977,
chapters 6 and 9), with Kish's effective number of units (Survey Sampling, 1965) in place of the number of days: equal
when all days are equally long, smaller and so more careful when they are not. Days are taken as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flows.arrays import Mask

Days = npt.NDArray[np.datetime64]
Counts = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Blocks:
    """Bars in runs of one trading day each: ``starts`` and ``bars`` of shape (n_days,), ``total`` bars in all."""

    starts: Counts
    bars: Counts
    total: int

    @property
    def effective_days(self) -> float:
        """Kish's number: how many equally long days weigh as much as these."""
        return self.total**2 / float(np.square(self.bars.astype(np.float64)).sum())


@dataclass(frozen=True)
class PairedDifference:
    """Difference of accuracies (a fraction), its standard error and z; ``z`` is 0 where the standard error is."""

    difference: float
    standard_error: float
    z: float


def day_blocks(day: Days) -> Blocks:
    """The runs of equal days in ``day``: shape (n_bars,), not empty, never going back."""
    starts = np.concatenate(([0], np.flatnonzero(day[1:] != day[:-1]) + 1))
    return Blocks(starts=starts, bars=np.diff(starts, append=day.size), total=int(day.size))


def paired_difference(hit: Mask, other: Mask, blocks: Blocks) -> PairedDifference:
    """How much more often ``hit`` than ``other`` is right, both of shape (n_bars,); swapping them flips the sign.

    Where every day shows the very same difference there is no standard error to tell from, and ``z`` is 0: such a
    difference is no evidence (identical streams are the usual case).
    """
    lead = np.add.reduceat(hit.astype(np.int64) - other, blocks.starts)
    total = int(lead.sum())
    # N·Σ_d(hit − other) − n_d·Σ(hit − other) in whole numbers: exactly 0 on every day when all days agree
    departure = (lead * blocks.total - blocks.bars * total).astype(np.float64)
    effective = blocks.effective_days
    variance = effective / (effective - 1.0) * float(np.square(departure / blocks.total**2).sum())
    difference = total / blocks.total
    standard_error = float(np.sqrt(variance))
    z = difference / standard_error if standard_error > 0.0 else 0.0
    return PairedDifference(difference=difference, standard_error=standard_error, z=z)


def critical_z(alpha: float, comparisons: int, effective_days: float) -> float:
    """The z that ``comparisons`` candidates together exceed by chance at most ``alpha`` of the time (Bonferroni)."""
    from scipy.special import stdtrit  # here: it takes longer to import than the gate

    return float(-stdtrit(effective_days - 1.0, alpha / comparisons))


def corrected_p_value(z: float, comparisons: int, effective_days: float) -> float:
    """One-sided p value of ``z``, times the number of comparisons (Bonferroni), at most 1."""
    from scipy.special import stdtr

    return min(1.0, comparisons * float(stdtr(effective_days - 1.0, -z)))
