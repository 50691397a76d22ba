"""A night in a terminal or from cron, without Prefect. Its progress and its log are shown on the console."""

from __future__ import annotations

from functools import partial

from rich.console import Console

from flows.job.request import RetrainRequest
from flows.night.outcome import Outcome
from flows.night.run import Steps, run_night
from flows.night.state import NightContext
from flows.night.steps import gather, train_all
from flows.operations.runs.screen import night_screen, watched
from flows.operations.runs.unattended import unattended
from flows.report.writing import after_night


def run_local(request: RetrainRequest, *, scheduled: bool, console: Console) -> Outcome | str:
    """The outcome of the night, or the sentence that says why there was nothing to do."""
    with night_screen(console) as screen, unattended(request, scheduled=scheduled) as tonight:
        if tonight.covered is not None:
            return tonight.covered
        steps = Steps(
            gather=partial(gather, progress=screen.walk),
            train_all=partial(train_all, on_trained=screen.trained),
            report=report,
        )
        tonight.outcome = run_night(tonight.job, watched(steps))
        return tonight.outcome


def report(night: NightContext, outcome: Outcome) -> Outcome:
    """The outcome with where its report was written."""
    return after_night(night.job, outcome, data=night.bars.data)
