"""Sequential tests of whether a recipe's stream is better than the champion: one look a night at growing evidence.

For each recipe and each of the last 125 and up to 250 trading days since the champion was promoted, with d_i the mean
difference of day i and w_i its share of the window's bars::

    mean             m  = Σ w_i d_i
    effective days   J  = 1 / Σ w_i²                                    (Kish, Survey Sampling, 1965)
    standard error   s² = J / (J − 1) · Σ w_i² (d_i − m)², or what the longest window's days would make it if larger
    z                m / s, carried from Student's t to the normal, divided by √((1 + r) / (1 − r))

The longest window begins with 40 days and grows to 250, so that a young champion is judged on all of its days. A short
one knows its own deviation badly: what it claims is not believed below that of the longest, which costs nothing and
lowers the threshold.

A champion that falls loses to all recipes at once, and they share its noise: their mean (:func:`together`) knows of the
fall what none of them knows alone. It is a series of its own, looked at over 40, 80 and up to 250 days, short ones
because a fall is sudden. A mean above zero says that some recipe is better, so it promotes nothing that a recipe's own
lead would not. Recipes that were clearly ahead of the others lately count more (:mod:`~flows.gate.nightly.shares`).

r is the lag-1 autocorrelation of the days, pooled over the recipes and up to 250 days and never taken below zero.
Estimating it in each window instead (Newey–West on 40 days) is far too liberal. (1 + r) / (1 − r) is the variance that
the mean of a first-order autoregression has beside that of independent days (Priestley, Spectral Analysis and Time
Series, 1981, §5.3).

The largest z of a night means nothing by itself: windows, recipes and 250 nights look for it. It is read against a
threshold from :mod:`flows.gate.nightly.calibration`.

>>> evidence = judge(daily.mean, daily.bars)
>>> evidence.best                       # Lead(recipe=1, days=160, mean=0.011, standard_error=0.0046, z=2.38)
>>> more_nights(evidence.best, threshold=3.46)
>>> judge(*together(daily.mean, daily.bars), windows=RECENT_WINDOWS, r=evidence.r).best
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import GateRefused

__all__ = [
    "FEWEST_DAYS",
    "RECENT_WINDOWS",
    "WINDOWS",
    "Lead",
    "Statistics",
    "WindowEvidence",
    "day_autocorrelation",
    "existing_windows",
    "fewest_days",
    "judge",
    "more_nights",
    "normal_from_t",
    "pooled",
    "together",
    "variance_inflation",
    "visible_difference",
    "window_statistics",
]


WINDOWS = (125, NIGHTS_A_YEAR)
"""Trading days that a recipe's lead is looked for in: half a year, and about a year, which is grown into."""

RECENT_WINDOWS = (40, 80, NIGHTS_A_YEAR)
"""Those that what changes suddenly is looked at in: the mean of all recipes, and a refresh."""

FEWEST_DAYS = 40
"""With fewer days nothing is judged, unless windows are set that are shorter."""

_SAME = 1e-9  # a standard error this small beside the mean is rounding: the days are all the same


@dataclass(frozen=True)
class Statistics:
    """Mean, standard error and z of the last n days, for every series and window; arrays of one shape.

    A standard error of 0 (every day shows the very same difference: identical models, usually) is no evidence: z is 0.
    """

    mean: Floats
    standard_error: Floats
    z: Floats


@dataclass(frozen=True)
class Lead:
    """One recipe's evidence in one window: ``mean`` and ``standard_error`` in units of the score a bar."""

    recipe: int
    days: int
    mean: float
    standard_error: float
    z: float


@dataclass(frozen=True, eq=False)
class WindowEvidence:
    """All that the gate looks at in one night.

    ``n``, ``mean``, ``standard_error``, ``z``: shape (n_recipes, n_windows): days in the window, their statistics; 0
    and NaN where a recipe has not that many days yet. ``days``: shape (n_recipes,), the days that each recipe has.
    ``r``: the lag-1 autocorrelation of the days, not negative; the standard errors and z include it. ``own_r``: shape
    (n_recipes,), each recipe's before pooling; NaN where it has no window, or its days never differ.
    """

    n: npt.NDArray[np.int64]
    mean: Floats
    standard_error: Floats
    z: Floats
    days: npt.NDArray[np.int64]
    r: float
    own_r: Floats

    def widened(self, factor: Floats) -> WindowEvidence:
        """With standard errors ``factor`` times as large, shape (n_recipes, n_windows)."""
        return replace(self, standard_error=self.standard_error * factor, z=self.z / factor)

    @property
    def best(self) -> Lead | None:
        """The recipe and window of the largest z; None where no window exists yet. Ties go to the first recipe."""
        if np.isnan(self.z).all():
            return None
        recipe, window = np.unravel_index(int(np.nanargmax(self.z)), self.z.shape)
        return self._lead(int(recipe), int(window))

    def best_of(self, recipe: int) -> Lead | None:
        """The window of the recipe's largest z; None where it has none yet."""
        if np.isnan(self.z[recipe]).all():
            return None
        return self._lead(recipe, int(np.nanargmax(self.z[recipe])))

    def longest_of(self, recipe: int) -> Lead | None:
        """The recipe's longest window, of all its days up to 250; None where it has none yet."""
        return None if np.isnan(self.z[recipe, -1]) else self._lead(recipe, self.z.shape[1] - 1)

    def _lead(self, recipe: int, window: int) -> Lead:
        at = recipe, window
        return Lead(recipe, int(self.n[at]), float(self.mean[at]), float(self.standard_error[at]), float(self.z[at]))


