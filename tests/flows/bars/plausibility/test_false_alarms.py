"""Bars that are right give no finding at all: the real years, their exact twins by other clocks, the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import Bars, load_bars
from flows.bars.clock import FileClock
from flows.bars.indicators import FEATURES, indicators
from flows.bars.plausibility import BarFinding, SeenBars, examine
from flows.bars.writing import header, year_lines
from registry.clock import SystemClock
from tests.flows.bars.plausibility.corpus import PRICES, sound, written

CLOCKS = ("UTC", "America/New_York+7h", "UTC-5", "America/New_York", "london-5h at close", "UTC at close")


def found(bars: Bars) -> tuple[BarFinding, ...]:
    return examine(SeenBars.of(bars, SystemClock().now()))


@pytest.fixture(scope="module")
def real(real_bars: Path) -> Bars:
    return load_bars(real_bars)


def test_the_real_years_give_no_finding(real: Bars) -> None:
    assert found(real) == ()


@pytest.mark.parametrize("year", [2022, 2023, 2024])
def test_each_real_year_alone_gives_no_finding(real_bars: Path, year: int) -> None:
    assert found(load_bars(real_bars, years=(year,))) == ()


@pytest.mark.parametrize("months", [1, 2, 3, 5, 8])
def test_the_first_months_of_a_real_year_give_no_finding(real_bars: Path, months: int) -> None:
    as_of = pd.Timestamp(2024, months + 1, 7, 17, tz="UTC").to_pydatetime()
    assert found(load_bars(real_bars, years=(2023, 2024), as_of=as_of)) == ()


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_real_bars_by_another_clock_give_no_finding_with_that_one(real: Bars, tmp_path: Path, clock: str) -> None:
    twin(real, tmp_path, clock)
    bars = load_bars(tmp_path, clock=clock)
    assert found(bars) == ()
    assert (bars.frame.index == real.frame.index).all()


@pytest.mark.parametrize("clock", CLOCKS)
def test_and_are_refused_with_the_default_one_which_names_the_right_one(real: Bars, tmp_path: Path, clock: str) -> None:
    twin(real, tmp_path, clock)
    (finding,) = found(load_bars(tmp_path))
    assert (finding.check.label, finding.weight) == ("clock", "refuse")
    assert FileClock.parse(clock).unstamped in finding.found.split("would fit ")[1]
    assert ("RETRAIN_STAMPED=close" in finding.found) == clock.endswith("at close")


def test_the_figures_of_the_real_bars(real: Bars, tmp_path: Path) -> None:
    seen = SeenBars.of(real)
    assert int(seen.shut.sum()) == 0
    twin(real, tmp_path, "london-5h at close")
    assert int(SeenBars.of(load_bars(tmp_path)).shut.sum()) == 140
    assert "2022-09-25" in {str(day) for day in real.file_time.astype("datetime64[D]")}


def test_the_sample_gives_no_finding(sample: Path) -> None:
    assert found(load_bars(sample)) == ()


@pytest.mark.parametrize("definitions", ["notebook", "textbook"])
def test_both_definitions_of_the_features_give_no_finding(tmp_path: Path, definitions: str) -> None:
    prices = sound()[PRICES]
    features = indicators(prices["high_15m"], prices["low_15m"], prices["close_15m"], definitions)  # type: ignore[arg-type]  # a name of the parameters above
    for name, content in written(prices.join(features).iloc[60:]).items():
        (tmp_path / name).write_bytes(content)
    assert found(load_bars(tmp_path, require=FEATURES)) == ()


@pytest.mark.parametrize("digits", [5, 6, 8])
def test_features_of_fewer_digits_give_no_finding(tmp_path: Path, digits: int) -> None:
    frame = sound().copy()
    frame[list(FEATURES)] = frame[list(FEATURES)].round(digits)
    for name, content in written(frame).items():
        (tmp_path / name).write_bytes(content)
    assert found(load_bars(tmp_path)) == ()


def test_bars_left_out_after_their_features_were_computed_give_no_finding(tmp_path: Path) -> None:
    kept = np.random.default_rng(5).random(len(sound())) > 0.01
    for name, content in written(sound()[kept]).items():
        (tmp_path / name).write_bytes(content)
    assert found(load_bars(tmp_path)) == ()


def test_all_checks_take_well_under_a_second(real: Bars) -> None:
    seconds = []
    for _ in range(3):
        began = SystemClock().monotonic()
        found(real)
        seconds.append(SystemClock().monotonic() - began)
    assert min(seconds) < 1.0


def twin(real: Bars, folder: Path, clock: str) -> None:
    """The same bars in files by ``clock``."""
    file_time = FileClock.parse(clock).from_utc(pd.DatetimeIndex(real.frame.index))
    for name, lines in year_lines(real.frame, file_time).items():
        (folder / name).write_text("\n".join([header(real.frame), *lines, ""]))
