"""Which objects the entries of a model refer to, and which versions must stay whatever else goes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.format import keys
from registry.format.entries import Entry
from registry.model import transitions
from registry.model.scorer import named_by

_OBJECT = re.compile(r"(artifacts|evidence)/([0-9a-f]{64})-[A-Za-z0-9_-]+")


def named_objects(entry: Entry) -> Iterator[str]:
    """The keys of the artifact and of the evidence files that an entry names."""
    if entry.kind == "registered" and entry.body["version"].get("artifact") is not None:
        yield str(entry.body["version"]["artifact"])
    yield from named_by(entry)


def object_digest(model: str, key: str) -> str | None:
    """The SHA-256 in the key of an artifact or evidence file of a model; None for any other key."""
    start = keys.model_prefix(model)
    match = _OBJECT.fullmatch(key[len(start) :]) if key.startswith(start) else None
    return None if match is None else match[2]


def protected_versions(decision: Entry | None) -> set[str]:
    """The champion and the last ten champions after a decision: their artifacts are never removed."""
    champion = transitions.champion_of(decision)
    former = {each.version for each in transitions.former_champions(decision)}
    return former if champion is None else {*former, champion.version}
