"""What keeps nights from running is found, with how to fix it."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from flows.bars import load_bars, write_sample
from flows.instruments import find_instrument
from flows.operations.doctor import checks as doctor
from flows.operations.doctor import prefect as doctor_prefect
from flows.operations.doctor.bars import examine_bars
from flows.operations.doctor.checks import examine
from flows.operations.doctor.finding import Finding
from flows.operations.doctor.prefect import examine_server
from flows.operations.doctor.store import examine_store, expiry
from flows.operations.settings import Operations
from flows.settings import Settings
from registry import Night, Registry, VersionRecord
from registry.format.keys import FORMAT_KEY, entry_key
from registry.trust.keyring import Keyring, write_new_key
from tests.clocks import FixedClock
from tests.servers.fixtures import new_bucket

NOW = datetime(2024, 6, 5, 22, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    for name in ("PREFECT_API_AUTH_STRING", "RETRAIN_DATA", "RETRAIN_FEED", "RETRAIN_ALERT_URL"):
        monkeypatch.delenv(name, raising=False)


def about(found: list[Finding], name: str) -> Finding:
    return next(each for each in found if each.about == name)


def used(place: str, when: datetime = NOW) -> Registry:
    """A registry with an entry written at a moment."""
    registry = Registry(place, clock=FixedClock(when))
    registry.model("m").hold(expected=None, author="a", body={"sentence": "held"})
    return registry


def test_a_sound_set_up_has_nothing_wrong(sample: Path, tmp_path: Path) -> None:
    used(str(tmp_path / "registry"))
    settings = Settings(data=str(sample), registry=str(tmp_path / "registry"), model="m")
    operations = Operations.model_validate({"feed": "true", "alert_url": "https://x"})
    found = examine(settings, operations, now=load_bars(sample).last_close.to_pydatetime() + timedelta(hours=1))
    assert {each.about: each.verdict for each in found} == {
        "data": "fine",
        "bars": "fine",
        "feed": "fine",
        "registry": "fine",
        "model": "fine",
        "store condition": "fine",
        "permissions": "fine",
        "create only": "fine",
        "Prefect": "look",
        "versions": "fine",
        "alerts": "fine",
    }


@pytest.mark.parametrize(
    ("now", "verdict", "says"),
    [(datetime(2026, 1, 1, tzinfo=UTC), "look", "more than a day behind"), (NOW, "wrong", "in the future")],
)
def test_bars_of_the_wrong_time_are_seen(sample: Path, now: datetime, verdict: str, says: str) -> None:
    found = next(examine_bars(Settings(data=str(sample)), Operations(), now))
    assert found.verdict == verdict and says in found.statement and found.fix


def test_bars_that_cannot_be_read_are_wrong(tmp_path: Path) -> None:
    found = next(examine_bars(Settings(data=str(tmp_path)), Operations(), NOW))
    assert found.verdict == "wrong" and str(tmp_path) in found.statement


def test_the_files_of_another_instrument_are_looked_at_where_a_recipe_reads_them(tmp_path: Path) -> None:
    bars = tmp_path / "bars"
    write_sample(bars, first=date(2024, 1, 2), last=date(2024, 3, 15))
    recipes = tmp_path / "recipes.toml"
    recipes.write_text(
        '[cross]\nestimator = "sklearn.linear_model.LogisticRegression"\n'
        'features = ["rsi_14", "return(EURUSD.close_15m, 4)"]\n'
    )
    settings = Settings(data=str(bars), recipes_file=str(recipes))
    now = datetime(2024, 3, 16, tzinfo=UTC)
    missing = about(list(examine_bars(settings, Operations(), now)), "EURUSD")
    assert missing.verdict == "wrong" and "EURUSD_M15" in missing.statement
    other = find_instrument("EURUSD")
    write_sample(tmp_path / "other", first=date(2024, 1, 2), last=date(2024, 3, 8), instrument=other)
    for file in (tmp_path / "other").glob("EURUSD*.csv"):
        file.rename(bars / file.name)
    late = about(list(examine_bars(settings, Operations(), now)), "EURUSD")
    assert late.verdict == "look" and "more than a day behind" in late.statement
    plain = Settings(data=str(bars))
    assert {each.about for each in examine_bars(plain, Operations(), now)} == {"data", "bars"}
    recipes.write_text('[cross]\nestimator = "no.such.Thing"\nfeatures = ["rsi_14"]\n')
    assert about(list(examine_bars(settings, Operations(), now)), "recipes").verdict == "wrong"


def test_a_registry_out_of_reach_is_one_finding() -> None:
    (found,) = examine_store("ftp://x", "m", NOW)
    assert found.verdict == "wrong" and "ftp://x" in found.statement


def test_a_folder_that_cannot_be_written_to_is_found() -> None:
    found = about(list(examine_store("/dev/null/x", "m", NOW)), "permissions")
    assert found.verdict == "wrong" and "/dev/null" in found.statement


def test_a_clock_that_lags_behind_the_registry_is_wrong(tmp_path: Path) -> None:
    used(str(tmp_path), NOW + timedelta(days=2))
    found = about(list(examine_store(str(tmp_path), "m", NOW)), "clock")
    assert found.verdict == "wrong" and "in the future" in found.statement and "registry repair m " in found.fix


def test_a_clock_minutes_behind_the_registry_is_to_be_set(tmp_path: Path) -> None:
    used(str(tmp_path), NOW + timedelta(minutes=10))
    found = about(list(examine_store(str(tmp_path), "m", NOW)), "clock")
    assert (found.verdict, found.fix) == ("wrong", "set this machine's clock (NTP)")


def test_a_night_that_has_not_come_is_found_with_what_repairs_it(tmp_path: Path) -> None:
    model = Registry(str(tmp_path), clock=FixedClock(NOW)).model("m")
    entry = model.hold(expected=None, author="gate", body={"sentence": "held"}, night=Night("2020-01-01", NOW))
    held = dataclasses.replace(entry, state={**entry.state, "night": "2099-01-01"})
    place = tmp_path / entry_key("m", "decisions", 1)
    place.write_bytes(held.to_bytes())
    found = about(list(examine_store(str(tmp_path), "m", NOW)), "dates")
    assert found.verdict == "wrong" and "last decided night 2099-01-01" in found.statement
    assert "registry repair m " in found.fix


def test_a_bucket_is_asked_for_its_promise_its_clock_and_its_expiry(bucket: str) -> None:
    used(f"{bucket}/registry")
    found = list(examine_store(f"{bucket}/registry", "m", datetime.now(UTC)))
    assert {each.about: each.verdict for each in found} == {
        "registry": "fine",
        "model": "fine",
        "store condition": "fine",
        "clock": "fine",
        "create only": "look",  # moto lets everybody do everything
        "expiry": "fine",
        "archiving": "fine",
    }
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "reg"}, "Expiration": {"Days": 30}}
    boto3.client("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket.removeprefix("s3://"), LifecycleConfiguration={"Rules": [rule]}
    )
    found = list(examine_store(f"{bucket}/registry", "m", datetime.now(UTC) + timedelta(hours=1)))
    assert about(found, "expiry").verdict == "wrong" and "tidy" in about(found, "expiry").statement
    assert about(found, "clock").verdict == "wrong"


def test_a_store_that_ignores_the_condition_is_found(rclone_server: str, aws: Any) -> None:
    aws(rclone_server)
    place = f"{new_bucket()}/registry"
    identity = {
        "Key": f"registry/{FORMAT_KEY}",
        "Body": b'{"format":2,"oldest_reader":2,"registry":"%s"}' % (b"1d" * 16),
    }
    boto3.client("s3").put_object(Bucket=place.split("/")[2], **identity)
    found = about(list(examine_store(place, "m", datetime.now(UTC))), "store condition")
    assert found.verdict == "wrong" and "overwrites" in found.statement


DAYS = {"Days": 30}


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ({"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": DAYS}, "wrong"),
        ({"Status": "Enabled", "Prefix": "registry/", "Expiration": DAYS}, "wrong"),
        ({"Status": "Enabled", "Filter": {"And": {"Prefix": "registry/models"}}, "Expiration": DAYS}, "wrong"),
        ({"Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": DAYS}, "fine"),
        ({"Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": DAYS}, "fine"),
        ({"Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}, "fine"),
        ({"Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}}, "fine"),
    ],
)
def test_a_rule_that_expires_the_registrys_objects_is_found(rule: dict[str, Any], verdict: str) -> None:
    assert expiry([rule], "registry/").verdict == verdict


IDENTITY = "9c4b0e6e-8d9a-4f65-a3c6-3f7f4f1c2a10"
ACTIVE = {"active": True, "schedule": {"cron": "20 17 * * 1-5", "timezone": "America/New_York"}}
NIGHTLY = {"name": "nightly", "flow_id": IDENTITY, "paused": False, "schedules": [ACTIVE]}
UP = {"name": "up", "work_pool_id": IDENTITY, "status": "ONLINE"}


class FakePrefect:
    """Answers what a Prefect server would; ``answers`` maps the end of a path to JSON or a status."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "version": "3.8.8",
            "csrf-token": 404,  # as a server that asks for none
            "deployments/filter": [NIGHTLY],
            "workers/filter": [UP],
            "flow_runs/filter": [{"flow_id": IDENTITY, "expected_start_time": "2024-06-06T21:20:00Z"}],
        }
        self.asked: dict[str, dict[str, Any]] = {}


