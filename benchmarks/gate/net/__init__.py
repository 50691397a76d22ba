"""What it takes to judge by net pips, and how far edge is from money: tables of ``docs/gate.md``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gate.net import facts, power, rates
from benchmarks.gate.net.real import read

__all__ = ["show"]


def show(data: Path) -> None:
    """Print the tables; say so where there are no real bars, whose moves all of them need."""
    if not data.is_dir():
        print(f"\nNo real bars: there is no folder {data.name} beside the repository; name one with --data.")
        return
    real = read(data)
    facts.show(real)
    rates.show(real)
    power.show(real)
