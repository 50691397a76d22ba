"""How often features that do not drift pass the bound of the stability index: `python -m benchmarks.drift` prints it.

Each path is a training window of 250 days and 20 days after it, of the same process: five features, each a first-order
autoregression. A look passes where one of the five does.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter
from scipy.stats import chi2

from flows.monitoring.drift import SHIFTED, no_drift_bound, population_stability, profile

DAYS, WINDOW, FEATURES = 250, 20, 5
MEMORIES = (0.0, 0.9, 0.98, 0.995, 0.999, 1.0)


@dataclass(frozen=True)
class FalseAlarms:
    """The share of looks without drift that pass: our bound, that of independent bars, the rule of thumb of 0.25, and
    what raises an alarm, which is to pass both our bound and the rule of thumb."""

    ours: float
    independent: float
    thumb: float
    alarms: float


def false_alarms(memory: float, *, paths: int, bars: int = 92, seed: int = 7) -> FalseAlarms:
    """``memory``: the autocorrelation from one bar to the next; 1.0 is a price level. ``bars``: a day."""
    rng, passed = np.random.default_rng(seed), np.zeros(4)
    day = np.repeat(np.arange(DAYS), bars)
    trained, recent, before = DAYS * bars, WINDOW * bars, 2000 if memory < 1.0 else 0
    independent = (1 / trained + 1 / recent) * chi2.ppf(1.0 - 0.05 / FEATURES, 9)
    for _ in range(paths):
        noise = rng.normal(size=(before + trained + recent, FEATURES))
        x = lfilter([1.0], [1.0, -memory], noise, axis=0)[before:]
        index = population_stability(profile(x[:trained]), x[trained:]).index
        ours, thumb = index > no_drift_bound(x[:trained], day, window=WINDOW), index > SHIFTED
        passed += [ours.any(), (index > independent).any(), thumb.any(), (ours & thumb).any()]
    return FalseAlarms(*(passed / paths).tolist())


def main(paths: int) -> None:
    print(
        f"{paths} looks without drift each, in which one of {FEATURES} features or more passed, % (± 2 standard errors)"
    )
    print(f"{'memory':>8}{'bound':>14}{'independent':>14}{'above 0.25':>14}{'alarm':>14}")
    for memory in MEMORIES:
        found = false_alarms(memory, paths=paths)
        rates = (found.ours, found.independent, found.thumb, found.alarms)
        cells = "".join(f"{f'{100 * p:.1f} ± {200 * (p * (1 - p) / paths) ** 0.5:.1f}':>14}" for p in rates)
        print(f"{memory:>8}{cells}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