@pytest.fixture
def prefect() -> Iterator[tuple[str, FakePrefect]]:
    fake = FakePrefect()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fake.asked[self.path] = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.do_GET()

        def do_GET(self) -> None:
            said = next(value for path, value in fake.answers.items() if urlsplit(self.path).path.endswith(path))
            self.send_response(said if isinstance(said, int) else 200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *values: Any) -> None:  # noqa: A002  # the name that the library calls it by
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api", fake
        server.shutdown()
        thread.join()


def test_a_server_with_all_that_nights_need_is_fine(
    prefect: tuple[str, FakePrefect], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_prefect, "version", lambda package: "3.8.8")
    api, fake = prefect
    assert [(each.verdict, each.statement) for each in examine_server(api, NOW)] == [
        ("fine", f"{api}, version 3.8.8"),
        ("fine", "nightly is scheduled"),
        ("fine", "up online"),
        ("fine", "next run 2024-06-06T21:20Z"),
    ]
    runs = fake.asked["/api/flow_runs/filter"]
    assert runs["deployments"]["name"]["any_"] == fake.asked["/api/deployments/filter"]["deployments"]["name"]["any_"]
    assert runs["flow_runs"]["state"]["type"]["any_"] == ["SCHEDULED"] and runs["limit"] == 1
    assert datetime.fromisoformat(runs["flow_runs"]["expected_start_time"]["after_"]) == NOW - timedelta(minutes=1)
    assert "/api/work_pools/retrain/workers/filter" in fake.asked


