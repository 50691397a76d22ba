"""The inputs of a model with expressions: how far they look back, which bars have that much behind them, their values.

One rule for every model: its inputs are known for a bar that has ``bars - 1`` bars before it without a gap of more than
four days between (:data:`~registry.features.trading_clock.MOST_CLOSED`). A missing bar, a holiday and a weekend are no
such gap: windows count bars as they come, as every indicator of a chart does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from registry.errors import InvalidRequest
from registry.features.evaluation import BarSeries, FloatArray, values
from registry.features.grammar import LONGER, Expression
from registry.features.trading_clock import Minutes, TradingClock

_APART = 256
"""Rows that nobody asks for are computed along, where so few stand between two that are asked for."""


@dataclass(frozen=True)
class ExpressionInputs:
    """The trees of a model's features in order, and the clock of its bars.

    Raises :class:`InvalidRequest` for a longer bar that is none beside bars of the clock's length.
    """

    trees: tuple[Expression, ...]
    clock: TradingClock

    def __post_init__(self) -> None:
        own = self.clock.bar_minutes
        for tree in self.trees:
            for part in tree.parts:
                if part.operation == "at" and (LONGER[part.name] <= own or LONGER[part.name] % own):
                    raise InvalidRequest(f"feature {tree}: {part.name} is made of no whole bars of {own} minutes")

    @cached_property
    def bars(self) -> int:
        """Bars that an input takes, its own among them."""
        return max(tree.bars_of(self.clock.bar_minutes) for tree in self.trees)

    @cached_property
    def needs_times(self) -> bool:
        """Whether it has to be known when each bar opened."""
        return self.bars > 1 or any(tree.needs_times for tree in self.trees)

    def known(self, opens: Minutes) -> npt.NDArray[np.bool_]:
        """For which bars the inputs are known, shape (n,)."""
        return np.asarray(self.clock.since_gap(opens) >= self.bars)

    def values(self, columns: Mapping[str, FloatArray], opens: Minutes | None, places: Minutes) -> FloatArray:
        """The inputs of the bars at ``places``, ascending, for which they are known: shape (places, features).

        ``columns`` and ``opens`` are of all bars, (n,). What cannot be computed is not finite.
        """
        result = np.empty((places.size, len(self.trees)), np.float64)
        with np.errstate(all="ignore"):
            for begin, end in _runs(places):
                run = places[begin:end]
                first = int(run[0]) - self.bars + 1
                start, stop = self.bars - 1, int(run[-1]) + 1 - first
                series = BarSeries(
                    {name: column[first : first + stop] for name, column in columns.items()},
                    None if opens is None else opens[first : first + stop],
                    self.clock.bar_minutes,
                    self.clock,
                )
                chosen: slice | Minutes = slice(None) if stop - start == run.size else run - run[0]
                for place, tree in enumerate(self.trees):
                    result[begin:end, place] = values(tree, series, start, stop)[chosen]
        return result


def _runs(places: Minutes) -> Iterator[tuple[int, int]]:
    """Where rows stand near each other, as positions in ``places``."""
    if places.size:
        breaks = np.flatnonzero(np.diff(places) > _APART) + 1
        edges = [0, *breaks.tolist(), places.size]
        yield from pairwise(edges)