def judge(
    d: npt.ArrayLike, w: npt.ArrayLike, *, windows: tuple[int, ...] = WINDOWS, r: float | None = None
) -> WindowEvidence:
    """The evidence of one night: every recipe, every window that exists since the champion was promoted.

    ``d``: shape (n_days, n_recipes), how much better each recipe scored than the champion, a bar, oldest day first,
    only days since the champion was promoted; NaN on a day that is no evidence for a recipe (its windows are then its
    last n days that are). ``w``: shape (n_days,) or (n_days, n_recipes), the bars behind each. ``r``: their
    autocorrelation where it is known, else it is estimated. Exchanging champion and
    recipe changes the sign of ``mean`` and ``z`` and nothing else; the order of the recipes changes their order alone.

    Raises :class:`GateRefused` for shapes that do not fit, an infinite difference, bars that are not positive, windows
    that are not increasing or shorter than 3 days.
    """
    differences, bars = _checked(d, w, windows)
    n_recipes = differences.shape[1]
    mean, error, z = (np.full((n_recipes, len(windows)), np.nan) for _ in range(3))
    n, days = np.zeros((n_recipes, len(windows)), dtype=np.int64), np.zeros(n_recipes, dtype=np.int64)
    own_r = np.full(n_recipes, np.nan)
    for recipe in range(n_recipes):
        seen = ~np.isnan(differences[:, recipe])
        own, weight = differences[seen, recipe], bars[seen, recipe]
        days[recipe] = own.size
        n[recipe] = existing_windows(own.size, windows)
        exist = n[recipe] > 0
        if exist.any():
            statistics = window_statistics(own, weight, n[recipe][exist].tolist())
            mean[recipe, exist], error[recipe, exist], z[recipe, exist] = (
                statistics.mean,
                statistics.standard_error,
                statistics.z,
            )
            own_r[recipe] = day_autocorrelation(own[-windows[-1] :])
    correlation = pooled(own_r.tolist()) if r is None else r
    inflation = variance_inflation(correlation)
    return WindowEvidence(n, mean, error * inflation, z / inflation, days, correlation, own_r)


def together(d: npt.ArrayLike, w: npt.ArrayLike, share: Floats | None = None) -> tuple[Floats, Floats]:
    """The mean lead of all recipes on each day, shape (n_days, 1), NaN where fewer than two have the day, and the mean
    bars behind it: what :func:`judge` takes. ``d`` and ``w`` as there. ``share``: how much each recipe counts, as
    :func:`flows.gate.nightly.shares.shares`; all the same without it."""
    differences, bars = np.asarray(d, dtype=np.float64), np.asarray(w, dtype=np.float64)
    bars = np.broadcast_to(bars if bars.ndim == 2 else bars[:, None], differences.shape)
    seen = ~np.isnan(differences)
    count = seen.sum(axis=1)
    if share is None:
        several = np.maximum(count, 1)
        mean = np.where(seen, differences, 0.0).sum(axis=1) / several
        behind = np.where(seen, bars, 0.0).sum(axis=1) / several
    else:
        mean = (share * np.where(seen, differences, 0.0)).sum(axis=1)
        behind = (share * np.where(seen, bars, 0.0)).sum(axis=1)
    return np.where(count >= 2, mean, np.nan)[:, None], np.where(count >= 2, behind, 1.0)[:, None]


def fewest_days(windows: Sequence[int] = WINDOWS) -> int:
    """The days that it takes until anything is judged."""
    return min(FEWEST_DAYS, windows[0])


def existing_windows(days: int, windows: Sequence[int] = WINDOWS) -> list[int]:
    """Days in each window when there are ``days`` in all: 0 for one that is not full, but the last is never longer than
    what there is, once that is enough to be judged."""
    whole = min(windows[-1], days) if days >= fewest_days(windows) else 0
    return [n if n <= days else 0 for n in windows[:-1]] + [whole]


