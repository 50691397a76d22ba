"""The time that ``make run`` takes in a clean clone, installation included. Measured once, as it takes minutes.

The clone is of what is committed. Packages come from pip's cache where it has them.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.timing import run_process

TITLE = "From a clean clone to the decision on the sample"


def measure(bench: Bench) -> Iterator[Figure]:
    place = bench.scratch / "clone"
    begun = time.perf_counter()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
    bench.say("installing into a clean clone")
    installed = run_process(["make", ".venv/.run"], cwd=place)
    bench.say("make run: the first night on the sample, its walk-forward included")
    first = run_process(["make", "run"], cwd=place, env={"PREFECT_API_URL": ""})
    whole = time.perf_counter() - begun
    bench.say("make run again: the night is decided")
    again = run_process(["make", "run"], cwd=place, env={"PREFECT_API_URL": ""})
    yield Figure.value_of("`make run` in a clean clone, installation included", whole, unit="s", bound=240.0)
    yield Figure.value_of("of it the installation", installed.seconds, unit="s", bound=None)
    yield Figure.value_of("of it the night: walk-forward, six recipes, report", first.seconds, unit="s", bound=None)
    yield Figure.value_of("`make run` once more, decided before", again.seconds, unit="s", bound=None)
