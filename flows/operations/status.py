"""How things stand, on one screen, from the registry and the bars alone: no Prefect server is asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flows.bars import load_bars
from flows.errors import RetrainError
from flows.operations.conditions import FileMemory
from flows.operations.settings import Operations
from flows.settings import DEFAULT_MODEL, SIMULATED_MODEL, Settings
from registry import ChampionRecord, Model, Registry
from registry.clock import read_time
from registry.entries import Entry
from registry.errors import Corrupt


@dataclass(frozen=True)
class Standing:
    """What ``retrain status`` shows. ``late``: a night that was due is not decided; ``due``: the newest that was."""

    model: str
    registry: str
    champion: str
    health: str
    last_night: str | None
    last_sentence: str
    bars_to: str
    next_run: str
    due: str
    late: bool
    missing_nights: int
    open_conditions: tuple[str, ...]

    @property
    def check_line(self) -> str:
        if not self.late:
            return f"OK: {self.model} decided the night of {self.last_night}, due was {self.due}"
        last = self.last_night or "none"
        many = "one night is" if self.missing_nights == 1 else f"{self.missing_nights or 'all'} nights are"
        return f"LATE: {self.model} last decided {last}, due was {self.due}: {many} missing; `retrain run` catches up"

    @property
    def lines(self) -> list[str]:
        """The screen; its first line says the most."""
        told = f"last night {self.last_sentence.partition(':')[0]}" if self.last_night else "no night decided yet"
        first = f"{self.champion}, {self.health}; {told}; bars to {self.bars_to}; next run {self.next_run}"
        rest = [f"Model {self.model} in {self.registry}"]
        if self.last_night:
            rest.append(f"Night of {self.last_night}: {self.last_sentence}")
        rest.append(self.check_line)
        return [first, "", *rest, *(f"Open: {each}" for each in self.open_conditions)]

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
) -> Standing:
    """How the model stands at ``now``; a night may be ``grace`` late. Two requests to the registry.

    Raises what the registry raises where it cannot be read.
    """
    name = model or settings.model or (DEFAULT_MODEL if settings.data else SIMULATED_MODEL)
    place = registry or settings.registry
    book = Registry(place).model(name)
    head = book.decisions.head()
    champion = book.champion()
    night = None if head is None else head.state.get("night")
    due = operations.calendar.expected_night(now, grace)
    last = None if night is None else date.fromisoformat(night)
    return Standing(
        model=name,
        registry=place,
        champion=_champion(champion, now),
        health=_health(head, champion),
        last_night=night,
        last_sentence="" if night is None or head is None else _sentence(book, night),
        bars_to=_bars_to(settings) if with_bars else "not looked at",
        next_run=_next(operations, now),
        due=due.isoformat(),
        late=last is None or last < due,
        missing_nights=0 if last is None or last >= due else operations.calendar.nights_between(last, due),
        open_conditions=_open(operations, name),
    )


def _champion(champion: ChampionRecord | None, now: datetime) -> str:
    if champion is None:
        return "no champion"
    days = max(0, (now - read_time(champion.since)).days)
    return f"champion {champion.version} ({champion.recipe or 'no recipe'}), {days} day{'' if days == 1 else 's'}"


def _health(head: Entry | None, champion: ChampionRecord | None) -> str:
    if head is None or champion is None:
        return "production is empty"
    suspended, frozen = head.state.get("suspended"), head.state.get("frozen")
    if suspended is not None:
        return f"suspended since {suspended['since'][:16]}Z ({suspended['reason']})"
    if frozen is not None:
        return f"frozen{'' if frozen['until'] is None else ' until ' + frozen['until'][:16] + 'Z'} ({frozen['reason']})"
    return "in production"


def _sentence(book: Model, night: str) -> str:
    entry = book.decided(night)
    return "" if entry is None else str(entry)


def _bars_to(settings: Settings) -> str:
    if settings.data is None:
        return "none configured (simulated)"
    try:
        return f"{load_bars(settings.data, clock=settings.clock).last_close - timedelta(minutes=15):%Y-%m-%d %H:%M} UTC"
    except RetrainError as error:
        return f"none: {str(error).splitlines()[0]}"


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
