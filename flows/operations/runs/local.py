"""A night in a terminal or from cron, without Prefect. Its progress and its log are shown on the console."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from rich import progress as rich_progress
from rich.console import Console

from flows.evidence.backfill import cost_sentence, left_sentence
from flows.fitting.queue import OnQueueProgress, QueueProgress
from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.night.run import Steps, run_night
from flows.night.state import NightContext
from flows.night.steps import gather, train_all
from flows.operations.runs.unattended import unattended
from flows.report.writing import after_night
from registry.store.secrets import masked


def run_local(request: RetrainRequest, *, scheduled: bool, console: Console) -> Outcome | str:
    """The outcome of the night, or the sentence that says why there was nothing to do."""
    with (
        _log_shown(console),
        _progress(console) as (on_trained, on_backfill),
        unattended(request, scheduled=scheduled) as tonight,
    ):
        if tonight.covered is not None:
            return tonight.covered
        steps = Steps(
            gather=partial(gather, progress=on_backfill),
            train_all=partial(train_all, on_trained=on_trained),
            report=report,
        )
        tonight.outcome = run_night(tonight.job, steps)
        return tonight.outcome


@contextmanager
def _log_shown(console: Console) -> Iterator[None]:
    """Lines that the night logs (that it waits, what the feed says) are printed on the console."""

    class ConsoleHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.print(masked(record.getMessage()), soft_wrap=True, markup=False)

    logger, handler = logging.getLogger("flows"), ConsoleHandler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


@contextmanager
def _progress(console: Console) -> Iterator[tuple[Callable[[str], None], OnQueueProgress]]:
    """Bars that show how far training and the walk-forward are, and what reports it to them."""
    columns = (
        rich_progress.TextColumn("{task.description}"),
        rich_progress.BarColumn(),
        rich_progress.TextColumn("{task.fields[count]}"),
        rich_progress.TimeElapsedColumn(),
        rich_progress.TextColumn("{task.fields[left]}"),
    )
    with rich_progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("training", total=None, visible=False, count="", left="")
        walk = "scoring the past by walk-forward (once, before the first night)"
        past = progress.add_task(walk, total=1.0, visible=False, count="", left="")
        forecast_said = False

        def on_trained(name: str) -> None:
            progress.update(task, advance=1, description=f"trained {name}", visible=True)

        def on_backfill(now: QueueProgress) -> None:
            nonlocal forecast_said
            if not now.done:
                console.print(cost_sentence(now.total))
            if now.left is not None and not forecast_said:
                console.print(left_sentence(now.left))
                forecast_said = True
            left = "" if now.left is None else f"{timedelta(seconds=round(now.left))} left"
            progress.update(past, completed=now.share, count=f"{now.done}/{now.total}", left=left, visible=True)

        yield on_trained, on_backfill


def report(night: NightContext, outcome: Outcome) -> Outcome:
    """The outcome with where its report was written."""
    return after_night(night.job, outcome, data=night.bars.data)
