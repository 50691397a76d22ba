"""The one evaluator of expressions, for training, scoring and serving, in numpy alone.

Each value is computed from its own bars by itself, never by a sum that runs on from the bar before: so it is the same
to the last bit for one bar with what it looks back on, for a year, and for that year with another one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from registry.features.grammar import LONGER, Expression, ema_bars
from registry.features.trading_clock import Minutes, TradingClock

FloatArray = npt.NDArray[np.float64]

_CHUNK = 1 << 18
"""Numbers in a piece of all windows that is summed at once: 2 MiB."""

_HIGHEST, _LOWEST, _FIRST = "high", "low", "open"
"""How the name of a column begins that a longer bar takes the highest, lowest, first value of; else it is the last."""


@dataclass(frozen=True, eq=False)
class BarSeries:
    """Bars of one length in their order: numbers by column, and when each opened; all of shape (n,).

    ``opens`` is None where no expression asks for times.
    """

    columns: Mapping[str, FloatArray]
    opens: Minutes | None
    length: int
    clock: TradingClock
    _longer: dict[int, tuple[BarSeries, Minutes]] = field(default_factory=dict, repr=False)

    def times(self, start: int, stop: int) -> Minutes:
        assert self.opens is not None, "times are read where an expression needs them"
        return self.opens[start:stop]

    def longer(self, length: int) -> tuple[BarSeries, Minutes]:
        """The bars of ``length`` minutes that these make, and the place of the last that had closed with each bar.

        The first and the last may be incomplete; the last is in no bar's past, and a caller hands in enough bars for
        the first to be in none either (:meth:`~registry.features.grammar.Expression.bars_of`).
        """
        if length not in self._longer:
            assert self.opens is not None, "times are read where an expression needs them"
            start, end = self.clock.longer(self.opens, length)
            new = np.empty(start.size, np.bool_)
            new[0] = True
            np.not_equal(start[1:], start[:-1], out=new[1:])
            first = np.flatnonzero(new)
            inside = np.cumsum(new) - 1
            closed = inside - (end > self.opens + self.length)
            columns = _LongerColumns(self.columns, first, start.size)
            self._longer[length] = BarSeries(columns, start[first], length, self.clock), closed
        return self._longer[length]


class _LongerColumns(dict[str, FloatArray]):
    """The columns of longer bars, each made when it is first read."""

    def __init__(self, columns: Mapping[str, FloatArray], first: Minutes, size: int) -> None:
        super().__init__()
        self._columns, self._begins, self._ends = columns, first, np.append(first[1:], size) - 1

    def __missing__(self, name: str) -> FloatArray:
        column, kind = self._columns[name], name.rpartition(".")[2].partition("_")[0]
        if kind == _HIGHEST:
            self[name] = np.maximum.reduceat(column, self._begins)
        elif kind == _LOWEST:
            self[name] = np.minimum.reduceat(column, self._begins)
        else:
            self[name] = column[self._begins if kind == _FIRST else self._ends]
        return self[name]


def values(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    """The expression for the bars from ``start`` to before ``stop``, shape (stop - start,).

    ``bars`` hold what it looks back on before ``start``. What cannot be computed is not finite, without a warning
    where the caller has silenced numpy's.
    """
    if tree.operation == "column":
        return bars.columns[tree.name][start:stop]
    if tree.operation == "number":
        return np.full(stop - start, tree.numbers[0])
    return _OPERATIONS[tree.operation](tree, bars, start, stop)


Operation = Callable[[Expression, BarSeries, int, int], FloatArray]


def _signed(ufunc: np.ufunc) -> Operation:
    def of_two(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
        left, right = _operands(tree, bars, start, stop)
        return np.asarray(ufunc(left, right))

    return of_two


def _compared(ufunc: np.ufunc) -> Operation:
    """1 where it holds and 0 where it does not; what cannot be computed cannot be compared either."""

    def of_two(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
        left, right = _operands(tree, bars, start, stop)
        return np.where(np.isnan(left) | np.isnan(right), np.nan, ufunc(left, right).astype(np.float64))

    return of_two


def _operands(tree: Expression, bars: BarSeries, start: int, stop: int) -> tuple[FloatArray, FloatArray]:
    left, right = (values(part, bars, start, stop) for part in tree.of)
    return left, right


def _negative(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    return -values(tree.of[0], bars, start, stop)


def _log(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    # Contiguous: numpy may take another logarithm, other in the last bit, for numbers that lie apart.
    return np.asarray(np.log(np.ascontiguousarray(values(tree.of[0], bars, start, stop))))


def _clip(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    low, high = tree.numbers
    return np.minimum(np.maximum(values(tree.of[0], bars, start, stop), low), high)


def _lag(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    back = int(tree.numbers[0])
    return values(tree.of[0], bars, start - back, stop - back)


def _diff(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    back = int(tree.numbers[0])
    x = values(tree.of[0], bars, start - back, stop)
    return x[back:] - x[:-back]


def _return(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    back = int(tree.numbers[0])
    x = values(tree.of[0], bars, start - back, stop)
    return x[back:] / x[:-back] - 1.0


def _windowed(of_windows: Callable[[FloatArray], FloatArray]) -> Operation:
    def of_bars(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
        size = int(tree.numbers[0])
        return _by_window(values(tree.of[0], bars, start - size + 1, stop), size, of_windows)

    return of_bars


def _by_window(x: FloatArray, size: int, of_windows: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """``of_windows`` of every run of ``size`` numbers of ``x``, given as rows that lie together."""
    if x.size == size:
        return of_windows(np.ascontiguousarray(x)[None, :])
    windows = np.lib.stride_tricks.sliding_window_view(x, size)
    rows = max(_CHUNK // size, 1)
    return np.concatenate(
        [of_windows(np.ascontiguousarray(windows[at : at + rows])) for at in range(0, len(windows), rows)]
    )


def _mean(windows: FloatArray) -> FloatArray:
    return np.asarray(np.add.reduce(windows, axis=1) / windows.shape[1])


def _std(windows: FloatArray) -> FloatArray:
    """The sample's, divided by n - 1; exactly 0 where all numbers are equal."""
    return np.where(_flat(windows), 0.0, _deviation(windows - _mean(windows)[:, None]))


