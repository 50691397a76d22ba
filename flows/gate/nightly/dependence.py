"""Days that follow each other over weeks vary together more than lag 1 can tell; this measures it and widens z.

One night's correlation with the next says little of a part that is small and slow: 2 % of the variance that decays by
2 % a day makes five times as many errors in a year. The variance ratio at q days says it: the variance of sums of q
days over q times that of one day, 1 where days are independent (Lo and MacKinlay, Review of Financial Studies 1, 1988).
With S_t the sum of the q days that end with day t, m the mean of all T days and s² their variance::

    V(q) = Σ_t (S_t − q m)² / (q (T − q + 1) (1 − q / T) s²)
    ν    = 3 q T / ((2q − 1) (q − 1)) · (tr C)² / tr C²
    V(q) ν over the true ratio is nearly χ² with ν degrees, which gives the interval

The first part of ν is from the variance of V(q) over independent days, the second how many independent series there are
in the covariance C of those pooled.

A champion that falls, or a recipe that gets better, looks like slow noise as well. So it is measured where neither
shows: between the other recipes. Each recipe's z is widened by what the others' daily scores do around their mean,
which neither the champion nor the recipe itself is part of; the z of all together, by what all do around their mean.
All days of the ledger count, backfill included. Only a ratio whose interval lies above what lag 1 says widens a window,
and none over more days than the window has: what is not shown to be there costs nothing. A recipe whose own
autocorrelation is beyond the pooled one by more than 2.5 standard errors has its own.

>>> ratios = Panel(scores).ratios()             # scores: daily, shape (n_days, n_recipes)
>>> inflation(ratios, r=0.02, days=250)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from flows.arrays import Floats
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.gate.nightly.decision import DayDependence, VarianceRatio
from flows.gate.nightly.sequential import WindowEvidence, variance_inflation

__all__ = [
    "HORIZONS",
    "LONGEST",
    "DaysOfStream",
    "OverWeeks",
    "Panel",
    "inflation",
    "own_autocorrelation",
    "side_by_side",
]

HORIZONS = (20, 60, 125)
"""Trading days of a sum: a month, a quarter, half a year."""

LONGEST = 2 * NIGHTS_A_YEAR
"""Trading days that are looked back."""

FEWEST_SERIES = 3
"""Recipes that it takes: around the mean of two there is one series, and either recipe is part of it."""

OWN_ERRORS = 2.5
"""Standard errors by which a recipe's own autocorrelation must differ to be used."""

_TAIL = NormalDist().inv_cdf(0.95)  # of either side: the interval holds 90 %

KEPT_SHARE = 0.75
"""Of the most days that any stream has, what it takes to be set beside the others."""

DaysOfStream = tuple[npt.NDArray[np.datetime64], Floats]
"""Trading days, ascending, and a stream's mean score on each, shape (n_days,)."""


def side_by_side(known: Mapping[str, DaysOfStream]) -> tuple[list[str], Floats]:
    """Streams, and their daily scores on the days that all of them have: shape (n_days, n_streams), oldest first.

    Of the last 500 days of any; a stream that has not three quarters as many of them as another is left out.
    """
    every = days_of_any([day for day, _ in known.values()])
    if not every.size:
        return [], np.empty((0, 0))
    begin = every[-LONGEST:][0]
    count = {stream: int((day >= begin).sum()) for stream, (day, _) in known.items()}
    streams = sorted(stream for stream in known if count[stream] >= KEPT_SHARE * max(count.values()))
    days = _days_of_all([known[stream][0] for stream in streams])[-LONGEST:]
    columns = [mean[np.searchsorted(day, days)] for day, mean in (known[stream] for stream in streams)]
    return streams, np.stack(columns, axis=1)


def days_of_any(each: Sequence[npt.NDArray[np.datetime64]]) -> npt.NDArray[np.datetime64]:
    """The days of any of several streams, ascending as those of each are."""
    if _are_the_same(each):
        return each[0]
    return np.unique(np.concatenate([np.empty(0, "datetime64[D]"), *each]))


def _days_of_all(each: Sequence[npt.NDArray[np.datetime64]]) -> npt.NDArray[np.datetime64]:
    return each[0] if _are_the_same(each) else reduce(np.intersect1d, each)


def _are_the_same(each: Sequence[npt.NDArray[np.datetime64]]) -> bool:
    """Nearly always: recipes are scored on the same days, and sorting them anew takes a replay longer than the rest."""
    return bool(each) and all(np.array_equal(day, each[0]) for day in each[1:])


