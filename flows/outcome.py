"""What a night came to: the rows a person compares, the decision and where production stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from flows.recipes import Scores
from registry import ChampionRecord

Status = Literal["champion", "promoted", "held", "reference", "would be promoted"]


@dataclass(frozen=True)
class Row:
    """A line of the table: a version, the champion it was judged against, or a reference (never a candidate)."""

    name: str
    status: Status
    accuracy: float | None
    f1: float | None
    auc: float | None
    bars: int | None
    version: str | None = None

    @classmethod
    def of(cls, name: str, status: Status, scores: Scores, version: str | None = None) -> Row:
        return cls(name, status, scores.accuracy, scores.f1, scores.auc, scores.bars, version)

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "recipe": self.name,
            "status": self.status,
            "accuracy": self.accuracy,
            "f1": self.f1,
            "auc": self.auc,
            "bars": self.bars,
        }


@dataclass(frozen=True)
class Outcome:
    """What one run did. ``already_decided``: the night was decided before, and nothing was read further or written."""

    model: str
    registry: str
    source: str
    simulated: bool
    night: str
    as_of: str
    action: str
    sentence: str
    rows: tuple[Row, ...]
    champion: ChampionRecord | None
    decision: int | None
    """Number of the entry in the decisions log; None on a dry run."""
    already_decided: bool = False
    dry_run: bool = False
    repairs: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "model": self.model,
            "registry": self.registry,
            "data": self.source,
            "simulated": self.simulated,
            "night": self.night,
            "as_of": self.as_of,
            "already_decided": self.already_decided,
            "dry_run": self.dry_run,
            "action": self.action,
            "sentence": self.sentence,
            "champion": None if self.champion is None else self.champion.to_dict(),
            "decision": self.decision,
            "rows": [row.to_dict() for row in self.rows],
            "repairs": list(self.repairs),
        }
