"""Nights of a recipe whose features look back: what is served from the last bars is what the night scored."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import load_bars
from flows.evidence.recomputation import recompute
from flows.gate.scoring.ledger import minutes
from flows.night.steps import gather
from registry import Registry
from registry.errors import InputMismatch
from tests.flows.nights import RECIPES, Nights, at, quick_calibration, short_bars

LOOKING_BACK = """
[back]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["rsi_14", "lag(rsi_14, 1)", "hour", 'at("1h", (close_15m - ema_20) / atr_14)', "zscore(rsi_14, 96)"]
scale = true
"""
NAMES = ("line", "back")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Three decided nights: 3, 4 and 5 June."""
    place = tmp_path_factory.mktemp("back")
    nights = Nights(place, short_bars(place / "bars"))
    nights.recipes.write_text(RECIPES + LOOKING_BACK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
        for day in (3, 4, 5):
            nights(at(day), recipes=NAMES)
    return nights


@pytest.fixture
def nights(lived: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
    shutil.copytree(lived.data, tmp_path / "bars")
    shutil.copytree(lived.registry, tmp_path / "registry")
    copy = Nights(tmp_path, tmp_path / "bars")
    copy.recipes.write_text(RECIPES + LOOKING_BACK)
    copy.numbers = iter(range(1000, 10_000))  # type: ignore[assignment]  # ids that the nights before did not use
    return copy


def test_what_is_served_from_the_last_bars_is_what_the_night_scored(lived: Nights) -> None:
    scores = lived.sheets[-1]
    stream = next(each for each in scores.streams if each.name == "back" and "recipe" in each.stream)
    model = Registry(str(lived.registry)).model("m").load(str(stream.version))
    frame = load_bars(lived.data, as_of=at(5)).frame
    assert model.bars == 96
    assert scores.opens.size > 80
    for open_, told in zip(scores.opens[::7], stream.p[::7], strict=True):
        last = int(np.searchsorted(minutes(pd.DatetimeIndex(frame.index)), open_)) + 1
        said = model.predict(frame.iloc[last - model.bars : last], pick=True)
        assert said.score.shape == (1,)
        assert abs(said.score[0] - told) <= 1e-12
    with pytest.raises(InputMismatch, match="95 bars are too few: the version looks back on 96"):
        model.predict(frame.iloc[-95:], pick=True)


def test_the_version_says_what_it_reads(lived: Nights) -> None:
    record = next(each.record for each in map(lived.model.version, ("v1", "v2")) if each.record.recipe == "back")
    assert record.columns == ["rsi_14", "close_15m", "ema_20", "atr_14"]
    assert record.features[1:3] == ["lag(rsi_14, 1)", "hour"]
    assert len(record.ranges) == 5


def test_its_scores_are_made_again_from_its_archives(lived: Nights) -> None:
    context = lived.context(at(6), recipes=NAMES, dry_run=True)
    evidence = gather(context)
    assert evidence is not None
    again = recompute(evidence, context.bars.data, "2024-06-06", every=True)
    assert again is not None
    assert again.differences == ()
    assert again.scores > 2 * 2 * 80


def test_a_day_corrected_before_it_is_no_false_score(nights: Nights) -> None:
    def corrected(row: list[str], place: dict[str, int]) -> list[str]:
        if row[0].startswith("2024-06-04 10:15"):
            row[place["rsi_14"]] = f"{float(row[place['rsi_14']]) * 0.8:.4f}"
        return row

    nights.rewrite(corrected)
    nights(at(6), recipes=NAMES)
    nights(at(7), recipes=NAMES)
    entry = nights.model.decisions.head()
    assert entry is not None
    assert "suspicious" not in entry.body
    context = nights.context(at(10), recipes=NAMES, dry_run=True)
    evidence = gather(context)
    assert evidence is not None
    again = recompute(evidence, context.bars.data, "2024-06-10", every=True)
    assert again is not None
    assert again.differences == ()
