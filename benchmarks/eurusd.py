"""The page of EURUSD in hours, timed: ``python -m benchmarks.eurusd`` types its commands and prints their seconds.

The exports are simulated, two years of quarters of an hour in HistData's form; the recipe and the commands are those
that stand in ``docs/path-eurusd.md``. What installs is left out.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks.bench import ROOT
from flows.bars import load_bars, write_sample
from flows.instruments import find_instrument

PAGE = ROOT / "docs" / "path-eurusd.md"
RECIPES = "eurusd.toml"
FIRST, LAST = date(2023, 1, 2), date(2024, 12, 31)


def main() -> None:
    """Seconds of each command of the page, and of all of them."""
    with tempfile.TemporaryDirectory(prefix="eurusd-") as place:
        write(Path(place), first=FIRST, last=LAST)
        print(f"load {os.getloadavg()[0]:.1f} of the minute before, {len(os.sched_getaffinity(0))} cores")
        began = time.perf_counter()
        for command, seconds, said in typed(Path(place)):
            print(f"{seconds:5.1f} s  {command}", said, sep="\n")
        print(f"{time.perf_counter() - began:5.1f} s  together")


def recipe() -> str:
    """The file of recipes that stands in the page."""
    return PAGE.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]


def commands() -> list[str]:
    """The lines that a reader types, in their order."""
    return [line.strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("    ")]


def write(place: Path, *, first: date, last: date) -> None:
    """What the page begins with, in ``place``: an export for each year, and the file of recipes."""
    instrument = find_instrument("EURUSD")
    with tempfile.TemporaryDirectory() as sample:
        folder = write_sample(Path(sample) / "bars", first=first, last=last, instrument=instrument)
        bars = load_bars(folder, instrument=instrument)
    rows = bars.frame[[*instrument.columns]].to_numpy().tolist()
    lines: dict[int, list[str]] = {}
    for when, prices in zip(bars.file_time.astype("datetime64[s]").tolist(), rows, strict=True):
        told = [f"{when:%Y%m%d %H%M%S}", *(f"{price:.5f}" for price in prices), "0"]
        lines.setdefault(when.year, []).append(";".join(told))
    for year, of_year in lines.items():
        (place / f"DAT_ASCII_EURUSD_M15_{year}.csv").write_text("\n".join([*of_year, ""]))
    (place / RECIPES).write_text(recipe())


def typed(place: Path) -> Iterator[tuple[str, float, str]]:
    """Each command, its seconds and what it said, typed in ``place`` without anybody's settings.

    :class:`subprocess.CalledProcessError` where one fails.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RETRAIN_", "PREFECT_"))}
    modules = {"retrain": "flows.cli", "registry": "registry.cli"}
    for command in commands():
        words = shlex.split(command)
        settings = dict(word.split("=", 1) for word in words if word.startswith("RETRAIN_"))
        program, *rest = words[len(settings) :]
        if program not in modules:
            continue
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", f"from {modules[program]} import main; main()", *rest],
            cwd=place,
            env={**kept, **settings, "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(place / "prefect")},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        yield command, time.perf_counter() - began, done.stdout


if __name__ == "__main__":
    main()