@pytest.mark.parametrize(
    ("path", "answer", "name", "verdict"),
    [
        ("version", "3.0.0", "Prefect", "look"),
        ("deployments/filter", [], "deployments", "wrong"),
        (
            "deployments/filter",
            [{**NIGHTLY, "paused": True}],
            "deployments",
            "wrong",
        ),
        ("deployments/filter", [{**NIGHTLY, "schedules": []}], "deployments", "wrong"),
        ("deployments/filter", [{**NIGHTLY, "schedules": [ACTIVE] * 2}], "deployments", "look"),
        ("workers/filter", [{**UP, "status": "OFFLINE"}], "worker", "wrong"),
        ("flow_runs/filter", [], "scheduler", "wrong"),
        ("deployments/filter", 401, "Prefect", "wrong"),
        ("workers/filter", 500, "Prefect", "wrong"),
        ("flow_runs/filter", "not what Prefect says", "Prefect", "wrong"),
    ],
)
def test_what_is_missing_on_the_server_is_named(
    prefect: tuple[str, FakePrefect], path: str, answer: Any, name: str, verdict: str
) -> None:
    api, fake = prefect
    fake.answers[path] = answer
    found = about(list(examine_server(api, NOW)), name)
    assert found.verdict == verdict and found.fix


def test_a_server_that_is_down_is_told_with_how_to_start_it() -> None:
    (found,) = examine_server("http://127.0.0.1:9/api", NOW)
    assert found.verdict == "wrong" and "retrain up" in found.fix


def test_a_library_that_breaks_prefect_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda package: {"sqlalchemy": "2.1.0"}.get(package, "0.1"))
    found = [each for each in doctor._versions(str(tmp_path), "m") if each.verdict == "wrong"]
    assert [each.statement for each in found] == ["sqlalchemy 2.1.0"]
    assert "<2.1" in found[0].fix


@pytest.mark.parametrize(("command", "verdict"), [("no-such-program x", "look"), ("'", "wrong"), ("  ", "wrong")])
def test_a_feed_that_cannot_be_run_is_seen(command: str, verdict: str) -> None:
    (found,) = doctor._feed(Operations(feed=command))
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("key", "hours", "verdict", "says"),
    [
        ("night", 2, "fine", "with a trainer's key: promotions wait"),
        (None, None, "fine", "with no key: promotions wait"),
        ("approver", None, "fine", "promote by themselves"),
        ("approver", 2, "wrong", "promote by themselves"),
        ("nobody", None, "wrong", "cannot be read"),
    ],
)
def test_keys_are_told_by_their_role(
    tmp_path: Path, key: str | None, hours: int | None, verdict: str, says: str
) -> None:
    public = {name: write_new_key(tmp_path / name) for name in ("approver", "night")}
    settings = Settings(
        registry=used(str(tmp_path / "registry")).url,
        signing_key=None if key is None else str(tmp_path / key),
        trusted_promoters=public["approver"],
        trusted_trainers=public["night"],
        approval_hours=hours,
    )
    found = about(examine(settings, Operations(), now=NOW), "keys")
    assert found.verdict == verdict and says in found.statement


def test_a_champion_that_production_would_refuse_is_found(tmp_path: Path) -> None:
    public = write_new_key(tmp_path / "approver")
    place = used(str(tmp_path / "registry")).url
    model = Registry(place).model("m")
    model.register(b"archive", VersionRecord(recipe="rf"), author="night")
    settings = Settings(registry=place, model="m", trusted_promoters=public, signing_key=str(tmp_path / "approver"))
    assert not [each for each in examine(settings, Operations(), now=NOW) if each.about == "champion"]
    model.force("v1", author="eve", reason="no key")
    assert about(examine(settings, Operations(), now=NOW), "champion").verdict == "wrong"
    keys = Keyring.of(settings.signing_key, public, None)
    signing = Registry(place, signer=keys.signer, trusted=keys.trusted).model("m")
    signing.register(b"archive", VersionRecord(recipe="rf"), author="night")
    signing.force("v2", author="ann", reason="with a key")
    assert about(examine(settings, Operations(), now=NOW), "champion").verdict == "fine"
