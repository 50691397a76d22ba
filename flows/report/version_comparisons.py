"""Comparisons of any two versions, made by :func:`registry.compare` and embedded small enough for a page.

Of each pair (a before b) and metric the page gets the status, the interval and the reason; the figures themselves, the
differences between them, and what changed in parameters, data and environment follow from the versions' facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from registry import Version, compare
from registry.analysis.comparison import HIGHER_IS_BETTER, MetricRow, Standing
from registry.analysis.differences import facts

MOST_VERSIONS = 40
"""Versions that can be selected: 780 pairs. Former champions are among them however old."""

STATUSES = tuple(str(standing) for standing in Standing)

Cell = tuple[int, float | None, float | None, int]
"""Place in STATUSES, interval from and to, place in ``reasons``."""


@dataclass(frozen=True)
class ComparedVersion:
    """A version with what it is compared by."""

    version: str
    recipe: str
    night: str | None
    was_champion: bool
    metrics: dict[str, float | None]
    facts: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class VersionComparisons:
    """``versions``, oldest first; ``pairs``: by ``"a b"`` (places in ``versions``, a < b) one cell a metric."""

    versions: tuple[ComparedVersion, ...]
    metrics: tuple[str, ...]
    lower_is_better: tuple[str, ...]
    pairs: dict[str, tuple[Cell | None, ...]]
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the page's script."""
        return {
            "statuses": list(STATUSES),
            "versions": [dict(version.__dict__) for version in self.versions],
            "metrics": list(self.metrics),
            "lowerIsBetter": list(self.lower_is_better),
            "pairs": {pair: list(cells) for pair, cells in self.pairs.items()},
            "reasons": list(self.reasons),
        }


def compare_versions(versions: Sequence[Version], champions: frozenset[str]) -> VersionComparisons:
    """The newest :data:`MOST_VERSIONS` of ``versions`` (oldest first), champions before others, every pair compared."""
    selected = _selected(versions, champions)
    metrics = tuple(dict.fromkeys(name for version in selected for name in version.record.metrics))
    reasons: dict[str, int] = {}
    pairs = {}
    for (i, a), (j, b) in combinations(enumerate(selected), 2):
        rows = {row.name: row for row in compare(a, b).metrics}
        pairs[f"{i} {j}"] = tuple(_cell(rows[name], reasons) if name in rows else None for name in metrics)
    return VersionComparisons(
        versions=tuple(_compared(version, champions) for version in selected),
        metrics=metrics,
        lower_is_better=tuple(name for name in metrics if HIGHER_IS_BETTER.get(name) is False),
        pairs=pairs,
        reasons=tuple(reasons),
    )


def _selected(versions: Sequence[Version], champions: frozenset[str]) -> list[Version]:
    order = sorted(range(len(versions)), key=lambda at: (str(versions[at]) in champions, at), reverse=True)
    return [versions[at] for at in sorted(order[:MOST_VERSIONS])]


def _compared(version: Version, champions: frozenset[str]) -> ComparedVersion:
    record = version.record
    return ComparedVersion(
        record.version,
        record.recipe or "unnamed",
        record.night,
        record.version in champions,
        dict(record.metrics),
        facts(version),
    )


def _cell(row: MetricRow, reasons: dict[str, int]) -> Cell:
    interval = row.interval
    reason = row.reason if interval is None else interval.origin
    place = reasons.setdefault(reason, len(reasons))
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return STATUSES.index(str(row.status)), low, high, place
