"""A decision of the gate from its ledger's bytes, beside Hansen's test of superior predictive ability in `arch`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.timing import in_turns, run_process
from flows.arrays import Floats
from flows.gate.nightly.calibration import YearOfNights, calibrate
from flows.gate.nightly.judge import Candidate, Champion, judge_nightly
from flows.gate.nightly.policy import GatePolicy
from flows.gate.scoring.ledger import (
    NightScores,
    StreamScores,
    assemble,
    from_bytes,
    minutes,
    recipe_stream,
    to_bytes,
    version_stream,
)

TITLE = "A decision of the gate"

RECIPES, DAYS, BARS, BEFORE = 8, 250, 91, 20
"""Challengers, live days, counted bars a day, and days of backfill before them, from which ranks start."""

ARCH = "arch==8.0.0"

SPA = """
import sys, time
import numpy as np
from arch.bootstrap import SPA
losses = np.load(sys.argv[1])
begun = time.perf_counter()
SPA(losses[:, 0], losses[:, 1:], seed=1).compute()
print(time.perf_counter() - begun)
"""


def measure(bench: Bench) -> Iterator[Figure]:
    """Eight challengers over 250 days; their threshold is of the shipped table, what another takes stands apart."""
    p, label, opens = _streams()
    data = to_bytes(_night_scores(p, label, opens))
    policy = GatePolicy()
    bench.say("calibrating thresholds")
    calibration = in_turns(lambda: _cold(policy), times=1, warm=0)
    python = bench.peers("arch", ARCH)
    losses = bench.scratch / "losses.npy"
    live = slice(BEFORE * BARS, None)
    np.save(losses, (p[live] - label[live, None]) ** 2)
    bench.say("decisions, beside SPA of arch")
    seconds = in_turns(lambda: _decide(data, policy), lambda: _spa(python, losses), times=bench.times, warm=0)
    yield Figure.ratio_of(
        f"a decision among {RECIPES} challengers over {DAYS} days, ledger read from its bytes",
        f"SPA of {ARCH}, its defaults, on the same {DAYS * BARS:,} losses",
        seconds[:, 0],
        seconds[:, 1],
        bound=0.05,
    )
    what = (
        f"calibrating the threshold of {RECIPES} challengers for a budget that is not the shipped one, once a process"
    )
    yield Figure.value_of(what, calibration[:, 0], unit="s", bound=None)


def _decide(data: bytes, policy: GatePolicy) -> None:
    ledger = assemble(from_bytes(data))
    champion = Champion("v1", "champion", version_stream("v1"), recipe_stream("0"), "2023-01-01")
    candidates = [Candidate(str(at), str(at), recipe_stream(str(at)), f"v{at + 2}") for at in range(RECIPES)]
    judge_nightly(ledger, champion=champion, candidates=candidates, tried=RECIPES, policy=policy)


def _cold(policy: GatePolicy) -> None:
    calibrate(RECIPES, YearOfNights(windows=policy.windows, budget=policy.budget * 0.9))


def _spa(python: Path, losses: Path) -> float:
    return float(run_process([str(python), "-c", SPA, str(losses)]).output)


def _streams() -> tuple[Floats, Floats, pd.DatetimeIndex]:
    """The score of the champion and the challengers, shape (n_bars, 1 + recipes), labels, and opens on trading days."""
    rng = np.random.default_rng(1)
    days = pd.bdate_range("2023-01-02", periods=BEFORE + DAYS, tz="UTC")
    opens = pd.DatetimeIndex([day + pd.Timedelta(minutes=15 * bar) for day in days for bar in range(-4, BARS - 4)])
    label = (rng.random(opens.size) < 0.5).astype(np.float64)
    own = rng.standard_normal((opens.size, 1 + RECIPES))
    p = 0.5 + 0.01 * (own + rng.standard_normal((opens.size, 1)) + 0.05 * (2.0 * label[:, None] - 1.0))
    return p, label, opens


def _night_scores(p: Floats, label: Floats, opens: pd.DatetimeIndex) -> list[NightScores]:
    """Scores of the backfill, then of each night after it."""
    steps = [slice(0, BEFORE * BARS), *(slice(at, at + BARS) for at in range(BEFORE * BARS, opens.size, BARS))]
    nights = []
    for step, at in enumerate(steps):
        night = str(opens[at][-1].date())
        streams = [
            StreamScores(recipe_stream(str(each)), str(each), f"v{each + 2}", 0.5, p[at, each + 1])
            for each in range(RECIPES)
        ]
        if step:
            streams.append(StreamScores(version_stream("v1"), "champion", "v1", 0.5, p[at, 0]))
        nights.append(NightScores(night, step > 0, minutes(opens[at]), label[at], {night: "0" * 64}, tuple(streams)))
    return nights
