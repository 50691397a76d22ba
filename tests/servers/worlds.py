"""What a store in memory holds at a moment, and everything that may befall a request to it.

Pure values: a world is never changed, a request gives another one. :mod:`servers.exhaustive` goes through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from registry.errors import Exists, NotFound, OutcomeUnknown, RegistryError, StoreUnavailable
from registry.store import Stored


@dataclass(frozen=True)
class World:
    """What is stored (key, bytes, the hour it was stored), what is on its way, and the hour."""

    objects: frozenset[tuple[str, bytes, float]]
    late: frozenset[tuple[str, bytes]] = frozenset()
    hours: float = 0.0

    def contents(self) -> dict[str, bytes]:
        return {key: data for key, data, _ in self.objects}

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(key for key, _, _ in self.objects)

    def create(self, key: str, data: bytes) -> World:
        if key in self.keys:
            return self
        return World(self.objects | {(key, data, self.hours)}, self.late, self.hours)

    def delete(self, key: str) -> World:
        return World(frozenset(each for each in self.objects if each[0] != key), self.late, self.hours)

    def sent(self, create: tuple[str, bytes]) -> World:
        """The same with a create more on its way."""
        return World(self.objects, self.late | {create}, self.hours)

    def landed(self, create: tuple[str, bytes]) -> World:
        """The same when one that was on its way has come."""
        return World(self.objects, self.late - {create}, self.hours).create(*create)

    def after(self, hours: float) -> World:
        return World(self.objects, self.late, self.hours + hours)


@dataclass(frozen=True)
class Request:
    verb: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """``value`` is returned to the client, or an ``error`` of the same text raised, at that hour."""

    value: Any
    hours: float
    error: type[RegistryError] | None = None


def befalling(world: World, request: Request, faulty: bool) -> Iterator[tuple[World, Answer, int]]:
    """(the world after it, the answer, faults used) for everything that may befall a request."""
    verb, arguments, hours = request.verb, request.arguments, world.hours
    after, answer = _answered(world, verb, arguments)
    yield after, answer, 0
    if not faulty:
        return
    yield world, Answer(None, hours, StoreUnavailable), 1
    unknown = Answer(None, hours, OutcomeUnknown)
    if verb == "create":
        yield after, unknown, 1
        if after is not world:
            yield after, Answer(None, hours, Exists), 1  # the store layer asked twice and met its own first attempt
            # an upload is asked about by its own client alone: when it lands makes no difference, whether it does may
            late = world if _is_upload(arguments[0]) else world.sent((arguments[0], arguments[1]))
            yield late, unknown, 1
    elif verb == "delete":
        yield after, Answer(None, hours, StoreUnavailable), 1
    elif verb == "list" and arguments[0].endswith(("versions/", "decisions/")):
        prefix, limit, start = arguments
        yield world, Answer(_listed(world, prefix, None, start)[1:][:limit], hours), 1


def _is_upload(key: str) -> bool:
    return "/artifacts/" in key or "/evidence/" in key


def _answered(world: World, verb: str, arguments: tuple[Any, ...]) -> tuple[World, Answer]:
    contents, hours = world.contents(), world.hours
    key = arguments[0]
    if verb == "create":
        after = world.create(*arguments)
        return after, Answer(None, hours, Exists if after is world else None)
    if verb == "get":
        return world, Answer(contents.get(key), hours, None if key in contents else NotFound)
    if verb == "delete":
        return world.delete(key), Answer(None, hours)
    if verb == "list":
        return world, Answer(_listed(world, *arguments), hours)
    if verb == "folders":
        rests = {each[len(key) :] for each in contents if each.startswith(key)}
        return world, Answer(tuple(sorted({rest.split("/")[0] for rest in rests if "/" in rest})), hours)
    assert verb == "stat"
    found = sorted(each for each in world.objects if each[0].startswith(key))
    now = datetime(2024, 7, 1, 12, tzinfo=UTC) + timedelta(hours=hours)
    stats = tuple(Stored(name, len(data), timedelta(hours=hours - made), now) for name, data, made in found)
    return world, Answer(stats, hours)


def _listed(world: World, prefix: str, limit: int | None, after: str | None) -> tuple[str, ...]:
    keys = sorted(key for key, _, _ in world.objects if key.startswith(prefix) and key > (after or ""))
    return tuple(keys[:limit])