class Panel:
    """Daily scores of several streams, shape (n_days, n_streams), oldest first, without NaN; the last 500 days count.

    ``around_mean``: what each does beside the mean of all; else each for itself.
    """

    def __init__(self, scores: Floats, *, around_mean: bool = True) -> None:
        daily = scores[-LONGEST:]
        self.days = daily.shape[0]
        self._around_mean = around_mean
        centred = daily - daily.mean(axis=0) if self.days else daily
        total = np.concatenate([np.zeros((1, daily.shape[1])), np.cumsum(centred, axis=0)])
        self._horizons = [q for q in HORIZONS if self.days >= 2 * q]
        of_day = _products(centred) / max(self.days - 1, 1)
        of_sums = [
            _products(total[q:] - total[:-q]) / (q * (self.days - q + 1) * (1.0 - q / self.days))
            for q in self._horizons
        ]
        self._products = np.stack([of_day, *of_sums])  # of a day, then of the sums

    def ratios(self, without: int | None = None) -> tuple[VarianceRatio, ...]:
        """The variance ratio at each horizon that the days hold twice; none with too few streams, or constant ones.

        ``without``: the column that is left out.
        """
        kept = [at for at in range(self._products.shape[1]) if at != without]
        if len(kept) < (FEWEST_SERIES if self._around_mean else 1):
            return ()
        pooled = self._pooled(kept)
        variance, *of_sums = np.trace(pooled, axis1=1, axis2=2).tolist()
        squares = float(np.square(pooled[0]).sum())
        if not variance > 0.0:
            return ()
        series = variance**2 / squares
        found = []
        for q, of_sum in zip(self._horizons, of_sums, strict=True):
            ratio = of_sum / variance
            degrees = series * 3.0 * q * self.days / ((2 * q - 1) * (q - 1))
            low, high = (ratio / _chi_square(side, degrees) for side in (_TAIL, -_TAIL))
            found.append(VarianceRatio(q, ratio, low, high))
        return tuple(found)

    def _pooled(self, kept: Sequence[int]) -> Floats:
        """The products of these columns, around the mean of all where that is asked for."""
        chosen = np.ascontiguousarray(self._products[:, kept][:, :, kept])
        if not self._around_mean:
            return chosen
        beside = chosen - chosen.mean(axis=1, keepdims=True)
        return np.asarray(beside - beside.mean(axis=2, keepdims=True))


def inflation(ratios: Sequence[VarianceRatio], r: float, days: int, *, low_end: bool = False) -> float:
    """How much larger the standard error of a mean over ``days`` is than independent days would make it: by lag 1, or
    by the largest ratio over no more days that lies above it with its whole interval. ``low_end``: by the lower end of
    that interval, no more than is shown."""
    by_lag = float(variance_inflation(r))
    clear = [each for each in ratios if each.low > by_lag**2 and each.days <= days]
    return max([by_lag, *(math.sqrt(each.low if low_end else each.ratio) for each in clear)])


def own_autocorrelation(own: float, pooled: float, days: int) -> float:
    """A recipe's autocorrelation where it is clearly above the pooled one, else that."""
    clearly = not math.isnan(own) and own - pooled > OWN_ERRORS / math.sqrt(max(days, 1))
    return own if clearly else pooled


class OverWeeks:
    """What one night's evidence is widened by. ``streams``: of recipes, ``scores``: beside each other by day, shape
    (n_days, n_streams)."""

    def __init__(self, streams: Sequence[str], scores: Floats) -> None:
        self._panel = Panel(scores)
        self._column = {stream: at for at, stream in enumerate(streams)}
        self._everyone = self._panel.ratios()
        self._widest = 1.0

    @property
    def record(self) -> DayDependence:
        """What is recorded, after all of the night was widened."""
        return DayDependence(self._panel.days, self._everyone, self._widest)

    def widened(self, evidence: WindowEvidence, streams: Sequence[str]) -> WindowEvidence:
        """The evidence of one stream a row, each by the ratios of the other recipes and by its own autocorrelation."""
        rows = []
        for row, stream in enumerate(streams):
            days = int(evidence.n[row].max())
            r = own_autocorrelation(float(evidence.own_r[row]), evidence.r, days)
            rows.append(self._factors(self._others(stream), r, evidence, row))
        return evidence.widened(np.array(rows))

    def all_together(self, evidence: WindowEvidence, each: WindowEvidence | None = None) -> WindowEvidence:
        """The evidence of the mean of all recipes, by the ratios of all. ``each``: evidence of the recipes themselves,
        where leading ones count more: the mean may be mostly one recipe's, so the largest autocorrelation counts."""
        r = evidence.r
        if each is not None:
            own = zip(each.own_r.tolist(), each.days.tolist(), strict=True)
            r = max([r, *(own_autocorrelation(one, r, min(days, NIGHTS_A_YEAR)) for one, days in own)])
        return evidence.widened(np.array([self._factors(self._everyone, r, evidence, 0)]))

    def equivalent(self, r: float, stream: str) -> float:
        """The lag-1 autocorrelation that widens a year's mean of this stream as much as its days do."""
        square = inflation(self._others(stream), r, NIGHTS_A_YEAR) ** 2
        return max((square - 1.0) / (square + 1.0), r)

    def _others(self, stream: str) -> tuple[VarianceRatio, ...]:
        return self._panel.ratios(self._column[stream]) if stream in self._column else self._everyone

    def _factors(self, ratios: Sequence[VarianceRatio], r: float, evidence: WindowEvidence, row: int) -> list[float]:
        pooled = float(variance_inflation(evidence.r))
        factors = [inflation(ratios, r, days) / pooled for days in evidence.n[row].tolist()]
        self._widest = max(self._widest, *factors)
        return factors


def _products(series: Floats) -> Floats:
    """Sums of products of each two columns, added day by day: the same to the last bit on every machine."""
    return np.asarray((series[:, :, None] * series[:, None, :]).sum(axis=0))


def _chi_square(deviate: float, degrees: float) -> float:
    """Quantile of χ² over its degrees (Wilson and Hilferty, Proceedings of the National Academy of Sciences 17, 1931);
    never below 0.008: with so few degrees nothing is known, and the interval has no upper end to speak of."""
    spread = 2.0 / (9.0 * degrees)
    return max(1.0 - spread + deviate * math.sqrt(spread), 0.2) ** 3
