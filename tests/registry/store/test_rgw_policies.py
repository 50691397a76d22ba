"""The policies of ``docs/security.md`` as they stand there, on a Ceph RADOS Gateway: of users, and of a bucket.

A bucket's policy differs from the page in one line for each statement: who it is for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from flows.operations.doctor.store import examine_store
from registry import Model
from registry.errors import Corrupt, StoreDenied
from registry.format import keys
from registry.store import Store, connect
from tests.registry.actors import promote, register
from tests.registry.policies import (
    ACTS,
    BUCKET,
    BY_KEEPER,
    MAY,
    NAME,
    ROLES,
    ROOT,
    WRITING,
    Statement,
    as_role,
    enforced,
    logs,
    some_versions,
    worn,
)
from tests.servers.rgw import Rgw

pytestmark = pytest.mark.skipif(
    not os.environ.get("TEST_RGW"), reason="set TEST_RGW=1 to start a Ceph RADOS Gateway (make test-s3)"
)

THEIRS = ("other/secret", "registry-of-others/x")


class Governing:
    """A gateway whose bucket ``models`` is governed by the page's policies, and a user for each role."""

    def __init__(self, rgw: Rgw) -> None:
        self.rgw = rgw
        self.owner = self._client("s3", rgw.access_key, rgw.secret_key)
        self.iam = self._client("iam", rgw.access_key, rgw.secret_key)
        self.of = {role: self._client("s3", *self.keys(role)) for role in ROLES}
        rgw.allow_user_policies("registry")
        self.owner.create_bucket(Bucket=BUCKET)
        # On Ceph an object is its writer's: without a right of its own the bucket's owner could not look at it.
        everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}
        self.attach("registry", [everything])
        for role in ROLES:
            rgw.create_user(role, *self.keys(role))

    def keys(self, role: str) -> tuple[str, str]:
        return f"{role.upper()}KEY", f"{role}-secret"

    def _client(self, service: str, access_key: str, secret_key: str) -> Any:
        return boto3.session.Session(access_key, secret_key, region_name="us-east-1").client(
            service,
            endpoint_url=self.rgw.url,
            config=Config(retries={"total_max_attempts": 1}, request_checksum_calculation="when_required"),
        )

    def attach(self, user: str, statements: list[Statement]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.iam.put_user_policy(UserName=user, PolicyName="page", PolicyDocument=document)

    @contextmanager
    def attached(self, to: str) -> Iterator[None]:
        """The policies of every role, attached ``to`` the users or the bucket."""
        if to == "users":
            for role, statements in ROLES.items():
                self.attach(role, statements)
        else:
            named = [
                statement | {"Principal": {"AWS": [f"arn:aws:iam:::user/{role}"]}}
                for role, statements in ROLES.items()
                for statement in statements
            ]
            document = json.dumps({"Version": "2012-10-17", "Statement": named})
            self.owner.put_bucket_policy(Bucket=BUCKET, Policy=document)
        try:
            yield
        finally:
            if to == "users":
                for role in ROLES:
                    self.iam.delete_user_policy(UserName=role, PolicyName="page")
            else:
                self.owner.delete_bucket_policy(Bucket=BUCKET)

    @property
    def stored(self) -> list[str]:
        pages = self.owner.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def hold(self, objects: dict[str, bytes]) -> None:
        """Nothing in the bucket but ``objects`` below the root, and what others have beside it."""
        wanted = {ROOT + key: data for key, data in objects.items()} | dict.fromkeys(THEIRS, b"theirs")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda key: self.owner.delete_object(Bucket=BUCKET, Key=key), self.stored))
            list(threads.map(lambda key: self.owner.put_object(Bucket=BUCKET, Key=key, Body=wanted[key]), wanted))

    def objects(self) -> dict[str, bytes]:
        """What is there below the root now."""
        found = [key for key in self.stored if key.startswith(ROOT)]
        with ThreadPoolExecutor(8) as threads:
            bodies = threads.map(lambda key: self.owner.get_object(Bucket=BUCKET, Key=key)["Body"].read(), found)
            return {key.removeprefix(ROOT): data for key, data in zip(found, bodies, strict=True)}


@pytest.fixture(scope="module")
def gateway(rgw_server: Rgw) -> Governing:
    return Governing(rgw_server)


@pytest.fixture(params=["users", "the bucket"])
def governing(gateway: Governing, request: pytest.FixtureRequest) -> Iterator[Governing]:
    with gateway.attached(request.param):
        yield gateway


@pytest.fixture
def store_as(
    governing: Governing, aws: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Store]:
    def connected(role: str) -> Store:
        aws(governing.rgw.url)
        access_key, secret_key = governing.keys(role)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret_key)
        return connect(f"s3://{BUCKET}/{ROOT[:-1]}")

    return connected


