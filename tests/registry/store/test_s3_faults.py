"""What becomes of a create, a read and a listing when the server or the network fails, one scripted fault at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from syrupy.assertion import SnapshotAssertion

from registry.clock import Clock
from registry.errors import (
    ClockSkew,
    Exists,
    NotFound,
    OutcomeUnknown,
    StoreDenied,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from registry.store import S3Settings, Store, connect
from tests.servers.fixtures import SECRET_KEY
from tests.servers.processes import free_ports
from tests.servers.scripted import Answer, Covered, Fault, Lost, Scripted, Silent, etag_of, scripted_server

ATTEMPTS = 3
SLOW_DOWN = Answer(503, "SlowDown")
NO_CODE_503 = Answer(503, body=b"<html>no server is available</html>")
CONFLICT = Answer(409, "ConditionalRequestConflict")
TOO_MANY = Answer(429, "TooManyRequests")
INTERNAL = Answer(500, "InternalError")
BAD_GATEWAY = Answer(502, body=b"<html>bad gateway</html>")
DENIED = Answer(403, "AccessDenied")
PAGE = b"<html>welcome</html>"


@pytest.fixture
def server(aws: Callable[[str], None]) -> Iterator[Scripted]:
    with scripted_server(Scripted()) as script:
        aws(script.url)
        yield script


@pytest.fixture
def store(server: Scripted, clock: Clock) -> Store:
    settings = S3Settings(attempts=ATTEMPTS, read_timeout=0.15, first_wait=1.0, longest_wait=3.0)
    return connect("s3://bucket/root", s3=settings, clock=clock, jitter=lambda: 0.0)


CREATES: list[tuple[list[Fault], type[Exception] | None, bool, int]] = [
    # what the server does, how the create ends, whether the object is stored then, how often it was asked
    ([SLOW_DOWN], None, True, 2),
    ([TOO_MANY, CONFLICT], None, True, 3),
    ([INTERNAL], None, True, 2),
    ([Answer(400, "BadDigest")], None, True, 2),
    ([Answer(400, "RequestTimeout")], None, True, 2),
    ([Lost(stored=False)], None, True, 2),
    ([Silent(stored=False)], None, True, 2),
    ([Lost(stored=True)], Exists, True, 2),  # its own first attempt: the caller compares
    ([Silent(stored=True)], Exists, True, 2),
    ([SLOW_DOWN, Lost(stored=True)], Exists, True, 3),
    ([SLOW_DOWN] * ATTEMPTS, StoreUnavailable, False, 3),
    ([CONFLICT] * ATTEMPTS, StoreUnavailable, False, 3),
    ([TOO_MANY] * ATTEMPTS, StoreUnavailable, False, 3),
    ([INTERNAL] * ATTEMPTS, OutcomeUnknown, False, 3),
    ([NO_CODE_503] * ATTEMPTS, OutcomeUnknown, False, 3),
    ([BAD_GATEWAY] * ATTEMPTS, OutcomeUnknown, False, 3),
    ([Lost(stored=False)] * ATTEMPTS, OutcomeUnknown, False, 3),
    ([Silent(stored=True)] + [Lost(stored=True)] * (ATTEMPTS - 1), OutcomeUnknown, True, 3),
    ([Lost(stored=True), SLOW_DOWN, SLOW_DOWN], OutcomeUnknown, True, 3),
    ([SLOW_DOWN, SLOW_DOWN, Lost(stored=False)], OutcomeUnknown, False, 3),
    ([Lost(stored=True), DENIED], OutcomeUnknown, True, 2),
    ([SLOW_DOWN, DENIED], StoreDenied, False, 2),
    # what no S3 answers says nothing of the object
    *(([Answer(status, body=PAGE)], None, True, 2) for status in (307, 408, 418, 499, 520, 524, 530)),
    *(([Covered(status)], Exists, True, 2) for status in (408, 418, 520, 530)),
    ([Answer(522, "Timeout")] * ATTEMPTS, OutcomeUnknown, False, 3),
    ([Covered(520)] + [Answer(520, body=PAGE)] * (ATTEMPTS - 1), OutcomeUnknown, True, 3),
    ([Answer(200, body=PAGE)], None, True, 2),  # it never came to the store
    ([Covered(200)], Exists, True, 2),
    ([Answer(200, body=PAGE)] * ATTEMPTS, OutcomeUnknown, False, 3),
]


@pytest.mark.parametrize(("faults", "ending", "stored", "asked"), CREATES)
def test_a_create_says_what_is_known_about_it(
    server: Scripted, store: Store, faults: list[Fault], ending: type[Exception] | None, stored: bool, asked: int
) -> None:
    server.faults.extend(faults)
    if ending is None:
        store.create("k", b"data")
    else:
        with pytest.raises(ending, match=r"k in s3://bucket/root") as raised:
            store.create("k", b"data")
        assert raised.type is ending
        assert SECRET_KEY not in str(raised.value)
        assert getattr(raised.value, "key", "k") == "k"
    assert server.requests == [("PUT", "/bucket/root/k")] * asked
    server.faults.clear()
    assert server.objects == ({"/bucket/root/k": b"data"} if stored else {})


@pytest.mark.parametrize(
    ("answer", "ending", "mend"),
    [
        (Answer(403, "InvalidAccessKeyId"), StoreDenied, "AWS_ACCESS_KEY_ID"),
        (Answer(403, "SignatureDoesNotMatch"), StoreDenied, "AWS_SECRET_ACCESS_KEY"),
        (Answer(400, "ExpiredToken"), StoreDenied, "AWS_SESSION_TOKEN"),
        (Answer(403, "AccessDenied"), StoreDenied, "lack the right"),
        (Answer(403, "SomethingNew"), StoreDenied, "lack the right"),
        (Answer(404, "NoSuchBucket"), StoreDenied, "bucket's name"),
        (Answer(404, body=b"<html>not found</html>"), StoreDenied, "does not look like S3"),
        (Answer(400, "AuthorizationHeaderMalformed"), StoreDenied, "AWS_DEFAULT_REGION"),
        (Answer(400, "SomethingNew"), StoreDenied, "SomethingNew: as scripted"),
        (Answer(403, "RequestTimeTooSkewed"), ClockSkew, "NTP"),
        (Answer(403, "QuotaExceeded"), StoreFull, "quota"),
        (Answer(507, "XMinioStorageFull"), StoreFull, "space"),
        (Answer(501, "NotImplemented"), StoreRefused, "conditional writes"),
        (Answer(412, body=b""), Exists, "never overwritten"),
    ],
)
def test_an_answer_that_asking_again_cannot_better_is_told_at_once(
    server: Scripted, store: Store, answer: Answer, ending: type[Exception], mend: str
) -> None:
    server.faults.append(answer)
    with pytest.raises(ending, match=mend) as raised:
        store.create("k", b"data")
    assert raised.type is ending
    assert len(server.requests) == 1 and server.objects == {}


@pytest.mark.parametrize("fault", [SLOW_DOWN, INTERNAL, TOO_MANY, Lost(stored=False), Silent(stored=False)])
def test_a_read_is_repeated_until_answered(server: Scripted, store: Store, fault: Fault) -> None:
    store.create("k", b"data")
    server.faults.extend([fault] * (ATTEMPTS - 1))
    assert store.get("k") == b"data"
    server.faults.extend([fault] * ATTEMPTS)
    with pytest.raises(StoreUnavailable, match="k in s3://bucket/root"):
        store.get("k")


def test_a_shortened_answer_is_not_taken_for_the_object(server: Scripted, store: Store) -> None:
    store.create("k", b"data")
    server.faults.append(Answer(200, body=b"da", announced=4))
    assert store.get("k") == b"data"
    assert [verb for verb, _ in server.requests] == ["PUT", "GET", "GET"]


def test_a_damaged_answer_of_the_right_length_is_read_once_more(server: Scripted, store: Store) -> None:
    store.create("k", b"data")
    server.faults.append(Answer(200, body=b"dama", etag=etag_of(b"data")))
    assert store.get("k") == b"data"
    assert [verb for verb, _ in server.requests] == ["PUT", "GET", "GET"]


def test_a_store_whose_etag_is_something_else_than_md5_is_believed_when_it_says_the_same_again(
    server: Scripted, store: Store
) -> None:
    server.faults.extend([Answer(200, body=b"data", etag='"0123456789abcdef0123456789abcdef"')] * 2)
    assert store.get("k") == b"data"
    server.faults.append(Answer(200, body=b"data", etag='"0123456789abcdef0123456789abcdef-2"'))
    assert store.get("k") == b"data" and len(server.requests) == 3


def test_reading_nothing_is_asked_once(server: Scripted, store: Store) -> None:
    with pytest.raises(NotFound, match="k in s3://bucket/root"):
        store.get("k")
    assert len(server.requests) == 1


def test_waits_double_up_to_the_longest(server: Scripted, aws: Callable[[str], None], clock: Clock) -> None:
    settings = S3Settings(attempts=5, first_wait=1.0, longest_wait=3.0)
    for jitter, expected in ((0.0, [1.0, 2.0, 3.0, 3.0]), (0.5, [0.75, 1.5, 2.25, 2.25])):
        clock.waited.clear()  # type: ignore[attr-defined]  # the double's list
        server.faults.extend([SLOW_DOWN] * 5)
        with pytest.raises(StoreUnavailable):
            connect("s3://bucket", s3=settings, clock=clock, jitter=lambda at=jitter: at).create("k", b"")
        assert clock.waited == expected  # type: ignore[attr-defined]  # the double's list


def test_no_network_means_nothing_was_stored(aws: Callable[[str], None], clock: Clock) -> None:
    aws(f"http://127.0.0.1:{free_ports(1)[0]}")
    store = connect("s3://bucket", clock=clock)
    for operation in (lambda: store.create("k", b""), lambda: store.get("k"), lambda: store.list("")):
        with pytest.raises(StoreUnavailable, match="network") as raised:
            operation()
        assert raised.type is StoreUnavailable


def test_a_web_page_is_not_an_empty_bucket(server: Scripted, store: Store, snapshot: SnapshotAssertion) -> None:
    for operation in (lambda: store.list(""), lambda: store.folders(""), lambda: [*store.stat("")]):
        server.faults.append(Answer(200, body=b"<html><p>Welcome</p></html>"))
        with pytest.raises(StoreDenied) as refused:
            operation()
        assert str(refused.value) == snapshot
    server.faults.extend([Answer(200, body=b"Welcome")] * ATTEMPTS)
    with pytest.raises(StoreUnavailable, match="the keys in s3://bucket/root"):
        store.list("")
