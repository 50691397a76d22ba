"""A replay of five hundred nights of three recipes from nothing, by the command. Measured once, as it takes minutes."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.replaying import FAST, NIGHTS
from benchmarks.timing import run_process

TITLE = "Replay from nothing: every fit of 500 nights, then four rules through time"


def measure(bench: Bench) -> Iterator[Figure]:
    if not bench.real:
        raise SystemExit("the replay is of 2023 and 2024: give the folder of the real files with --data")
    first, last = NIGHTS.first.isoformat(), NIGHTS.last.isoformat()
    words = ["replay", "--from", first, "--to", last, "--workers", "2"]
    recipes = [word for name in FAST for word in ("--recipe", name)]
    where = ["--data", str(bench.data), "--tape", str(bench.folder("fits"))]
    bench.say("501 nights of three recipes, by two processes")
    ran = run_process([sys.executable, "-m", "flows.cli", *words, *recipes, *where], cwd=ROOT)
    what = f"501 nights of {', '.join(FAST)}: fits, gate and table, from start to exit"
    command = " ".join(["retrain", *words, *recipes])
    yield Figure.value_of(what, ran.seconds, unit="s", bound=360.0, command=command)
