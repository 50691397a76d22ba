"""A project folder as the docs assume one: bars, exports, and a registry that has lived for three nights."""

from __future__ import annotations

import itertools
import json
import pickle
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks import eurusd
from flows.bars import MARKER, load_bars, write_sample
from flows.bars.clock import FileClock
from flows.gate.nightly.calibration import Simulation, calibrate
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night.run import run_night
from flows.settings import DEFAULT_MODEL, Settings
from registry import Registry
from tests.clocks import FixedClock

RECIPES = ("logistic", "bayes")
NIGHTS = [datetime(2024, 6, day, 21, tzinfo=UTC) for day in (5, 6, 7)]
RECIPES_FILE = """[bayes]
estimator = "sklearn.naive_bayes.GaussianNB"
features = ["rsi_14", "(close_15m - ema_20) / atr_14"]

[looking_back]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["rsi_14", "lag(rsi_14, 1)", "hour", 'at("1h", (close_15m - ema_20) / atr_14)', "zscore(close_15m, 48)"]
scale = true

[light]
estimator = "lightgbm.LGBMClassifier"
parameters = { n_estimators = 100, num_leaves = 8, learning_rate = 0.03 }
features = ["(close_15m - ema_20) / atr_14", "rsi_14"]
weights = { half_life_days = 90, up = "balanced" }

[voted]
estimator = "sklearn.ensemble.VotingClassifier"
features = ["(close_15m - ema_20) / atr_14", "rsi_14"]
[voted.parameters]
voting = "soft"
estimators = [
    ["light", { estimator = "lightgbm.LGBMClassifier", parameters = { n_estimators = 50 } }],
    ["line", { estimator = "sklearn.linear_model.LogisticRegression" }],
]

[tuned]
estimator = "lightgbm.LGBMClassifier"
parameters = { n_estimators = 50 }
features = ["(close_15m - ema_20) / atr_14", "rsi_14"]
search = { space = { num_leaves = [2, 16], learning_rate = [0.01, 0.2, "log"] }, trials = 5, folds = 2 }
"""

FLEET_FILE = f"""at_once = 2

[models.{DEFAULT_MODEL}]
recipes = ["logistic"]
"""


def quick_thresholds(patch: pytest.MonkeyPatch) -> None:
    """Thresholds from a twentieth of the simulated years: what they are worth is tested elsewhere."""
    patch.setattr("flows.gate.nightly.judge.calibrate", partial(calibrate, simulation=Simulation(paths=1000)))


def make(place: Path) -> Path:
    """The project in ``place``: v1 … v6 of two recipes, a first champion, two nights held, ``v2`` promoted by Ann."""
    data = write_sample(place / "path/to/bars", first=date(2024, 1, 2), last=date(2024, 6, 10))
    (data / MARKER).unlink()  # stands for a market's
    _exports(place, data)
    eurusd.write(place, first=date(2023, 6, 1), last=date(2024, 6, 10))
    (place / "recipes.toml").write_text(RECIPES_FILE)
    (place / "fleet.toml").write_text(FLEET_FILE)
    _notebook(place)
    settings = Settings(
        data=str(data), registry=str(place / ".retrain/registry"), cores=1, recipes_file=str(place / "recipes.toml")
    )
    clock, numbers = FixedClock(), itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        quick_thresholds(patch)
        for as_of in NIGHTS:
            request = RetrainRequest(as_of=as_of, recipes=RECIPES, train_days=60, backfill_days=45)
            run_night(plan(request, settings), clock=clock, new_id=lambda: f"{next(numbers):032x}")
    model = Registry(settings.registry, clock=clock).model(DEFAULT_MODEL)
    model.force("v2", author="ann", reason="tried by hand")
    return place


def _notebook(place: Path) -> None:
    """A notebook's registry of two versions with their pickles."""
    rows = np.random.default_rng(1).normal(size=(200, 5))
    versions = []
    for number, regularisation in enumerate((1.0, 0.1), start=1):
        folder = place / "models" / "rf_direction_classifier" / f"v{number}"
        folder.mkdir(parents=True)
        fitted = LogisticRegression(C=regularisation).fit(rows, rows[:, 0] > 0)
        (folder / "model.pkl").write_bytes(pickle.dumps(fitted))
        versions.append(
            {
                "version": folder.name,
                "timestamp": f"2026-02-1{number}T16:48:58.825398",
                "author": "ann",
                "params": {"C": regularisation},
                "metrics": {"accuracy": 0.51 + number / 1000, "f1_score": 0.34},
                "features": ["rsi_14", "ema_20", "ema_50", "atr_14", "adx_14"],
            }
        )
    index = {"models": {"rf_direction_classifier": versions}}
    (place / "models" / "registry.json").write_text(json.dumps(index))


def _exports(place: Path, data: Path) -> None:
    """The bars again as raw exports: the year and one day to add as HistData's M15, the year as some broker's."""
    bars = load_bars(data)
    times = bars.file_time.astype("datetime64[s]").tolist()
    rows = [[f"{price:.5f}" for price in row] for row in bars.frame.iloc[:, :4].to_numpy().tolist()]
    new = bars.file_time >= np.datetime64("2024-06-07")
    histdata = np.array(
        [";".join([f"{when:%Y%m%d %H%M%S}", *row, "0"]) for when, row in zip(times, rows, strict=True)], object
    )
    (place / "DAT_ASCII_GBPUSD_M15_2024.csv").write_text("\n".join([*histdata[~new], ""]))
    (place / "today.csv").write_text("\n".join([*histdata[new], ""]))
    server = FileClock.parse("America/New_York+7h").from_utc(pd.DatetimeIndex(bars.frame.index))
    told = server.astype("datetime64[s]").tolist()
    broker = ["|".join([f"{when:%d/%m/%Y|%H:%M}", *row]) for when, row in zip(told, rows, strict=True)]
    (place / "broker.csv").write_text("\n".join(["Day|Hour|O|H|L|C", *broker, ""]))
