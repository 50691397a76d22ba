"""Encryption and requester-pays are settings, and stand in the requests that a server is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flows.bars.source import open_source
from registry.errors import InvalidRequest, ObjectArchived
from registry.store import S3Settings, connect
from tests.servers.recording import Seen, recording_server

KEY = "arn:aws:kms:eu-west-3:123456789012:key/9c4b0e6e"
SSE, SSE_KEY, PAYER = (
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-request-payer",
)
LISTING = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


def answer(seen: Seen) -> tuple[int, bytes]:
    return 200, LISTING if "list-type" in seen.target else b"data" if seen.verb == "GET" else b""


@pytest.mark.parametrize(
    ("variables", "puts", "others"),
    [
        ({}, {}, {}),
        ({"RETRAIN_S3_ENCRYPTION": "", "RETRAIN_S3_KMS_KEY": "", "RETRAIN_S3_REQUESTER_PAYS": ""}, {}, {}),
        ({"RETRAIN_S3_ENCRYPTION": "AES256"}, {SSE: "AES256"}, {}),
        ({"RETRAIN_S3_ENCRYPTION": "aws:kms"}, {SSE: "aws:kms"}, {}),
        ({"RETRAIN_S3_KMS_KEY": KEY}, {SSE: "aws:kms", SSE_KEY: KEY}, {}),
        (
            {"RETRAIN_S3_ENCRYPTION": "aws:kms:dsse", "RETRAIN_S3_KMS_KEY": KEY},
            {SSE: "aws:kms:dsse", SSE_KEY: KEY},
            {},
        ),
        ({"RETRAIN_S3_REQUESTER_PAYS": "true"}, {PAYER: "requester"}, {PAYER: "requester"}),
        ({"RETRAIN_S3_REQUESTER_PAYS": "no"}, {}, {}),
        (
            {"RETRAIN_S3_KMS_KEY": KEY, "RETRAIN_S3_REQUESTER_PAYS": "1"},
            {SSE: "aws:kms", SSE_KEY: KEY, PAYER: "requester"},
            {PAYER: "requester"},
        ),
    ],
)
def test_requests_carry_what_is_set(
    aws: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    puts: dict[str, str],
    others: dict[str, str],
) -> None:
    with recording_server(answer) as server:
        aws(server.url)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        store = connect("s3://bucket/root")
        store.create("k", b"data")
        store.get("k")
        store.list("")
        store.folders("")
        store.delete("k")
        bars = open_source("s3://bucket/bars")
        bars.names()
        bars.read("one.csv")
        sent = [
            (seen.verb, {name: seen.headers[name] for name in (SSE, SSE_KEY, PAYER) if name in seen.headers})
            for seen in server.seen
        ]
    assert sent == [("PUT", puts), *((verb, others) for verb in ("GET", "GET", "GET", "DELETE", "GET", "GET"))]


def test_what_is_stored_encrypted_is_read_back(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_S3_KMS_KEY", KEY)
    store = connect(f"{bucket}/root")
    store.create("k", b"data")
    assert store.get("k") == b"data"


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"RETRAIN_S3_ENCRYPTION": "kms"}, "RETRAIN_S3_ENCRYPTION 'kms': write AES256, aws:kms"),
        ({"RETRAIN_S3_ENCRYPTION": "AES256", "RETRAIN_S3_KMS_KEY": KEY}, "RETRAIN_S3_KMS_KEY"),
        ({"RETRAIN_S3_KMS_KEY": f"{KEY}\n"}, "RETRAIN_S3_KMS_KEY"),
        ({"RETRAIN_S3_REQUESTER_PAYS": "maybe"}, "RETRAIN_S3_REQUESTER_PAYS 'maybe': write true or false"),
    ],
)
def test_settings_that_make_no_sense_are_named(
    aws: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    aws("http://127.0.0.1:1")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidRequest, match=named):
        connect("s3://bucket/root")


def test_what_python_says_is_before_the_variables(monkeypatch: pytest.MonkeyPatch, aws: Callable[[str], None]) -> None:
    monkeypatch.setenv("RETRAIN_S3_ENCRYPTION", "AES256")
    with recording_server(answer) as server:
        aws(server.url)
        connect("s3://bucket", s3=S3Settings()).create("k", b"data")
        assert SSE not in server.seen[0].headers


def test_an_archived_object_is_told_with_what_to_do(aws: Callable[[str], None]) -> None:
    body = b"<Error><Code>InvalidObjectState</Code><Message>The operation is not valid</Message></Error>"
    with recording_server(lambda _: (403, body)) as server:
        aws(server.url)
        with pytest.raises(ObjectArchived, match="archived: restore it and exempt this prefix"):
            connect("s3://bucket/root").get("k")
        assert len(server.seen) == 1
