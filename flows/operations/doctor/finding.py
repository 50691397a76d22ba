"""A finding of ``retrain doctor``: a verdict on one thing, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Grade = Literal["fine", "look", "wrong"]


@dataclass(frozen=True)
class Finding:
    """``look``: it may be intended, a person decides. ``fix``: what to do, empty where all is fine."""

    about: str
    verdict: Grade
    statement: str
    fix: str = ""

    @property
    def lines(self) -> list[str]:
        first = f"{self.verdict:<6}{self.about}: {self.statement}"
        return [first] if not self.fix else [first, f"      → {self.fix}"]

    def to_dict(self) -> dict[str, Any]:
        return {"about": self.about, "verdict": self.verdict, "said": self.statement, "mend": self.fix}
