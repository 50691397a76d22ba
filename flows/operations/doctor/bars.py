"""Checks of the bars: they can be read, are up to date, and are plausible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from flows.bars import Bars, load_bars
from flows.bars.plausibility import SeenBars
from flows.bars.plausibility import examine as examine_plausibility
from flows.errors import RetrainError
from flows.instruments import find_instrument
from flows.operations.calendar import TradingCalendar
from flows.operations.doctor.finding import Finding
from flows.operations.settings import Operations
from flows.settings import Settings
from registry import Registry
from registry.errors import RegistryError


def examine_bars(
    settings: Settings, operations: Operations, now: datetime, allow: Sequence[str] = (), place: str | None = None
) -> Iterator[Finding]:
    """The findings on the bars; one alone where there are none to look at. ``allow``: checks whose findings are
    meant; ``place``: of the registry, by default that of the settings."""
    if settings.data is None:
        yield _no_place(place or settings.registry)
        return
    try:
        bars = load_bars(settings.data, clock=settings.file_clock, instrument=settings.traded)
    except RetrainError as error:
        yield Finding("data", "wrong", str(error), "fix or replace the files that it names")
        return
    yield _state(bars, operations.calendar(settings.traded.hours), now)
    yield from _plausibility(bars, now, allow)
    if settings.recipes_file is not None:
        yield from _others(settings, operations, now)


def _no_place(place: str) -> Finding:
    """Without a place of bars nights train on the sample: wrong where a model of real bars is there."""
    try:
        registry = Registry(place)
        champions = {name: registry.model(name).champion() for name in registry.models()}
    except RegistryError:
        champions = {}  # the finding on the registry says so
    real = [name for name, champion in champions.items() if champion is not None and not champion.simulated]
    if real:
        return Finding(
            "data",
            "wrong",
            f"no place of bars is set, and {', '.join(real)} was trained on real ones",
            "set RETRAIN_DATA",
        )
    return Finding("data", "look", "none is configured: nights train on simulated bars", "set RETRAIN_DATA")


def _others(settings: Settings, operations: Operations, now: datetime) -> Iterator[Finding]:
    """A finding for each other instrument whose files the recipes read."""
    from flows.job.plan import plan  # takes a second, and who has no recipes of his own does without
    from flows.job.request import request

    try:
        job = plan(request(), settings)
    except RetrainError as error:
        yield Finding("recipes", "wrong", str(error).splitlines()[0], "correct the recipes file")
        return
    for symbol, columns in job.others.items():
        try:
            other = find_instrument(f"{symbol}_{job.instrument.bar}")
            bars = load_bars(job.source, clock=job.clock, require=columns, instrument=other)
        except RetrainError as error:
            yield Finding(symbol, "wrong", str(error), "add its files, or leave out the recipe that reads them")
            continue
        yield replace(_state(bars, operations.calendar(other.hours), now), about=symbol)


def _state(bars: Bars, calendar: TradingCalendar, now: datetime) -> Finding:
    newest = bars.last_close.to_pydatetime()
    state = f"{len(bars.frame):,} bars to {newest:%Y-%m-%d %H:%M} UTC, {len(bars.repairs)} repairs"
    if newest < calendar.last_close(now) - timedelta(days=1):
        return Finding("data", "look", f"{state}: more than a day behind", "look at the feed (RETRAIN_FEED)")
    if newest > now:
        return Finding("data", "wrong", f"{state}: in the future", "is RETRAIN_CLOCK the clock of the files?")
    return Finding("data", "fine", state)


def _plausibility(bars: Bars, now: datetime, allow: Sequence[str]) -> Iterator[Finding]:
    found = examine_plausibility(SeenBars.of(bars, now))
    if not found:
        yield Finding("bars", "fine", "plausible: clock, length, prices and features")
    for one in found:
        statement = f"{one.check.label}: {one.place}: {one.found}"
        if one.check.label in allow or one.weight == "note":
            yield Finding("bars", "fine", f"{statement} (allowed)")
        else:
            yield Finding("bars", "wrong" if one.weight == "refuse" else "look", statement, one.fix)
