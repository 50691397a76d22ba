"""What the commands say of versions and entries: lines for a person, rows for a program."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from ..clock import write_time
from ..entries import Entry
from ..history import author_of, dated
from ..reader import Version
from ..records import ChampionRecord


def say(*lines: str) -> None:
    """Lines for a person, as they are."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line, markup=False)


def version_row(version: Version, champion: ChampionRecord | None) -> dict[str, Any]:
    """A version for JSON; ``date`` and ``author`` are the original ones of an imported version."""
    return {
        **version.record.to_dict(),
        "date": write_time(dated(version)),
        "author": author_of(version),
        "champion": champion is not None and champion.version == version.record.version,
    }


def entry_row(entry: Entry) -> dict[str, Any]:
    """An entry for JSON: without the state after it, with its sentence and digest."""
    values = {name: value for name, value in entry.to_dict().items() if name != "state"}
    return {**values, "sentence": str(entry), "digest": entry.digest}
