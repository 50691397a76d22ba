"""The real files follow from their own prices by the notebook's definitions, from the first row on.

A file begins with the 20th bar of its year: nothing is carried over from the year before, and 19 bars are not in it.
What they left behind is a handful of numbers (the smoothed gain and loss, …), which are solved for from the first rows;
all 25,000 rows must then follow to the digit. Only an ADX whose mean of DX is weighted by ``adjust=True`` and begins 18
bars before the file does so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.optimize import least_squares

from flows.bars import load_bars

ALPHA = 1 / 14
WRITTEN = 5.1e-11  # half of the last digit in the files
FITTED = 200  # rows that the unknown beginning is solved from


@pytest.fixture(scope="module", params=[2022, 2023, 2024])
def frame(real_bars: Path, request: pytest.FixtureRequest) -> pd.DataFrame:
    return load_bars(real_bars, years=(request.param,)).frame


@pytest.mark.parametrize("span", [20, 50])
def test_each_ema_follows_from_the_one_before(frame: pd.DataFrame, span: int) -> None:
    written = frame[f"ema_{span}"].to_numpy()
    assert np.abs(_smooth(written[0], _close(frame)[1:], 2 / (span + 1)) - written).max() < 2 * WRITTEN


def test_each_atr_follows_from_the_one_before(frame: pd.DataFrame) -> None:
    before = _close(frame)[:-1]
    high, low = (frame[name].to_numpy()[1:] for name in ("high_15m", "low_15m"))
    true_range = np.maximum(high, before) - np.minimum(low, before)
    written = frame["atr_14"].to_numpy()
    assert np.abs(_smooth(written[0], true_range, ALPHA) - written).max() < 2 * WRITTEN


def test_each_rsi_follows_once_gain_and_loss_at_the_first_row_are_solved_for(frame: pd.DataFrame) -> None:
    change = np.diff(_close(frame))

    def rsi(start: npt.NDArray[np.float64], rows: int) -> npt.NDArray[np.float64]:
        gain = _smooth(start[0] * 1e-4, np.clip(change[:rows], 0, None), ALPHA)
        loss = _smooth(start[1] * 1e-4, np.clip(-change[:rows], 0, None), ALPHA)
        return 100 * gain / (gain + loss)

    written = frame["rsi_14"].to_numpy()
    start = _solve(lambda start: rsi(start, FITTED) - written[: FITTED + 1])
    assert np.abs(rsi(start, len(change)) - written).max() < 2 * WRITTEN


@pytest.mark.parametrize(("began", "follows"), [(17, False), (18, True), (19, False)])
def test_each_adx_follows_if_its_mean_began_18_bars_before_the_file(
    frame: pd.DataFrame, began: int, follows: bool
) -> None:
    up = np.clip(np.diff(frame["high_15m"].to_numpy()), 0, None)
    down = np.clip(-np.diff(frame["low_15m"].to_numpy()), 0, None)
    written = frame["adx_14"].to_numpy()
    weight = ALPHA / (1 - (1 - ALPHA) ** (np.arange(1, FITTED + 1) + began + 1))
    said = written[:FITTED] + np.diff(written)[:FITTED] / weight  # the DX that each step of the file implies

    def direction(start: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        above = _smooth(start[0] * 1e-4, up[:FITTED], ALPHA)[1:]
        below = _smooth(start[1] * 1e-4, down[:FITTED], ALPHA)[1:]
        return 100 * np.abs(above - below) / (above + below)

    start = _solve(lambda start: direction(start) - said)
    worst = np.abs(direction(start) - said).max()
    assert worst < 1e-8 if follows else worst > 1e-3


def _close(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    return frame["close_15m"].to_numpy()


def _smooth(start: float, values: npt.NDArray[np.float64], alpha: float) -> npt.NDArray[np.float64]:
    found = np.empty(len(values) + 1)
    found[0] = start
    for at, value in enumerate(values.tolist()):
        found[at + 1] = (1 - alpha) * found[at] + alpha * value
    return found


def _solve(residual: object) -> npt.NDArray[np.float64]:
    tries = [(one, two) for one in (0.5, 1.2) for two in (0.5, 1.2)]
    exact = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
    return min((least_squares(residual, each, **exact) for each in tries), key=lambda found: found.cost).x
