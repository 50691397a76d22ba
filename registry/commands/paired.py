"""Paired days of two versions, from whoever wrote the evidence: only that package knows what stands in its files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from ..errors import PackageMissing
from ..extras import needing
from ..model import Model
from ..noise import PairedDays
from ..reader import Version

GROUP = "registry.paired_days"
"""Entry points: ``(model, a, b) -> {metric: PairedDays of b - a}``."""


def paired_days(book: Model, a: Version, b: Version) -> Mapping[str, PairedDays]:
    """By metric; empty where there is no evidence, or what reads it is not installed (the extra ``nights``)."""
    if not book.manifest().files:
        return {}
    found: dict[str, PairedDays] = {}
    for reader in entry_points(group=GROUP):
        try:
            with needing("nights", "evidence"):
                read = reader.load()
        except PackageMissing:
            continue
        found |= read(book, a, b)
    return found
