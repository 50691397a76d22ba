"""One progress bar in a terminal, for work that tells how much is done and of how much."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextlib.contextmanager
def progress(console: Console, text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time left; it appears with the first word of progress and goes when the work is done."""
    clocks = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *clocks, console=console, transient=True
    ) as bars:
        task = bars.add_task(text, total=None, visible=False)

        def told(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total, visible=True)

        yield told
