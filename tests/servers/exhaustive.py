"""All interleavings of a few clients' requests to one store in memory, with faults, each reachable state seen once.

A client is a function of the answers it got: given the same answers it makes the same next request. So there are no
threads: to know a client's next request it is run again from its beginning on the answers so far, up to the first
request without one. A state is what is stored, what is still on its way, and the answers each client got; from each
state every client may take its next step, with every answer that a store or a network may give. States reached on two
ways are explored once. (Worlds, answers and positions are kept as numbers: equal ones have one number.)

The clock stands still but for the steps that the explorer may let time pass between any two requests. An hour at which
an answer came makes no difference where the client does not look at its clock before its next request, nor sends a
create, which may be on its way for so long only.

``settled`` keys are those that nobody changes or deletes once they are there. Where no fault is left to spend on it,
reading one that is there commutes with whatever else can happen, so only one of its orders is gone through.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from registry.errors import RegistryError
from registry.store import Store, Stored
from tests.servers.worlds import Answer, Request, World, befalling

START = datetime(2024, 7, 1, 12, tzinfo=UTC)
UNLIMITED = -1

T = TypeVar("T", bound=Hashable)


class Moment:
    """A client's clock: the hour at which its last answer came."""

    def __init__(self, hours: float = 0.0) -> None:
        self.hours = hours
        self.looked_at = False
        """Whether anybody asked since the last answer."""

    def came(self, hours: float) -> None:
        """An answer came at that hour."""
        self.hours, self.looked_at = hours, False

    def now(self) -> datetime:
        self.looked_at = True
        return START + timedelta(hours=self.hours)

    def monotonic(self) -> float:
        self.looked_at = True
        return self.hours * 3600

    def sleep(self, seconds: float) -> None:
        pass


Client = Callable[[Store, Moment], Any]
"""One operation on a store; what it returns, or the :class:`RegistryError` it raises, is its outcome."""


@dataclass
class Report:
    """What was covered."""

    states: int = 0
    steps: int = 0
    ends: int = 0
    schedules: int = 0
    """Ways from the beginning to an end: what running every schedule one by one would have to run."""


def explore(
    clients: Sequence[Client],
    objects: Mapping[str, bytes],
    *,
    faults: int,
    at_end: Callable[[World, list[Any]], None],
    passes: int = 0,
    pass_hours: float = 11.0,
    longest_create: float = 12.0,
    begin: float = 0.0,
    settled: Callable[[str], bool] = lambda key: False,
) -> Report:
    """See every state that ``clients`` can come to with at most ``faults`` faults; ``at_end`` judges the last ones.

    ``faults`` may be :data:`UNLIMITED`. Time may pass ``passes`` times, ``pass_hours`` each, between any two requests,
    but a create is on its way for at most ``longest_create`` hours. ``objects`` were stored at hour 0; clients begin at
    the hour ``begin``.
    """
    world = World(frozenset((key, data, 0.0) for key, data in objects.items()), hours=begin)
    explorer = _Explorer(clients, at_end, pass_hours, longest_create, settled)
    collected = gc.isenabled()
    gc.disable()  # all states are kept: looking through them over and over finds nothing
    try:
        return explorer.run(world, faults, passes)
    finally:
        if collected:
            gc.enable()


