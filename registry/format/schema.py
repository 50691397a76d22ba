"""The schema of entries: for each kind of entry, and for each log's state, the type and range of every known field.

:func:`fault` finds the first field that is not as it should be. What :func:`registry.format.entries.parse` gives has
none, so whoever reads an entry need not look at its fields again. Fields that are not named here are of later versions:
they are kept and not looked at, and so is the body of a kind that is not known. Fields that an older version left out
are optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from registry.format.checks import (
    ARTIFACT,
    COUNT,
    EVIDENCE_FILE,
    FLAG,
    MODEL_NAME,
    MOMENT,
    NUMBER,
    NUMBERED,
    OBJECT,
    REGISTRY_ID,
    REMEMBERED,
    RUNS,
    SECONDS,
    SHA256,
    SHARE,
    TEXT,
    TIME,
    VERSION,
    WHOLE,
    Fault,
    Fields,
    ListOf,
    MapOf,
    Nullable,
    Plain,
    ValueCheck,
    unknown_parts,
)

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


def _is_range(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(map(NUMBER.holds, value)) and value[0] <= value[1]


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
    "ranges": Nullable(ListOf(Plain("two finite numbers, the lower one first", _is_range))),
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
    "allowed": Nullable(_TEXTS),
    "instrument": Nullable(OBJECT),
    "label": Nullable(OBJECT),
    "details": Nullable(Fields({"imported": _IMPORTED}, optional=["imported"])),
    "moved": Nullable(Fields({"key": TEXT, "sha256": SHA256, "size": COUNT, "fields": _TEXTS})),
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
    "registry": Nullable(REGISTRY_ID),
    "signature": Nullable(_SIGNATURE),
}
CHAMPION_RECORD = Fields(
    _CHAMPION_FIELDS, optional=_CHAMPION_FIELDS.keys() - {"version", "decision", "since", "by", "how", "entry"}
)
"""A :class:`~registry.format.records.ChampionRecord`."""

_FINITE = Plain("a number from -1e6 to 1e6", lambda value: NUMBER.holds(value) and abs(value) <= 1e6)
_PROBABILITY_MAP = Fields(
    {
        "bars": NUMBERED,
        "days": NUMBERED,
        "base": SHARE,
        "base_error": SECONDS,
        "centre": _FINITE,
        "scale": Plain("a number from 1e-6 to 1e6", lambda value: NUMBER.holds(value) and 1e-6 <= value <= 1e6),
        "intercept": _FINITE,
        "slope": Plain("a number from 0 to 1e6", lambda value: NUMBER.holds(value) and 0 <= value <= 1e6),
        "intercept_variance": _FINITE,
        "covariance": _FINITE,
        "slope_variance": _FINITE,
        "judged": COUNT,
        "skill": NUMBER,
        "skill_error": NUMBER,
    },
    optional=("skill", "skill_error"),
)
PROBABILITY_MAPS = MapOf(_PROBABILITY_MAP)
"""By version: a :class:`~registry.model.probability.ProbabilityMap`."""

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


_REGISTERED: dict[str, ValueCheck] = {
    "entry": NUMBERED,
    "entry_sha256": SHA256,
    "artifact": Nullable(TEXT),
    "sha256": Nullable(SHA256),
}
_APPROVAL: dict[str, ValueCheck] = {
    "approved": FLAG,
    "author": TEXT,
    "reason": TEXT,
    "decision": NUMBERED,
    "entry": NUMBERED,
    "entry_sha256": SHA256,
}
_MOVED = Fields({"key": TEXT, "sha256": SHA256, "size": COUNT})
_DECIDED: dict[str, ValueCheck] = {
    "sentence": Nullable(TEXT),
    "detail": Nullable(TEXT),
    "reason": Nullable(TEXT),
    "against": Plain("a version and its decision", _is_judged_against),
    "forced": Nullable(FLAG),
    "record": Nullable(DecisionRecord()),
    "evidence": Fields(
        {"entry": Nullable(NUMBERED), "scored": Nullable(NUMBERED), "rescored": _TEXTS},
        optional=("entry", "scored", "rescored"),
    ),
    "hindsight": Fields(
        {
            "nights_late": COUNT,
            "bars": COUNT,
            "first": TEXT,
            "last": TEXT,
            "lag_minutes": COUNT,
            "restated": Fields({"bars": COUNT, "first": TEXT, "last": TEXT, "columns": _TEXTS, "question": TEXT}),
        },
        optional=("nights_late", "bars", "first", "last", "lag_minutes", "restated"),
    ),
    "streams": MapOf(NUMBERED),
    "recomputed": Fields(
        {"days": _TEXTS, "first": TEXT, "last": TEXT, "count": COUNT, "scores": COUNT},
        optional=("days", "first", "last", "count"),
    ),
    "vouched": Fields({"entries": _TEXTS, "author": TEXT, "reason": TEXT}),
    "proposal": Fields(
        {"version": VERSION, "kind": TEXT, "sentence": TEXT, **_REGISTERED}, optional=("sentence", *_REGISTERED)
    ),
    "approval": Fields(_APPROVAL, optional=_APPROVAL),
    "accept_unskilled": Nullable(FLAG),
    "allowed": _TEXTS,
    "suspicious": ListOf(Fields({"name": TEXT})),
    "release": Fields({"wires": _TEXTS, "author": TEXT, "reason": TEXT}),
}
_RESET_VALUE = Nullable(
    Plain("a moment, a day, the state of the evidence or an entry seen", lambda value: type(value) in (str, dict))
)
_RESETS = MapOf(Fields({"from": _RESET_VALUE, "to": _RESET_VALUE}))
_PROMOTED = Fields({**_DECIDED, "version": VERSION}, optional=_DECIDED)

BODIES: Mapping[str, ValueCheck] = {
    "registered": Fields({"version": VERSION_RECORD}),
    "scored": Fields({"night": TEXT, "bars": COUNT, "manifest": MANIFEST}),
    "retired": Fields({"versions": ListOf(VERSION), **_REASON}),
    "tagged": Fields({"tag": TEXT, "version": Nullable(VERSION)}),
    "promoted": _PROMOTED,
    "returned": _PROMOTED,
    "held": Fields(_DECIDED, optional=_DECIDED),
    "rolled_back": Fields(
        {"from": VERSION, "version": VERSION, "skipped": ListOf(VERSION), **_REASON}, optional=["skipped"]
    ),
    "frozen": Fields({"until": Nullable(TIME), **_REASON}),
    "unfrozen": Fields(_REASON),
    "suspended": Fields(_REASON),
    "resumed": Fields(_REASON),
    "policy": Fields({"policy": OBJECT, **_REASON}),
    "repacked": Fields(
        {"replaced": MapOf(Fields({"sha256": SHA256, "artifact": ARTIFACT, "size": COUNT})), "before": COUNT, **_REASON}
    ),
    "repaired": Fields({"reset": _RESETS, **_REASON}),
}
"""By kind of entry, in whichever log it stands."""

_WATERMARK = Fields({"entry": NUMBERED, "through": Nullable(MOMENT), "count": NUMBERED}, optional=("through", "count"))

_STATES: Mapping[str, dict[str, ValueCheck]] = {
    "versions": {
        "keys": REMEMBERED,
        "as_of": TIME,
        "repaired": NUMBERED,
        "latest": Nullable(_ENTRY_LATER),
        "newest": MapOf(NUMBERED),
        "tags": MapOf(VERSION),
        "retired": RUNS,
        "watermark": Nullable(_WATERMARK),
    },
    "decisions": {
        "keys": REMEMBERED,
        "as_of": TIME,
        "repaired": NUMBERED,
        "champion": Nullable(CHAMPION_RECORD),
        "former": ListOf(FORMER_CHAMPION),
        "rolled_back": ListOf(VERSION),
        "night": Nullable(TEXT),
        "watermark": _WATERMARK,
        "streams": MapOf(NUMBERED),
        "vouched": ListOf(NUMBERED),
        "probability": PROBABILITY_MAPS,
        "repacked": NUMBERED,
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
    "registry": REGISTRY_ID,
    "seen": Fields({"n": NUMBERED, "sha256": SHA256}),
}
_ENTRY = Fields(_ENTRY_FIELDS, optional=("as_of", "key", "signature", "registry", "seen"))


def unknown(kind: str, log: str, body: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[Any]:
    """What of an entry's body and state this version knows nothing of: the body of an unknown kind, unknown fields."""
    known = BODIES.get(kind)
    if known is None:
        yield body
    else:
        yield from unknown_parts(known, body)
    yield from unknown_parts(STATES[log], state)


def fault(values: Any) -> Fault | None:
    """The first field of an entry, read from JSON, that is not as it should be; None where there is none."""
    wrong = _ENTRY.fault(values)
    if wrong is not None:
        return wrong
    if (values["format"] > 1) != ("registry" in values):
        return Fault("registry", values.get("registry"), "the id of a registry from format 2 on, and none before")
    body = BODIES.get(values["kind"])
    wrong = None if body is None else body.fault(values["body"])
    if wrong is not None:
        return wrong.below("body")
    state = STATES.get(values["log"])
    wrong = None if state is None else state.fault(values["state"])
    return None if wrong is None else wrong.below("state")
