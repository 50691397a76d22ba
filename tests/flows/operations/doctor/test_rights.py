"""What credentials may do in a bucket is tried without harm, and said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from flows.operations.doctor.rights import examine_rights
from flows.operations.doctor.store import examine_store
from registry.format.keys import FORMAT_KEY
from registry.store import S3Settings
from registry.store.bucket import BucketClient
from tests.registry.actors import a_model, register
from tests.servers.fixtures import new_bucket
from tests.servers.scripted import Answer, Fault, Lost, Scripted, scripted_server

WHERE = f"/bucket/registry/{FORMAT_KEY}"
REFUSED = Answer(403, "AccessDenied")


@pytest.fixture
def server(aws: Callable[[str], None]) -> Iterator[Scripted]:
    with scripted_server(
        Scripted(objects={WHERE: b"{}", "/bucket/registry/models/m/artifacts/a": b"archive"})
    ) as script:
        aws(script.url)
        yield script


def verdicts(*, kept: bool = True) -> dict[str, str]:
    bucket = BucketClient("bucket", "s3://bucket/registry", settings=S3Settings(attempts=2, first_wait=0.0))
    return {each.about: each.verdict for each in examine_rights(bucket, "registry/", kept=kept)}


@pytest.mark.parametrize(
    ("faults", "found"),
    [
        ([], {"create only": "look"}),
        ([None, None, REFUSED], {"create only": "fine"}),
        ([REFUSED], {"missing objects": "wrong", "create only": "look"}),
        ([None, None, Lost(stored=True), Lost(stored=True)], {"create only": "look"}),
        ([Answer(400, "BadDigest")] * 2, {"missing objects": "look", "create only": "look"}),
    ],
    ids=["anything is taken", "by policy", "the missing are forbidden", "no answer", "no sound answer"],
)
def test_what_credentials_can_do_is_found(server: Scripted, faults: list[Fault | None], found: dict[str, str]) -> None:
    before = dict(server.objects)
    server.faults.extend(faults)
    assert verdicts() == found
    assert server.objects == before, "whatever came of it"
    assert {path for verb, path in server.requests if verb == "PUT"} <= {WHERE}


def test_nothing_is_overwritten_where_the_store_does_not_keep_its_promise(server: Scripted) -> None:
    assert verdicts(kept=False) == {}
    assert [verb for verb, _ in server.requests] == ["GET"]


def test_a_store_that_ignores_the_condition_is_not_tried_further(rclone_server: str, aws: Any) -> None:
    aws(rclone_server)
    place = f"{new_bucket()}/registry"
    boto3.client("s3").put_object(Bucket=place.split("/")[2], Key=f"registry/{FORMAT_KEY}", Body=b"{}")
    assert "create only" not in {each.about for each in examine_store(place, "m", datetime.now(UTC))}


def test_a_registry_in_use_is_the_same_after_it_was_tried(bucket: str) -> None:
    register(a_model(f"{bucket}/registry", name="m"))
    s3, name = boto3.client("s3"), bucket.removeprefix("s3://")

    def stored() -> dict[str, bytes]:
        found = [each["Key"] for each in s3.list_objects_v2(Bucket=name)["Contents"]]
        return {key: s3.get_object(Bucket=name, Key=key)["Body"].read() for key in found}

    before = stored()
    found = {each.about: each for each in examine_store(f"{bucket}/registry", "m", datetime.now(UTC))}
    assert found["create only"].verdict == "look" and "can overwrite" in found["create only"].statement
    assert "missing objects" not in found and stored() == before and len(before) == 3


def test_a_folder_is_not_tried(tmp_path: Any) -> None:
    found = {each.about: each.verdict for each in examine_store(str(tmp_path), "m", datetime.now(UTC))}
    assert found["create only"] == "fine"
