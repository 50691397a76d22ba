"""Tables that a version is asked to predict: the columns that it takes, read from a CSV file."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

from registry.commands.table import read_columns
from tests.fuzz.mutating import of_bytes
from tests.fuzz.target import Target
from tests.fuzz.targets.bars import CELLS

WANTED = ("rsi_14", "adx_14")


def seeds() -> list[bytes]:
    rows = "".join(f"2024-01-02 10:{minute}:00,5{minute}.5,20.{minute}\n" for minute in (15, 30, 45))
    return [f"timestamp,rsi_14,adx_14\n{rows}".encode(), b'"rsi_14","adx_14"\r\n"1.5","2"\r\n3,4\r\n']


def mutate(random: Random, data: bytes) -> bytes:
    if random.random() < 0.5:
        return of_bytes(random, data)
    lines = data.decode(errors="replace").split("\n")
    at = random.randrange(len(lines))
    cells = lines[at].split(",")
    cells[random.randrange(len(cells))] = random.choice(CELLS)
    lines[at] = ",".join(cells)
    return "\n".join(lines).encode(errors="replace")


def run(data: bytes) -> None:
    _file().write_bytes(data)
    table = read_columns(str(_file()), WANTED)
    assert all(column.dtype == np.float64 and len(column) == len(table.names) for column in table.columns.values())


@cache
def _file() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-")) / "rows.csv"


def target() -> Target:
    return Target("tables", seeds, mutate, run)
