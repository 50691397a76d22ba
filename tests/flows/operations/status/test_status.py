"""How things stand, and whether a night is missing, by the registry alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.cli import main
from flows.errors import BarsMissing
from flows.job.plan import Job, plan
from flows.job.request import RetrainRequest
from flows.monitoring.health import Alarm, Health
from flows.operations.alerts.conditions import FileMemory
from flows.operations.settings import Operations
from flows.operations.status.status import StatusReport, read_status
from flows.operations.status.watching import conditions_of, missed_night, watch_champion
from flows.settings import SIMULATED_MODEL, Settings
from registry import Model, Night, Registry, VersionRecord
from registry.errors import Corrupt, ModelNotFound
from tests.clocks import FixedClock
from tests.flows.operations.receiver import Receiver, receiving

TUESDAY = datetime(2024, 12, 31, 22, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setenv("RETRAIN_DATA", str(tmp_path / "bars"))
    monkeypatch.setenv("RETRAIN_CONDITIONS", str(tmp_path / "conditions"))
    for name in ("MODEL", "REGISTRY", "ALERT_URL", "FEED"):
        monkeypatch.delenv(f"RETRAIN_{name}", raising=False)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A model whose v1 became champion on 18 November 2024 and whose night of 31 December was held."""
    clock = FixedClock(datetime(2024, 11, 18, 22, 20, tzinfo=UTC))
    model = Registry(tmp_path / "registry", clock=clock).model("m")
    version = model.register(b"archive", VersionRecord(recipe="rf_deep"), author="night", key="first")
    first = Night("2024-11-18", clock.moment)
    model.promote(version, expected=None, author="night", body={"sentence": "promoted: v1 is first"}, night=first)
    clock.moment = TUESDAY + timedelta(minutes=25)
    last = Night("2024-12-31", TUESDAY)
    model.hold(expected=model.champion(), author="night", body={"sentence": "held: nothing led by enough"}, night=last)
    return model


def standing(tmp_path: Path, now: datetime, **values: Any) -> StatusReport:
    settings = Settings(registry=str(tmp_path / "registry"), model="m", data=str(tmp_path / "bars"))
    return read_status(settings, Operations(), now=now, grace=timedelta(hours=6), **{"with_bars": False, **values})


@pytest.mark.parametrize(
    ("alarms", "word"),
    [
        ((), "healthy"),
        ((Alarm("thin days", "bars are missing on 2024-12-20"),), "healthy"),
        ((Alarm("regressed", "v1 has got worse since 2024-12-02"), Alarm("old", "v1 is old")), "regressed, old"),
    ],
)
def test_the_first_line_says_champion_health_last_night_bars_and_next_run(
    model: Model,
    tmp_path: Path,
    sample: Path,
    monkeypatch: pytest.MonkeyPatch,
    alarms: tuple[Alarm, ...],
    word: str,
    snapshot: SnapshotAssertion,
) -> None:
    (tmp_path / "bars").symlink_to(sample)
    found = Health("v1", 30, 500, False, alarms)
    monkeypatch.setattr("flows.operations.status.watching.champion_health", lambda job, now: found)
    seen = standing(tmp_path, TUESDAY + timedelta(hours=1), with_bars=True)
    first = seen.lines[0]
    assert first.startswith(f"champion v1 (rf_deep), 43 days, {word};")
    assert "bars to 2025-05-21 20:45 UTC" in first and "nothing is scheduled" in first and "next run" not in first
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    first = standing(tmp_path, TUESDAY + timedelta(hours=1), with_bars=True).lines[0]
    assert first.endswith("next run Thursday 17:20 New York")
    assert first == snapshot(name=word)
    assert any(line.startswith("Night:    2024-12-31, held: ") for line in seen.lines)
    assert [line for line in seen.lines if line.startswith("Look:")] == [f"Look:     {a.sentence}" for a in alarms]


