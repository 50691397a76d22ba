"""What the commands say of versions and entries: lines for a person, rows for a program."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import Any

from rich.console import Console

from registry.clock import write_time
from registry.format.entries import Entry
from registry.format.records import ChampionRecord
from registry.model.version import Version, author_of, dated


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


_ESCAPED = "registry.escaped"


def print_escaped() -> None:
    """From now on what the encoding of standard output or error lacks is written as ``\\u00e9``, JSON's own escape.

    An act is in the log before it is told, and must not end as a failure because its author is called zoé.
    """
    codecs.register_error(_ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
