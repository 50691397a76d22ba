"""What ``retrain doctor`` finds: a verdict on one thing, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Grade = Literal["fine", "look", "wrong"]


@dataclass(frozen=True)
class Finding:
    """``look``: it may be meant, a person decides. ``mend``: empty where all is fine."""

    about: str
    verdict: Grade
    said: str
    mend: str = ""

    @property
    def lines(self) -> list[str]:
        first = f"{self.verdict:<6}{self.about}: {self.said}"
        return [first] if not self.mend else [first, f"      → {self.mend}"]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