def seen_without_data(tmp_path: Path, model: str | None = None) -> StatusReport:
    return read_status(
        Settings(registry=str(tmp_path / "registry"), model=None, data=None),
        Operations(),
        now=TUESDAY + timedelta(days=30),
        grace=timedelta(0),
        model=model,
    )


def another(tmp_path: Path, name: str, *, simulated: bool | None = None) -> None:
    model = Registry(tmp_path / "registry", clock=FixedClock(TUESDAY)).model(name)
    version = model.register(b"archive", VersionRecord(recipe="rf", simulated=simulated), author="night")
    body = {"sentence": "promoted: v1 is first"}
    model.promote(version, expected=None, author="night", body=body, night=Night("2024-12-31", TUESDAY))


def test_simulated_bars_never_grow_so_no_night_is_late(tmp_path: Path) -> None:
    another(tmp_path, SIMULATED_MODEL, simulated=True)
    seen = seen_without_data(tmp_path)
    assert not seen.late and seen.check_line.startswith(f"OK: {SIMULATED_MODEL} has simulated bars")
    assert "simulated bars" in seen.first_line and seen.others == ()


def test_where_none_is_named_the_only_model_is_looked_at_and_its_night_is_late_without_bars(
    model: Model, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    seen = seen_without_data(tmp_path)
    assert (seen.model, seen.late, seen.others) == ("m", True, ())
    assert "health unknown" in seen.first_line and "RETRAIN_DATA" in seen.first_line
    assert seen.first_line == snapshot
    assert seen.check_line.startswith("LATE: m last decided 2024-12-31") and not seen.alarms


def test_beside_the_model_of_the_settings_the_others_are_named(
    model: Model, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    another(tmp_path, SIMULATED_MODEL, simulated=True)
    seen = seen_without_data(tmp_path)
    assert seen.model == SIMULATED_MODEL
    (also,) = [line for line in seen.lines if line.startswith("Also here: m ")]
    assert also == snapshot
    assert seen_without_data(tmp_path, "m").others == ()


def test_of_several_models_none_is_guessed(model: Model, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    another(tmp_path, "other")
    with pytest.raises(ModelNotFound, match=r"m, other: .*--model") as refused:
        seen_without_data(tmp_path)
    assert str(refused.value) == snapshot
    assert seen_without_data(tmp_path, "other").model == "other"


@pytest.mark.parametrize(
    ("now", "late", "says"),
    [
        ("2025-01-01 23:30", False, "OK: m decided the night of 2024-12-31, due was 2024-12-31"),  # a holiday
        ("2025-01-03 04:00", False, "OK"),  # Thursday's is due since 22:20, within its grace
        ("2025-01-03 05:00", True, "one night is missing"),
        ("2025-01-08 12:00", True, "4 nights are missing"),
    ],
)
def test_a_missing_night_is_seen_without_prefect(model: Model, tmp_path: Path, now: str, late: bool, says: str) -> None:
    seen = standing(tmp_path, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert seen.late is late
    assert says in seen.check_line


@pytest.mark.parametrize(
    ("act", "says"),
    [
        ("suspend", "suspended since 2024-12-31T22:2"),
        ("freeze", "frozen (looks odd)"),
    ],
)
def test_what_a_person_told_production_stands_in_the_first_line(
    model: Model, tmp_path: Path, act: str, says: str
) -> None:
    getattr(model, act)(author="ann", reason="looks odd")
    seen = standing(tmp_path, TUESDAY + timedelta(hours=1))
    assert says in seen.lines[0]
    assert "last night held" in seen.lines[0], "a person's act is not a night"


def test_a_catch_up_is_offered_only_where_there_are_bars_for_it(model: Model, tmp_path: Path, june: Path) -> None:
    later = datetime(2025, 1, 8, 12, tzinfo=UTC)
    assert "one `retrain run` catches up" in standing(tmp_path, later).check_line
    (tmp_path / "bars").symlink_to(june)
    seen = standing(tmp_path, later, with_bars=True)
    assert seen.newest_night == "2024-06-14"
    assert "catches up" not in seen.check_line and "no bar after it" in seen.check_line


def test_what_people_did_since_the_last_night_is_shown(model: Model, tmp_path: Path) -> None:
    assert standing(tmp_path, TUESDAY).acts == ()
    version = model.register(b"other", VersionRecord(recipe="rf"), author="night", key="second")
    model.force(version.record.version, author="ann", reason="trying it")
    model.rollback(author="ann", reason="it was worse")
    seen = standing(tmp_path, TUESDAY + timedelta(hours=2))
    assert "last night held, and a person acted since" in seen.first_line
    since = [line for line in seen.lines if line.startswith("Since: ")]
    assert len(since) == 2 and "promoted: v2 by a person" in since[0] and "rolled back from v2 to v1 by ann" in since[1]


def test_an_empty_registry_has_no_champion_and_is_late(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    seen = standing(tmp_path, TUESDAY)
    assert seen.lines[0].startswith("production is empty; ")
    assert seen.late and "2024-12-30" in seen.check_line
    assert seen.lines[0] == snapshot(name="first line")
    assert seen.check_line == snapshot(name="check")


def test_open_conditions_are_shown(model: Model, tmp_path: Path) -> None:
    FileMemory(tmp_path / "conditions").write(
        "m", {"data.missing": {"since": "2025-01-02T22:00:00.000000Z", "what": "no bars"}}
    )
    (opened,) = [line for line in standing(tmp_path, TUESDAY).lines if line.startswith("Open: ")]
    assert opened.split() == ["Open:", "data.missing", "since", "2025-01-02T22:00Z:", "no", "bars"]


def test_bars_that_cannot_be_read_do_not_hide_the_champion(model: Model, tmp_path: Path) -> None:
    settings = Settings(registry=str(tmp_path / "registry"), model="m", data=str(tmp_path / "nowhere"))
    seen = read_status(settings, Operations(), now=TUESDAY, grace=timedelta(0))
    assert seen.lines[0].startswith("champion v1 (rf_deep), 42 days, ") and "health unknown" in seen.lines[0]
    assert "nowhere is not there" in seen.bars


def test_a_damaged_registry_is_an_error_and_not_an_old_state(model: Model, tmp_path: Path) -> None:
    damage(tmp_path)
    with pytest.raises(Corrupt, match="registry verify"):
        standing(tmp_path, TUESDAY)


def damage(folder: Path) -> None:
    newest = sorted((folder / "registry" / "models" / "m" / "decisions").rglob("*.json"))[0]
    newest.chmod(0o600)
    newest.write_bytes(newest.read_bytes().replace(b"{", b" {", 1))


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["retrain", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_check_ends_with_a_status_that_cron_and_monitoring_understand(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "registry")
    assert command(monkeypatch, "status", "--check", "--registry", place, "--model", "m") == 1
    assert capsys.readouterr().out.startswith("LATE: m last decided 2024-12-31")
    enough = "1000000"
    assert command(monkeypatch, "status", "--check", "--registry", place, "--model", "m", "--grace-hours", enough) == 0
    assert capsys.readouterr().out.startswith("OK: m")
    damage(tmp_path)
    assert command(monkeypatch, "status", "--check", "--registry", place, "--model", "m") == 7


def test_status_as_json_has_what_the_screen_has(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(monkeypatch, "status", "--json", "--registry", str(tmp_path / "registry"), "--model", "m")
    told = json.loads(capsys.readouterr().out)
    assert told["last_night"] == "2024-12-31" and told["late"] is True


def test_alarms_of_the_watch_become_conditions_and_health_ends_them() -> None:
    assert conditions_of([]) == {"champion.regressed": None, "champion.old": None}
    alarms = [Alarm("one class", "a"), Alarm("regressed", "b"), Alarm("old", "c"), Alarm("stale bars", "d")]
    assert conditions_of(alarms) == {"champion.regressed": "a; b", "champion.old": "c", "data.missing": "d"}


def test_an_alarm_of_an_unknown_kind_is_a_mistake_not_silence() -> None:
    with pytest.raises(KeyError):
        conditions_of([Alarm("brand new", "x")])  # type: ignore[arg-type]  # a name that there is not


def health(*alarms: Alarm) -> Callable[..., Health]:
    return lambda job, model, due, partial: Health("v1", 3, 0, False, alarms)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as found:
        monkeypatch.setenv("RETRAIN_ALERT_URL", found.url)
        yield found


def job(tmp_path: Path, data: str | None = "bars") -> Job:
    settings = Settings(registry=str(tmp_path / "registry"), model="m", data=data, sample=str(tmp_path / "sample"))
    return plan(RetrainRequest(), settings)


def test_the_watch_tells_once_of_a_night_that_was_due_and_never_while_it_may_be_late(
    model: Model, tmp_path: Path, receiver: Receiver, snapshot: SnapshotAssertion
) -> None:
    assert missed_night(model, TUESDAY.date()) is None
    for hour in (4, 5, 6):  # Thursday's night was due at 22:20, and six hours are granted
        watch_champion(job(tmp_path), datetime(2025, 1, 3, hour, 0, tzinfo=UTC), examine=health())
    assert receiver.subjects == ["retrain: night.missed (m)"]
    missed = receiver.messages[0]["body"].splitlines()[0]
    assert "2025-01-02" in missed and "2024-12-31" in missed and missed == snapshot


def test_the_watch_tells_when_the_champion_gets_worse_and_when_that_is_over(
    model: Model, tmp_path: Path, receiver: Receiver
) -> None:
    worse = Alarm("regressed", "v1 has got worse since 2024-12-01")
    for alarms in ((worse,), (worse,), ()):
        watch_champion(job(tmp_path), TUESDAY, examine=health(*alarms))
    assert receiver.subjects == ["retrain: champion.regressed (m)", "retrain: over: champion.regressed (m)"]


def test_bars_that_cannot_be_read_are_told_after_the_missed_night(
    model: Model, tmp_path: Path, receiver: Receiver
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise BarsMissing("bars is no folder")

    with pytest.raises(BarsMissing):
        watch_champion(job(tmp_path), TUESDAY + timedelta(days=9), examine=gone)
    assert receiver.subjects == ["retrain: night.missed (m)", "retrain: data.missing (m)"]


def test_a_thin_day_of_the_past_is_told_to_nobody(model: Model, tmp_path: Path, receiver: Receiver) -> None:
    watch_champion(job(tmp_path), TUESDAY, examine=health(Alarm("thin days", "bars are missing on 2024-12-20")))
    assert receiver.subjects == []


def test_the_watch_knows_holidays_and_when_bars_are_due(model: Model, tmp_path: Path) -> None:
    asked: list[Any] = []

    def examine(job: Job, model: Model, due: date, *, partial: Callable[[date], bool]) -> None:
        asked.append((due.isoformat(), partial(date(2024, 12, 25)), partial(date(2024, 12, 23))))

    for moment in ("2024-12-26T22:25Z", "2024-12-27T05:25Z"):  # five minutes and seven hours after the 26th closed
        watch_champion(job(tmp_path), datetime.fromisoformat(moment), examine=examine)
    assert asked == [("2024-12-24", True, False), ("2024-12-26", True, False)]


def test_simulated_bars_never_grow_so_no_night_is_missed_and_no_bars_are_due(
    model: Model, tmp_path: Path, receiver: Receiver
) -> None:
    asked: list[date] = []

    def examine(job: Job, model: Model, due: date, *, partial: Callable[[date], bool]) -> None:
        asked.append(due)

    another(tmp_path, SIMULATED_MODEL, simulated=True)
    simulated = replace(job(tmp_path, data=None), model=SIMULATED_MODEL)
    watch_champion(simulated, TUESDAY + timedelta(days=9), examine=examine)
    assert receiver.subjects == [] and asked == [date.min]
