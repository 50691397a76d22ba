"""What is S3's own: roots within a bucket, pages, other people's objects, wrong buckets."""

from __future__ import annotations

import botocore.session
import pytest

from registry.errors import Exists, StoreDenied, StoreError
from registry.store import Store, connect, s3


@pytest.fixture
def store(bucket: str) -> Store:
    return connect(bucket + "/root")


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


def test_ages_are_not_guessed_without_the_servers_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create("k", b"")
    client = store._client  # type: ignore[attr-defined]  # no server that can be had here leaves the header out
    client.meta.events.register(
        "after-call.s3.ListObjectsV2", lambda parsed, **_: parsed["ResponseMetadata"]["HTTPHeaders"].pop("date")
    )
    with pytest.raises(StoreError, match="Date header"):
        [*store.stat("")]
