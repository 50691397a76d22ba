"""Indexes of a notebook's registry: read as an import does before it writes anything."""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta, timezone
from functools import cache
from pathlib import Path
from random import Random

from registry.exchange.notebook import read_index
from tests.fuzz.mutating import of_bytes, of_json
from tests.fuzz.target import Target
from tests.registry.format_1 import NOTEBOOK

ZONE = timezone(timedelta(hours=-9))


def seeds() -> list[bytes]:
    return [json.dumps(NOTEBOOK).encode()]


def mutate(random: Random, data: bytes) -> bytes:
    try:
        return (
            of_bytes(random, data) if random.random() < 0.1 else json.dumps(of_json(random, json.loads(data))).encode()
        )
    except (ValueError, RecursionError):
        return of_bytes(random, data)


def run(data: bytes) -> None:
    _file().write_bytes(data)
    for versions in read_index(_file(), ZONE).values():
        assert all(version.moment.tzinfo is not None for version in versions)


@cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-")) / "registry.json"


def target() -> Target:
    return Target("notebooks", seeds, mutate, run)
