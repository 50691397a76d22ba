"""One client a process: whom it is shared by, and when another one is made."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import pytest

import registry
from registry.store import S3Settings, connect
from tests.servers.recording import Recording, recording_server


@pytest.fixture
def server(aws: Callable[[str], None]) -> Iterator[Recording]:
    with recording_server() as found:  # a port that no client was made for yet
        aws(found.url)
        yield found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The clients that are made while the test runs."""
    clients: list[Any] = []
    make = botocore.session.Session.create_client

    def counting(self: Any, *args: Any, **named: Any) -> Any:
        clients.append(make(self, *args, **named))
        return clients[-1]

    monkeypatch.setattr(botocore.session.Session, "create_client", counting)
    return clients


def test_registries_of_a_process_share_one_client(
    server: Recording, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("s3://bucket/a", "s3://bucket/b", "s3://other/a"):
        monkeypatch.setenv("NOT_OF_BOTO3", place)
        registry.Registry(place)
        assert connect(place).get("k") == b"data"
    assert len(made) == 1
    assert len({seen.port for seen in server.seen}) == 1, "and its connection"


def test_threads_that_connect_at_once_share_one_client(server: Recording, made: list[Any]) -> None:
    together = threading.Barrier(8)

    def read(number: int) -> bytes:
        together.wait()
        return connect(f"s3://bucket/{number}").get("k")

    with ThreadPoolExecutor(8) as threads:
        assert {*threads.map(read, range(8))} == {b"data"}
    assert len(made) == 1


def test_other_settings_have_a_client_of_their_own(server: Recording, made: list[Any]) -> None:
    for _ in range(2):
        connect("s3://bucket", s3=S3Settings(region="eu-west-1")).get("k")
        connect("s3://bucket", s3=S3Settings(region="eu-west-2")).get("k")
    assert len(made) == 2
    assert [seen.signed[1] for seen in server.seen] == ["eu-west-1", "eu-west-2"] * 2


def test_who_connects_anew_is_whom_variables_and_files_name_now(
    server: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Credentials that expired are replaced in the file or the variables, and a notebook need not begin anew."""
    connect("s3://bucket").get("k")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ANOTHER")
    connect("s3://bucket").get("k")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for key in ("WRITTEN", "WRITTENAGAIN"):
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
        connect("s3://bucket").get("k")
    assert [seen.signed[0] for seen in server.seen[1:]] == ["ANOTHER", "WRITTEN", "WRITTENAGAIN"]


def test_a_place_that_nobody_is_at_home_in_is_no_concern(server: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "~nobody-of-this-name/.aws/config")
    assert connect("s3://bucket").get("k") == b"data"


def test_a_forked_process_does_not_talk_on_its_parents_connections(server: Recording) -> None:
    def read() -> None:
        assert connect("s3://bucket").get("k") == b"data"

    read()
    child = multiprocessing.get_context("fork").Process(target=read)
    child.start()
    child.join()
    read()
    assert child.exitcode == 0
    first, forked, again = (seen.port for seen in server.seen)
    assert first == again != forked


def test_a_process_forked_while_a_client_is_made_does_not_wait_for_it(
    server: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that makes it does not exist there, and would never let go."""
    begun, go_on = threading.Event(), threading.Event()
    make = botocore.session.Session.create_client

    def slowly(self: Any, *args: Any, **named: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return make(self, *args, **named)

    def read() -> None:
        monkeypatch.setattr(botocore.session.Session, "create_client", make)
        assert connect("s3://bucket").get("k") == b"data"

    monkeypatch.setattr(botocore.session.Session, "create_client", slowly)
    with ThreadPoolExecutor(1) as thread:
        making = thread.submit(connect, "s3://bucket")
        try:
            assert begun.wait(60)
            child = multiprocessing.get_context("fork").Process(target=read)
            child.start()
            child.join(60)
            stuck = child.is_alive()
            child.kill()
            child.join()
        finally:
            go_on.set()
        making.result()
    assert not stuck and child.exitcode == 0
