"""Nights start after the instrument's trading day, on its clock, and the watch looks while its market is open."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect.server.schemas.schedules import CronSchedule

from flows.commands import deploy as command
from flows.instruments import GBPUSD_M15, SHIPPED, TradingHours, find_instrument
from flows.operations.calendar import TradingCalendar
from flows.operations.orchestrator.schedules import night_schedule, night_words, scheduled, watch_schedules
from flows.operations.settings import load_operations
from tests.paths import ROOT

DUSK = find_instrument("GBPUSD").hours.model_copy(update={"zone": "Asia/Tokyo", "day_closes": "23:50"})


def described() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    return read


def by_name(description: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in description["deployments"]}


def starts(schedule: dict[str, Any], first: date, days: int) -> list[datetime]:
    """The moments of a schedule, as Prefect's own scheduler finds them."""
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    dates = asyncio.run(cron.get_dates(400, begin, begin + timedelta(days=days)))
    return [moment.astimezone(UTC) for moment in dates]


def test_what_is_deployed_for_gbpusd_is_prefect_yaml() -> None:
    deployments = by_name(scheduled(described(), [GBPUSD_M15.hours]))
    assert deployments == {name: each for name, each in by_name(described()).items() if name != "fleet"}
    fleet = by_name(scheduled(described(), [find_instrument(name).hours for name in ("GBPUSD", "EURUSD")], fleet=True))
    plain = by_name(described())
    every = plain["watch"] | {"entrypoint": "flows.fleet.dag.watch_all"}
    assert fleet == plain | {"nightly": plain["nightly"] | {"schedules": []}, "watch": every}


@pytest.mark.parametrize("hours", [*(find_instrument(name).hours for name in SHIPPED), DUSK], ids=[*SHIPPED, "dusk"])
def test_a_night_starts_when_the_calendar_says_that_it_is_due(hours: TradingHours) -> None:
    calendar = TradingCalendar(hours)
    now, due = datetime(2024, 3, 1, tzinfo=UTC), []
    for _ in range(20):  # both changes of summer time of this spring
        now = calendar.next_due(now)
        due.append(now.astimezone(UTC))
    found = starts(night_schedule(hours), date(2024, 3, 1), 40)
    assert [moment for moment in found if moment in due] == due
    for other in {moment for moment in found if moment < due[-1]} - set(due):  # starts on a holiday, and is covered
        wall = (other - timedelta(minutes=21)).astimezone(ZoneInfo(hours.zone))
        assert not calendar.trades(wall.date())


def test_the_lines_of_instruments_with_other_hours() -> None:
    bitcoin, gold = find_instrument("BTCUSD").hours, find_instrument("XAUUSD").hours
    assert night_schedule(bitcoin) == {"cron": "20 0 * * *", "timezone": "UTC", "active": True}
    assert night_schedule(DUSK)["cron"] == "10 0 * * 1-6"  # Sunday evening is a day of its own there
    assert (night_words(bitcoin), night_words(gold)) == ("00:20 UTC", "17:20 New York")
    assert [each["cron"] for each in watch_schedules(bitcoin)] == ["5 * * * *"]
    assert [each["cron"] for each in watch_schedules(gold)] == ["5 19-23 * * 0", "5 * * * 1-4", "5 0-16 * * 5"]


def test_a_fleet_starts_once_for_each_close_and_is_watched_while_any_market_is_open() -> None:
    hours = [find_instrument(name).hours for name in ("GBPUSD", "USDJPY_H1", "BTCUSD")]
    fleet = by_name(scheduled(described(), hours, fleet=True))
    assert [each["cron"] for each in fleet["fleet"]["schedules"]] == ["20 17 * * 1-5", "20 0 * * *"]
    assert fleet["nightly"]["schedules"] == [] and fleet["fleet"]["concurrency_limit"] == 1
    assert [(each["cron"], each["timezone"]) for each in fleet["watch"]["schedules"]] == [("5 * * * *", "UTC")]


@pytest.mark.parametrize("fleet", [False, True])
def test_deploy_takes_the_hours_of_the_instrument_or_of_the_fleet(
    fleet: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETRAIN_INSTRUMENT", "BTCUSD_H1")
    if fleet:
        (tmp_path / "fleet.toml").write_text('[models.one]\n[models.two]\ninstrument = "XAUUSD"\n')
    asked: dict[str, Any] = {}
    monkeypatch.setattr(command, "configured_api", lambda: "http://there/api")
    monkeypatch.setattr(command, "answers", lambda api: True)
    monkeypatch.setattr(command, "run", lambda operations, **given: asked.update(given) or [])
    command.deploy()
    of = ["BTCUSD", "XAUUSD"] if fleet else ["BTCUSD"]
    assert asked == {"hours": [find_instrument(name).hours for name in of], "fleet": fleet}


def test_a_calendar_is_of_the_hours_that_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_HOLIDAYS", "2024-06-08")
    calendar = load_operations().calendar(find_instrument("BTCUSD").hours)
    assert calendar.expected_night(datetime(2024, 6, 9, 0, 20, tzinfo=UTC)) == date(2024, 6, 7)
    assert calendar.last_close(datetime(2024, 6, 10, 1, tzinfo=UTC)) == datetime(2024, 6, 10, tzinfo=UTC)
