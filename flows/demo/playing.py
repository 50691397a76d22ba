"""The demonstration is played here: real nights, a real watch, real acts, into a registry of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from flows.demo.story import COLUMN, RECIPE_NAMES, RECIPES, Story
from flows.errors import RequestRefused
from flows.evidence.reading import read_ledger
from flows.instruments import GBPUSD_M15
from flows.job.plan import Job, plan, policy_of
from flows.job.request import request
from flows.monitoring.health import ExpectedBars, examine
from flows.night import steps as plain
from flows.night.run import Steps, run_night
from flows.night.state import NightBars
from flows.report.writing import write_report
from flows.settings import Settings
from registry import Clock, Model, Registry
from registry.store.files import write_atomically

MODEL = "demo_simulated"
PERSON = "ada"

AFTER = timedelta(minutes=20)
"""A night begins so long after the close."""


@dataclass(frozen=True)
class Event:
    """Something that a person sees: on which ``day``, of which ``kind``, in one sentence."""

    day: str
    kind: str
    sentence: str


@dataclass(frozen=True)
class Played:
    """Where the demonstration lies, and what happened in it."""

    registry: Path
    report: Path
    events: tuple[Event, ...]


class NightClock:
    """A clock that stands twenty minutes after the close of the night that is played, and moves when it is read."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def play(place: Path, story: Story, on_event: Callable[[Event], None], on_night: Callable[[int, int], None]) -> Played:
    """All nights of the story below ``place``; each event is told as it happens, then how many nights are done.

    Raises :class:`RequestRefused` where a demonstration lies there already.
    """
    if (place / "registry").exists():
        raise RequestRefused(f"{place} holds a demonstration already: look at its report, or remove the folder")
    return _Player(place, story, on_event, on_night).played()


class _Player:
    """The demonstration under way."""

    def __init__(
        self, place: Path, story: Story, on_event: Callable[[Event], None], on_night: Callable[[int, int], None]
    ) -> None:
        self._story, self._on_event, self._on_night = story, on_event, on_night
        self._events: list[Event] = []
        recipes = place / "recipes.toml"
        bars = story.write_bars(place / "bars")
        write_atomically(recipes, RECIPES.encode("ascii"))
        Registry(str(place / "registry")).begin()
        # made without the environment: nobody's settings choose what the demonstration does
        self._settings = Settings.model_construct(
            data=str(bars), registry=str(place / "registry"), model=MODEL, recipes_file=str(recipes), author="demo"
        )

    def played(self) -> Played:
        days = self._story.days()[: self._story.played]
        for number, day in enumerate(days, start=1):
            self._night(number, day)
            self._on_night(number, len(days))
        job, clock = self._job(days[-1]), NightClock(_close(days[-1]) + AFTER)
        report = write_report(job, job.open_model(clock=clock), now=clock.now())
        return Played(Path(job.registry), report, tuple(self._events))

    def _night(self, number: int, day: date) -> None:
        job, clock = self._job(day), NightClock(_close(day) + AFTER)
        loaded: list[NightBars] = []

        def load(job: Job, clock: Clock) -> NightBars:
            loaded.append(plain.load(job, clock))
            return loaded[-1]

        if number == self._story.breaks:
            self._tell(day, "planted", f"from now on the vendor sends {COLUMN} with the wrong sign, and tells nobody")
        outcome = run_night(job, Steps(load=load), clock=clock)
        self._tell(day, outcome.action, outcome.sentence)
        model = job.open_model(clock=clock)
        if number == self._story.by_hand:
            version = next(row.version for row in outcome.rows if row.name == "vendor" and row.version is not None)
            entry = model.force(version, author=PERSON, reason="the vendor says that its column is better")
            self._tell(day, "forced", str(entry))
        self._watch(day, job, model, loaded[-1])

    def _watch(self, day: date, job: Job, model: Model, bars: NightBars) -> None:
        champion = model.champion()
        if champion is None:
            return
        policy, due = policy_of(job, model.decisions.head()), ExpectedBars(date.min)
        health = examine(model, champion, bars.data, read_ledger(model), policy, due)
        alarms = [alarm.sentence for alarm in health.alarms if alarm.kind == "regressed"]
        if alarms:
            self._tell(day, "alarm", alarms[0])
            entry = model.rollback(author=PERSON, reason="the watch: it has got worse")
            self._tell(day, "rolled back", str(entry))

    def _job(self, day: date) -> Job:
        story = self._story
        return plan(
            request(
                as_of=_close(day), recipes=RECIPE_NAMES, train_days=story.train_days, backfill_days=story.backfill_days
            ),
            self._settings,
        )

    def _tell(self, day: date, kind: str, sentence: str) -> None:
        self._events.append(Event(day.isoformat(), kind, sentence))
        self._on_event(self._events[-1])


def _close(day: date) -> datetime:
    """When the trading day ends."""
    return GBPUSD_M15.hours.close_of(day)
