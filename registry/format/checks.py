"""Checks of values read from JSON: what a value may be, and which field of a value is not as it should be.

Plain values, lists, and objects of known fields; :mod:`registry.format.schema` and evidence files are made of them.
No library of models: the registry alone is installed where models are served, and a long history checks every entry.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from registry.clock import read_moment, read_time
from registry.format.keys import is_name, is_version

_LARGEST = 1 << 53
"""Whole numbers up to here are the same in every reader of JSON."""
YEARS = range(1900, 2262)
"""Of moments: pandas counts nanoseconds up to 2262."""


class Fault(NamedTuple):
    """A field that is not as it should be: its path (``body.version.cut``), what was found, what was expected."""

    field: str
    found: object
    expected: str

    def below(self, name: str) -> Fault:
        return Fault(f"{name}.{self.field}" if self.field else name, self.found, self.expected)


class ValueCheck(Protocol):
    """What a value may be."""

    def fault(self, value: Any) -> Fault | None:
        """What is wrong with a value; None where nothing is."""
        ...


@dataclass(frozen=True)
class Plain:
    """A value without parts; ``expected``: what it has to be, in words."""

    expected: str
    holds: Callable[[Any], bool]

    def fault(self, value: Any) -> Fault | None:
        return None if self.holds(value) else Fault("", value, self.expected)


@dataclass(frozen=True)
class Nullable:
    """A value that may be null."""

    check: ValueCheck

    def fault(self, value: Any) -> Fault | None:
        return None if value is None else self.check.fault(value)


@dataclass(frozen=True)
class ListOf:
    """A list of like values."""

    each: ValueCheck

    def fault(self, value: Any) -> Fault | None:
        if type(value) is not list:
            return Fault("", value, "a list")
        for place, item in enumerate(value):
            wrong = self.each.fault(item)
            if wrong is not None:
                return wrong.below(str(place))
        return None


@dataclass(frozen=True)
class MapOf:
    """An object of like values by any name."""

    each: ValueCheck

    def fault(self, value: Any) -> Fault | None:
        if type(value) is not dict:
            return Fault("", value, "an object")
        for name, item in value.items():
            wrong = self.each.fault(item)
            if wrong is not None:
                return wrong.below(name)
        return None


class Fields:
    """An object with known fields, each required unless its name stands in ``optional``; others are left alone."""

    def __init__(self, fields: Mapping[str, ValueCheck], *, optional: Iterable[str] = ()) -> None:
        missing = {*optional}
        self._fields = [(name, check, name not in missing) for name, check in fields.items()]
        self.known = dict(fields)

    def fault(self, value: Any) -> Fault | None:
        if type(value) is not dict:
            return Fault("", value, "an object")
        for name, check, required in self._fields:
            if name in value:
                wrong = check.fault(value[name])
                if wrong is not None:
                    return wrong.below(name)
            elif required:
                return Fault(name, None, "to be there")
        return None


def unknown_parts(check: ValueCheck, value: Any) -> Iterator[Any]:
    """What no check says anything of: the fields of ``value`` that :class:`Fields` leaves alone, wherever they are.

    The value must be one that ``check`` finds nothing wrong with.
    """
    if isinstance(check, Fields):
        for name, item in value.items():
            known = check.known.get(name)
            if known is None:
                yield {name: item}
            else:
                yield from unknown_parts(known, item)
    elif isinstance(check, Nullable) and value is not None:
        yield from unknown_parts(check.check, value)
    elif isinstance(check, ListOf | MapOf):
        for item in value.values() if isinstance(check, MapOf) else value:
            yield from unknown_parts(check.each, item)


# --- plain values ---------------------------------------------------------------------------------------------------


def _is_whole(least: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and -1e300 < value < 1e300  # NaN is in no range


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _is_time(value: Any) -> bool:
    return type(value) is str and _names_a_time(value)


@functools.lru_cache(maxsize=1024)
def _names_a_time(text: str) -> bool:
    """Kept, since a state holds the same moments as the one before it."""
    try:
        return read_time(text).year in YEARS
    except ValueError:
        return False


def _is_moment(value: Any) -> bool:
    try:
        return type(value) is str and read_moment(value).year in YEARS
    except ValueError:
        return False


def _is_text(value: Any) -> bool:
    return type(value) is str


def _matches(pattern: str) -> Callable[[Any], bool]:
    match = re.compile(pattern).fullmatch
    return lambda value: type(value) is str and match(value) is not None


_REMEMBERED = re.compile("[^:]*:[0-9]{1,10}")


def _are_keys(value: Any) -> bool:
    """Text, all of it, and the oldest and newest in their form: a state holds 256, and each reader waits for this.

    What looks a key up refuses one of another form (:func:`registry.format.entries.recall`).
    """
    if type(value) is not list:
        return False
    try:
        "".join(value)
    except TypeError:
        return False
    return all(_REMEMBERED.fullmatch(item) for item in (*value[:1], *value[-1:]))


TEXT = Plain("text", _is_text)
FLAG = Plain("true or false", lambda value: type(value) is bool)
COUNT = Plain("a whole number from 0", _is_whole(0))
NUMBERED = Plain("a whole number from 1", _is_whole(1))
WHOLE = Plain("a whole number", _is_whole(-_LARGEST))
NUMBER = Plain("a finite number", _is_number)
SHARE = Plain("a number from 0 to 1", _is_share)
SECONDS = Plain("a number from 0", lambda value: _is_number(value) and value >= 0)
TIME = Plain("a moment like 2024-12-31T22:00:00.000000Z, from 1900 to 2261", _is_time)
MOMENT = Plain("a day or a moment in ISO 8601, from 1900 to 2261", _is_moment)
SHA256 = Plain("64 hexadecimal digits", _matches("[0-9a-f]{64}"))
REGISTRY_ID = Plain("the id of a registry: 32 hexadecimal digits", _matches("[0-9a-f]{32}"))
VERSION = Plain("a version such as v3", lambda value: type(value) is str and value[:1] == "v" and is_version(value))
OBJECT = Plain("an object", lambda value: type(value) is dict)
MODEL_NAME = Plain("the name of a model", lambda value: type(value) is str and is_name(value))
RUNS = Plain("runs of versions such as 1-40,42-90", _matches(r"(?:[0-9]{1,10}-[0-9]{1,10}(?:,(?!$)|$))*"))
REMEMBERED = Plain("a list of idempotency keys, each with the number of its entry", _are_keys)
ARTIFACT = Plain("the name of an artifact", _matches("artifacts/[0-9a-f]{64}-[A-Za-z0-9_-]+"))
EVIDENCE_FILE = Plain("the name of an evidence file", _matches("evidence/[0-9a-f]{64}-[A-Za-z0-9_-]+"))
