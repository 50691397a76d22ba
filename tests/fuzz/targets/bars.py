"""Yearly files of bars: loaded, with labels and trading days."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from random import Random

from flows.bars import load_bars, prepare
from tests.flows.bars.bar_files import HEADER, rows
from tests.fuzz.mutating import of_bytes
from tests.fuzz.target import Target

CELLS = (
    *("", " ", "nan", "inf", "-1", "0", "1e308", "1e999", "1.25,1.25", "1,25", '"1.25"', '"', "NULL", "0x1", "1_0"),
    *("2024-01-02 10:00:00", "2024-01-02T10:00:00Z", "2024-13-01 00:00:00", "9999-12-31 23:45:00", "1-1-1 1:1:1"),
    *("2024-03-31 01:30:00", "2023-12-31 23:45:00", "2024-01-02 10:07:00", "1704189600", "٣", "\x00", "\ufeff"),
    *("close_15m", "timestamp", "open_15m", "x" * 5000, "é" * 300, "\r", "\n", "\n\n", ",,,,,,", ";", "\t", "#"),
)


@cache
def seeds() -> list[bytes]:
    """A dozen bars; with quotes and other line ends; of a week's end."""
    first = "\n".join([HEADER, *rows(), ""])
    later = "\n".join([HEADER, *rows("2024-03-29 15:00:00", 6), *rows("2024-03-31 20:00:00", 6), ""])
    return [first.encode(), first.replace("\n", "\r\n").encode(), later.encode()]


def mutate(random: Random, data: bytes) -> bytes:
    if random.random() < 0.2:
        return of_bytes(random, data)
    lines = data.decode(errors="replace").split("\n")
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(lines))
        cells = lines[at].split(",")
        match random.randrange(6):
            case 0:
                lines.insert(at, lines[random.randrange(len(lines))])
            case 1 if len(lines) > 1:
                del lines[at]
            case 2:
                place = random.randrange(len(cells))
                del cells[place]
                lines[at] = ",".join(cells)
            case _:
                cells[random.randrange(len(cells))] = random.choice(CELLS)
                lines[at] = ",".join(cells)
    return "\n".join(lines).encode(errors="replace")


def run(data: bytes) -> None:
    (_folder() / "GBPUSD_M15_2024_features.csv").write_bytes(data)
    bars = load_bars(_folder())
    prepare(bars)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def target() -> Target:
    return Target("bars", seeds, mutate, run)
