"""The short description of S3 that clients are made from, beside botocore's whole one: the same requests leave."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.auth
import botocore.loaders
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from registry.errors import StoreDenied
from registry.store import S3Settings, connect
from registry.store.s3_client import new_client

ENDPOINTS = [
    None,
    "https://store.example",
    "http://store.example:9000/below/",
    "http://10.0.0.7:9000",
    "https://[::1]:9000",
    "https://s3.eu-west-1.amazonaws.com",
]
BUCKETS = ["bucket", "a.bucket", "Bucket_1"]
REGIONS = [None, "us-east-1", "eu-west-1", "cn-north-1", "default", "aws-global"]

LISTING = {"Prefix": "root/a", "MaxKeys": 7, "StartAfter": "root/a/1", "ContinuationToken": "t+/=", "Delimiter": "/"}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("put_object", {"Key": "root/k", "Body": b"data", "ContentMD5": "jXd/OF09/siBXSD3SWAm3A==", "IfNoneMatch": "*"}),
    ("get_object", {"Key": "root/a-b_c.json"}),
    ("delete_object", {"Key": "root/k"}),
    ("list_objects_v2", LISTING),
    ("head_bucket", {}),
]

OWN = {"user-agent", "amz-sdk-invocation-id"}
"""Headers that differ from one request to the next, or name what the client supports."""


@dataclass
class Wire:
    """What a client sends, and the answers that it gets: the last one again and again."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(200, {}, b"")])
    sent: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def hold(self, client: Any) -> Any:
        client.meta.events.register("before-send.s3", self._answer)
        return client

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        self.sent.append((request.method, request.url, headers))
        status, answered, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        raw = SimpleNamespace(stream=lambda *_, **__: iter([body]), read=lambda *_, **__: body)
        return AWSResponse(request.url, status, answered, raw)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@functools.cache
def _loader() -> botocore.loaders.Loader:
    return botocore.loaders.create_loader()  # read once: each client would take 0.1 s


def whole(settings: S3Settings) -> Any:
    """A client as botocore makes it, set as the store's is."""
    style = {None: "auto", True: "path", False: "virtual"}[settings.path_style]
    config = Config(
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": style},
    )
    session = botocore.session.Session()
    session.register_component("data_loader", _loader())
    return session.create_client("s3", endpoint_url=settings.endpoint_url, region_name=settings.region, config=config)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch, aws: Callable[[str], None]) -> None:
    """Credentials, no endpoint, no region, and one moment at which everything is signed."""
    aws("")
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime(2024, 5, 1, 22))  # noqa: DTZ001


def both(settings: S3Settings) -> tuple[Any, Any]:
    return new_client("s3://bucket", settings), whole(settings)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("path_style", [None, True, False])
def test_requests_and_their_signatures_are_those_of_the_whole_description(
    endpoint: str | None, path_style: bool | None
) -> None:
    for region in REGIONS:
        wires = [Wire(), Wire()]
        clients = both(S3Settings(endpoint_url=endpoint, region=region, path_style=path_style))
        for wire, client in zip(wires, clients, strict=True):
            wire.hold(client)
            for bucket, (operation, asked) in itertools.product(BUCKETS, ASKED):
                getattr(client, operation)(Bucket=bucket, **asked)
        ours, theirs = (
            [
                (verb, url, {name: value for name, value in headers.items() if name not in OWN})
                for verb, url, headers in wire.sent
            ]
            for wire in wires
        )
        assert ours == theirs
        assert len(ours) == len(BUCKETS) * len(ASKED) and all("authorization" in headers for _, _, headers in ours)


MALFORMED = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>"
MOVED = b"<Error><Code>PermanentRedirect</Code><Endpoint>elsewhere</Endpoint></Error>"
REDIRECTS = {
    "the error names the region": [(400, {}, MALFORMED), (200, {}, b"")],
    "a header names it": [(301, {"x-amz-bucket-region": "eu-central-1"}, MOVED), (200, {}, b"")],
    "the bucket is asked": [(301, {}, MOVED), (200, {"x-amz-bucket-region": "eu-central-1"}, b""), (200, {}, b"")],
}


