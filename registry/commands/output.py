"""How the commands of ``registry`` print results: lines for a person, JSON for a program, a bar for long work."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar

from registry.clock import SystemClock, write_time
from registry.format.entries import Entry
from registry.format.records import ChampionRecord
from registry.log.parallel import Progress
from registry.model.version import Version, author_of, dated

SECONDS_BEFORE_A_BAR = 2.0


def show(values: Any, as_json: bool, otherwise: Callable[[], None]) -> None:
    """The values as JSON, or what ``otherwise`` prints for a person."""
    if as_json:
        sys.stdout.write(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    else:
        otherwise()


@contextmanager
def bar() -> Iterator[Progress]:
    """A bar on standard error, from the third second on and only on a terminal."""
    console, clock = Console(stderr=True), SystemClock()
    started = clock.monotonic()
    with Bar(console=console, transient=True, disable=not console.is_terminal, auto_refresh=False) as drawn:
        task = drawn.add_task("", visible=False)

        def progress(what: str, done: int, of: int) -> None:
            if clock.monotonic() - started > SECONDS_BEFORE_A_BAR:
                drawn.update(task, description=what, completed=done, total=of, visible=True)
                drawn.refresh()

        yield progress


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


def print_entry(entry: Entry, as_json: bool) -> None:
    """The entry that an act wrote."""
    show(entry_row(entry), as_json, lambda: say(entry_line(entry)))


def entry_line(entry: Entry) -> str:
    """The entry for a person: where it stands, and its sentence."""
    return f"entry {entry.n} of {entry.model}/{entry.log}: {entry}"


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