@pytest.fixture
def model_as(store_as: Callable[[str], Store]) -> Callable[[str], Model]:
    return lambda role: as_role(role, store_as(role))


def answered(request: Callable[..., Any], key: str | None = None, **arguments: Any) -> int:
    """The status of the answer to a request that is made by hand."""
    try:
        answer = request(Bucket=BUCKET, **({} if key is None else {"Key": key}), **arguments)
    except ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", ACTS)
def test_a_role_does_its_work_on_ceph_and_no_other(
    name: str, role: str, governing: Governing, model_as: Callable[[str], Model]
) -> None:
    before = worn() if name in BY_KEEPER else some_versions()
    governing.hold(before)
    if name in MAY[role]:
        ACTS[name](model_as(role))
        assert (governing.objects() != before) == (name in WRITING)
    else:
        with pytest.raises(StoreDenied):
            ACTS[name](model_as(role))
        assert logs(governing.objects()) == logs(before)


@pytest.mark.parametrize("role", ["trainer", "promoter"])
def test_a_registry_on_ceph_begins_with_a_first_registration(
    role: str, governing: Governing, model_as: Callable[[str], Model]
) -> None:
    governing.hold({})
    assert model_as("reader").champion() is None
    version = register(model_as(role))
    assert str(version) == "v1"
    promote(model_as("promoter"), version)
    champion = model_as("reader").champion()
    assert champion is not None and champion.version == "v1"
    own = f"{ROOT}{version.record.artifact}"
    assert answered(governing.of[role].delete_object, own) == 403, "it may not even undo what it did"
    with pytest.raises(StoreDenied):
        model_as("keeper").store.create(f"models/{NAME}/artifacts/x", b"")


def test_nobody_deletes_from_a_log_on_ceph_or_reads_what_is_beside_the_registry(governing: Governing) -> None:
    objects = some_versions()
    governing.hold(objects)
    kept = [ROOT + key for key in (*logs(objects), keys.FORMAT_KEY)]
    for role, client in governing.of.items():
        assert {answered(client.delete_object, key) for key in kept} == {403}, role
        assert {answered(client.get_object, key) for key in THEIRS} == {403}, role
        assert {answered(client.put_object, key, Body=b"", IfNoneMatch="*") for key in THEIRS} == {403}, role
        assert answered(client.list_objects_v2, Prefix="other/") == 403, role
        assert answered(client.list_objects_v2, Prefix=ROOT) == 200, role
        assert answered(client.list_objects_v2) == 200, "names, not contents: the price of a 404 for what is not there"
        assert answered(client.get_object, f"{ROOT}absent") == 404, role
    assert governing.objects() == objects


def test_ceph_enforces_the_prefix_of_a_listing_as_the_page_says(governing: Governing) -> None:
    refused = answered(governing.of["reader"].list_objects_v2, Prefix="other/") == 403
    assert refused == enforced("Ceph RADOS Gateway", "s3:prefix")


def test_ceph_enforces_create_only_as_the_page_says(governing: Governing, model_as: Callable[[str], Model]) -> None:
    """Where it does not, a trainer can overwrite the champion's archive: production refuses it, and that is all."""
    governing.hold(some_versions())
    champion = model_as("reader").in_production()
    entry = next(key for key in some_versions() if "/versions/" in key)
    statuses = {
        answered(governing.of["trainer"].put_object, ROOT + key, Body=b"harm") for key in (entry, champion.artifact)
    }
    assert statuses == ({403} if enforced("Ceph RADOS Gateway", "s3:if-none-match") else {200})
    if statuses == {200}:
        with pytest.raises(Corrupt):
            ACTS["champion"](model_as("reader"))
    for role in ("reader", "trainer", "keeper"):
        newest = next(key for key in some_versions() if "/decisions/" in key)
        assert answered(governing.of[role].put_object, ROOT + newest, Body=b"harm") == 403, role


def test_the_doctor_says_what_the_credentials_of_a_trainer_can_do_and_touches_nothing(
    governing: Governing, store_as: Callable[[str], Store]
) -> None:
    objects = some_versions()
    governing.hold(objects)
    format_object = {"Bucket": BUCKET, "Key": ROOT + keys.FORMAT_KEY}
    access = governing.owner.get_object_acl(**format_object)["Owner"]
    found = {each.about: each for each in examine_store(store_as("trainer").url, NAME, datetime.now(UTC))}
    assert found["create only"].verdict == ("fine" if enforced("Ceph RADOS Gateway", "s3:if-none-match") else "look")
    assert found["store condition"].verdict == "fine" and "missing objects" not in found
    assert governing.objects() == objects
    assert governing.owner.get_object_acl(**format_object)["Owner"] == access, "a PUT would make the trainer its owner"
