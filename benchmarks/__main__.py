"""``python -m benchmarks [NAME ...]``: measure parts (by default all but the longest), write ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import ALONE, PARTS, TURNS
from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.report import load, measured, notes, page, save, table
from benchmarks.timing import TIMES
from flows.bars import write_sample

BARS = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Measure, show, keep, write. On SIGTERM it ends what it has started: servers, peers, scratch folders."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"any of {', '.join(PARTS)}; all but {', '.join(ALONE)} by default")
    parser.add_argument("--data", type=Path, default=BARS, help="folder of yearly files; simulated bars if missing")
    parser.add_argument("--times", type=int, help="turns behind a median; by default what suits the part")
    parser.add_argument("--dry-run", action="store_true", help="show the figures, write no file")
    options = parser.parse_args()
    if unknown := sorted(set(options.part) - set(PARTS)):
        parser.error(f"there is no part {', '.join(unknown)}: choose among {', '.join(PARTS)}")
    console = Console(highlight=False)
    started = time.perf_counter()
    for part in options.part or [part for part in PARTS if part not in ALONE]:
        begun = time.perf_counter()
        title, figures, real = measure(part, options.data, options.times or TURNS.get(part, TIMES), console)
        seconds = round(time.perf_counter() - begun)
        console.print(table(f"{title} ({part}, {seconds} s)", figures))
        if not options.dry_run:
            found = measured(part, title, figures, real=real, today=datetime.now(UTC).date())
            save(replace(found, seconds=seconds))
    if not options.dry_run:
        PAGE.write_text(page(load(PARTS), notes()))
    console.print(f"{time.perf_counter() - started:.0f} s", style="dim")


def measure(part: str, data: Path, times: int, console: Console) -> tuple[str, list[Figure], bool]:
    """A part's title and figures, and whether they were taken on real bars."""
    module = importlib.import_module(PARTS[part])
    real = data.exists()
    with tempfile.TemporaryDirectory(prefix="bench-") as place, console.status(f"{part}: begins") as status:

        def say(text: str) -> None:
            status.update(f"{part}: {text}")

        scratch = Path(place)
        bars = data.resolve() if real else write_sample(scratch / "bars")
        figures = []
        for figure in module.measure(Bench(bars, real, scratch, times, say)):
            console.print(f"  {figure.what}", style="dim")
            figures.append(figure)
    return module.TITLE, figures, real


if __name__ == "__main__":
    main()
