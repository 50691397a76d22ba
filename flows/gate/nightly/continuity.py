"""Continuity asks whether the version about to be promoted predicts like the stream that earned the evidence.

The evidence belongs to a recipe's stream: every day was scored by the version of that day. The version promoted was
trained tonight and has no scored bars of its own, so on the last 20 days' bars it must say mostly what the stream's
last version says, and it must say both sides. A retrain that broke (a swapped label, a column that went missing) does
not: it is held, whatever its recipe has earned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flows.errors import GateRefused

__all__ = ["DAYS", "MINIMUM_AGREEMENT", "Continuity", "continuity"]

DAYS = 20
"""Trading days whose bars both versions are evaluated on."""

MINIMUM_AGREEMENT = 0.80
"""Retrains of one recipe a day later disagree on less than a tenth of the bars, different recipes on a quarter."""


@dataclass(frozen=True)
class Continuity:
    """``agreement``: fraction of the ``bars`` on which both say the same; ``ups``: on which tonight's says "up"."""

    bars: int
    agreement: float
    ups: int
    minimum: float

    @property
    def says_both(self) -> bool:
        """True where tonight's version says "up" on some bars and "not up" on others."""
        return 0 < self.ups < self.bars

    @property
    def holds(self) -> bool:
        """True where the version may stand for the stream."""
        return self.says_both and self.agreement >= self.minimum


def continuity(
    tonight: npt.ArrayLike,
    last: npt.ArrayLike,
    *,
    tonight_threshold: float,
    last_threshold: float,
    minimum: float = MINIMUM_AGREEMENT,
) -> Continuity:
    """Compare the sides of tonight's version and the stream's last one, each by its own decision threshold, on the same
    bars.

    ``tonight`` and ``last``: shape (n_bars,), predictions on the bars of the last :data:`DAYS` trading days.

    Raises :class:`GateRefused` for no bars, lengths that differ, a prediction or threshold that is not finite.
    """
    new, old = np.asarray(tonight, dtype=np.float64), np.asarray(last, dtype=np.float64)
    if new.ndim != 1 or new.shape != old.shape:
        raise GateRefused(f"predictions of shapes {new.shape} and {old.shape}: ask both versions about the same bars")
    if new.size == 0:
        raise GateRefused(f"there are no bars in the last {DAYS} days to compare tonight's version on")
    if not (
        np.isfinite(new).all() and np.isfinite(old).all() and np.isfinite([tonight_threshold, last_threshold]).all()
    ):
        raise GateRefused("a prediction or a cut is not finite: a version that cannot say a side cannot be promoted")
    up = new > tonight_threshold
    same = int(np.count_nonzero(up == (old > last_threshold)))
    return Continuity(new.size, same / new.size, int(np.count_nonzero(up)), minimum)
