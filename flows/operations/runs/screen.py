"""What a person sees while a night runs: first what comes and for how long, then how far it is and what it knows.

In a terminal one table moves, of the recipes that walk forward; elsewhere (CI, a pipe, cron's mail) a plain line with
the time is printed now and then. A night is watched the same way with Prefect and without it: whoever runs it opens a
screen around it, and its steps report to the screen that is open.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from flows.arrays import Floats
from flows.evidence.backfill import cost_sentence, left_sentence
from flows.evidence.collect import Evidence
from flows.fitting.queue import QueueProgress
from flows.job.plan import Job
from flows.night.outcome import Outcome
from flows.night.run import Steps
from flows.night.state import NightBars, NightContext, TrainedCandidate, Verdict
from flows.recipes import score
from registry import Clock, SystemClock, Version
from registry.commands.typed import typed
from registry.format.phrases import plural
from registry.store.secrets import masked

EVERY = 10.0
"""Seconds between two lines about progress where there is no terminal."""

AFTERWARDS = "Then each is trained on the newest bars, the gate decides, and the report is written."


class NightScreen:
    """The screen of one night; its methods are called by the steps, in their order, from any thread."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console, self._clock = console, clock
        self._begun = self._spoke = clock.monotonic()
        self._job: Job | None = None
        self._bars: NightBars | None = None
        self._doing, self._spinner = "getting ready", Spinner("dots")
        self._trained: list[str] = []
        self._walk: WalkSoFar | None = None
        self._told_cost = self._told_left = False
        self._live = Live(console=console, transient=True, refresh_per_second=4, get_renderable=self._picture)

    def __enter__(self) -> NightScreen:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """A line that stays, with the time where no terminal shows how it passes."""
        self._spoke = self._clock.monotonic()
        time = "" if self._console.is_terminal else f"{self._clock.now():%H:%M:%S}Z "
        self._console.print(time + masked(text), soft_wrap=not self._console.is_terminal, markup=False)

    def do(self, text: str) -> None:
        """What is being done now: shown in a terminal only, until the next."""
        self._doing = text

    def loaded(self, job: Job, bars: NightBars) -> None:
        """The bars are there: which they are, and what is left out of them."""
        self._job, self._bars = job, bars
        opens, simulated = bars.opens, "simulated " if bars.data.bars.simulated else ""
        self.say(
            f"{job.model}, night of {bars.night.day}: {len(opens):,} {simulated}bars from {opens[0]:%Y-%m-%d} to "
            f"{bars.night.as_of:%Y-%m-%d %H:%M} UTC, {int(bars.train.sum()):,} of them to train on."
        )
        if job.left_out:
            names = ", ".join(job.left_out)
            recipes = [word for name in job.left_out for word in ("--recipe", name)]
            command = typed("retrain", "run", "--model", "deep", *recipes)
            self.say(f"The sample leaves out {names}: four fifths of the time, the lowest score. To try it: {command}")

    def walk(self, now: QueueProgress) -> None:
        """How far the walk-forward is."""
        if self._bars is None:
            return
        if not self._told_cost:
            self._told_cost = True
            self.say(f"{cost_sentence(now.total)} {AFTERWARDS}")
            self.do("scoring the past")
        self._walk = WalkSoFar.of(now, self._bars, self._walk)
        if now.left is not None and not self._told_left:
            self._told_left = True
            self.say(left_sentence(now.left))
        elif not self._console.is_terminal and self._clock.monotonic() - self._spoke >= EVERY:
            self.say(self._walk.line)

    def walked(self) -> None:
        """The new bars are scored; where that was a walk-forward, its end is said."""
        if self._walk is not None:
            self.say(self._walk.ended)
            self._walk = None

    def trained(self, name: str) -> None:
        """One recipe is fitted."""
        self._trained.append(name)
        of = 0 if self._job is None else len(self._job.recipes)
        self.do(f"training on the newest bars: {len(self._trained)} of {plural(of, 'recipe')}, last {name}")
        if not self._console.is_terminal and self._clock.monotonic() - self._spoke >= EVERY:
            self.say(self._doing)

    def _picture(self) -> RenderableType:
        walk, passed = self._walk, minutes(self._clock.monotonic() - self._begun)
        left = "" if walk is None or walk.now.left is None else f", about {minutes(walk.now.left)} left"
        self._spinner.update(text=Text(f"{self._doing} ({passed}{left})"))
        return self._spinner if walk is None else Group(Text(), walk.table(), Text(), self._spinner)


