"""A refresh replaces an old champion by its own recipe, retrained, although nothing is clearly better.

It is allowed only where a person asked for it (``refresh_margin`` of the policy), where the champion is older than its
maximum age, and where the retrained stream is shown not to be worse by the margin or more: with d the stream's daily
lead over the champion, the z of ``d + margin`` over the last 250 days must exceed the very threshold of a promotion,
and the last 40 and 80 days must not speak against it.

That costs no budget of its own. The error it can make is to install a stream that is worse by the margin or more; for
such a stream ``d + margin`` is at most what the calibration assumes of a lead, so all false acts of a year together,
promotions and refreshes, stay within the budget (Schuirmann, "A comparison of the two one-sided tests procedure",
Journal of Pharmacokinetics and Biopharmaceutics 15, 1987, tests a margin this way).

A refresh does not wipe out what other recipes have earned. They are judged against the recipe that serves, which is
the same before and after, so their evidence goes on: on the days before the refresh against its stream, each bar by
the version that was the newest then, and after it against the version in production. The version that was replaced
stays in the race as a former champion.
"""

from __future__ import annotations

import numpy as np

from flows.arrays import Floats
from flows.gate.nightly.decision import Refresh
from flows.gate.nightly.sequential import RECENT_WINDOWS, judge

__all__ = ["not_worse"]


def not_worse(d: Floats, w: Floats, *, row: int, margin: float, threshold: float, r: float) -> Refresh | None:
    """Whether the champion's own recipe is not worse than it: None with too few days.

    ``d``, ``w``: shape (n_days, 1), its daily lead over the champion and the bars behind it, only days that this
    champion served; ``row``: which candidate it is; ``r``: the autocorrelation of the days.
    """
    evidence = judge(d + margin, w, windows=RECENT_WINDOWS, r=r)
    n, mean, z = evidence.n[0], evidence.mean[0], evidence.z[0]
    if np.isnan(z[-1]):
        return None
    lately = mean[~np.isnan(mean)]
    passed = bool(z[-1] > threshold and (lately > 0.0).all())
    return Refresh(row, int(n[-1]), float(mean[-1] - margin), float(z[-1]), margin, threshold, passed)
