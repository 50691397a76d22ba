"""A night killed at random moments and run again: one set of versions, one decision, a log that verifies.

Two kills in every run of the tests; 25 with ``RETRAIN_SLOW=1`` (`make test-slow`).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry import Registry

KILLS = 25 if os.environ.get("RETRAIN_SLOW") else 2
SEED = 20240605
RECIPES = ("rf_shallow", "logistic", "extra_trees")

pytestmark = pytest.mark.timeout(3600 if os.environ.get("RETRAIN_SLOW") else 300)


def command(program: str, *words: str) -> list[str]:
    return [str(Path(sys.executable).with_name(program)), *words]


def night(sample: Path, registry: Path) -> list[str]:
    recipes = [word for recipe in RECIPES for word in ("--recipe", recipe)]
    where = ("--data", str(sample), "--registry", str(registry), "--model", "m", "--as-of", "2024-06-05T21:00Z")
    return command("retrain", "run", "--no-prefect", "--no-backfill", *where, *recipes)


@pytest.fixture(scope="module")
def usual_seconds(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the night takes here and now, so that the kills fall into all of it."""
    began = time.monotonic()
    subprocess.run(night(sample, tmp_path_factory.mktemp("whole")), check=True, capture_output=True)
    return time.monotonic() - began


@pytest.mark.parametrize("number", range(KILLS))
def test_a_night_killed_anywhere_is_completed_by_a_plain_run(
    number: int, sample: Path, tmp_path: Path, usual_seconds: float
) -> None:
    moment = usual_seconds * random.Random(SEED + number).uniform(0.3, 1.0)  # before that it only imports
    with subprocess.Popen(night(sample, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        try:
            killed.wait(moment)
        except subprocess.TimeoutExpired:
            killed.kill()
    again = subprocess.run(night(sample, tmp_path), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    book = Registry(tmp_path).model("m")
    assert sorted(version.record.recipe or "" for version in book.history()) == sorted(RECIPES)
    assert [entry.state["night"] for entry in book.decisions.walk()] == ["2024-06-05"]
    verified = subprocess.run(
        command("registry", "verify", "m", "--registry", str(tmp_path)), capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
