"""A night left alone: its turn, its bars, an outage, and what is told of it. Without Prefect, on simulated bars."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.errors import BarsMissing, BarsRejected, NightRefused, RequestRefused
from flows.gate.tripwires.wire import TrippedWire
from flows.job.request import RetrainRequest
from flows.night.run import run_night
from flows.operations.alerts.notifier import LONGEST
from flows.operations.runs.lock import run_lock
from flows.operations.runs.unattended import NightRun, unattended
from registry import Registry
from registry.trust.keyring import write_new_key
from tests.clocks import FixedClock
from tests.flows.operations.receiver import Receiver, receiving

FAST = RetrainRequest(recipes=("logistic",), train_days=60, backfill_days=60)
WEDNESDAY = datetime(2024, 6, 5, 21, 20, tzinfo=UTC)
CLOSE = datetime(2024, 6, 5, 21, tzinfo=UTC)


class Site:
    """A folder of bars and a registry as the environment names them, at a moment."""

    def __init__(self, folder: Path, receiver: Receiver) -> None:
        self.data, self.registry, self.receiver = folder / "bars", folder / "registry", receiver

    def night(self, now: datetime, *, scheduled: bool = True, request: RetrainRequest = FAST) -> NightRun:
        clock = FixedClock(now)
        with unattended(request, scheduled=scheduled, clock=clock) as tonight:
            if tonight.covered is None:
                tonight.outcome = run_night(tonight.job, clock=clock)
        return tonight

    @property
    def nights(self) -> list[str]:
        entries = Registry(str(self.registry)).model("m").acts()
        return [entry.state["night"] for entry in entries][::-1]


@pytest.fixture
def site(tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # no night here looks further back than some months, and each reads its bars twice
    shutil.copytree(sample, tmp_path / "bars", ignore=shutil.ignore_patterns("*_2022_*", "*_2023_*"))
    with receiving() as receiver:
        found = Site(tmp_path, receiver)
        values: dict[str, Any] = {"DATA": found.data, "REGISTRY": found.registry, "MODEL": "m", "CORES": 1}
        values |= {"ALERT_URL": receiver.url, "PING_URL": receiver.url.replace("hook", "ping")}
        values |= {"CONDITIONS": tmp_path / "conditions"}
        for name, value in values.items():
            monkeypatch.setenv(f"RETRAIN_{name}", str(value))
        yield found


def test_a_scheduled_night_looks_as_far_as_the_close_of_its_day(site: Site) -> None:
    tonight = site.night(WEDNESDAY)
    assert tonight.outcome is not None and tonight.outcome.night == "2024-06-05"
    assert tonight.outcome.as_of == "2024-06-05T21:00:00.000000Z"


def test_after_a_weeks_outage_the_first_late_run_does_all_and_the_others_are_covered(
    site: Site, snapshot: SnapshotAssertion
) -> None:
    site.night(WEDNESDAY)
    back = WEDNESDAY + timedelta(days=7, hours=3)
    late = [site.night(back + timedelta(minutes=minutes)) for minutes in range(5)]
    assert site.nights == ["2024-06-05", "2024-06-12"]
    assert late[0].outcome is not None
    (covered,) = {each.covered for each in late[1:]}
    assert covered is not None and "night of 2024-06-12" in covered
    assert covered == snapshot
    scored = [e for e in Registry(str(site.registry)).model("m").decisions.walk() if e.kind == "scored"]
    assert scored[0].body["bars"] > 4 * 80, "the bars of every missed day are scored"


def test_a_holiday_is_not_a_missed_night(site: Site) -> None:
    site.night(datetime(2024, 12, 24, 22, 20, tzinfo=UTC))
    on_christmas = site.night(datetime(2024, 12, 25, 22, 20, tzinfo=UTC))
    assert on_christmas.covered is not None
    assert [subject for subject in site.receiver.subjects if "missed" in subject or "missing" in subject] == []


def test_bars_that_do_not_arrive_are_told_once_and_the_night_that_catches_up_ends_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_WAIT_MINUTES", "10")
    file = site.data / "GBPUSD_M15_2024_features.csv"
    whole = file.read_text()
    head, *rows = whole.splitlines(keepends=True)
    file.write_text("".join([head, *(row for row in rows if row < "2024-06-05 10:00")]))
    for hours in (0, 5):
        with pytest.raises(BarsMissing, match="2024-06-05 are not complete"):
            site.night(WEDNESDAY + timedelta(hours=hours))
    assert not site.registry.joinpath("models").exists(), "nothing was trained on half a day"
    file.write_text(whole)
    site.night(WEDNESDAY + timedelta(days=1))
    assert site.nights == ["2024-06-06"]
    about = [subject for subject in site.receiver.subjects if "data.missing" in subject]
    assert about == ["retrain: data.missing (m)", "retrain: over: data.missing (m)"]


def test_the_feed_runs_before_the_bars_are_looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = site.data.with_name("arriving")
    site.data.rename(aside)
    monkeypatch.setenv("RETRAIN_FEED", f"cp -r {aside} {site.data}")
    assert site.night(WEDNESDAY).outcome is not None


def test_a_feed_that_fails_by_hand_too_is_missing_data(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_FEED", "echo quota used up; exit 3")
    with pytest.raises(BarsMissing, match="quota used up"):
        site.night(WEDNESDAY, scheduled=False)
    assert "quota used up" in site.receiver.wait_for("retrain: data.missing", seconds=1)["body"]


def test_files_that_are_wrong_are_rejected_data(site: Site) -> None:
    file = site.data / "GBPUSD_M15_2024_features.csv"
    file.write_text(file.read_text().replace("close_15m", "price", 1))
    with pytest.raises(BarsRejected):
        site.night(WEDNESDAY)
    assert site.receiver.subjects == ["retrain: data.rejected (m)"]


def test_implausible_bars_are_a_condition_of_scheduled_nights_that_ends_with_them(site: Site) -> None:
    file = site.data / "GBPUSD_M15_2024_features.csv"
    whole = file.read_text()
    line = next(line for line in whole.splitlines() if line.startswith("2024-05-14 10:00"))
    cells = line.split(",")
    file.write_text(whole.replace(line, ",".join([*cells[:5], "51.0", *cells[6:]])))
    by_hand = FAST.model_copy(update={"as_of": CLOSE - timedelta(days=1)})
    site.night(WEDNESDAY - timedelta(days=1), scheduled=False, request=by_hand)
    assert "retrain: data.questioned (m)" not in site.receiver.subjects, "whoever typed it has read it"
    site.night(WEDNESDAY)
    body = site.receiver.wait_for("retrain: data.questioned", seconds=1)["body"]
    assert body.startswith("relative_strength: GBPUSD_M15_2024_features.csv row ")
    site.night(WEDNESDAY + timedelta(days=1))
    file.write_text(whole)
    site.night(WEDNESDAY + timedelta(days=2))
    about = [subject for subject in site.receiver.subjects if "questioned" in subject]
    assert about == ["retrain: data.questioned (m)", "retrain: over: data.questioned (m)"]


def test_thousands_of_faults_in_the_bars_are_a_message_that_can_be_read(
    site: Site, snapshot: SnapshotAssertion
) -> None:
    file = site.data / "GBPUSD_M15_2024_features.csv"
    file.write_text(file.read_text().replace("2024-05-", "2024-05x"))
    with pytest.raises(BarsRejected) as found:
        site.night(WEDNESDAY)
    body = site.receiver.wait_for("retrain: data.rejected", seconds=1)["body"]
    cut, rest = body.split(" … ")
    assert cut == str(found.value)[:LONGEST] and rest.split("\n")[1].startswith("Since: ")
    assert rest.split("\n")[0] == snapshot


def test_a_store_that_is_down_is_told_and_nothing_is_half_done(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_REGISTRY", "/dev/null/x")
    with pytest.raises(Exception, match="/dev/null/x"):
        site.night(WEDNESDAY)
    monkeypatch.setenv("RETRAIN_REGISTRY", str(site.registry))
    site.night(WEDNESDAY + timedelta(days=1))
    kinds = [subject for subject in site.receiver.subjects if "retrain.failed" in subject]
    assert kinds == ["retrain: retrain.failed (m)", "retrain: over: retrain.failed (m)"]
    assert site.nights == ["2024-06-06"]


def test_a_fault_of_the_program_is_told_and_raised_as_it_is(site: Site) -> None:
    with pytest.raises(ZeroDivisionError), unattended(FAST, scheduled=True, clock=FixedClock(WEDNESDAY)):
        raise ZeroDivisionError("seven by nothing")
    assert site.receiver.messages[0]["body"].startswith("ZeroDivisionError: seven by nothing\n")


def test_a_mistake_typed_by_hand_alerts_nobody_and_on_schedule_it_does(site: Site) -> None:
    wrong = FAST.model_copy(update={"advanced": FAST.advanced.model_copy(update={"labels": "notebook"})})
    for scheduled in (False, True):
        with pytest.raises(RequestRefused), unattended(wrong, scheduled=scheduled, clock=FixedClock(WEDNESDAY)):
            raise RequestRefused("labels")
        assert len(site.receiver.messages) == int(scheduled)


def test_a_scheduled_night_without_anybody_to_tell_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.delenv("RETRAIN_ALERT_URL")
    site.night(WEDNESDAY, scheduled=False, request=FAST.model_copy(update={"as_of": CLOSE}))
    assert "nobody is told" not in caplog.text
    site.night(WEDNESDAY)
    (untold,) = [record.getMessage() for record in caplog.records if "nobody is told" in record.getMessage()]
    assert "RETRAIN_ALERT_URL" in untold and untold == snapshot


def test_a_decided_night_pings_and_one_decided_before_does_not(site: Site) -> None:
    site.night(WEDNESDAY)
    assert site.receiver.pings == ["/ping"]
    assert site.night(WEDNESDAY, scheduled=False, request=FAST.model_copy(update={"as_of": CLOSE})).outcome
    site.night(WEDNESDAY)
    assert site.receiver.pings == ["/ping"]


def test_the_first_promotion_is_told_with_the_gates_own_sentence(site: Site) -> None:
    outcome = site.night(WEDNESDAY).outcome
    assert outcome is not None
    promoted = [m for m in site.receiver.messages if m["subject"] == "retrain: candidate.promoted (m)"]
    assert [m["body"].splitlines()[0] for m in promoted] == ([outcome.sentence] if outcome.action == "promoted" else [])


def test_a_promotion_that_waits_for_a_signature_is_told_with_the_command_that_approves_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_TRUSTED_PROMOTERS", write_new_key(tmp_path / "approver.pem"))
    site.night(WEDNESDAY)
    told = [m for m in site.receiver.messages if m["subject"].startswith("retrain: candidate.")]
    assert [m["subject"] for m in told] == ["retrain: candidate.waiting (m)"]
    assert "registry approve m v1 --registry" in told[0]["body"]


def test_the_first_night_of_a_week_sends_the_digest_of_the_last(site: Site) -> None:
    for day in (4, 5, 10):  # Tuesday, Wednesday, Monday
        site.night(datetime(2024, 6, day, 21, 20, tzinfo=UTC))
    digests = [m for m in site.receiver.messages if "night.digest" in m["subject"]]
    assert len(digests) == 1
    lines = digests[0]["body"].splitlines()
    assert lines[0].startswith("Nights of the week of 2024-06-03: ")
    assert sum(int(word) for word in lines[0].split() if word.isdigit()) == 2


def test_a_run_that_finds_another_at_work_for_too_long_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_TURN_MINUTES", "0")
    with run_lock(str(site.registry), "m", clock=FixedClock(), limit=timedelta(0)), pytest.raises(NightRefused):
        site.night(WEDNESDAY)


def test_a_dry_run_waits_for_nobody_and_tells_nobody(site: Site) -> None:
    dry = FAST.model_copy(update={"dry_run": True, "as_of": WEDNESDAY})
    with run_lock(str(site.registry), "m", clock=FixedClock(), limit=timedelta(0)):
        assert site.night(WEDNESDAY, scheduled=False, request=dry).outcome is not None
    assert site.receiver.messages == [] and site.receiver.pings == []


def test_simulated_bars_never_grow_so_a_schedule_does_not_wait_for_them(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RETRAIN_DATA")
    monkeypatch.setenv("RETRAIN_SAMPLE", str(tmp_path / "sample"))
    with unattended(FAST, scheduled=True, clock=FixedClock(WEDNESDAY)) as tonight:
        assert tonight.job.as_of is None and tonight.covered is None


def test_a_tripped_wire_is_told_once_and_the_next_night_without_one_ends_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = TrippedWire("column", "rsi_14", 0.99, 0.56, 10_000, "the column rsi_14 tells it all")
    for day, tripped in enumerate([(wire,), (wire,), (), ()]):
        monkeypatch.setattr("flows.night.suspicion.tripped", lambda *_, found=tripped: found)
        site.night(WEDNESDAY + timedelta(days=day if day < 3 else 5))
    about = [subject for subject in site.receiver.subjects if "suspicious" in subject]
    assert about == ["retrain: gate.suspicious (m)", "retrain: over: gate.suspicious (m)"]
    assert len(site.nights) == 4 and Registry(str(site.registry)).model("m").champion() is not None
