"""The same over HTTP: a server that answers 409, 429, 500 and 503, or stores and does not answer, at every request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import pytest

from registry.errors import OutcomeUnknown, StoreUnavailable
from registry.format.entries import idempotency_key
from registry.store import S3Settings, Store, connect
from tests.registry.actors import HandClock, a_model
from tests.registry.auditing import audit, done_by
from tests.registry.operations import OPERATIONS, before
from tests.servers.scripted import Answer, Fault, Lost, Scripted, scripted_server

ROOT = "/bucket/root/"
ATTEMPTS = 2
FAULTS: dict[str, Fault] = {
    "409": Answer(409, "ConditionalRequestConflict"),
    "429": Answer(429, "TooManyRequests"),
    "500": Answer(500, "InternalError"),
    "503": Answer(503, "SlowDown"),
    "503 of a proxy": Answer(503, body=b"<html>"),
    "not stored, no answer": Lost(stored=False),
    "stored, no answer": Lost(stored=True),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with scripted_server(Scripted()) as script:
        yield script


@pytest.fixture
def store(server: Scripted, aws: Callable[[str], None]) -> Store:
    aws(server.url)
    return connect("s3://bucket/root", s3=S3Settings(attempts=ATTEMPTS), clock=HandClock(), jitter=lambda: 0.0)


def stored(server: Scripted) -> dict[str, bytes]:
    return {path.removeprefix(ROOT): data for path, data in server.objects.items()}


def begin(server: Scripted, faults: list[Fault | None]) -> None:
    server.objects.clear()
    server.objects |= {f"{ROOT}{key}": data for key, data in before().items()}
    server.requests.clear()
    server.faults = deque(faults)


@pytest.mark.parametrize("times", [1, ATTEMPTS * 5])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["register", "promote", "rollback"])
def test_an_operation_is_whole_or_absent_whatever_a_server_answers(server, store, name, fault, times):
    operation, key = OPERATIONS[name], idempotency_key("once")
    begin(server, [])
    operation(a_model(store, who=2), "once")
    for number in range(len(server.requests)):
        begin(server, [None] * number + [FAULTS[fault]] * times)
        ended = "done"
        try:
            operation(a_model(store, who=2), "once")
        except (OutcomeUnknown, StoreUnavailable) as error:
            ended = type(error).__name__
        there = len(done_by(audit(stored(server)), key))
        assert there == 1 if ended == "done" else there == 0 or ended == "OutcomeUnknown", (number, ended)
        assert times > 1 or ended == "done", "one fault of a server is nobody's concern"
        server.faults.clear()
        operation(a_model(store, who=3), key)
        assert len(done_by(audit(stored(server)), key)) == 1
