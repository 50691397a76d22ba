"""The schema of entries: for each kind of entry, and for each log's state, the type and range of every known field.

:func:`fault` finds the first field that is not as it should be. What :func:`registry.format.entries.parse` gives has
none, so whoever reads an entry need not look at its fields again. Fields that are not named here are of later versions:
they are kept and not looked at, and so is the body of a kind that is not known. Fields that an older version left out
are optional.

This is a table and not a library of models: the registry alone is installed where models are served, and reading a long
history checks every entry.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
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
VERSION = Plain("a version such as v3", lambda value: type(value) is str and value[:1] == "v" and is_version(value))
OBJECT = Plain("an object", lambda value: type(value) is dict)
MODEL_NAME = Plain("the name of a model", lambda value: type(value) is str and is_name(value))
RUNS = Plain("runs of versions such as 1-40,42-90", _matches(r"(?:[0-9]{1,10}-[0-9]{1,10}(?:,(?!$)|$))*"))
REMEMBERED = Plain("a list of idempotency keys, each with the number of its entry", _are_keys)
EVIDENCE_FILE = Plain("the name of an evidence file", _matches("evidence/[0-9a-f]{64}-[A-Za-z0-9_-]+"))

_TEXTS = ListOf(TEXT)
_ENTRY_LATER = Fields({"version": VERSION, "entry": NUMBERED})


# --- records --------------------------------------------------------------------------------------------------------

_SIGNATURE = OBJECT  # what it says is looked at by :class:`registry.trust.signing.Trusted`, which refuses all but one

_MEASURED_ON = Fields(
    {
        "bars": Nullable(COUNT),
        "first": Nullable(TEXT),
        "last": Nullable(TEXT),
        "rule": Nullable(TEXT),
        "labels": Nullable(TEXT),
        "fingerprint": Nullable(TEXT),
        "no_skill": Nullable(SHARE),
    },
    optional=("bars", "first", "last", "rule", "labels", "fingerprint", "no_skill"),
)

_IMPORTED = Fields(
    {"from": TEXT, "key": TEXT, "date": TIME, "author": TEXT, "timestamp": TEXT},
    optional=("from", "key", "date", "author", "timestamp"),
)

_VERSION_FIELDS: dict[str, ValueCheck] = {
    "version": VERSION,
    "artifact": Nullable(TEXT),
    "sha256": Nullable(SHA256),
    "size": Nullable(COUNT),
    "recipe": Nullable(TEXT),
    "recipe_fingerprint": Nullable(TEXT),
    "parameters": OBJECT,
    "metrics": MapOf(Nullable(NUMBER)),
    "measured_on": Nullable(_MEASURED_ON),
    "features": _TEXTS,
    "columns": _TEXTS,
    "dtypes": _TEXTS,
    "cut": SHARE,
    "dataset_fingerprint": Nullable(TEXT),
    "trained_from": Nullable(MOMENT),
    "trained_to": Nullable(MOMENT),
    "known_at": Nullable(MOMENT),
    "rows": Nullable(COUNT),
    "seed": Nullable(WHOLE),
    "environment": Nullable(MapOf(TEXT)),
    "source_revision": Nullable(TEXT),
    "seconds": Nullable(SECONDS),
    "night": Nullable(TEXT),
    "simulated": Nullable(FLAG),
    "details": Nullable(Fields({"imported": _IMPORTED}, optional=["imported"])),
}
VERSION_RECORD = Fields(_VERSION_FIELDS, optional=_VERSION_FIELDS.keys() - {"version"})
"""A :class:`~registry.format.records.VersionRecord`."""

_CHAMPION_FIELDS: dict[str, ValueCheck] = {
    "version": VERSION,
    "decision": NUMBERED,
    "since": TIME,
    "by": TEXT,
    "how": TEXT,
    "entry": NUMBERED,
    "artifact": Nullable(TEXT),
    "sha256": Nullable(SHA256),
    "size": Nullable(COUNT),
    "cut": SHARE,
    "recipe": Nullable(TEXT),
    "recipe_fingerprint": Nullable(TEXT),
    "forced": Nullable(FLAG),
    "night": Nullable(TEXT),
    "known_at": Nullable(MOMENT),
    "simulated": Nullable(FLAG),
    "signature": Nullable(_SIGNATURE),
}
CHAMPION_RECORD = Fields(
    _CHAMPION_FIELDS, optional=_CHAMPION_FIELDS.keys() - {"version", "decision", "since", "by", "how", "entry"}
)
"""A :class:`~registry.format.records.ChampionRecord`."""

FORMER_CHAMPION = Fields({"version": VERSION, "decision": NUMBERED, "since": TIME, "entry": NUMBERED})
MANIFEST = Fields(
    {
        "through": Nullable(MOMENT),
        "backfill": ListOf(EVIDENCE_FILE),
        "months": MapOf(EVIDENCE_FILE),
        "nights": MapOf(EVIDENCE_FILE),
    }
)
"""A :class:`~registry.model.evidence.Manifest`."""


# --- bodies and states ----------------------------------------------------------------------------------------------

_REASON = {"reason": TEXT}


def _is_judged_against(value: Any) -> bool:
    """A champion's version and decision, or null."""
    if value is None:
        return True
    return type(value) is list and len(value) == 2 and VERSION.holds(value[0]) and NUMBERED.holds(value[1])


