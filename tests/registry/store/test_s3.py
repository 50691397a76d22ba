"""What is S3's own: roots within a bucket, pages, other people's objects, wrong buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from registry.errors import Exists, StoreDenied, StoreError
from registry.store import S3Settings, Store, connect, s3


@pytest.fixture
def store(bucket: str) -> Store:
    return connect(bucket + "/root")


Hook = Callable[[Store, str, Callable[..., object]], None]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Lets a function hear of an event in a store's client, which other tests share, until the test is over."""
    undo: list[Callable[[], None]] = []

    def register(store: Store, event: str, heard: Callable[..., object]) -> None:
        events = store._bucket.client.meta.events  # type: ignore[attr-defined]  # a store's own connection is looked at
        events.register(event, heard)
        undo.append(lambda: events.unregister(event, heard))

    yield register
    for each in undo:
        each()


def test_two_roots_in_a_bucket_do_not_see_each_other(bucket: str, store: Store) -> None:
    others = [connect(bucket + "/root2"), connect(bucket), connect(bucket + "/roo/")]
    store.create("k", b"mine")
    for other in others:
        other.create("k", b"theirs")
    assert store.get("k") == b"mine"
    assert store.list("") == ["k"]
    assert others[1].folders("") == ["roo", "root", "root2"]
    with pytest.raises(Exists):
        connect(bucket).create("root/k", b"")


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_pages_are_put_together(store: Store, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    keys = [f"n{number}/k" for number in range(7)]
    for key in keys:
        store.create(key, b"data")
    monkeypatch.setattr(s3, "PAGE", page)
    assert store.list("") == keys
    assert store.list("", limit=5, after=keys[0]) == keys[1:6]
    assert store.folders("") == [f"n{number}" for number in range(7)]
    assert [stored.key for stored in store.stat("")] == keys


def test_a_listing_asks_for_no_more_than_is_wanted(store: Store, monkeypatch: pytest.MonkeyPatch, hook: Hook) -> None:
    for number in range(5):
        store.create(f"n{number}", b"data")
    monkeypatch.setattr(s3, "PAGE", 2)
    asked: list[int] = []
    hook(store, "before-parameter-build.s3.ListObjectsV2", lambda params, **_: asked.append(params["MaxKeys"]))
    for limit, pages in ((1, [1]), (2, [2]), (3, [2, 2]), (None, [2, 2, 2])):
        asked.clear()
        assert store.list("", limit=limit) == [f"n{number}" for number in range(5)][:limit]
        assert asked == pages


def test_folder_markers_and_hidden_objects_are_not_listed(bucket: str, store: Store) -> None:
    client = botocore.session.Session().create_client("s3")
    for key in ("root/", "root/.hidden/k", "root/a/", "root/a/.part", "root/a//k"):
        client.put_object(Bucket=bucket.removeprefix("s3://"), Key=key, Body=b"")
    client.close()
    store.create("b/k", b"data")
    assert store.list("") == store.list("", limit=1) == ["b/k"]
    assert [stored.key for stored in store.stat("")] == ["b/k"]
    assert ".hidden" not in store.folders("")


def test_a_wrong_bucket_is_told_with_its_name(bucket: str) -> None:
    store = connect(bucket + "-that-is-not-there")
    for operation in (lambda: store.create("k", b""), lambda: store.get("k"), lambda: store.list("")):
        with pytest.raises(StoreDenied, match=r"that-is-not-there.*bucket's name"):
            operation()


def answer_with_date(hook: Hook, store: Store, change: Callable[[dict[str, str]], object]) -> None:
    """Let ``change`` have the headers of every listing: no server that can be had here sends a wrong Date, or none."""
    hook(store, "after-call.s3.ListObjectsV2", lambda parsed, **_: change(parsed["ResponseMetadata"]["HTTPHeaders"]))


def test_ages_are_by_the_servers_clock_and_never_negative(store: Store, hook: Hook) -> None:
    store.create("k", b"")
    now = datetime.now(UTC)
    dates = [now + timedelta(days=800), now - timedelta(days=800)]
    answer_with_date(hook, store, lambda headers: headers.update(date=format_datetime(dates.pop(0), usegmt=True)))
    old, new = [next(iter(store.stat(""))).age for _ in range(2)]
    assert timedelta(days=799) < old < timedelta(days=801)
    assert new == timedelta(0)


def test_ages_are_not_guessed_without_the_servers_clock(store: Store, hook: Hook) -> None:
    store.create("k", b"")
    answer_with_date(hook, store, lambda headers: headers.pop("date"))
    with pytest.raises(StoreError, match="Date header"):
        [*store.stat("")]


@pytest.mark.parametrize(
    ("endpoint", "addressing", "url"),
    [
        (None, None, "https://bucket.s3.eu-west-1.amazonaws.com/root/k"),
        (None, "path", "https://s3.eu-west-1.amazonaws.com/bucket/root/k"),
        ("https://store.example", None, "https://store.example/bucket/root/k"),
        ("https://store.example", "virtual", "https://bucket.store.example/root/k"),
    ],
)
@pytest.mark.parametrize("by_variable", [True, False])
def test_a_create_is_one_put_that_every_server_understands(
    aws: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    hook: Hook,
    endpoint: str | None,
    addressing: str | None,
    url: str,
    by_variable: bool,
) -> None:
    aws(endpoint or "")
    if endpoint is None or not by_variable:
        monkeypatch.delenv("AWS_ENDPOINT_URL")
    settings = S3Settings(endpoint_url=None if by_variable else endpoint, region="eu-west-1", addressing=addressing)
    store = connect("s3://bucket/root", s3=settings)
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {"ETag": '"of it"'}, SimpleNamespace(stream=lambda: iter([b""])))

    hook(store, "before-send.s3.PutObject", answer)
    store.create("k", b"data")
    assert [(request.method, request.url) for request in sent] == [("PUT", url)]
    headers = {name.lower(): value for name, value in sent[0].headers.items()}
    assert headers["if-none-match"] in ("*", b"*")
    assert headers["content-md5"] in ("jXd/OF09/siBXSD3SWAm3A==", b"jXd/OF09/siBXSD3SWAm3A==")
    assert not [name for name in headers if "trailer" in name or "checksum" in name]
