"""Registries with one changed entry, every later one chained to it anew: read, verified, compared, exported."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import numpy as np

from registry import Registry
from registry.analysis.history import read_history
from registry.errors import RegistryError
from registry.exchange.bundle import bundle
from registry.exchange.export import model_card
from registry.format.entries import canonical, digest
from registry.format.keys import entry_number
from registry.maintenance.gc import collect
from registry.maintenance.verify import verify
from registry.model.roles import Model
from tests.clocks import FixedClock
from tests.fuzz.mutating import of_json
from tests.fuzz.real import REGISTRY
from tests.fuzz.target import TYPED, Target
from tests.registry.format_1 import COLUMNS
from tests.servers.stores import MemoryStore


@cache
def objects() -> dict[str, bytes]:
    """The registry of format 1, by key."""
    files = (path for path in REGISTRY.rglob("*") if path.is_file())
    return {path.relative_to(REGISTRY).as_posix(): path.read_bytes() for path in files}


def seeds() -> list[bytes]:
    """Each entry with its key: an input is one line of JSON."""
    entries = [key for key in objects() if _number(key) is not None]
    return [canonical({"key": key, "entry": json.loads(objects()[key])}) for key in sorted(entries)]


def _number(key: str) -> int | None:
    parts = key.split("/")
    return entry_number(parts[1], parts[2], key) if len(parts) == 5 else None


def mutate(random: Random, data: bytes) -> bytes:
    values = json.loads(data)
    return _written({**values, "entry": of_json(random, values["entry"])}) or data


def _written(values: Any) -> bytes | None:
    try:
        return canonical(values)
    except RegistryError:
        return None


def run(data: bytes) -> None:
    values = json.loads(data)
    store = MemoryStore()
    store.objects = dict(objects())
    plant(store, values["key"], values["entry"])
    model = Registry(store, clock=FixedClock()).model(values["key"].split("/")[1])
    verified = verify(model)
    [str(finding) for finding in verified.findings]
    refused = None
    for read in READERS:
        try:
            read(model)
        except TYPED as error:
            refused = error
    if refused is not None:
        raise refused


def plant(store: MemoryStore, key: str, entry: Any) -> None:
    """``entry`` under ``key``, and every later entry of its log naming the digest of the one before it."""
    store.objects[key] = canonical(entry)
    folder = key.rpartition("/")[0]
    numbered = {_number(other): other for other in store.objects if other.startswith(folder)}
    n = (_number(key) or 0) + 1
    while n in numbered:
        later = {**json.loads(store.objects[numbered[n]]), "previous": digest(store.objects[numbered[n - 1]])}
        store.objects[numbered[n]] = canonical(later)
        n += 1


def _predict(model: Model) -> None:
    champion = model.load()
    champion.predict({name: np.array(values) for name, values in COLUMNS.items()}, pick=True)


READERS: tuple[Callable[[Model], Any], ...] = (
    lambda model: [str(entry) for entry in model.log()],
    _predict,
    lambda model: read_history(model),
    lambda model: [model.evidence(model.manifest()), model.version("latest"), model.version("champion")],
    lambda model: [model.decision_record(entry) for entry in model.decisions.walk()],
    lambda model: model.decided("2024-05-31"),
    lambda model: bundle(model, 2),
    lambda model: model_card(model.name, model.version("latest"), model.decisions.head()),
    lambda model: collect(model, nights_kept=2),
    lambda model: model.champion(model.decisions.read(1).time),
    lambda model: model.rollback(author="ann", reason="why"),
    lambda model: model.tag("best", "v1", author="ann"),
    lambda model: model.retire(["v1"], author="ann", reason="why"),
    lambda model: model.approve("v3", author="ann", reason="why"),
)


def target() -> Target:
    return Target("registries", seeds, mutate, run, seconds=10.0)
