"""Evidence files: read, put together into a ledger, folded."""

from __future__ import annotations

import base64
import json
from functools import cache
from random import Random
from typing import Any

import numpy as np

from flows.gate.scoring.ledger import assemble, fold, from_bytes
from registry.format.entries import canonical
from tests.fuzz.mutating import of_array, of_bytes, of_json
from tests.fuzz.real import REGISTRY
from tests.fuzz.target import Target

_BARS = 6


@cache
def seeds() -> list[bytes]:
    """The evidence of nights of the registry of format 1, of few bars each so that many can be read."""
    found = []
    for path in sorted(REGISTRY.glob("models/nightly/evidence/*")):
        values = json.loads(path.read_bytes())
        if "sheets" in values:
            found.append(canonical({**values, "sheets": [_short(sheet) for sheet in values["sheets"][:3]]}))
    return found


def _short(sheet: Any) -> Any:
    short = {name: _cut(sheet[name], size) for name, size in (("opens", 8), ("label", 1))}
    series = [{**stream, "p": _cut(stream["p"], 8)} for stream in sheet["series"][:3]]
    return {**sheet, **short, "series": series}


def _cut(text: str, size: int) -> str:
    return base64.b64encode(base64.b64decode(text)[: _BARS * size]).decode()


def mutate(random: Random, data: bytes) -> bytes:
    if random.random() < 0.1:
        return of_bytes(random, data)
    try:
        values = json.loads(data)
        if random.random() < 0.3:
            sheet = random.choice(values["sheets"])
            holder, name, dtype = random.choice(
                ((sheet, "opens", "<i8"), (sheet, "label", "<u1"), (random.choice(sheet["series"]), "p", "<f8"))
            )
            array = np.frombuffer(base64.b64decode(holder[name]), dtype).copy()
            holder[name] = base64.b64encode(of_array(random, array).tobytes()).decode()
        else:
            values = of_json(random, values)
        return json.dumps(values).encode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return of_bytes(random, data)


def run(data: bytes) -> None:
    nights = from_bytes(data)
    ledger = assemble(nights)
    for stream in ledger.streams.values():
        assert ((stream.p[stream.scored] >= 0) & (stream.p[stream.scored] <= 1)).all(), "no probability"
    fold([data, seeds()[0]])


def target() -> Target:
    return Target("evidence", seeds, mutate, run)
