"""How bars arrive: a command fetches them, or somebody writes the files; a night waits until its day is complete."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from flows.bars import load_bars, night_of, trading_day
from flows.errors import BarsMissing, SourceRefused
from flows.instruments import GBPUSD_M15, Instrument
from flows.operations.calendar import TradingCalendar
from registry import Clock
from registry.commands.settings_file import named, set_by_file
from registry.store.place import is_bucket
from registry.store.secrets import masked

MINUTE = timedelta(minutes=1)
"""Before the close of a trading day, a moment that belongs to it."""

_REPEATED = 2000  # characters of the feed's output that an error repeats

log = logging.getLogger("flows.feed")


class FeedFailed(BarsMissing):
    """The command that fetches bars failed or took too long; the night was not run."""


@dataclass(frozen=True)
class DayBars:
    """What there is of a trading day: how many bars, and when the newest one closed (None: no bar at all);
    ``enough`` of them are half of it."""

    day: date
    count: int
    newest: datetime | None
    enough: int = GBPUSD_M15.counts.half_day


def run_feed(command: str, *, seconds: float) -> str:
    """Run ``command`` by the shell and give its output (standard output and error together).

    Addresses in the output lose their user, password and query. Its whole process group is ended when it takes longer
    than ``seconds``. Raises :class:`FeedFailed` with the end of its output.
    """
    file = set_by_file("RETRAIN_FEED")  # a command of the settings file is of its folder, as its paths are
    with tempfile.TemporaryFile() as output:  # a pipe would be held open by what the command left behind
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=None if file is None else file.parent,
            env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},  # of our own processes
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end_group(process)
        output.seek(0)
        text = masked(output.read().decode("utf-8", "replace").strip())
    for line in text.splitlines():
        log.info("feed: %s", line)
    if status == 0:
        return text
    how = f"did not end within {seconds:g} s" if status is None else f"ended with status {status}"
    raise FeedFailed(
        f"the feed ({named('RETRAIN_FEED')}) {how}, so there are no new bars. It said: {text[-_REPEATED:] or 'nothing'}"
    )


def bars_of(source: str, clock: str, as_of: datetime, instrument: Instrument = GBPUSD_M15) -> DayBars:
    """What ``source`` holds of the trading day that ends at ``as_of``; only that year's file is read.

    Raises :class:`~flows.errors.BarsRejected` for bars that are wrong.
    """
    day = night_of(as_of - MINUTE, instrument)
    try:
        bars = load_bars(source, as_of=as_of, years=(day.year,), clock=clock, instrument=instrument)
    except SourceRefused:
        raise
    except BarsMissing:
        if not is_bucket(source) and not Path(source).expanduser().is_dir():
            raise  # waiting would not make the folder
        return DayBars(day, 0, None, instrument.counts.half_day)
    opens = pd.DatetimeIndex(bars.frame.index)
    count = int((trading_day(opens, instrument) == np.datetime64(day)).sum())
    return DayBars(day, count, bars.last_close.to_pydatetime(), instrument.counts.half_day)


def is_complete(bars: DayBars, as_of: datetime, calendar: TradingCalendar) -> bool:
    """Whether the day is all there: its last bar closed with it, or, on a day that ends early, half a day's bars."""
    if bars.newest is None or bars.count < bars.enough:
        return False
    return bars.newest >= as_of or calendar.ends_early(bars.day)


def wait_for_bars(
    look: Callable[[], DayBars],
    *,
    as_of: datetime,
    calendar: TradingCalendar,
    clock: Clock,
    limit: timedelta,
    every: timedelta,
) -> DayBars:
    """Look until the day that ends at ``as_of`` is complete; :class:`BarsMissing` after ``limit``.

    ``look`` fetches what is new and gives what there is.
    """
    began = clock.now()
    while not is_complete(bars := look(), as_of, calendar):
        waited = clock.now() - began
        if waited >= limit:
            raise BarsMissing(_missing(bars, as_of, limit))
        log.info("the bars of %s are not complete (%d so far): looking again in %s", bars.day, bars.count, every)
        clock.sleep(min(every, limit - waited).total_seconds())
    return bars


def _missing(bars: DayBars, as_of: datetime, limit: timedelta) -> str:
    newest = "there is none of it" if bars.newest is None else f"the newest bar closed at {bars.newest:%Y-%m-%d %H:%M}"
    return (
        f"the bars of {bars.day} are not complete {limit.total_seconds() / 60:g} minutes after the night began: "
        f"{bars.count} bars, {newest}, and the day closed at {as_of:%Y-%m-%d %H:%M} UTC. Nothing was trained. Look at "
        "the feed; the next night makes up for this one, or run `retrain run` when the bars are there"
    )


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # the shell and all it started are gone already
    process.wait()
