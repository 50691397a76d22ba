"""Features: texts parsed, stored signatures read, and what comes of both computed over a few hundred bars."""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.archive.input_schema import InputSchema
from registry.features.parsing import parse
from tests.fuzz.mutating import of_bytes, of_json
from tests.fuzz.target import Target

TEXTS = (
    "lag(rsi_14, 1)",
    "zscore(return(close_15m), 48) / 2",
    'at("1h", (close_15m - ema(close_15m, 3)) / atr_14)',
    "clip(log(atr_14), -7.5, 1e3) * (hour >= 8) - weekday",
    "-min(EURUSD.close_15m, 7) + minutes_to_close",
)
PIECES = (
    *("(", ")", ",", "-", "*", "/", "<", "==", '"1h"', '"', " ", "\n", "\x00", "é", "٣", ".", "1e9", "-1", "5000"),
    *(
        "9" * 400,
        "(" * 200,
        "-" * 200,
        "a" * 300,
        "hour",
        "lag(",
        "return",
        'at("1d", ',
        "EURUSD.",
        "1e308",
        "0",
        "max(",
    ),
)
BARS = 700


@cache
def seeds() -> list[bytes]:
    """The texts, and the signatures that a version of them stores."""
    signatures = [InputSchema((text,)).to_dict() for text in TEXTS] + [InputSchema(TEXTS).to_dict()]
    return [*(text.encode() for text in TEXTS), *(json.dumps(each).encode() for each in signatures)]


def mutate(random: Random, data: bytes) -> bytes:
    if random.random() < 0.1:
        return of_bytes(random, data)
    if data.startswith(b"{"):
        try:
            return json.dumps(of_json(random, json.loads(data))).encode(errors="replace")
        except (ValueError, RecursionError, TypeError):
            return of_bytes(random, data)
    text = data.decode(errors="replace")
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(PIECES) + text[at + random.choice((0, 0, 1, 5)) :]
    return text.encode(errors="replace")


def run(data: bytes) -> None:
    schema = _schema(data)
    assert InputSchema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    for text in schema.features:
        assert str(parse(text)) == text
    inputs = schema.matrix({name: _bars(name) for name in (*schema.columns, "timestamp")})
    assert inputs.shape == (BARS - schema.bars + 1, len(schema.features))
    assert np.isfinite(inputs).all()


def _schema(data: bytes) -> InputSchema:
    text = data.decode(errors="replace")
    try:
        stored: Any = json.loads(text)
    except (ValueError, RecursionError):
        stored = None
    return InputSchema.from_dict(stored) if isinstance(stored, dict) else InputSchema((text,))


@cache
def _bars(name: str) -> npt.NDArray[Any]:
    if name == "timestamp":
        return np.datetime64("2024-03-04T22:00", "m") + 15 * np.arange(BARS)
    return np.random.default_rng(len(name)).uniform(0.5, 2.0, BARS)


def target() -> Target:
    return Target("features", seeds, mutate, run)
