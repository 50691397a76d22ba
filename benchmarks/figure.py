"""A figure is one measured line: what, against what, the ratio with its quartiles, and whether its bound is reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from flows.arrays import Floats


@dataclass(frozen=True)
class Figure:
    """``ours`` and ``theirs`` are medians in ``unit``; ``ratio`` is the median of the ratios turn by turn, ``low`` and
    ``high`` its quartiles. Without a peer (``theirs`` None) the bound is on ``ours`` and the quartiles are those of it.
    ``bound`` None: measured for information. ``command`` is empty where it is ``python -m benchmarks PART``."""

    what: str
    against: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float | None
    low: float
    high: float
    n: int
    bound: float | None = None
    at_least: bool = False
    command: str = ""

    @classmethod
    def ratio_of(
        cls,
        what: str,
        against: str,
        ours: Floats,
        theirs: Floats,
        *,
        bound: float | None,
        unit: str = "s",
        at_least: bool = False,
        command: str = "",
    ) -> Self:
        """``ours`` beside ``theirs``, each of shape (n_turns,). With ``at_least`` the ratio is how many times as fast
        ours is, and the bound a lower one."""
        ratios = theirs / ours if at_least else ours / theirs
        low, middle, high = (float(value) for value in np.quantile(ratios, (0.25, 0.5, 0.75)))
        medians = float(np.median(ours)), float(np.median(theirs))
        return cls(what, against, *medians, unit, middle, low, high, int(ours.size), bound, at_least, command)

    @classmethod
    def value_of(
        cls,
        what: str,
        ours: Floats | float,
        *,
        unit: str,
        bound: float | None,
        at_least: bool = False,
        command: str = "",
    ) -> Self:
        """A figure with a bound of its own and nothing beside it; ``ours`` of shape (n_turns,), or one number."""
        low, middle, high = (float(value) for value in np.quantile(np.atleast_1d(ours), (0.25, 0.5, 0.75)))
        size = int(np.atleast_1d(ours).size)
        return cls(what, "", middle, None, unit, None, low, high, size, bound, at_least, command)

    @property
    def decisive(self) -> float:
        """What the bound is on."""
        return self.ours if self.ratio is None else self.ratio

    @property
    def reached(self) -> bool | None:
        """Whether the bound holds; None where there is none."""
        if self.bound is None:
            return None
        return self.decisive >= self.bound if self.at_least else self.decisive <= self.bound

    @property
    def demand(self) -> str:
        """The bound in words."""
        if self.bound is None:
            return "none"
        unit = f" {self.unit}" if self.ratio is None else " ×"
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}{unit}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return cls(**values)
