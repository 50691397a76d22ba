"""How long a fresh process waits for its imports."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.bench import ROOT, Bench
from benchmarks.figure import Figure
from benchmarks.timing import Work, in_turns, run_process

TITLE = "Imports in a fresh process"

OURS = "import flows.night.run"
NOTEBOOK = "import pandas; from sklearn.ensemble import RandomForestClassifier; from sklearn.metrics import f1_score"


def measure(bench: Bench) -> Iterator[Figure]:
    """The night's code beside what the notebook imports, the registry beside its S3 client."""
    bench.say("import flows.night.run, beside pandas and scikit-learn")
    seconds = in_turns(_fresh(OURS), _fresh(NOTEBOOK), times=max(bench.times, 11))
    yield Figure.ratio_of(
        "`import flows.night.run`: a night without Prefect",
        "pandas, sklearn.ensemble, sklearn.metrics",
        seconds[:, 0],
        seconds[:, 1],
        bound=1.0,
    )
    bench.say("import registry, beside boto3")
    seconds = in_turns(_fresh("import registry"), _fresh("import boto3"), times=max(bench.times, 11))
    yield Figure.ratio_of("`import registry`", "import boto3", seconds[:, 0], seconds[:, 1], bound=None)


def _fresh(code: str) -> Work:
    """The seconds of these imports, without the interpreter's own start."""
    program = f"import time; begun = time.perf_counter(); {code}; print(time.perf_counter() - begun)"
    return lambda: float(run_process([sys.executable, "-c", program], cwd=ROOT).output)
