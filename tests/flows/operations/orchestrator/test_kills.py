"""A night killed at random moments and run again: one set of versions, one decision, a log that verifies.

Two kills in every run of the tests; 25 with ``TEST_SLOW=1`` (`make test-slow`).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry import Registry

KILLS = 25 if os.environ.get("TEST_SLOW") else 2
SEED = 20240605
RECIPES = ("rf_shallow", "logistic", "extra_trees")

pytestmark = pytest.mark.timeout(3600 if os.environ.get("TEST_SLOW") else 300)


def command(program: str, *words: str) -> list[str]:
    return [str(Path(sys.executable).with_name(program)), *words]


def night(bars: Path, registry: Path) -> list[str]:
    recipes = [word for recipe in RECIPES for word in ("--recipe", recipe)]
    where = ("--data", str(bars), "--registry", str(registry), "--model", "m", "--as-of", "2024-06-05T21:00Z")
    return command("retrain", "run", "--no-prefect", "--no-backfill", *where, *recipes)


class Usual:
    """How long the night takes here and now, so that the kills fall into all of it; a busy machine changes it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


@pytest.fixture(scope="module")
def usual(june: Path, tmp_path_factory: pytest.TempPathFactory) -> Usual:
    began = time.monotonic()
    subprocess.run(night(june, tmp_path_factory.mktemp("whole")), check=True, capture_output=True)
    return Usual(time.monotonic() - began)


def killed_night(june: Path, folder: Path, usual: Usual, chance: random.Random) -> Path:
    """A registry that a night was at work on when it was killed; one that ended before was too quick, and is left."""
    for attempt in range(5):
        registry, began = folder / str(attempt), time.monotonic()
        with subprocess.Popen(night(june, registry), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
            try:
                killed.wait(usual.seconds * chance.uniform(0.5, 1.0))  # before that it only imports
            except subprocess.TimeoutExpired:
                killed.kill()
        if killed.returncode == -signal.SIGKILL:
            return registry
        usual.seconds = time.monotonic() - began
    raise AssertionError("five nights in a row ended before they could be killed")


@pytest.mark.parametrize("number", range(KILLS))
def test_a_night_killed_anywhere_is_completed_by_a_plain_run(
    number: int, june: Path, tmp_path: Path, usual: Usual
) -> None:
    registry = killed_night(june, tmp_path, usual, random.Random(SEED + number))
    again = subprocess.run(night(june, registry), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    model = Registry(registry).model("m")
    assert sorted(version.record.recipe or "" for version in model.history()) == sorted(RECIPES)
    assert [entry.state["night"] for entry in model.acts()] == ["2024-06-05"]
    verified = subprocess.run(
        command("registry", "verify", "m", "--registry", str(registry)), capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
