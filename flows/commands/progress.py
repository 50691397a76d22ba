"""A progress bar in the terminal, for work that reports how much is done, and of how much."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextlib.contextmanager
def progress(console: Console, text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time left; it appears with the first report of progress and disappears when the work is done."""
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *clocks, console=console, transient=True
    ) as bars:
        task = bars.add_task(text, total=None, visible=False)

        def advance(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total, visible=True)

        yield advance
