"""Features of a second instrument, and of bars of another length, in a night and served."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.bars import load_bars, prepare, write_sample
from flows.errors import BarsMissing, RecipeRefused
from flows.instruments import find_instrument
from flows.job.plan import plan
from flows.job.request import RetrainRequest
from flows.recipes import load_recipes, train
from flows.recipes.recipe import clock_of
from flows.settings import Settings
from registry.archive.archive import pack, unpack
from registry.archive.input_schema import InputSchema
from registry.errors import InputMismatch
from registry.format.entries import digest
from registry.model.prediction import LoadedModel
from tests.flows.nights import RECIPES, Nights, at, quick_calibration, short_bars

TWO = """
[two]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["rsi_14", "return(EURUSD.close_15m, 4)", "lag(close_15m / EURUSD.close_15m, 1)"]
scale = true
"""
HOURLY = """
[hourly]
estimator = "sklearn.linear_model.LogisticRegression"
features = ["lag(rsi_14, 1)", "lag(rsi_14, 2)", "hour", "minutes_to_close", 'at("4h", diff(close_1h))']
scale = true
"""
FIRST, LAST = date(2024, 1, 2), date(2024, 6, 14)


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    monkeypatch.setattr("flows.gate.nightly.judge.calibrate", quick_calibration)
    nights = Nights(tmp_path, short_bars(tmp_path / "bars"))
    nights.recipes.write_text(RECIPES + TWO)
    return nights


def test_a_night_reads_a_second_instrument_as_of_the_same_moment(nights: Nights) -> None:
    with pytest.raises(BarsMissing, match="EURUSD_M15"):
        nights(at(3), recipes=("line", "two"))
    write_sample(nights.data, first=FIRST, last=LAST, instrument=find_instrument("EURUSD"))
    for day in (3, 4):
        nights(at(day), recipes=("line", "two"))
    scores = nights.sheets[-1]
    stream = next(each for each in scores.streams if each.name == "two")
    frame = nights.job(at(4), recipes=("line", "two")).load_dataset().bars.frame
    model = nights.model.load(str(stream.version))
    assert model.archive.signature.columns == ("rsi_14", "EURUSD.close_15m", "close_15m")
    sent = {name: frame[name].to_numpy()[-model.bars :] for name in model.archive.signature.columns}
    opens = frame.index.tz_convert(None).to_numpy()[-model.bars :]
    last = model.predict({**sent, "timestamp": opens}).score
    assert np.abs(model.predict(frame, pick=True).score[-1] - last) <= 1e-12
    scored = model.predict(frame, pick=True).score[-stream.p.size - 1 : -1]  # the newest bar's label is not known yet
    assert np.abs(scored - stream.p).max() <= 1e-12


def test_bars_of_an_hour_have_their_own_clock(tmp_path: Path) -> None:
    hourly = find_instrument("EURUSD_H1")
    bars = load_bars(write_sample(tmp_path / "bars", first=FIRST, last=LAST, instrument=hourly), instrument=hourly)
    path = tmp_path / "recipes.toml"
    path.write_text(HOURLY)
    recipe = load_recipes(path, instrument=hourly)["hourly"]
    assert recipe.signature.bars == 2 * 4 + 3
    data = prepare(bars)
    fit = train(recipe, data, data.window(days=60), seed=1)
    packed = pack(fit.estimator, recipe.signature)
    model = LoadedModel("v1", 0.5, unpack(packed, sha256=digest(packed), where="v1"))
    assert model.archive.signature.clock == recipe.clock != InputSchema(recipe.features).clock
    inputs = model.archive.signature.matrix(bars.frame)
    wall = pd.DatetimeIndex(bars.frame.index).tz_convert("America/New_York")[model.bars - 1 :]
    assert inputs[:, 2].tolist() == wall.hour.tolist()
    assert inputs[:, 3].tolist() == ((16 - wall.hour) % 24 * 60).tolist()
    quarters = bars.frame.set_axis(pd.date_range("2024-06-03", periods=len(bars.frame), freq="15min", tz="UTC"))
    with pytest.raises(InputMismatch, match="the version reads bars of 60"):
        model.predict(quarters, pick=True)


def test_a_longer_bar_that_is_none_is_refused_with_its_recipe(tmp_path: Path) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(HOURLY.replace("4h", "30m"))
    with pytest.raises(RecipeRefused, match=r"recipe hourly is refused: .*30m is made of no whole bars of 60 minutes"):
        load_recipes(path, instrument=find_instrument("EURUSD_H1"))
    assert "hourly" in load_recipes(path)


def test_a_longer_bar_that_is_none_hinders_no_recipe_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(HOURLY + HOURLY.replace("[hourly]", "[of_quarters]").replace("4h", "30m"))
    settings = Settings(
        instrument="EURUSD_H1", data=str(tmp_path), registry=str(tmp_path / "registry"), recipes_file=str(path)
    )
    job = plan(RetrainRequest(recipes=("hourly", "stationary")), settings)
    assert [recipe.name for recipe in job.recipes] == ["hourly", "stationary"]
    for recipes in (("hourly", "of_quarters"), None):  # named, and every one there is
        with pytest.raises(RecipeRefused, match=r"recipe of_quarters is refused: .*30m is made of no whole bars of 60"):
            plan(RetrainRequest(recipes=recipes), settings)
    path.write_text(path.read_text().replace("lag(rsi_14, 2)", "lead(rsi_14, 2)"))
    with pytest.raises(RecipeRefused, match="lead"):  # what is wrong for every instrument is refused whoever is chosen
        plan(RetrainRequest(recipes=("stationary",)), settings)


@pytest.mark.parametrize("closes", ["00:00", "17:00"])
def test_a_market_that_is_never_shut_has_saturdays_and_sundays(tmp_path: Path, closes: str) -> None:
    """5 and 6 are the days whose nights are named by a Saturday and a Sunday, wherever the instrument's day ends."""
    shipped = find_instrument("BTCUSD")
    zone = "UTC" if closes == "00:00" else "America/New_York"
    hours = shipped.hours.model_copy(update={"day_closes": closes, "zone": zone})
    bitcoin = shipped.model_copy(update={"hours": hours})
    place = write_sample(tmp_path / "bars", first=date(2024, 3, 1), last=date(2024, 3, 31), instrument=shipped)
    opens = pd.DatetimeIndex(load_bars(place, clock="UTC", instrument=shipped).frame.index)
    frame = pd.DataFrame({"rsi_14": np.zeros(opens.size)}, index=opens)
    found = InputSchema(("weekday", "hour"), clock_of(bitcoin)).matrix(frame)
    days = pd.DatetimeIndex(hours.trading_day(opens))
    assert found[:, 0].tolist() == days.day_of_week.tolist()
    assert set(found[:, 0]) == {0, 1, 2, 3, 4, 5, 6}
    assert found[:, 1].tolist() == opens.tz_convert(zone).hour.tolist()
    noon = {
        day: float(found[opens.get_loc(pd.Timestamp(f"2024-03-{day} 12:00", tz="UTC")), 0]) for day in (8, 9, 10, 11)
    }
    assert noon == {8: 4.0, 9: 5.0, 10: 6.0, 11: 0.0}
    evening = found[opens.get_loc(pd.Timestamp("2024-03-09 23:30", tz="UTC")), 0]
    assert evening == (5.0 if closes == "00:00" else 6.0)
