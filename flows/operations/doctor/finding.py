"""A finding of ``retrain doctor``: a verdict on one thing, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from registry.commands.typed import as_typed
from registry.store.secrets import masked

Grade = Literal["fine", "look", "wrong"]


@dataclass(frozen=True)
class Finding:
    """``look``: it may be intended, a person decides. ``fix``: what to do, empty where all is fine."""

    about: str
    verdict: Grade
    statement: str
    fix: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "statement", masked(self.statement))  # it may repeat an address as it is configured

    @property
    def lines(self) -> list[str]:
        first = f"{self.verdict:<6}{self.about}: {self.statement}"
        return [first] if not self.fix else [first, f"      → {as_typed(self.fix)}"]

    def to_dict(self) -> dict[str, Any]:
        return {"about": self.about, "verdict": self.verdict, "said": self.statement, "mend": self.fix}
