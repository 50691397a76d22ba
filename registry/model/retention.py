"""Which objects of a model must stay, and which may go: what entries name, and which versions are retired.

Retired versions stand in the state of the versions log as runs of numbers, ``"1-40,42-90"``. A retired version may not
be promoted any more, and ``gc`` may remove its artifact a grace period after the entry that retired it. The two
together keep a champion's artifact safe without a lock: a promotion looks here less than half a grace period before it
commits (and skips the look for a version so young that ``gc`` would not touch it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from registry.errors import InvalidRequest
from registry.format import keys, schema
from registry.format.entries import Entry
from registry.model.evidence import named_by
from registry.model.replacements import in_entry

_MOST_BYTES = 1500
_OBJECT = re.compile(r"(artifacts|evidence)/([0-9a-f]{64})-[A-Za-z0-9_-]+")

Runs = list[tuple[int, int]]


def named_objects(entry: Entry) -> Iterator[str]:
    """The keys of the artifacts and of the evidence files that an entry names."""
    if entry.kind == "registered" and entry.body["version"].get("artifact") is not None:
        yield str(entry.body["version"]["artifact"])
    yield from (replacement.key for replacement in in_entry(entry))
    yield from named_by(entry)


def mentioned_objects(entry: Entry) -> set[str]:
    """The keys of all artifacts and evidence files whose names stand anywhere in an entry, whatever says them.

    What an entry of a later version of this package needs, in a kind or a field that is not known here, is among them.
    """
    state = {name: value for name, value in entry.state.items() if name != "keys"}
    return _objects_in(entry.model, [entry.body, state, entry.extra])


def unknown_objects(entry: Entry) -> set[str]:
    """Of :func:`mentioned_objects`, those that stand in what this version of the package knows nothing of."""
    return _objects_in(entry.model, [*schema.unknown(entry.kind, entry.log, entry.body, entry.state), entry.extra])


def _objects_in(model: str, parts: Iterable[Any]) -> set[str]:
    start = keys.model_prefix(model)
    return {start + match[0] for part in parts for text in _texts(part) for match in _OBJECT.finditer(text)}


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, and every name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def object_digest(model: str, key: str) -> str | None:
    """The SHA-256 in the key of an artifact or evidence file of a model; None for any other key."""
    start = keys.model_prefix(model)
    match = _OBJECT.fullmatch(key[len(start) :]) if key.startswith(start) else None
    return None if match is None else match[2]


def is_retired(state: Mapping[str, Any], number: int) -> bool:
    """Whether version ``number`` is retired, by a state of the versions log."""
    return any(first <= number <= last for first, last in _runs(state))


def retire(state: Mapping[str, Any], numbers: Iterable[int]) -> str:
    """What the state holds when ``numbers`` are retired too; :class:`InvalidRequest` where that is too long for it."""
    runs = _joined([*_runs(state), *((number, number) for number in numbers)])
    text = ",".join(f"{first}-{last}" for first, last in runs)
    if len(text) > _MOST_BYTES:
        raise InvalidRequest(
            f"these versions would make {len(runs)} separate runs of retired ones, too many to remember: retire "
            "neighbours of those that are retired already"
        )
    return text


def _runs(state: Mapping[str, Any]) -> Runs:
    runs = (run.split("-") for run in state.get("retired", "").split(",") if run)
    return [(int(first), int(last)) for first, last in runs]


def _joined(runs: Sequence[tuple[int, int]]) -> Runs:
    joined: Runs = []
    for first, last in sorted(runs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
