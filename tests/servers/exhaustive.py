"""All interleavings of a few clients' requests to one store in memory, with faults, each reachable state seen once.

A client is a function of the answers it got: given the same answers it makes the same next request. So there are no
threads: to know a client's next request it is run again from its beginning on the answers so far, up to the first
request without one. A state is what is stored, what is still on its way, and the answers each client got; from each
state every client may take its next step, with every answer that a store or a network may give. States reached on two
ways are explored once. (Worlds, answers and positions are kept as numbers: equal ones have one number.)

The clock stands still but for the steps that the explorer may let time pass between any two requests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from registry.errors import Exists, NotFound, OutcomeUnknown, RegistryError, StoreUnavailable
from registry.store import Store, Stored

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
UNLIMITED = -1

T = TypeVar("T", bound=Hashable)


class Moment:
    """A client's clock: the hour at which its last answer came."""

    def __init__(self, hours: float = 0.0) -> None:
        self.hours = hours

    def now(self) -> datetime:
        return START + timedelta(hours=self.hours)

    def monotonic(self) -> float:
        return self.hours * 3600

    def sleep(self, seconds: float) -> None:
        pass


Client = Callable[[Store, Moment], Any]
"""One operation on a store; what it returns, or the :class:`RegistryError` it raises, is its outcome."""


@dataclass(frozen=True)
class World:
    """What is stored (key, bytes, the hour it was stored), what is on its way, and the hour."""

    objects: frozenset[tuple[str, bytes, float]]
    late: frozenset[tuple[str, bytes]] = frozenset()
    hours: float = 0.0

    def contents(self) -> dict[str, bytes]:
        return {key: data for key, data, _ in self.objects}

    def create(self, key: str, data: bytes) -> World:
        if any(key == each for each, _, _ in self.objects):
            return self
        return replace(self, objects=self.objects | {(key, data, self.hours)})

    def delete(self, key: str) -> World:
        return replace(self, objects=frozenset(each for each in self.objects if each[0] != key))


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
    timeless: Collection[int] = (),
) -> Report:
    """See every state that ``clients`` can come to with at most ``faults`` faults; ``at_end`` judges the last ones.

    ``faults`` may be :data:`UNLIMITED`. Time may pass ``passes`` times, ``pass_hours`` each, between any two requests,
    but a create is on its way for at most ``longest_create`` hours. ``objects`` were stored at hour 0; clients begin at
    the hour ``begin``. The ``timeless`` of the clients ask no clock of theirs: their positions at two hours are one.
    """
    world = World(frozenset((key, data, 0.0) for key, data in objects.items()), hours=begin)
    return _Explorer(clients, at_end, pass_hours, longest_create, timeless).run(world, faults, passes)


@dataclass(frozen=True)
class _Request:
    verb: str
    arguments: tuple[Any, ...]


class _Waits(BaseException):
    """A client has come to a request without an answer; not an ``Exception``, so that no client handles it."""

    def __init__(self, request: _Request) -> None:
        super().__init__(request)
        self.request = request


@dataclass(frozen=True)
class _Answer:
    """``value`` is returned to the client, or an ``error`` of the same text raised, at that hour."""

    value: Any
    hours: float
    error: type[RegistryError] | None = None


