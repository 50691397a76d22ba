"""No wire trips on three real years, read by the right clock or another, nor on the simulated sample."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.bars import load_bars, prepare
from flows.evidence.backfill import walk_forward
from flows.evidence.collect import Evidence
from flows.evidence.versions import VersionCache
from flows.gate.scoring.ledger import Ledger, assemble
from flows.gate.tripwires.columns import LabelledBars, tripped_columns
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.night import steps, suspicion
from flows.night.state import NightContext
from flows.recipes.catalogue import shipped
from flows.settings import Settings
from registry import SystemClock
from registry.archive.input_schema import InputSchema

INPUTS = sorted({feature for recipe in shipped().values() for feature in recipe.features})
PRICES = ("open_15m", "high_15m", "low_15m", "close_15m", "ema_20", "ema_50", "atr_14", "adx_14", "rsi_14")
CLOCKS = ("london-5h", "UTC", "America/New_York+7h")


@cache
def inputs_of(source: Path, clock: str) -> tuple[dict[str, Any], LabelledBars]:
    """Every column and every feature of the shipped recipes, with the labels that count."""
    data = prepare(load_bars(source, clock=clock))
    frame = data.bars.frame
    values = {name: InputSchema((name,)).matrix(frame)[:, 0] for name in dict.fromkeys([*PRICES, *INPUTS])}
    label = np.where(data.counted, data.label, np.nan)
    return values, LabelledBars(label, data.trading_day, frame["close_15m"].to_numpy())


@pytest.mark.parametrize("clock", CLOCKS)
def test_no_column_of_three_real_years_trips(real_bars: Path, clock: str) -> None:
    values, bars = inputs_of(real_bars, clock)
    assert len(values) == 11 and int((~np.isnan(bars.label)).sum()) > 60_000
    assert tripped_columns(values, bars) == []


def test_no_column_of_the_sample_trips(sample: Path) -> None:
    values, bars = inputs_of(sample, "london-5h")
    assert tripped_columns(values, bars) == []


@pytest.mark.parametrize("column", ["close_15m", "high_15m", "low_15m", "rsi_14", "ema_20", "ema_50", INPUTS[0]])
def test_a_real_column_that_came_a_bar_early_trips(real_bars: Path, column: str) -> None:
    values, bars = inputs_of(real_bars, "london-5h")
    early = np.append(values[column][1:], np.nan)
    (wire,) = tripped_columns({"rsi_14": early}, bars)
    assert wire.figure > 0.8


@pytest.mark.parametrize("column", ["open_15m", "atr_14", "adx_14"])
def test_a_column_that_comes_early_and_tells_no_direction_does_not(real_bars: Path, column: str) -> None:
    values, bars = inputs_of(real_bars, "london-5h")
    assert tripped_columns({column: np.append(values[column][1:], np.nan)}, bars) == []


def night_of(source: Path, place: Path, recipes: tuple[str, ...]) -> NightContext:
    settings = Settings(data=str(source), registry=str(place), model="m", cores=1)
    job = plan(RetrainRequest(recipes=recipes, backfill_days=5_000), settings)
    return NightContext(job, job.open_model(), steps.load(job), SystemClock())


def known_at(ledger: Ledger, bars: int) -> Ledger:
    """The ledger of its first bars."""
    streams = {
        key: replace(stream, p=stream.p[:bars], cut=stream.cut[:bars], live=stream.live[:bars])
        for key, stream in ledger.streams.items()
    }
    cut = {"opens": ledger.opens[:bars], "label": ledger.label[:bars], "day": ledger.day[:bars]}
    return replace(ledger, **cut, counted=ledger.counted[:bars], streams=streams)


def test_no_stream_of_three_real_years_trips_in_any_month(
    real_bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = night_of(real_bars, tmp_path / "registry", ("logistic",))
    monkeypatch.setattr(suspicion, "tripped_columns", lambda *_: [])  # that is another test
    ledger = assemble(walk_forward(night.job, night.bars.data, night="2024-12-31"))
    assert len(ledger.streams) == 1 and np.unique(ledger.day).size > 700
    days = np.unique(ledger.day)
    for day in days[60::20]:
        until = known_at(ledger, int(np.searchsorted(ledger.day, day)))
        evidence = Evidence(until, None, night.job.gate, 0, VersionCache(night.model))
        assert suspicion.tripped(night, evidence, []) == ()


@pytest.mark.parametrize("labels", ["next_bar", "notebook"])
def test_one_look_at_a_real_year_trips_nothing(real_bars: Path, tmp_path: Path, labels: str) -> None:
    settings = Settings(data=str(real_bars), registry=str(tmp_path / "registry"), model="m", cores=1)
    years = {"train": (2022,), "holdout": (2024,), "labels": labels}
    job = plan(RetrainRequest(recipes=("logistic",), **years), settings)
    night = NightContext(job, job.open_model(), steps.load(job), SystemClock())
    candidates = steps.train_all(night)
    assert suspicion.tripped(night, None, candidates) == ()
