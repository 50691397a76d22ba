"""Feature importance: the feature that a champion rests on stands first, on bars that it was not trained on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from flows.bars import Dataset, load_bars, prepare
from flows.report import importance as module
from flows.report.importance import AS_IS, importance, ledger_of, losses, mean_and_error, shuffled
from registry.clock import read_time, write_time
from tests.flows.report.lived import NIGHTS, Lived, as_of


@pytest.fixture(scope="module")
def bars(lived: Lived) -> Dataset:
    return prepare(load_bars(lived.data, as_of=as_of(NIGHTS[-1])))


def test_shuffling_what_the_score_is_made_of_costs_all_of_its_edge_and_another_column_nothing(bars: Dataset) -> None:
    rng = np.random.default_rng(4)
    signal = np.where(np.isnan(bars.label), 0.5, bars.label) + rng.normal(0.0, 1.0, bars.label.size)
    inputs = np.column_stack([signal, rng.normal(size=signal.size)])
    scores = {AS_IS: inputs[:, 0]} | {f"column {n}": shuffled(inputs, n, (1, n))[:, 0] for n in (0, 1)}
    ledger = ledger_of(bars, scores)
    lost = losses(ledger, "edge")
    at = ledger.counted & ~np.isnan(lost["column 0"])
    mean, error = mean_and_error(lost["column 0"][at], ledger.day[at])
    assert error is not None and mean > 5.0 * error
    assert np.nansum(np.abs(lost["column 1"])) == 0.0


def test_it_stands_on_bars_after_the_champions_training(
    lived: Lived, bars: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = lived.model.champion()
    assert champion is not None and champion.known_at is not None
    assert importance(lived.model, champion, bars, "edge") is None, "too few days since it was trained"
    monkeypatch.setattr(module, "FEW_DAYS", 5)
    found = importance(lived.model, champion, bars, "edge")
    assert found is not None and found == importance(lived.model, champion, bars, "edge")
    assert {row.name for row in found.rows} == {"rsi_14", "adx_14"}
    assert [row.lost for row in found.rows] == sorted((row.lost for row in found.rows), reverse=True)
    first = bars.trading_day[np.flatnonzero(pd.DatetimeIndex(bars.bars.frame.index) >= champion.known_at)[0]]
    assert found.first >= str(first)
    later = replace(champion, known_at=write_time(read_time(champion.known_at) + timedelta(days=2)))
    fewer = importance(lived.model, later, bars, "edge")
    assert fewer is not None and fewer.bars < found.bars


def test_a_champion_that_cannot_be_read_has_none(lived: Lived, bars: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_DAYS", 5)
    champion = lived.model.champion()
    assert champion is not None
    assert importance(lived.model, replace(champion, artifact=f"{champion.artifact}0"), bars, "edge") is None