@dataclass(frozen=True)
class DecisionRecord:
    """What a gate recorded: any object, or the name, digest and size of the file that holds it."""

    def fault(self, value: Any) -> Fault | None:
        if type(value) is not dict:
            return Fault("", value, "an object")
        return _MOVED.fault(value) if "key" in value or "sha256" in value else None


_MOVED = Fields({"key": TEXT, "sha256": SHA256, "size": COUNT})
_DECIDED: dict[str, ValueCheck] = {
    "sentence": Nullable(TEXT),
    "reason": Nullable(TEXT),
    "against": Plain("a version and its decision", _is_judged_against),
    "forced": Nullable(FLAG),
    "record": Nullable(DecisionRecord()),
    "evidence": Fields({"entry": Nullable(NUMBERED), "rescored": _TEXTS}, optional=("entry", "rescored")),
    "proposal": Fields({"version": VERSION, "kind": TEXT, "sentence": TEXT}, optional=["sentence"]),
    "approval": Fields(
        {"approved": FLAG, "author": TEXT, "reason": TEXT, "decision": NUMBERED},
        optional=("approved", "author", "reason", "decision"),
    ),
    "accept_unskilled": Nullable(FLAG),
}
_PROMOTED = Fields({**_DECIDED, "version": VERSION}, optional=_DECIDED)

BODIES: Mapping[str, ValueCheck] = {
    "registered": Fields({"version": VERSION_RECORD}),
    "scored": Fields({"night": TEXT, "bars": COUNT, "manifest": MANIFEST}),
    "retired": Fields({"versions": ListOf(VERSION), **_REASON}),
    "tagged": Fields({"tag": TEXT, "version": Nullable(VERSION)}),
    "promoted": _PROMOTED,
    "returned": _PROMOTED,
    "held": Fields(_DECIDED, optional=_DECIDED),
    "rolled_back": Fields({"from": VERSION, "version": VERSION, **_REASON}),
    "frozen": Fields({"until": Nullable(TIME), **_REASON}),
    "unfrozen": Fields(_REASON),
    "suspended": Fields(_REASON),
    "resumed": Fields(_REASON),
    "policy": Fields({"policy": OBJECT, **_REASON}),
}
"""By kind of entry, in whichever log it stands."""

_STATES: Mapping[str, dict[str, ValueCheck]] = {
    "versions": {
        "keys": REMEMBERED,
        "as_of": TIME,
        "latest": Nullable(_ENTRY_LATER),
        "newest": MapOf(NUMBERED),
        "tags": MapOf(VERSION),
        "retired": RUNS,
        "watermark": Nullable(Fields({"entry": NUMBERED, "through": Nullable(MOMENT)}, optional=["through"])),
    },
    "decisions": {
        "keys": REMEMBERED,
        "as_of": TIME,
        "champion": Nullable(CHAMPION_RECORD),
        "former": ListOf(FORMER_CHAMPION),
        "rolled_back": ListOf(VERSION),
        "night": TEXT,
        "evidence_since": TIME,
        "evidence_after": Nullable(TEXT),
        "frozen": Nullable(Fields({"until": Nullable(TIME), **_REASON})),
        "suspended": Nullable(Fields({"since": TIME, **_REASON})),
        "policy": OBJECT,
    },
}
STATES: Mapping[str, ValueCheck] = {log: Fields(fields, optional=fields) for log, fields in _STATES.items()}
"""By log: the state after each of its entries."""

_ENTRY_FIELDS: dict[str, ValueCheck] = {
    "format": NUMBERED,
    "model": MODEL_NAME,
    "log": Plain("versions or decisions", lambda value: value in ("versions", "decisions")),
    "n": NUMBERED,
    "kind": TEXT,
    "time": TIME,
    "author": TEXT,
    "operation": TEXT,
    "previous": Nullable(SHA256),
    "body": OBJECT,
    "state": OBJECT,
    "as_of": TIME,
    "key": TEXT,
    "signature": _SIGNATURE,
}
_ENTRY = Fields(_ENTRY_FIELDS, optional=("as_of", "key", "signature"))


def fault(values: Any) -> Fault | None:
    """The first field of an entry, read from JSON, that is not as it should be; None where there is none."""
    wrong = _ENTRY.fault(values)
    if wrong is not None:
        return wrong
    body = BODIES.get(values["kind"])
    wrong = None if body is None else body.fault(values["body"])
    if wrong is not None:
        return wrong.below("body")
    state = STATES.get(values["log"])
    wrong = None if state is None else state.fault(values["state"])
    return None if wrong is None else wrong.below("state")
