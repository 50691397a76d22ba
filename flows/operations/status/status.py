"""The state of a model on one screen, read from the registry and the bars alone, without a Prefect server."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from flows.bars import load_bars
from flows.bars.trading_days import night_of
from flows.errors import RetrainError
from flows.job.request import request
from flows.operations.alerts.conditions import FileMemory
from flows.operations.api import configured_api
from flows.operations.calendar import TradingCalendar
from flows.operations.settings import Operations
from flows.settings import Settings, open_model
from registry import ChampionRecord, Model, Registry
from registry.clock import read_time
from registry.commands.settings_file import find_settings_file
from registry.errors import Corrupt, KeyRefused, ModelNotFound
from registry.format.entries import Entry
from registry.format.phrases import plural

MOST_ACTS = 5
"""Acts of people since the last night that are shown: the newest."""


@dataclass(frozen=True)
class StatusReport:
    """What ``retrain status`` shows. ``late``: a night that was due is not decided; ``due``: the newest that was (None:
    the bars are simulated and never grow); ``alarms``: the alarms of the watch over the champion and its bars;
    ``others``: models beside this one, where none was named;
    ``settings_file``: the ``retrain.toml`` in use."""

    model: str
    registry: str
    champion: str
    health: str
    last_night: str | None
    last_sentence: str
    bars: str
    next_run: str
    due: str | None
    late: bool
    missing_nights: int
    alarms: tuple[str, ...]
    open_conditions: tuple[str, ...]
    others: tuple[str, ...] = ()
    settings_file: str | None = None
    newest_night: str | None = None
    """The trading day of the newest bar; None where the bars were not looked at."""
    acts: tuple[str, ...] = ()
    """What people did to production since the last night, oldest first, one sentence each."""

    @property
    def check_line(self) -> str:
        if self.due is None:
            return f"OK: {self.model} has simulated bars, which never grow, so no night is due"
        if not self.late:
            return f"OK: {self.model} decided the night of {self.last_night}, due was {self.due}"
        if self.last_night is None:
            return f"LATE: {self.model} has decided no night yet, due was {self.due}; `retrain run` decides it"
        many = "one night is" if self.missing_nights == 1 else f"{self.missing_nights} nights are"
        late = f"LATE: {self.model} last decided {self.last_night}, due was {self.due}: {many} missing"
        if self.newest_night is not None and self.newest_night <= self.last_night:
            return f"{late}, and there is no bar after it to decide one by: look at the feed"
        return f"{late}; one `retrain run` catches up, as far as there are bars"

    @property
    def first_line(self) -> str:
        night = f"last night {self.last_sentence.partition(':')[0]}" if self.last_night else "no night decided yet"
        production = f"{self.champion}, {self.health}" if self.champion else "production is empty"
        night += ", and a person acted since" if self.acts else ""
        return f"{production}; {night}; {self.bars}; {self.next_run}"

    @property
    def lines(self) -> list[str]:
        """The screen; its first line says the most."""
        rest = [f"Model:    {self.model} in {self.registry}"]
        if self.last_night:
            rest.append(f"Night:    {self.last_night}, {self.last_sentence}")
        rest += [f"Since:    {act}" for act in self.acts]
        rest.append(f"Schedule: {self.check_line}")
        if self.settings_file is not None:
            rest.append(f"Settings: {self.settings_file}")
        if self.others:
            rest.append(f"Also here: {', '.join(self.others)} (--model NAME, or RETRAIN_MODEL)")
        rest += [f"Look:     {alarm}" for alarm in self.alarms]
        return [self.first_line, "", *rest, *(f"Open:     {condition}" for condition in self.open_conditions)]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_status(
    settings: Settings,
    operations: Operations,
    *,
    now: datetime,
    grace: timedelta,
    model: str | None = None,
    with_bars: bool = True,
) -> StatusReport:
    """The state of the model at ``now``; a night may be ``grace`` late. Without bars: two requests to the registry.

    Where no model is named and that of the settings is not there, it is the only one there is. Raises
    :class:`~registry.errors.ModelNotFound` where it could be any of several, and what the registry raises where it
    cannot be read.
    """
    name, others = _choose_model(settings, model)
    opened = open_model(settings.registry, name)
    head, champion = opened.decisions.head(), opened.champion()
    file = find_settings_file()
    night = None if head is None else head.state.get("night")
    real = champion is not None and not champion.simulated  # also where the place of its bars is not set
    calendar = operations.calendar(settings.traded.hours)
    due = None if settings.data is None and not real else calendar.expected_night(now, grace)
    last = None if night is None else date.fromisoformat(night)
    decided = None if night is None else opened.decided(night)
    newest = _newest_bar(settings) if with_bars and settings.data is not None else None
    health = HealthSummary("in production")
    if settings.data is None and real:
        health = HealthSummary("health unknown")
    elif champion is not None and with_bars:
        health = _health(settings, name, now)
    return StatusReport(
        model=name,
        registry=settings.registry,
        champion=_champion_line(champion, now),
        health=_health_line(head, champion, health),
        last_night=night,
        last_sentence="" if decided is None else str(decided),
        bars=_bars_line(settings, newest, real=real) if with_bars else "bars not looked at",
        next_run=_next_run(calendar, now),
        due=None if due is None else due.isoformat(),
        late=due is not None and (last is None or last < due),
        missing_nights=0 if last is None or due is None else calendar.nights_between(last, due),
        alarms=health.alarms,
        open_conditions=_open_conditions(operations, name),
        others=others,
        settings_file=None if file is None else str(file),
        newest_night=None if not isinstance(newest, pd.Timestamp) else str(night_of(newest, settings.traded)),
        acts=_acts_since(opened, head, decided),
    )


def _choose_model(settings: Settings, model: str | None) -> tuple[str, tuple[str, ...]]:
    """The model to describe, and the other models there where none was named."""
    name = settings.model_name(model)
    if model or settings.model:
        return name, ()
    models = Registry(settings.registry).models()
    others = tuple(other for other in models if other != name)
    if name in models or not models:
        return name, others
    if len(models) == 1:
        return models[0], ()
    why = "" if settings.data else " (the model where neither RETRAIN_DATA nor RETRAIN_MODEL is set)"
    raise ModelNotFound(
        f"{settings.registry} has no {name}{why}, but {', '.join(models)}: name one of them with --model"
    )


@dataclass(frozen=True)
class HealthSummary:
    """The health of the champion in a word, and the alarms of the watch in sentences."""

    word: str
    alarms: tuple[str, ...] = ()


def _health(settings: Settings, name: str, now: datetime) -> HealthSummary:
    from flows.job.plan import plan
    from flows.operations.status.watching import ABOUT_BARS, champion_health  # takes a second, and --check does not ask

    try:
        health = champion_health(plan(request(advanced={"model": name}), settings), now)
    except (RetrainError, KeyRefused) as error:
        return HealthSummary("health unknown", (f"its health cannot be read: {str(error).splitlines()[0]}",))
    if health is None:
        return HealthSummary("in production")
    kinds = [alarm.kind for alarm in health.alarms if alarm.kind not in ABOUT_BARS]
    without_alarm = "healthy" if health.days else "no day scored yet"
    return HealthSummary(", ".join(kinds) or without_alarm, tuple(alarm.sentence for alarm in health.alarms))


def _champion_line(champion: ChampionRecord | None, now: datetime) -> str:
    if champion is None:
        return ""
    days = max(0, (now - read_time(champion.since)).days)
    return f"champion {champion.version} ({champion.recipe or 'no recipe'}), {plural(days, 'day')}"


def _health_line(head: Entry | None, champion: ChampionRecord | None, health: HealthSummary) -> str:
    if head is None or champion is None:
        return ""
    suspended, frozen = head.state.get("suspended"), head.state.get("frozen")
    if suspended is not None:
        return f"suspended since {suspended['since'][:16]}Z ({suspended['reason']})"
    if frozen is not None:
        return f"frozen{'' if frozen['until'] is None else ' until ' + frozen['until'][:16] + 'Z'} ({frozen['reason']})"
    return health.word


def _acts_since(model: Model, head: Entry | None, decided: Entry | None) -> tuple[str, ...]:
    """What people did since a night was ``decided``, at most the newest five, oldest first."""
    if head is None or decided is None or head.n == decided.n:
        return ()
    acts: list[str] = []
    for entry in model.decisions.walk():
        if entry.n == decided.n or len(acts) == MOST_ACTS:
            break
        if entry.kind != "scored":
            acts.append(f"{entry.time:%Y-%m-%d}, {entry}")
    return tuple(acts[::-1])


def _newest_bar(settings: Settings) -> pd.Timestamp | str:
    """When the newest bar opened, or why that is not known."""
    assert settings.data is not None, "the caller knows where the bars are"
    try:
        frame = load_bars(settings.data, clock=settings.file_clock, instrument=settings.traded).frame
    except RetrainError as error:
        return f"no bars ({str(error).splitlines()[0]})"
    newest: pd.Timestamp = frame.index[-1]
    return newest


def _bars_line(settings: Settings, newest: pd.Timestamp | str | None, *, real: bool) -> str:
    if settings.data is None:
        return "bars not looked at (RETRAIN_DATA is not set)" if real else "simulated bars"
    return newest if isinstance(newest, str) else f"bars to {newest:%Y-%m-%d %H:%M} UTC"


def _next_run(calendar: TradingCalendar, now: datetime) -> str:
    """When the next night runs by itself, if a server is configured that could start it."""
    api = configured_api()
    if api is None:
        return "nothing is scheduled in Prefect (`retrain up`, or cron)"
    due = calendar.next_due(now)
    local = now.astimezone(due.tzinfo)
    day = {0: "tonight", 1: "tomorrow"}.get((due.date() - local.date()).days, f"{due:%A}")
    return f"next run {day} {due:%H:%M} {calendar.hours.place}"


def _open_conditions(operations: Operations, model: str) -> tuple[str, ...]:
    try:
        conditions = FileMemory(operations.conditions).read(model)
    except Corrupt as error:
        return (str(error),)
    return tuple(
        f"{kind} since {condition['since'][:16]}Z: {condition['what']}"
        for kind, condition in sorted(conditions.items())
    )