def window_statistics(d: Floats, w: Floats, windows: Sequence[int]) -> Statistics:
    """Statistics of the last n days for each n, days taken as independent: arrays of shape (…, n_windows).

    ``d``: shape (…, n_days), any number of series at once, without NaN; ``w``: broadcasts against it; ``windows``: the
    last one the longest.
    """
    shape = (*np.broadcast_shapes(d.shape[:-1], w.shape[:-1]), len(windows))
    mean, error, z = np.empty(shape), np.empty(shape), np.empty(shape)
    longest, degrees = np.zeros(shape[:-1]), np.zeros(shape[:-1])  # variance of a day over all of them, and how known
    for at, n in reversed(list(enumerate(windows))):
        share = w[..., -n:] / w[..., -n:].sum(axis=-1, keepdims=True)
        effective = 1.0 / np.square(share).sum(axis=-1)
        m = (share * d[..., -n:]).sum(axis=-1)
        spread = np.square(share * (d[..., -n:] - m[..., None])).sum(axis=-1)
        variance = effective**2 / np.maximum(effective - 1.0, 1.0) * spread
        if n == windows[-1]:
            longest, degrees = variance, np.maximum(effective - 1.0, 1.0)
        s = np.sqrt(np.maximum(variance, longest) / effective)
        known = (s > _SAME * np.abs(m)) & (effective >= 2.0)  # less than two days' worth of bars is no evidence
        mean[..., at], error[..., at] = m, np.where(known, s, 0.0)
        z[..., at] = normal_from_t(np.divide(m, s, out=np.zeros(m.shape), where=known), degrees)
    return Statistics(mean, error, z)


def day_autocorrelation(d: Floats) -> Floats:
    """Lag-1 autocorrelation of each series, shape (…,), for ``d`` of shape (…, n_days); NaN for a constant series."""
    centred = d - d.mean(axis=-1, keepdims=True)
    lagged = (centred[..., 1:] * centred[..., :-1]).sum(axis=-1)
    own = np.square(centred).sum(axis=-1)
    moves = own > (_SAME * np.abs(d).max(axis=-1)) ** 2 * d.shape[-1]
    return np.asarray(np.divide(lagged, own, out=np.full(own.shape, np.nan), where=moves))


def pooled(correlations: list[float]) -> float:
    """The mean of the recipes' autocorrelations, floored at zero; constant series (NaN) are left out."""
    known = [r for r in correlations if not math.isnan(r)]
    return max(math.fsum(known) / len(known), 0.0) if known else 0.0  # fsum: the same in any order of recipes


def variance_inflation(r: npt.ArrayLike) -> Floats:
    """√((1 + r) / (1 − r)): how much larger a standard error is than independent days would make it; 0 ≤ r < 1."""
    correlation = np.asarray(r, dtype=np.float64)
    return np.asarray(np.sqrt((1.0 + correlation) / (1.0 - correlation)))


def normal_from_t(t: npt.ArrayLike, degrees: npt.ArrayLike) -> Floats:
    """The z that the normal exceeds as often as Student's t with ``degrees`` of freedom exceeds ``t``.

    Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", Annals of Mathematical
    Statistics 30 (1959): within 0.003 for |t| ≤ 8 and 39 degrees or more. Unlike the exact tails it is odd to the last
    bit and never overflows.
    """
    value, nu = np.asarray(t, dtype=np.float64), np.asarray(degrees, dtype=np.float64)
    size = (8.0 * nu + 1.0) / (8.0 * nu + 3.0) * np.sqrt(nu * np.log1p(np.square(value) / nu))
    return np.asarray(np.copysign(size, value))


def more_nights(lead: Lead, threshold: float, *, longest: int = WINDOWS[-1]) -> int | None:
    """About how many more nights until a true difference of the size of ``lead.mean`` is expected to be promoted.

    The standard error shrinks with the root of the days, so z reaches the threshold after n · (threshold / z)² days. 0
    where it has; None where that is more than ``longest`` days, the most that any window holds, or the recipe does not
    lead at all.
    """
    if lead.z <= 0.0:
        return None
    needed = lead.days * (threshold / lead.z) ** 2
    return max(math.ceil(needed) - lead.days, 0) if needed <= longest else None


def visible_difference(lead: Lead, threshold: float, *, days: int = WINDOWS[-1]) -> float:
    """The difference a bar that is as likely as not to be seen in one look at ``days`` days, in units of the score.

    It is the one whose expected z is the threshold, given how much this recipe's days vary. Looking every night for a
    year finds it more often than that; ``docs/gate.md`` has the measured rates.
    """
    return threshold * lead.standard_error * math.sqrt(lead.days / days)


def _checked(d: npt.ArrayLike, w: npt.ArrayLike, windows: tuple[int, ...]) -> tuple[Floats, Floats]:
    differences, bars = np.asarray(d, dtype=np.float64), np.asarray(w, dtype=np.float64)
    if differences.ndim != 2:
        raise GateRefused(f"differences have shape {differences.shape}: give one row a day and one column a recipe")
    if np.isinf(differences).any():
        raise GateRefused("a daily difference is infinite: give NaN on a day that is no evidence for a recipe")
    if not windows or windows[0] < 3 or any(b <= a for a, b in pairwise(windows)):
        raise GateRefused(f"the windows {windows} must be increasing numbers of days, from 3 up")
    if bars.ndim == 1:
        bars = bars[:, None]
    if bars.ndim != 2 or bars.shape[0] != differences.shape[0] or bars.shape[1] not in (1, differences.shape[1]):
        raise GateRefused(f"bars of shape {bars.shape} beside differences of {differences.shape}: one number a day")
    bars = np.broadcast_to(bars, differences.shape)
    if not (np.isfinite(bars) & (bars > 0.0))[~np.isnan(differences)].all():
        raise GateRefused("a day with a difference has no positive number of bars: count the bars that it stands on")
    return differences, bars
