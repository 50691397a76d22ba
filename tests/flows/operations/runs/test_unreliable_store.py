"""A night whose store fails every fifth request and answers slowly; one whose store is down, and the night after."""

from __future__ import annotations

import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flows.job.request import RetrainRequest
from flows.night.run import run_night
from flows.operations.runs.unattended import unattended
from registry import Registry
from registry.errors import StoreUnavailable
from tests.clocks import FixedClock
from tests.flows.operations.receiver import receiving
from tests.servers.fixtures import new_bucket
from tests.servers.handlers import EveryVerb, serving

FAST = RetrainRequest(recipes=("logistic",), train_days=60, backfill_days=40)
WEDNESDAY = datetime(2024, 6, 5, 21, 20, tzinfo=UTC)
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>"


class Weather:
    """What the proxy does: it fails a ``share`` of the requests, before or after the server has done its work."""

    def __init__(self, share: float) -> None:
        self.share, self.failed, self.served = share, 0, 0
        self.chance = random.Random(7)


@contextmanager
def unreliable(server: str, weather: Weather) -> Iterator[str]:
    """The url of a proxy before an S3 server."""

    class Handler(EveryVerb):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
            fails, after = weather.chance.random() < weather.share, weather.chance.random() < 0.5
            time.sleep(0.02)
            status, headers, answer = 503, {}, SLOW_DOWN
            if not fails or after:  # failing after it: stored, and the answer got lost
                status, headers, answer = self._ask(body)
            if fails:
                weather.failed += 1
                status, headers, answer = 503, {}, SLOW_DOWN
            weather.served += not fails
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "server", "date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _ask(self, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in ("expect", "connection")}
            kept.setdefault("Content-Type", "application/octet-stream")  # urllib would say it is a form
            request = urllib.request.Request(server + self.path, body, kept, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, dict(answer.headers), answer.read()
            except urllib.error.HTTPError as error:
                return error.code, dict(error.headers), error.read()

    with serving(Handler) as address:
        yield f"http://{address}"


@pytest.fixture
def place(
    moto_server: str, aws: Callable[[str], None], june: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    aws(moto_server)
    url = f"{new_bucket()}/registry"
    values = {"DATA": june, "REGISTRY": url, "MODEL": "m", "CORES": 1, "CONDITIONS": tmp_path / "conditions"}
    for name, value in values.items():
        monkeypatch.setenv(f"RETRAIN_{name}", str(value))
    return url


def night(now: datetime) -> str:
    clock = FixedClock(now)
    with unattended(FAST, scheduled=True, clock=clock) as tonight:
        tonight.outcome = run_night(tonight.job, clock=clock)
    return tonight.outcome.sentence


def test_a_night_completes_on_a_store_that_fails_every_fifth_request(
    place: str, moto_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weather = Weather(0.2)
    with unreliable(moto_server, weather) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        night(WEDNESDAY)
        night(WEDNESDAY.replace(day=6))
    assert weather.failed >= 5 and weather.served >= 20
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    model = Registry(place).model("m")
    assert [entry.state["night"] for entry in model.acts()] == ["2024-06-06", "2024-06-05"]
    assert len(model.history()) == 2


def test_a_store_that_is_down_is_one_message_and_one_alert_and_the_next_night_catches_up(
    place: str, moto_server: str, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    night(WEDNESDAY)
    with receiving() as receiver:
        monkeypatch.setenv("RETRAIN_ALERT_URL", receiver.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens there
        with pytest.raises(StoreUnavailable, match="AWS_ENDPOINT_URL") as refused:
            night(WEDNESDAY.replace(day=6))
        assert str(refused.value) == snapshot
        assert receiver.subjects == ["retrain: retrain.failed (m)"]
        monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
        night(WEDNESDAY.replace(day=7))
        assert "retrain: over: retrain.failed (m)" in receiver.subjects
    model = Registry(place).model("m")
    assert [entry.state["night"] for entry in model.acts()] == ["2024-06-07", "2024-06-05"]
    assert len(model.history()) == 2
