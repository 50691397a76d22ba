"""A version as the log tells of it: its record, the entry that registered it, when and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.clock import read_time
from registry.format.entries import Entry
from registry.format.records import VersionRecord


@dataclass(frozen=True)
class Version:
    """A registered version as read from the log: its record and the entry that registered it."""

    record: VersionRecord
    entry: int
    registered_at: datetime
    author: str

    def __str__(self) -> str:
        return self.record.version


def version_of(entry: Entry) -> Version:
    """The version that a ``registered`` entry registers."""
    return Version(VersionRecord.from_dict(entry.body["version"]), entry.n, entry.time, entry.author)


def dated(version: Version) -> datetime:
    """When it was registered; for an imported version when it was registered first."""
    imported = _imported(version)
    return read_time(imported["date"]) if "date" in imported else version.registered_at


def author_of(version: Version) -> str:
    """Who registered it; for an imported version who registered it first."""
    return str(_imported(version).get("author", version.author))


def _imported(version: Version) -> Mapping[str, Any]:
    imported: Mapping[str, Any] = (version.record.details or {}).get("imported", {})
    return imported
