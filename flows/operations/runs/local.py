"""A night in a terminal or from cron, without Prefect: attended like any other; progress and log on the console."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from flows.bars import Dataset
from flows.evidence.backfill import cost_sentence
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.night.run import run
from flows.operations.runs.unattended import unattended
from flows.report.writing import after_night
from flows.settings import load_settings


def run_local(request: RetrainRequest, *, scheduled: bool, console: Console) -> Outcome | str:
    """What the night came to, or the sentence that says why there was nothing to do."""
    with (
        _logged(console),
        _progress(console) as (on_trained, on_backfill),
        unattended(request, scheduled=scheduled) as tonight,
    ):
        if tonight.covered is not None:
            return tonight.covered
        loaded: list[Dataset] = []
        told = {"on_trained": on_trained, "on_backfill": on_backfill, "on_loaded": loaded.append}
        outcome = run(tonight.request, load_settings(), **told)
        tonight.outcome = after_night(plan(tonight.request, load_settings()), outcome, data=loaded[0])
        return tonight.outcome


@contextmanager
def _logged(console: Console) -> Iterator[None]:
    """What the night logs is shown between its lines: that it waits, what the feed says."""

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.print(record.getMessage(), soft_wrap=True, markup=False)

    logger, shown = logging.getLogger("flows"), Shown()
    before = logger.level
    logger.addHandler(shown)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(shown)


@contextmanager
def _progress(console: Console) -> Iterator[Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("training", total=None, visible=False)
        past = progress.add_task("scoring the past by walk-forward (once, before the first night)", visible=False)

        def on_trained(name: str) -> None:
            progress.update(task, advance=1, description=f"trained {name}", visible=True)

        def on_backfill(done: int, total: int) -> None:
            if not done:
                console.print(cost_sentence(total))
            progress.update(past, completed=done, total=total, visible=True)

        yield on_trained, on_backfill