class _Replayed:
    """The store as a client sees it when it is run again: the answers it got, and no more."""

    url = "memory"

    def __init__(self, answers: Iterator[_Answer], clock: Moment) -> None:
        self._answers = answers
        self._clock = clock

    def _ask(self, verb: str, *arguments: Any) -> Any:
        answer = next(self._answers, None)
        if answer is None:
            raise _Waits(_Request(verb, arguments))
        self._clock.hours = answer.hours
        if answer.error is not None:
            raise answer.error(verb)
        return answer.value

    def create(self, key: str, data: bytes) -> None:
        self._ask("create", key, data)

    def get(self, key: str) -> bytes:
        return self._ask("get", key)  # type: ignore[no-any-return]

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
        timeless: Collection[int],
    ) -> None:
        self.clients = clients
        self.at_end = at_end
        self.pass_hours = pass_hours
        self.longest_create = longest_create
        self.timeless = timeless
        self.begin = 0.0
        self.worlds: _Numbers[World] = _Numbers()
        self.positions: _Numbers[tuple[int, int, _Answer | None]] = _Numbers()  # client, position before, last answer
        self.next_of: dict[int, Any] = {}
        self.befalls: dict[tuple[int, _Request, bool], list[tuple[int, _Answer, int]]] = {}
        self.report = Report()

    def run(self, world: World, faults: int, passes: int) -> Report:
        self.begin = world.hours
        begun = tuple(self.positions.of((who, -1, None)) for who in range(len(self.clients)))
        first: State = (self.worlds.of(world), begun, faults, passes)
        ways: dict[State, int] = {}
        stack: list[tuple[State, list[State]]] = [(first, self._followers(first))]
        seen = {first}
        while stack:  # depth first; a state's ways are summed when all that follow it are known
            state, followers = stack[-1]
            left = next((follower for follower in followers if follower not in seen), None)
            if left is not None:
                seen.add(left)
                stack.append((left, self._followers(left)))
                continue
            stack.pop()
            self.report.steps += len(followers)
            ways[state] = self._judge(state) + sum(ways[follower] for follower in followers)
        self.report.states, self.report.schedules = len(ways), ways[first]
        return self.report

    def _judge(self, state: State) -> int:
        outcomes = [self._next(position) for position in state[1]]
        if any(isinstance(outcome, _Request) for outcome in outcomes):
            return 0
        self.report.ends += 1
        self.at_end(self.worlds.things[state[0]], outcomes)
        return 1

    def _followers(self, state: State) -> list[State]:
        number, positions, faults, passes = state
        world = self.worlds.things[number]
        found: list[State] = []
        for late in world.late:
            landed = replace(world, late=world.late - {late}).create(*late)
            found.append((self.worlds.of(landed), positions, faults, passes))
        asking = False
        for who, position in enumerate(positions):
            request = self._next(position)
            if not isinstance(request, _Request):
                continue
            asking = True
            for after, answer, fault in self._befall(number, request, faulty=faults != 0):
                if who in self.timeless:
                    answer = replace(answer, hours=self.begin)
                moved = self.positions.of((who, position, answer))
                left = faults if faults == UNLIMITED else faults - fault
                found.append((after, (*positions[:who], moved, *positions[who + 1 :]), left, passes))
        later = replace(world, hours=world.hours + self.pass_hours)
        if asking and passes and not world.late and not any(self._outlived(each, later.hours) for each in positions):
            found.append((self.worlds.of(later), positions, faults, passes - 1))
        return found

    def _outlived(self, position: int, hours: float) -> bool:
        """Whether the create that a client sent at a position would be on its way for too long by then."""
        request = self._next(position)
        answer = self.positions.things[position][2]
        sent = self.begin if answer is None else answer.hours
        return isinstance(request, _Request) and request.verb == "create" and hours - sent > self.longest_create

    def _befall(self, number: int, request: _Request, *, faulty: bool) -> list[tuple[int, _Answer, int]]:
        key = (number, request, faulty)
        if key not in self.befalls:
            world = self.worlds.things[number]
            found = [
                (self.worlds.of(after), answer, fault) for after, answer, fault in _answers(world, request, faulty)
            ]
            self.befalls[key] = found
        return self.befalls[key]

    def _next(self, position: int) -> Any:
        """The request that a client makes at a position, or its outcome."""
        if position not in self.next_of:
            answers: list[_Answer] = []
            who, before, answer = self.positions.things[position]
            while answer is not None:
                answers.append(answer)
                _, before, answer = self.positions.things[before]
            clock = Moment(self.begin)
            try:
                self.next_of[position] = self.clients[who](_Replayed(reversed(answers), clock), clock)
            except _Waits as waits:
                self.next_of[position] = waits.request
            except RegistryError as error:
                self.next_of[position] = error
        return self.next_of[position]


def _answers(world: World, request: _Request, faulty: bool) -> Iterator[tuple[World, _Answer, int]]:
    """(the world after it, the answer, faults used) for everything that may befall a request."""
    verb, arguments, hours = request.verb, request.arguments, world.hours
    after, answer = _answered(world, verb, arguments)
    yield after, answer, 0
    if not faulty:
        return
    yield world, _Answer(None, hours, StoreUnavailable), 1
    unknown = _Answer(None, hours, OutcomeUnknown)
    if verb == "create":
        yield after, unknown, 1
        if after is not world:
            yield after, _Answer(None, hours, Exists), 1  # the store layer asked twice and met its own first attempt
            # an upload is asked about by its own client alone: when it lands makes no difference, whether it does may
            late = world if _is_upload(arguments[0]) else replace(world, late=world.late | {arguments})
            yield late, unknown, 1
    elif verb == "delete":
        yield after, _Answer(None, hours, StoreUnavailable), 1
    elif verb == "list" and arguments[0].endswith(("versions/", "decisions/")):
        prefix, limit, start = arguments
        yield world, _Answer(_listed(world, prefix, None, start)[1:][:limit], hours), 1


def _is_upload(key: str) -> bool:
    return "/artifacts/" in key or "/evidence/" in key


def _answered(world: World, verb: str, arguments: tuple[Any, ...]) -> tuple[World, _Answer]:
    contents, hours = world.contents(), world.hours
    key = arguments[0]
    if verb == "create":
        after = world.create(*arguments)
        return after, _Answer(None, hours, Exists if after is world else None)
    if verb == "get":
        return world, _Answer(contents.get(key), hours, None if key in contents else NotFound)
    if verb == "delete":
        return world.delete(key), _Answer(None, hours)
    if verb == "list":
        return world, _Answer(_listed(world, *arguments), hours)
    if verb == "folders":
        rests = {each[len(key) :] for each in contents if each.startswith(key)}
        return world, _Answer(tuple(sorted({rest.split("/")[0] for rest in rests if "/" in rest})), hours)
    assert verb == "stat"
    found = sorted(each for each in world.objects if each[0].startswith(key))
    stats = tuple(Stored(name, len(data), timedelta(hours=hours - made)) for name, data, made in found)
    return world, _Answer(stats, hours)


def _listed(world: World, prefix: str, limit: int | None, after: str | None) -> tuple[str, ...]:
    keys = sorted(key for key, _, _ in world.objects if key.startswith(prefix) and key > (after or ""))
    return tuple(keys[:limit])
