"""The features of the files can be had from prices alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from flows.bars import FEATURES, indicators, load_bars

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
