"""Entries: parsed, and read as every reader of one entry does."""

from __future__ import annotations

import json
from functools import cache
from random import Random

from registry.analysis.comparison import compare
from registry.commands.output import entry_row
from registry.errors import RegistryError
from registry.format.entries import Entry, canonical, parse, recall
from registry.maintenance.consistency import faults
from registry.model import approval, transitions
from registry.model.evidence import watermark
from registry.model.prediction import Expectation
from registry.model.retention import is_retired, named_objects
from registry.model.version import Version, author_of, dated, version_of
from tests.fuzz.mutating import of_bytes, of_json
from tests.fuzz.real import REGISTRY
from tests.fuzz.target import Target
from tests.registry.maintenance.test_consistency import written


@cache
def seeds() -> list[bytes]:
    """Every entry of the registry of format 1, and of every kind one as it is written now."""
    return [
        *(path.read_bytes() for path in sorted(REGISTRY.glob("models/*/*/9999999/*.json"))),
        *(data for key, data in sorted(written().items()) if "/versions/" in key or "/decisions/" in key),
    ]


def mutate(random: Random, data: bytes) -> bytes:
    if random.random() < 0.1:
        return of_bytes(random, data)
    try:
        changed = of_json(random, json.loads(data))
        return canonical(changed) if random.random() < 0.95 else json.dumps(changed).encode()
    except (ValueError, RegistryError, RecursionError, TypeError):
        return of_bytes(random, data)


def run(data: bytes) -> None:
    proven = len(data) % 2 == 0  # either way for half of the inputs
    read(parse(data, where="here", proven=proven))


def read(entry: Entry) -> None:
    """What readers take from one entry."""
    str(entry)
    json.dumps(entry_row(entry))
    entry.to_bytes()
    [*named_objects(entry)]
    [*recall(entry.state, str(entry.key))]
    if entry.kind == "registered":
        _version(version_of(entry))
    if entry.log == "versions":
        watermark(entry)
        transitions.latest_number(entry)
        transitions.newest_of(entry, "eda454c8bae26610")
        is_retired(entry.state, 3)
    else:
        watermark(entry)
        transitions.scored_count(entry)
        transitions.stream_version(entry, "eda454c8bae26610")
        transitions.protected_versions(entry)
        transitions.rollback_targets(entry)
        if "proposal" in entry.body:
            proposing = approval.check_proposed(entry, entry.model, "v3")
            approval.body_of(proposing, "ann", "why")
    [*faults(_before(), entry, {})]


def _version(version: Version) -> None:
    dated(version)
    author_of(version)
    str(Expectation.of(version.record))
    str(compare(_version_before(), version))
    compare(version, version).to_dict()


@cache
def _before() -> Entry:
    return next(entry for entry in map(_parsed, seeds()) if entry.log == "decisions" and "champion" in entry.state)


@cache
def _version_before() -> Version:
    return version_of(next(entry for entry in map(_parsed, seeds()) if entry.kind == "registered"))


def _parsed(data: bytes) -> Entry:
    return parse(data, where="seed")


def target() -> Target:
    return Target("entries", seeds, mutate, run)