@pytest.mark.parametrize("endpoint", ["https://store.example", None])
@pytest.mark.parametrize("redirect", REDIRECTS)
def test_a_bucket_in_another_region_is_found_there(endpoint: str | None, redirect: str) -> None:
    wires = [Wire([*REDIRECTS[redirect]]), Wire([*REDIRECTS[redirect]])]
    for wire, client in zip(wires, both(S3Settings(endpoint_url=endpoint, region="eu-west-1")), strict=True):
        wire.hold(client).get_object(Bucket="bucket", Key="k")
    ours, theirs = ([(verb, url) for verb, url, _ in wire.sent] for wire in wires)
    assert ours == theirs and len(ours) == len(REDIRECTS[redirect])
    assert "/eu-central-1/s3/" in wires[0].sent[-1][2]["authorization"]


PAGE = b"""<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b</NextContinuationToken><EncodingType>url</EncodingType>
<Prefix>root%2F</Prefix><Contents><Key>root%2Fa%20b%2Bc</Key><LastModified>2024-05-01T22:00:00.123Z</LastModified>
<ETag>x</ETag><Size>12345678901</Size><StorageClass>STANDARD</StorageClass></Contents>
<CommonPrefixes><Prefix>root%2Fx%2F</Prefix></CommonPrefixes></ListBucketResult>"""


def test_a_listing_is_understood_as_by_the_whole_description() -> None:
    pages = []
    for client in both(S3Settings(endpoint_url="https://store.example")):
        Wire([(200, {"date": "Wed, 01 May 2024 22:00:00 GMT"}, PAGE)]).hold(client)
        pages.append(client.list_objects_v2(Bucket="bucket"))
    ours, theirs = pages
    assert ours["Contents"] == [{name: theirs["Contents"][0][name] for name in ("Key", "LastModified", "Size")}]
    for name in ("IsTruncated", "NextContinuationToken", "CommonPrefixes", "ResponseMetadata"):
        assert ours[name] == theirs[name], name


def test_an_error_is_understood_as_by_the_whole_description() -> None:
    raised = []
    body = b"<Error><Code>PreconditionFailed</Code><Message>At least one</Message><Condition>X</Condition></Error>"
    for client in both(S3Settings(endpoint_url="https://store.example")):
        Wire([(412, {}, body)]).hold(client)
        with pytest.raises(ClientError) as error:
            client.put_object(Bucket="bucket", Key="k", Body=b"", IfNoneMatch="*")
        raised.append(error.value.response)
    assert raised[0] == raised[1]


def test_variables_and_profiles_name_the_endpoint_as_botocore_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The most particular one counts: S3's variable, the variable, the profile; none of them where that is asked."""
    (tmp_path / "config").write_text(
        "[default]\nservices = ours\n[services ours]\ns3 =\n  endpoint_url = https://file.example\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def found() -> str:
        return str(new_client("s3://bucket", S3Settings(region="eu-west-1")).meta.endpoint_url)

    assert found() == "https://file.example"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example")
    assert found() == "https://all.example"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example")
    assert found() == "https://s3.example"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert found() == "https://s3.eu-west-1.amazonaws.com"


def test_credentials_of_a_role_are_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moto_server: str) -> None:
    """They come from STS, another service, by a client that botocore makes of its own descriptions."""
    (tmp_path / "config").write_text(
        "[profile trainer]\nrole_arn = arn:aws:iam::123456789012:role/trainer\nsource_profile = person\n"
        "[profile person]\naws_access_key_id = person\naws_secret_access_key = secret\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "trainer")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    wire = Wire()
    wire.hold(new_client("s3://bucket", S3Settings(region="eu-west-1"))).get_object(Bucket="bucket", Key="k")
    headers = wire.sent[0][2]
    assert headers["x-amz-security-token"] and "Credential=ASIA" in headers["authorization"]


def test_an_accelerated_endpoint_of_ones_own_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two addresses for one bucket: the whole description says so, and what says so must go on being asked."""
    (tmp_path / "config").write_text("[default]\ns3 =\n  use_accelerate_endpoint = true\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://store.example")
    with pytest.raises(StoreDenied, match="Accelerate"):
        connect("s3://bucket").list("")
