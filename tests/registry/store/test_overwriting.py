"""Whether credentials can overwrite is found out with the bytes that are there, so that nothing can be lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from registry.errors import NotFound, StoreUnavailable
from registry.store import S3Settings
from registry.store.bucket import BucketClient
from tests.servers.recording import recording_server
from tests.servers.scripted import Answer, Scripted, etag_of, scripted_server

DATA = b'{"format": 1}'
WHERE = "/bucket/registry/k"
REFUSED = Answer(403, "AccessDenied")


@pytest.fixture
def server(aws: Callable[[str], None]) -> Iterator[Scripted]:
    with scripted_server(Scripted(objects={WHERE: DATA})) as script:
        aws(script.url)
        yield script


def can_overwrite() -> bool:
    bucket = BucketClient("bucket", "s3://bucket/registry", settings=S3Settings(attempts=2, first_wait=0.0))
    return bucket.can_overwrite("registry/k", about="k")


def test_a_server_that_ignores_the_condition_writes_what_it_has(server: Scripted) -> None:
    assert can_overwrite() is True
    assert server.requests == [("GET", WHERE), ("PUT", WHERE)]
    assert server.objects == {WHERE: DATA}


def test_a_server_that_would_take_it_writes_nothing(aws: Callable[[str], None]) -> None:
    """The condition of a create is what a policy demands; the one that is sent is met by no object."""
    with recording_server(lambda seen: (200, DATA) if seen.verb == "GET" else (412, b"")) as server:
        aws(server.url)
        assert can_overwrite() is True
    conditions = [{name for name in seen.headers if name.startswith("if-")} for seen in server.seen]
    assert conditions == [set(), {"if-match"}] and server.seen[1].headers["if-match"] == f'"{"0" * 32}"'


def test_a_server_that_refuses_it_keeps_what_is_stored(server: Scripted) -> None:
    server.faults.extend([None, REFUSED])
    assert can_overwrite() is False
    assert server.requests == [("GET", WHERE), ("PUT", WHERE)]


def test_what_is_not_there_is_not_made(server: Scripted) -> None:
    server.objects.clear()
    with pytest.raises(NotFound):
        can_overwrite()
    assert server.objects == {}


@pytest.mark.parametrize("again", [b'{"format": 2}', b'{"format": 9}'])
def test_bytes_that_came_damaged_are_never_written(server: Scripted, again: bytes) -> None:
    damaged = Answer(200, body=b'{"format": 9}', etag=etag_of(DATA))
    server.faults.extend([damaged, Answer(200, body=again, etag=etag_of(DATA))])
    if again == damaged.body:  # a store whose ETags are no MD5 of the bytes: they come the same each time
        server.objects[WHERE] = again
        assert can_overwrite() is True and server.objects == {WHERE: again}
    else:
        with pytest.raises(StoreUnavailable, match="other bytes each time"):
            can_overwrite()
        assert server.objects == {WHERE: DATA} and ("PUT", WHERE) not in server.requests
