"""What a person sees while a night runs: in a terminal a table that moves, elsewhere a line now and then."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import roc_auc_score
from syrupy.assertion import SnapshotAssertion

from flows.evidence.backfill import cost_sentence, left_sentence
from flows.fitting.queue import QueueProgress
from flows.fitting.tasks import FitTask
from flows.night.run import PLAIN, Steps, run_night
from flows.night.state import NightBars, NightContext, TrainedCandidate
from flows.night.steps import gather, load, train_all
from flows.operations.runs.screen import AFTERWARDS, NightScreen, WalkSoFar, auc_of, minutes, night_screen, watched
from registry.clock import SystemClock
from tests.clocks import FixedClock
from tests.flows.nights import Nights, at


class Passing(FixedClock):
    """A clock whose stopwatch is moved by hand."""

    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture(scope="module")
def bars(june: Path, tmp_path_factory: pytest.TempPathFactory) -> NightBars:
    nights = Nights(tmp_path_factory.mktemp("screen"), june)
    return load(nights.job(at(3)), SystemClock())


@pytest.fixture
def nights(fresh: Nights) -> Nights:
    return fresh


def some(nights: Nights) -> list[FitTask]:
    """Two steps of a walk-forward of two recipes, on bars 5,000 to 8,999."""
    spans = [((5_000, 7_000),), ((7_000, 9_000),)]
    return [FitTask(recipe, None, span) for span in spans for recipe in nights.job(at(3)).recipes]


def scores(bars: NightBars, number: int, good: float) -> np.ndarray:
    begin = 5_000 if number < 2 else 7_000
    noise = np.random.default_rng(number).random(2_000)
    return np.clip(noise * (1 - good) + good * np.nan_to_num(bars.data.label[begin : begin + 2_000]), 0, 1)


def known(bars: NightBars) -> NightBars:
    """With labels that are all known, as those of a walk-forward are."""
    return replace(bars, data=replace(bars.data, label=np.nan_to_num(bars.data.label)))


def test_without_a_terminal_a_plain_line_with_the_time_is_printed_now_and_then(
    nights: Nights, bars: NightBars, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    said, clock = io.StringIO(), Passing()
    job = replace(nights.job(at(3)), left_out=("rf_deep",))
    with night_screen(Console(file=said, width=80), clock) as screen:
        screen.loaded(job, known(bars))
        tasks, made = some(nights), {}
        for number in range(4):
            clock.passed += 6.0
            screen.walk(QueueProgress(number, 4, clock.passed, None if number < 2 else 12.0, tasks, dict(made)))
            made[number] = scores(bars, number, 0.1)
        clock.passed += 6.0
        screen.walk(QueueProgress(4, 4, 24.0, 0.0, tasks, made))
        screen.walked()
    lines = said.getvalue().splitlines()
    assert all(line[8] == "Z" and line[2] == ":" for line in lines), lines
    assert [line[10:] for line in lines[2:4]] == [f"{cost_sentence(4)} {AFTERWARDS}", left_sentence(12.0)]
    assert "walk-forward: 4 of 4 fits" in lines[4] and "The past is scored" in lines[5]
    assert said.getvalue() == snapshot


@pytest.mark.parametrize("width", [80, 120])
def test_in_a_terminal_the_table_fits_and_says_what_is_known(nights: Nights, bars: NightBars, width: int) -> None:
    made = {number: scores(bars, number, 0.1) for number in (0, 1, 2)}
    now = QueueProgress(3, 4, 30.0, 10.0, some(nights), made)
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system=None).print(
        WalkSoFar.of(now, known(bars), None).table()
    )
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    label = known(bars).data.label
    both = [roc_auc_score(label[begin : begin + 2_000], made[n]) for n, begin in ((0, 5_000), (2, 7_000))]
    assert lines[1].startswith("line") and lines[1].endswith(f"{np.mean(both):.4f}")
    days = [np.unique(bars.data.trading_day[begin : begin + 2_000]).size for begin in (5_000, 7_000)]
    assert f"{sum(days)} of {sum(days)}" in lines[1] and f"{days[0]} of {sum(days)}" in lines[2]
    assert "3 of 4 fits" in lines[3]


def test_a_fit_that_says_nothing_of_some_bars_is_judged_by_the_others() -> None:
    label, p = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.9, np.nan, 0.3])
    assert auc_of(label, p) == (1.0, 3)
    assert auc_of(label, np.full(4, np.nan))[1] == auc_of(label, np.empty(0))[1] == auc_of(label[1::2], p[1::2])[1] == 0


def test_a_terminal_is_left_as_it_was_with_the_lines_that_stay(nights: Nights) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None)
    with night_screen(console) as screen:

        def train(night: NightContext) -> list[TrainedCandidate]:
            made = train_all(night, screen.trained)
            screen._live.refresh()  # it is drawn four times a second, and these fits take less
            return made

        steps = Steps(gather=lambda night: gather(night, screen.walk), train_all=train)
        run_night(nights.job(at(3)), watched(steps), clock=FixedClock())
    drawn = out.getvalue()
    assert "days scored" in drawn and "AUC so far" in drawn
    assert drawn.index("days scored") < drawn.index("The past is scored") < drawn.rindex("writing the report")
    assert "training on the newest bars: 2 of 2 recipes, last bayes" in drawn
    assert drawn.rstrip("\n").endswith("\x1b[2K") or "\x1b[?25h" in drawn  # the table is gone, the cursor is back


def test_nobody_who_watches_changes_nothing() -> None:
    assert watched(PLAIN) is PLAIN


def test_seconds_are_shown_as_minutes() -> None:
    assert [minutes(seconds) for seconds in (0.4, 65, 3_600)] == ["0:00", "1:05", "60:00"]


def test_progress_before_the_bars_are_there_is_not_shown() -> None:
    out = io.StringIO()
    NightScreen(Console(file=out), FixedClock()).walk(QueueProgress(0, 4))
    assert out.getvalue() == ""
