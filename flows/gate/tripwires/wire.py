"""A tripped wire says what is too good to be true: of which column or recipe, by how much, and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

WireKind = Literal["column", "recipe", "control"]
"""``column``: tells the next label alone. ``recipe``: right too often. ``control``: right about other days."""

KINDS: tuple[WireKind, ...] = ("column", "recipe", "control")


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