def _zscore(windows: FloatArray) -> FloatArray:
    """How many standard deviations the last number is from the mean; 0 where all are equal."""
    apart = windows - _mean(windows)[:, None]
    return np.where(_flat(windows), 0.0, apart[:, -1] / _deviation(apart))


def _deviation(apart: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.add.reduce(apart * apart, axis=1) / (apart.shape[1] - 1)))


def _flat(windows: FloatArray) -> npt.NDArray[np.bool_]:
    return np.asarray(np.minimum.reduce(windows, axis=1) == np.maximum.reduce(windows, axis=1))


def _ema(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    weights = _weights(int(tree.numbers[0]))

    def averages(windows: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduce(windows * weights, axis=1))

    return _by_window(values(tree.of[0], bars, start - weights.size + 1, stop), weights.size, averages)


@lru_cache(maxsize=256)
def _weights(span: int) -> FloatArray:
    """Of an exponential average, oldest first, adding up to 1: each (span - 1) / (span + 1) of the next."""
    weights = np.float64(1.0 - 2.0 / (span + 1.0)) ** np.arange(ema_bars(span) - 1, -1, -1)
    return np.asarray(weights / weights.sum(), np.float64)


def _at(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    longer, closed = bars.longer(LONGER[tree.name])
    places = closed[start:stop]
    first = int(places[0])
    return values(tree.of[0], longer, first, int(places[-1]) + 1)[places - first]


def _hour(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    return bars.clock.hour(bars.times(start, stop)).astype(np.float64)


def _weekday(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    return bars.clock.weekday(bars.times(start, stop)).astype(np.float64)


def _minutes_to_close(tree: Expression, bars: BarSeries, start: int, stop: int) -> FloatArray:
    return bars.clock.minutes_to_close(bars.times(start, stop), bars.length).astype(np.float64)


_OPERATIONS: dict[str, Operation] = {
    "+": _signed(np.add),
    "-": _signed(np.subtract),
    "*": _signed(np.multiply),
    "/": _signed(np.true_divide),
    "<": _compared(np.less),
    "<=": _compared(np.less_equal),
    ">": _compared(np.greater),
    ">=": _compared(np.greater_equal),
    "==": _compared(np.equal),
    "!=": _compared(np.not_equal),
    "negative": _negative,
    "log": _log,
    "clip": _clip,
    "lag": _lag,
    "diff": _diff,
    "return": _return,
    "mean": _windowed(_mean),
    "std": _windowed(_std),
    "min": _windowed(lambda windows: np.asarray(np.minimum.reduce(windows, axis=1))),
    "max": _windowed(lambda windows: np.asarray(np.maximum.reduce(windows, axis=1))),
    "zscore": _windowed(_zscore),
    "ema": _ema,
    "at": _at,
    "hour": _hour,
    "weekday": _weekday,
    "minutes_to_close": _minutes_to_close,
}