class _Waits(BaseException):
    """A client has come to a request without an answer; not an ``Exception``, so that no client handles it."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.request = request


class _Replayed:
    """The store as a client sees it when it is run again: the answers it got, and no more."""

    url = "memory"

    def __init__(self, answers: Iterator[Answer], clock: Moment) -> None:
        self._answers = answers
        self._clock = clock

    def _ask(self, verb: str, *arguments: Any) -> Any:
        answer = next(self._answers, None)
        if answer is None:
            raise _Waits(Request(verb, arguments))
        self._clock.came(answer.hours)
        if answer.error is not None:
            raise answer.error(verb)
        return answer.value

    def create(self, key: str, data: bytes) -> None:
        self._ask("create", key, data)

    def get(self, key: str) -> bytes:
        return self._ask("get", key)  # type: ignore[no-any-return]  # what the double was told to answer

    def folders(self, prefix: str) -> list[str]:
        return [*self._ask("folders", prefix)]

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        return [*self._ask("list", prefix, limit, after)]

    def delete(self, key: str) -> None:
        self._ask("delete", key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        return iter(self._ask("stat", prefix))


class _Numbers(Generic[T]):
    """Numbers for equal things."""

    def __init__(self) -> None:
        self.things: list[T] = []
        self._numbers: dict[T, int] = {}

    def of(self, thing: T) -> int:
        number = self._numbers.setdefault(thing, len(self.things))
        if number == len(self.things):
            self.things.append(thing)
        return number


State = tuple[int, tuple[int, ...], int, int]
"""(world, each client's position, faults left, times that time may pass)"""


class _Explorer:
    def __init__(
        self,
        clients: Sequence[Client],
        at_end: Callable[[World, list[Any]], None],
        pass_hours: float,
        longest_create: float,
        settled: Callable[[str], bool],
    ) -> None:
        self.clients = clients
        self.at_end = at_end
        self.pass_hours = pass_hours
        self.longest_create = longest_create
        self.settled = settled
        self.begin = 0.0
        self.worlds: _Numbers[World] = _Numbers()
        self.positions: _Numbers[tuple[int, int, Answer | None]] = _Numbers()  # client, position before, last answer
        self.next_of: dict[int, tuple[Any, bool]] = {}
        self.befalls: dict[tuple[int, Request, bool], list[tuple[int, Answer, int]]] = {}
        self.landings: dict[int, list[int]] = {}
        self.moves: dict[tuple[int, int, bool], list[tuple[int, int, int]] | None] = {}
        self.ways: dict[State, int] = {}
        """From each state that was gone through wholly, how many lead to an end."""
        self.report = Report()

    def run(self, world: World, faults: int, passes: int) -> Report:
        self.begin = world.hours
        begun = tuple(self.positions.of((who, -1, None)) for who in range(len(self.clients)))
        self.report.schedules = self._ways((self.worlds.of(world), begun, faults, passes))
        self.report.states = len(self.ways)
        return self.report

    def _ways(self, state: State) -> int:
        """How many ways lead from a state, not seen before, to an end; calls are as deep as a schedule is long."""
        ways = self.ways
        followers, asking = self._followers(state)
        found = 0 if asking else self._judge(state)
        for follower in followers:
            known = ways.get(follower)
            found += self._ways(follower) if known is None else known
        self.report.steps += len(followers)
        ways[state] = found
        return found

    def _judge(self, state: State) -> int:
        """An end: no client asks any more."""
        outcomes = [self.next_of[position][0] for position in state[1]]
        self.report.ends += 1
        self.at_end(self.worlds.things[state[0]], outcomes)
        return 1

    def _followers(self, state: State) -> tuple[list[State], bool]:
        """The states one step on, and whether any client still asks."""
        number, positions, faults, passes = state
        found: list[State] = [(after, positions, faults, passes) for after in self._landed(number)]
        faulty, asking = faults != 0, False
        known = self.moves
        for who, position in enumerate(positions):
            key = (number, position, faulty)
            moves = known[key] if key in known else self._moves(key)
            if moves is None:
                continue
            asking = True
            before, behind = positions[:who], positions[who + 1 :]
            steps: list[State] = [
                (after, (*before, moved, *behind), faults if faults == UNLIMITED else faults - fault, passes)
                for after, moved, fault in moves
            ]
            if not faulty and self._commutes(self.worlds.things[number], self._next(position), steps[0][1][who]):
                return steps, asking
            found += steps
        if asking and passes and not (world := self.worlds.things[number]).late:
            later = world.after(self.pass_hours)
            if not any(self._outlived(each, later.hours) for each in positions):
                found.append((self.worlds.of(later), positions, faults, passes - 1))
        return found, asking

    def _landed(self, number: int) -> list[int]:
        """The worlds after each of the creates that are on their way has come."""
        if number not in self.landings:
            world = self.worlds.things[number]
            self.landings[number] = [self.worlds.of(world.landed(late)) for late in world.late]
        return self.landings[number]

    def _moves(self, key: tuple[int, int, bool]) -> list[tuple[int, int, int]] | None:
        """(the world after it, where the client is then, faults used) for whatever may befall its request there; None
        where it makes none any more. ``key``: world, position, whether faults may be spent."""
        number, position, faulty = key
        request, who = self._next(position), self.positions.things[position][0]
        self.moves[key] = (
            [
                (after, self._moved(who, position, answer), fault)
                for after, answer, fault in self._befall(number, request, faulty=faulty)
            ]
            if isinstance(request, Request)
            else None
        )
        return self.moves[key]

    def _moved(self, who: int, position: int, answer: Answer) -> int:
        """Where a client is after an answer; the hour of it is forgotten where it makes no difference."""
        if answer.hours == self.begin:
            return self.positions.of((who, position, answer))
        forgotten = self.positions.of((who, position, Answer(answer.value, self.begin, answer.error)))
        return self.positions.of((who, position, answer)) if self._hour_counts(forgotten) else forgotten

    def _hour_counts(self, position: int) -> bool:
        following = self._next(position)
        return self.next_of[position][1] or (isinstance(following, Request) and following.verb == "create")

    def _commutes(self, world: World, request: Request, after: int) -> bool:
        """Whether nothing that can happen makes a difference to a request, nor it to anything."""
        key = request.arguments[0]
        there = request.verb == "get" and self.settled(key) and key in world.keys
        return there and not self._hour_counts(after)

    def _outlived(self, position: int, hours: float) -> bool:
        """Whether the create that a client sent at a position would be on its way for too long by then."""
        request = self._next(position)
        answer = self.positions.things[position][2]
        sent = self.begin if answer is None else answer.hours
        return isinstance(request, Request) and request.verb == "create" and hours - sent > self.longest_create

    def _befall(self, number: int, request: Request, *, faulty: bool) -> list[tuple[int, Answer, int]]:
        key = (number, request, faulty)
        if key not in self.befalls:
            world = self.worlds.things[number]
            found = [
                (self.worlds.of(after), answer, fault) for after, answer, fault in befalling(world, request, faulty)
            ]
            self.befalls[key] = found
        return self.befalls[key]

    def _next(self, position: int) -> Any:
        """The request that a client makes at a position, or its outcome."""
        if position not in self.next_of:
            answers: list[Answer] = []
            who, before, answer = self.positions.things[position]
            while answer is not None:
                answers.append(answer)
                _, before, answer = self.positions.things[before]
            clock = Moment(self.begin)
            try:
                found = self.clients[who](_Replayed(reversed(answers), clock), clock)
            except _Waits as waits:
                found = waits.request
            except RegistryError as error:
                found = error
            self.next_of[position] = found, clock.looked_at
        return self.next_of[position][0]