class WalkSoFar:
    """What a walk-forward knows so far: of each recipe how many trading days are scored, and how well.

    The figure is the AUC, the mean over the fits by their bars. The gate judges by daily edge with its error, once all
    is scored: this table judges nothing.
    """

    def __init__(self, now: QueueProgress, days: dict[int, int], aucs: dict[int, tuple[float, int]]) -> None:
        self.now, self.days, self.aucs = now, days, aucs

    @classmethod
    def of(cls, now: QueueProgress, bars: NightBars, before: WalkSoFar | None) -> WalkSoFar:
        """With what was made since ``before``, whose figures are kept."""
        days = {} if before is None else before.days
        aucs = {} if before is None else dict(before.aucs)
        if not days:
            for number, task in enumerate(now.tasks):
                begin, end = task.spans[0][0], task.spans[-1][1]
                days[number] = np.unique(bars.data.trading_day[begin:end]).size
        for number in now.scores.keys() - aucs.keys():
            positions = np.concatenate([np.arange(*span) for span in now.tasks[number].spans])
            aucs[number] = auc_of(bars.data.label[positions], now.scores[number])
        return cls(now, days, aucs)

    @property
    def rows(self) -> list[tuple[str, int, int, float | None]]:
        """Of each recipe its name, the trading days that are scored, all of them, and the AUC so far."""
        rows = []
        for name in dict.fromkeys(task.recipe.name for task in self.now.tasks):
            numbers = [number for number, task in enumerate(self.now.tasks) if task.recipe.name == name]
            made = [number for number in numbers if number in self.aucs]
            weight = sum(self.aucs[number][1] for number in made)
            auc = sum(self.aucs[number][0] * self.aucs[number][1] for number in made) / weight if weight else None
            days = [sum(self.days[number] for number in some) for some in (made, numbers)]
            rows.append((name, days[0], days[1], auc))
        return rows

    @property
    def line(self) -> str:
        """All of it in one line."""
        left = "" if self.now.left is None else f", about {plural(max(round(self.now.left), 1), 'second')} left"
        known = ", ".join(f"{name} {auc:.3f}" for name, _, _, auc in self.rows if auc is not None)
        return f"walk-forward: {self.now.done} of {plural(self.now.total, 'fit')}{left}; AUC so far: {known}"

    @property
    def ended(self) -> str:
        """That it is done, and what it took."""
        days = max((of for _, _, of, _ in self.rows), default=0)
        took = plural(max(round(self.now.seconds), 1), "second")
        return f"The past is scored: {plural(days, 'trading day')}, {plural(self.now.total, 'fit')} in {took}."

    def table(self) -> Table:
        """The same for a terminal."""
        now = self.now
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("walk-forward")
        table.add_column("")
        table.add_column("days scored", justify="right", no_wrap=True)
        table.add_column("AUC so far", justify="right", no_wrap=True)
        for name, days, of, auc in self.rows:
            bar = ProgressBar(total=max(of, 1), completed=days, width=20)
            table.add_row(name, bar, f"{days} of {of}", "" if auc is None else f"{auc:.4f}")
        whole = ProgressBar(total=1.0, completed=now.share, width=20)
        table.add_row("all, by time", whole, f"{now.done} of {plural(now.total, 'fit')}", style="bold")
        return table


def minutes(seconds: float) -> str:
    """``1:05``, minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def auc_of(label: Floats, p: Floats) -> tuple[float, int]:
    """The AUC of scores of bars, both of shape (n,), and of how many of them; 0 bars where it is not defined."""
    if not p.size:  # too little to train on
        return 0.5, 0
    known = ~np.isnan(p)
    scores = score(label[known], p[known], 0.5) if known.any() else None
    return (0.5, 0) if scores is None or scores.auc is None else (scores.auc, scores.bars)


_OPEN: ContextVar[NightScreen | None] = ContextVar("screen", default=None)


def open_screen() -> NightScreen | None:
    """The screen that is open around this code; None where nobody watches."""
    return _OPEN.get()


@contextmanager
def night_screen(console: Console, clock: Clock | None = None) -> Iterator[NightScreen]:
    """A screen around a night; lines that the night or the registry logs are shown on it."""
    screen = NightScreen(console, clock or SystemClock())
    opened = _OPEN.set(screen)
    try:
        with screen, _logged("flows", logging.INFO, screen), _logged("registry", logging.WARNING, screen):
            yield screen
    finally:
        _OPEN.reset(opened)


@contextmanager
def _logged(name: str, least: int, screen: NightScreen) -> Iterator[None]:
    class ScreenHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            screen.say(record.getMessage())

    logger, handler = logging.getLogger(name), ScreenHandler(least)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(least)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def watched(steps: Steps) -> Steps:
    """The steps, each reporting to the screen that is open; as they are where none is."""
    screen = open_screen()
    return steps if screen is None else _reporting(steps, screen)


def _reporting(steps: Steps, screen: NightScreen) -> Steps:
    def load(job: Job, clock: Clock) -> NightBars:
        screen.do("reading and checking the bars")
        bars = steps.load(job, clock)
        screen.loaded(job, bars)
        return bars

    def gather(night: NightContext) -> Evidence | None:
        screen.do("scoring the bars that are new")
        evidence = steps.gather(night)
        screen.walked()
        return evidence

    def train_all(night: NightContext) -> Sequence[TrainedCandidate]:
        screen.do(f"training {plural(len(night.job.recipes), 'recipe')} on the newest bars")
        return steps.train_all(night)

    def register(
        night: NightContext, evidence: Evidence | None, candidates: Sequence[TrainedCandidate]
    ) -> Sequence[Version | None]:
        screen.do("registering the versions")
        return steps.register(night, evidence, candidates)

    def judge(
        night: NightContext,
        evidence: Evidence | None,
        candidates: Sequence[TrainedCandidate],
        versions: Sequence[Version | None],
    ) -> Verdict:
        screen.do("the gate judges")
        return steps.judge(night, evidence, candidates, versions)

    def promote_or_hold(night: NightContext, versions: Sequence[Version | None], verdict: Verdict) -> Outcome | None:
        screen.do("writing the decision")
        return steps.promote_or_hold(night, versions, verdict)

    def report(night: NightContext, outcome: Outcome) -> Outcome:
        screen.do("writing the report")
        return steps.report(night, outcome)

    return replace(
        steps,
        load=load,
        gather=gather,
        train_all=train_all,
        register=register,
        judge=judge,
        promote_or_hold=promote_or_hold,
        report=report,
    )
