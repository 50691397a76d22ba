"""A store that ignores the condition of a create is refused, and nothing is lost by finding out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from registry.errors import OutcomeUnknown, StoreRefused, StoreUnavailable
from registry.store import S3Settings, connect, probe
from tests.servers.fixtures import new_bucket
from tests.servers.scripted import Answer, Lost, Scripted, scripted_server

QUICK = S3Settings(attempts=2, first_wait=0.0)


def test_a_server_that_ignores_the_condition_is_refused(
    aws: Callable[[str], None], snapshot: SnapshotAssertion
) -> None:
    with scripted_server(Scripted(honours_condition=False)) as server:
        aws(server.url)
        store = connect("s3://bucket", s3=QUICK)
        store.create("format.json", b'{"format": 1}')
        with pytest.raises(StoreRefused, match=r"s3://bucket .*format\.json") as refused:
            probe(store, "format.json", b'{"format": 1}')
        assert str(refused.value) == snapshot
        assert store.get("format.json") == b'{"format": 1}'


def test_rclone_ignores_the_condition_and_is_refused(rclone_server: str, aws: Callable[[str], None]) -> None:
    aws(rclone_server)
    store = connect(new_bucket() + "/registry")
    store.create("format.json", b'{"format": 1}')
    with pytest.raises(StoreRefused, match="overwrites"):
        probe(store, "format.json", b'{"format": 1}')
    assert store.get("format.json") == b'{"format": 1}'


def test_a_server_that_does_not_know_the_condition_is_refused(aws: Callable[[str], None]) -> None:
    with scripted_server(Scripted()) as server:
        aws(server.url)
        server.faults.append(Answer(501, "NotImplemented"))
        with pytest.raises(StoreRefused, match="conditional writes"):
            connect("s3://bucket", s3=QUICK).create("format.json", b"{}")


def test_a_probe_without_an_answer_decides_nothing(aws: Callable[[str], None]) -> None:
    with scripted_server(Scripted()) as server:
        aws(server.url)
        store = connect("s3://bucket", s3=QUICK)
        store.create("format.json", b"{}")

        class Unanswered:
            url = store.url
            get = store.get

            def create(self, key: str, data: bytes) -> None:
                server.faults.extend([Lost(stored=True), Lost(stored=True)])
                store.create(key, data)

        with pytest.raises(OutcomeUnknown):
            Unanswered().create("format.json", b"{}")
        with pytest.raises(StoreUnavailable, match="nothing was changed"):
            probe(Unanswered(), "format.json", b"{}")  # type: ignore[arg-type]  # half a store
