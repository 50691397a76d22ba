"""Nights of other instruments: from simulated bars to a decision, kept with the model, which takes no other bars."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.bars import write_sample
from flows.errors import BarsRejected, InstrumentRefused
from flows.evidence.reading import read_ledger
from flows.instruments import GBPUSD_M15, Instrument, find_instrument
from flows.job.plan import of_its_nights, plan
from flows.job.request import RetrainRequest
from flows.night.instrument import check_instrument, instrument_of
from flows.night.outcome import Outcome
from flows.night.run import run_night
from flows.settings import Settings
from registry import Registry
from tests.clocks import FixedClock
from tests.flows.nights import FAST, RECIPES, Nights, at, short_bars

FIRST, LAST = date(2024, 1, 2), date(2024, 8, 30)


class Site:
    """A registry and a folder of bars; nights of any instrument are run there."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.recipes = place / "recipes.toml"

    def bars(self, name: str, last: date = LAST) -> Instrument:
        instrument = find_instrument(name)
        write_sample(self.place / name, first=FIRST, last=last, instrument=instrument)
        self.recipes.write_text(RECIPES.replace("close_15m", instrument.columns.close))
        return instrument

    def night(self, name: str, as_of: datetime, **settings: Any) -> Outcome:
        chosen = {"instrument": name, "data": str(self.place / name), "cores": 1, **settings}
        job = plan(
            RetrainRequest(as_of=as_of, recipes=FAST, accept_unskilled=True),
            Settings(registry=str(self.place / "registry"), recipes_file=str(self.recipes), **chosen),
        )
        return run_night(job, clock=FixedClock())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.mark.parametrize(
    ("name", "closes", "nights"),
    [
        ("USDJPY_H1", 21, ("2024-08-26", "2024-08-27")),
        ("BTCUSD_M15", 0, ("2024-08-24", "2024-08-25")),  # a Saturday and a Sunday
    ],
)
def test_two_nights_from_simulated_bars_to_decisions(
    site: Site, name: str, closes: int, nights: tuple[str, str]
) -> None:
    instrument = site.bars(name)
    days = (26, 27) if closes else (25, 26)  # a day of bitcoin ends at the next midnight
    first, second = (site.night(name, datetime(2024, 8, day, closes, tzinfo=UTC)) for day in days)
    assert (first.night, second.night) == nights
    assert first.action == "promoted"
    assert second.action in ("held", "promoted")
    model = Registry(str(site.place / "registry")).model(f"{name.lower()}_direction")
    assert instrument_of(model) == instrument
    ledger = read_ledger(model)
    assert ledger.instrument == instrument
    assert set(ledger.live_nights) == set(nights)
    minutes = set((ledger.opens[1:] - ledger.opens[:-1]).total_seconds() // 60)
    assert min(minutes) == instrument.minutes


def test_bars_of_another_instrument_than_the_models_are_refused_by_name(site: Site) -> None:
    site.bars("USDJPY_H1", date(2024, 5, 31))
    moment = datetime(2024, 5, 30, 21, tzinfo=UTC)
    site.night("USDJPY_H1", moment)
    site.bars("EURUSD_H1", date(2024, 5, 31))
    with pytest.raises(InstrumentRefused, match="is a model of USDJPY_H1, and these bars are of EURUSD_H1"):
        site.night("EURUSD_H1", moment, model="usdjpy_h1_direction")


def test_prices_of_another_instrument_under_the_models_name_are_refused_by_level(site: Site) -> None:
    site.bars("EURUSD_H1", date(2024, 5, 31))
    folder = site.place / "USDJPY_H1"
    folder.mkdir()
    file = site.place / "EURUSD_H1" / "EURUSD_H1_2024_features.csv"
    (folder / "USDJPY_H1_2024_features.csv").write_bytes(file.read_bytes())
    with pytest.raises(BarsRejected, match="the range of USDJPY"):
        site.night("USDJPY_H1", datetime(2024, 5, 30, 21, tzinfo=UTC))


def test_a_model_without_a_record_is_of_gbpusd(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "model", short_bars(tmp_path / "bars"))
    nights(at(3))
    model = nights.model
    assert model.version("latest").record.instrument is None
    assert instrument_of(model) == GBPUSD_M15
    check_instrument(model, GBPUSD_M15)
    with pytest.raises(InstrumentRefused, match="is a model of GBPUSD_M15, and these bars are of USDJPY_H1"):
        check_instrument(model, find_instrument("USDJPY_H1"))


def test_other_hours_or_pips_of_the_same_name_are_refused_and_other_costs_are_not(tmp_path: Path) -> None:
    nights = Nights(tmp_path / "model", short_bars(tmp_path / "bars"))
    nights(at(3))
    values = GBPUSD_M15.to_dict()
    check_instrument(nights.model, Instrument.parse(values | {"costs": values["costs"] | {"spread": 2.0}}, "a file"))
    with pytest.raises(InstrumentRefused, match="another pip"):
        check_instrument(nights.model, Instrument.parse(values | {"pip": 0.01}, "a file"))
    with pytest.raises(InstrumentRefused, match="another hours"):
        other = values["hours"] | {"day_closes": "00:00"}
        check_instrument(nights.model, Instrument.parse(values | {"hours": other}, "a file"))


def test_a_model_without_versions_takes_any_instrument(tmp_path: Path) -> None:
    model = Registry(str(tmp_path)).model("new")
    assert instrument_of(model) is None
    check_instrument(model, find_instrument("XAUUSD"))


def test_the_budget_of_a_market_with_more_nights_is_smaller(site: Site) -> None:
    jobs = {}
    for name in ("GBPUSD", "USDJPY_H1", "BTCUSD"):
        site.recipes.write_text("")
        settings = Settings(instrument=name, data=str(site.place), registry=str(site.place / "registry"))
        jobs[name] = plan(RetrainRequest(), settings)
    assert jobs["GBPUSD"].gate.budget == jobs["USDJPY_H1"].gate.budget == 0.05
    assert of_its_nights(0.00375, jobs["BTCUSD"].instrument) == 0.00268
    assert of_its_nights(0.00375, jobs["GBPUSD"].instrument) == 0.00375
    assert jobs["BTCUSD"].gate.budget == 0.036  # 350 nights: 1 - (1 - 0.05) ** (250 / 350)
    assert jobs["USDJPY_H1"].gate.spread_pips == (0.7,)
    assert jobs["USDJPY_H1"].model == "usdjpy_h1_direction"
