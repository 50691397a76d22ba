"""How things stand, on one screen, from the registry and the bars alone: no Prefect server is asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flows.bars import load_bars
from flows.errors import RetrainError
from flows.job.request import request
from flows.operations.alerts.conditions import FileMemory
from flows.operations.runs.feed import BAR
from flows.operations.settings import Operations
from flows.settings import Settings, open_model
from registry import ChampionRecord, Model, Registry
from registry.clock import read_time
from registry.errors import Corrupt, KeyRefused, ModelNotFound
from registry.format.entries import Entry


@dataclass(frozen=True)
class StatusReport:
    """What ``retrain status`` shows. ``late``: a night that was due is not decided; ``due``: the newest that was (None:
    the bars are simulated and never grow); ``alarms``: what the watch would say of the champion and its bars;
    ``others``: models beside this one, where none was named."""

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

    @property
    def check_line(self) -> str:
        if self.due is None:
            return f"OK: {self.model} has simulated bars, which never grow, so no night is due"
        if not self.late:
            return f"OK: {self.model} decided the night of {self.last_night}, due was {self.due}"
        if self.last_night is None:
            return f"LATE: {self.model} has decided no night yet, due was {self.due}; `retrain run` decides it"
        many = "one night is" if self.missing_nights == 1 else f"{self.missing_nights} nights are"
        return (
            f"LATE: {self.model} last decided {self.last_night}, due was {self.due}: {many} missing; "
            "one `retrain run` catches up"
        )

    @property
    def first_line(self) -> str:
        told = f"last night {self.last_sentence.partition(':')[0]}" if self.last_night else "no night decided yet"
        stands = f"{self.champion}, {self.health}" if self.champion else "production is empty"
        return f"{stands}; {told}; {self.bars}; next run {self.next_run}"

    @property
    def lines(self) -> list[str]:
        """The screen; its first line says the most."""
        rest = [f"Model:    {self.model} in {self.registry}"]
        if self.last_night:
            rest.append(f"Night:    {self.last_night}, {self.last_sentence}")
        rest.append(f"Schedule: {self.check_line}")
        if self.others:
            rest.append(f"Also here: {', '.join(self.others)} (--model NAME, or RETRAIN_MODEL)")
        rest += [f"Look:     {each}" for each in self.alarms]
        return [self.first_line, "", *rest, *(f"Open:     {each}" for each in self.open_conditions)]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def look(
    settings: Settings,
    operations: Operations,
    *,
    now: datetime,
    grace: timedelta,
    registry: str | None = None,
    model: str | None = None,
    with_bars: bool = True,
) -> StatusReport:
    """How the model stands at ``now``; a night may be ``grace`` late. Without bars: two requests to the registry.

    Where no model is named and that of the settings is not there, it is the only one there is. Raises
    :class:`~registry.errors.ModelNotFound` where it could be any of several, and what the registry raises where it
    cannot be read.
    """
    place = registry or settings.registry
    name, others = _which(settings, place, model)
    opened = open_model(place, name)
    head, champion = opened.decisions.head(), opened.champion()
    night = None if head is None else head.state.get("night")
    real = champion is not None and not champion.simulated  # also where nobody says where its bars are
    due = None if settings.data is None and not real else operations.calendar.expected_night(now, grace)
    last = None if night is None else date.fromisoformat(night)
    told = HealthSummary("in production")
    if settings.data is None and real:
        told = HealthSummary("health unknown")
    elif champion is not None and with_bars:
        told = _examined(settings, place, name, now)
    return StatusReport(
        model=name,
        registry=place,
        champion=_champion(champion, now),
        health=_health(head, champion, told),
        last_night=night,
        last_sentence="" if night is None or head is None else _sentence(opened, night),
        bars=_bars(settings, real=real) if with_bars else "bars not looked at",
        next_run=_next(operations, now),
        due=None if due is None else due.isoformat(),
        late=due is not None and (last is None or last < due),
        missing_nights=0 if last is None or due is None else operations.calendar.nights_between(last, due),
        alarms=told.alarms,
        open_conditions=_open(operations, name),
        others=others,
    )


def _which(settings: Settings, place: str, model: str | None) -> tuple[str, tuple[str, ...]]:
    """The model to look at, and those beside it where none was named."""
    name = settings.named(model)
    if model or settings.model:
        return name, ()
    there = Registry(place).models()
    others = tuple(each for each in there if each != name)
    if name in there or not there:
        return name, others
    if len(there) == 1:
        return there[0], ()
    why = "" if settings.data else " (the model where neither RETRAIN_DATA nor RETRAIN_MODEL is set)"
    raise ModelNotFound(f"{place} has no {name}{why}, but {', '.join(there)}: say which with --model")


@dataclass(frozen=True)
class HealthSummary:
    """What the watch says, in a word and in sentences."""

    word: str
    alarms: tuple[str, ...] = ()


def _examined(settings: Settings, place: str, name: str, now: datetime) -> HealthSummary:
    from flows.job.plan import plan
    from flows.operations.status.watching import ABOUT_BARS, look_at  # takes a second, and --check does not ask

    try:
        found = look_at(plan(request(advanced={"registry": place, "model": name}), settings), now)
    except (RetrainError, KeyRefused) as error:
        return HealthSummary("health unknown", (f"its health cannot be told: {str(error).splitlines()[0]}",))
    if found is None:
        return HealthSummary("in production")
    about = [alarm.kind for alarm in found.alarms if alarm.kind not in ABOUT_BARS]
    well = "healthy" if found.days else "no day scored yet"
    return HealthSummary(", ".join(about) or well, tuple(alarm.sentence for alarm in found.alarms))


def _champion(champion: ChampionRecord | None, now: datetime) -> str:
    if champion is None:
        return ""
    days = max(0, (now - read_time(champion.since)).days)
    return f"champion {champion.version} ({champion.recipe or 'no recipe'}), {days} day{'' if days == 1 else 's'}"


def _health(head: Entry | None, champion: ChampionRecord | None, told: HealthSummary) -> str:
    if head is None or champion is None:
        return ""
    suspended, frozen = head.state.get("suspended"), head.state.get("frozen")
    if suspended is not None:
        return f"suspended since {suspended['since'][:16]}Z ({suspended['reason']})"
    if frozen is not None:
        return f"frozen{'' if frozen['until'] is None else ' until ' + frozen['until'][:16] + 'Z'} ({frozen['reason']})"
    return told.word


def _sentence(model: Model, night: str) -> str:
    entry = model.decided(night)
    return "" if entry is None else str(entry)


def _bars(settings: Settings, *, real: bool) -> str:
    if settings.data is None:
        return "bars not looked at (RETRAIN_DATA is not set)" if real else "simulated bars"
    try:
        newest = load_bars(settings.data, clock=settings.clock).last_close - BAR
    except RetrainError as error:
        return f"no bars ({str(error).splitlines()[0]})"
    return f"bars to {newest:%Y-%m-%d %H:%M} UTC"


def _next(operations: Operations, now: datetime) -> str:
    due = operations.calendar.next_due(now)
    local = now.astimezone(due.tzinfo)
    day = {0: "tonight", 1: "tomorrow"}.get((due.date() - local.date()).days, f"{due:%A}")
    return f"{day} {due:%H:%M} New York"


def _open(operations: Operations, model: str) -> tuple[str, ...]:
    try:
        found = FileMemory(operations.conditions).read(model)
    except Corrupt as error:
        return (str(error),)
    return tuple(f"{kind} since {told['since'][:16]}Z: {told['what']}" for kind, told in sorted(found.items()))
