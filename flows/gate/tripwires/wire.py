"""A tripped wire says what is too good to be true: of which column or recipe, by how much, and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from flows.arrays import Floats

WireKind = Literal["column", "recipe", "control", "scores"]
"""``column``: tells the next label alone. ``recipe``: right too often. ``control``: right about other days.
``scores``: kept as evidence, and not what the version says."""

MOST_OF_ONE_KIND = 0.6
"""Share of labels of one kind; in three real years it is 51 %."""

KINDS: tuple[WireKind, ...] = ("column", "recipe", "control", "scores")


@dataclass(frozen=True)
class TrippedWire:
    """``of``: the column or stream. ``figure`` is above ``bound``, over ``bars`` bars; ``words`` say both."""

    kind: WireKind
    of: str
    figure: float
    bound: float
    bars: int
    words: str

    @property
    def name(self) -> str:
        """What a person releases it by: ``column:rsi_14``."""
        return f"{self.kind}:{self.of}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"name": self.name, **asdict(self)}


def one_sided(label: Floats) -> str:
    """What to say of labels (n,) of which most are of one kind; empty where that is not so.

    Flat bars, which some feeds write while the market is shut, are followed by "not up", and a quiet column tells them.
    """
    most = max(float(label.mean()), 1.0 - float(label.mean()))
    if most <= MOST_OF_ONE_KIND:
        return ""
    return f"; {100 * most:.1f} % of these labels are of one kind: are there bars in which the price stands still?"
