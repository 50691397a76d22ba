"""The features of the files can be had from prices alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import FEATURES, indicators, load_bars
from registry.errors import PackageMissing

WARM = 700  # rows until what came before the file has faded from every average


def test_features_from_real_prices_are_those_of_the_real_files(real_bars: Path) -> None:
    frame = load_bars(real_bars, years=(2024,)).frame
    found = indicators(frame["high_15m"], frame["low_15m"], frame["close_15m"])
    assert tuple(found.columns) == FEATURES
    assert np.abs(found - frame[list(FEATURES)]).iloc[WARM:].to_numpy().max() < 1e-9


def test_nothing_of_a_later_bar_enters_a_feature(sample: Path) -> None:
    frame = load_bars(sample, years=(2025,)).frame.iloc[:600]
    prices = [frame[name] for name in ("high_15m", "low_15m", "close_15m")]
    whole, part = indicators(*prices), indicators(*(price.iloc[:400] for price in prices))
    pd.testing.assert_frame_equal(whole.iloc[:400], part)


def test_a_price_that_never_moves_has_no_strength_and_no_direction() -> None:
    flat = pd.Series([1.25] * 30)
    found = indicators(flat, flat, flat)
    assert found[["rsi_14", "adx_14"]].isna().all().all()
    assert (found["atr_14"].dropna() == 0).all()


def test_a_price_that_only_rises_is_as_strong_as_can_be() -> None:
    rising = pd.Series(1.25 + np.arange(60) * 1e-4)
    found = indicators(rising + 1e-5, rising - 1e-5, rising)
    assert np.allclose(found["rsi_14"].iloc[1:], 100)
    assert np.allclose(found["adx_14"].dropna(), 100)


def test_the_textbook_begins_with_plain_means() -> None:
    steps = np.random.default_rng(0).normal(0, 1e-4, 60)
    close = pd.Series(1.25 + steps.cumsum())
    high, low = close + 2e-5, close - 3e-5
    found = indicators(high, low, close, "textbook")
    gain, loss = np.clip(np.diff(close)[:14], 0, None).mean(), np.clip(-np.diff(close)[:14], 0, None).mean()
    assert found.notna().to_numpy().argmax(axis=0).tolist() == [14, 19, 49, 14, 27]
    assert np.isclose(found["rsi_14"][14], 100 * gain / (gain + loss), rtol=1e-12)
    assert np.isclose(found["ema_20"][19], close[:20].mean(), rtol=1e-12)
    reach = np.maximum(high, close.shift()) - np.minimum(low, close.shift())
    assert np.isclose(found["atr_14"][14], reach[1:15].mean(), rtol=1e-12)


def test_of_two_moves_in_one_bar_the_textbook_counts_the_larger_alone() -> None:
    size = np.arange(60) * 1e-4
    high, low, close = pd.Series(1.26 + 2 * size), pd.Series(1.24 - size), pd.Series(np.full(60, 1.25))
    assert np.isclose(indicators(high, low, close, "textbook")["adx_14"].iloc[-1], 100)
    assert np.isclose(indicators(high, low, close)["adx_14"].iloc[-1], 100 / 3)


def test_definitions_agree_once_their_beginnings_have_faded_but_for_adx(sample: Path) -> None:
    frame = load_bars(sample, years=(2025,)).frame.iloc[:2000]
    prices = [frame[name] for name in ("high_15m", "low_15m", "close_15m")]
    off = (indicators(*prices) - indicators(*prices, "textbook")).abs().iloc[WARM:].max()
    assert off.drop("adx_14").max() < 1e-9
    assert off["adx_14"] > 1


def test_without_talib_the_textbook_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "talib", None)
    price = pd.Series([1.25, 1.26])
    with pytest.raises(PackageMissing, match=r"champion-gate\[textbook\]"):
        indicators(price, price, price, "textbook")


def test_the_notebooks_adx_is_the_weighted_mean_of_the_directions_there_are() -> None:
    high, low = pd.Series([1.2520, 1.2530, 1.2530]), pd.Series([1.2500, 1.2500, 1.2472])
    up, down = 13 / 14 * 10, 28 / 14  # pips, smoothed, at the third bar; at the second only up has moved
    directions = 100, 100 * (up - down) / (up + down)
    expected = (directions[1] + 13 / 14 * directions[0]) / (1 + 13 / 14)
    assert np.isclose(indicators(high, low, low)["adx_14"].iloc[2], expected, rtol=1e-9)
