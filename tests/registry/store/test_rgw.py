"""What only a server with real authentication can refuse: Ceph RADOS Gateway, where ``TEST_RGW`` is set."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import botocore.auth
import pytest

from registry.clock import Clock
from registry.errors import ClockSkew, StoreDenied, StoreError, StoreUnavailable
from registry.store import Store, connect, s3
from tests.servers.fixtures import new_bucket
from tests.servers.rgw import Rgw

pytestmark = pytest.mark.skipif(
    not os.environ.get("TEST_RGW"), reason="set TEST_RGW=1 to start a Ceph RADOS Gateway (make test-s3)"
)


@pytest.fixture
def bucket_url(rgw_server: Rgw, aws: Callable[[str], None]) -> str:
    aws(rgw_server.url)
    return new_bucket()


def refused(store: Store, error: type[StoreError], mend: str) -> None:
    for operation in (lambda: store.create("k", b""), lambda: store.get("k"), lambda: store.list("")):
        with pytest.raises(error, match=mend) as raised:
            operation()
        assert raised.type is error


def test_a_wrong_secret_is_refused(bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    refused(connect(bucket_url), StoreDenied, "AWS_SECRET_ACCESS_KEY.*SignatureDoesNotMatch")


def test_an_unknown_user_is_refused(bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "NOBODY")
    refused(connect(bucket_url), StoreDenied, "AWS_ACCESS_KEY_ID.*InvalidAccessKeyId")


def test_another_users_bucket_is_refused(bucket_url: str, rgw_server: Rgw, monkeypatch: pytest.MonkeyPatch) -> None:
    rgw_server.create_user("other", "OTHERKEY", "other-secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHERKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other-secret")
    refused(connect(bucket_url), StoreDenied, "lack the right.*AccessDenied")


def test_a_wrong_bucket_is_refused(bucket_url: str) -> None:
    refused(connect(bucket_url + "-not-there"), StoreDenied, "bucket's name.*NoSuchBucket")


@pytest.mark.parametrize("years", [-2, 2])
def test_a_clock_two_years_off_is_refused(bucket_url: str, years: int, monkeypatch: pytest.MonkeyPatch) -> None:
    true_now = botocore.auth.get_current_datetime
    shift = timedelta(days=365 * years)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *options: true_now(*options) + shift)
    refused(connect(bucket_url), ClockSkew, "clock differs.*RequestTimeTooSkewed")


def test_bytes_damaged_on_the_way_are_not_stored(
    bucket_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = connect(bucket_url, clock=clock)
    with monkeypatch.context() as patch:
        other = SimpleNamespace(md5=lambda data, **options: hashlib.md5(data + b"!", **options))
        patch.setattr(s3, "hashlib", other)
        with pytest.raises(StoreUnavailable, match="damaged"):
            store.create("k", b"data")
    assert store.list("") == []
    store.create("k", b"data")
