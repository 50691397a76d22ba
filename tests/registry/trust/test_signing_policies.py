"""The policies of ``docs/security.md``, read from it and enforced as Amazon does: each role can do its work and nothing
beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from registry.errors import RegistryError, StoreDenied
from registry.format import keys
from registry.store import Stored
from tests.registry.actors import promote, register
from tests.registry.policies import (
    ACTS,
    BUCKET,
    BY_KEEPER,
    BY_PROMOTER,
    BY_TRAINER,
    KEEPER,
    MAY,
    NAME,
    PROMOTER,
    READER,
    ROLES,
    ROOT,
    TRAINER,
    WRITING,
    Keys,
    Statement,
    allowing,
    as_role,
    enforced,
    listed,
    logs,
    some_versions,
    worn,
)
from tests.servers.stores import MemoryStore


class Governed(MemoryStore):
    """Enforces the statements of a role as Amazon does; ``used`` holds the resources that allowed something."""

    def __init__(self, objects: dict[str, bytes], statements: list[Statement]) -> None:
        super().__init__()
        self.objects = objects
        self.statements = statements
        self.used: set[str] = set()

    def create(self, key: str, data: bytes) -> None:
        self._ask("s3:PutObject", key, {"s3:if-none-match": "*"})
        super().create(key, data)

    def overwrite(self, key: str, data: bytes) -> None:
        """A PUT without a condition, which no code of this project makes."""
        self._ask("s3:PutObject", key, {})
        self.objects[key] = data

    def get(self, key: str) -> bytes:
        self._ask("s3:GetObject", key, {})
        if key not in self.objects:  # "not there" is told to those alone who may list
            self._ask("s3:ListBucket", None, {})
        return super().get(key)

    def delete(self, key: str) -> None:
        self._ask("s3:DeleteObject", key, {})
        super().delete(key)

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> Keys:
        self._ask("s3:ListBucket", None, {"s3:prefix": ROOT + prefix})
        return super().list(prefix, limit=limit, after=after)

    def folders(self, prefix: str) -> Keys:
        self._ask("s3:ListBucket", None, {"s3:prefix": ROOT + prefix})
        return super().folders(prefix)

    def stat(self, prefix: str) -> Iterator[Stored]:
        self._ask("s3:ListBucket", None, {"s3:prefix": ROOT + prefix})
        return super().stat(prefix)

    def _ask(self, action: str, key: str | None, context: dict[str, str]) -> None:
        by = allowing(self.statements, action, BUCKET if key is None else f"{BUCKET}/{ROOT}{key}", context)
        if by is None:
            raise StoreDenied(f"{action} {key or 'the bucket'}")
        self.used.add(by)


def objects_for(act: str) -> dict[str, bytes]:
    return worn() if act in BY_KEEPER else some_versions()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", ACTS)
def test_a_role_does_its_work_and_no_other(role: str, name: str) -> None:
    objects = objects_for(name)
    before = dict(objects)
    model = as_role(role, Governed(objects, ROLES[role]))
    if name in MAY[role]:
        ACTS[name](model)
        assert (objects != before) == (name in WRITING)
    else:
        with pytest.raises(StoreDenied):
            ACTS[name](model)
        assert logs(objects) == logs(before)


@pytest.mark.parametrize("role", ["trainer", "promoter"])
def test_a_registry_begins_with_a_first_registration(role: str) -> None:
    """What is not there yet must be told from what may not be read."""
    objects: dict[str, bytes] = {}
    assert as_role("reader", Governed(objects, READER)).champion() is None
    version = register(as_role(role, Governed(objects, ROLES[role])))
    assert str(version) == "v1"
    promote(as_role("promoter", Governed(objects, ROLES["promoter"])), version)
    assert as_role("reader", Governed(objects, READER)).champion().version == "v1"


def test_nobody_deletes_from_a_log_or_overwrites() -> None:
    objects = some_versions()
    before = dict(objects)
    for statements in ROLES.values():
        store = Governed(objects, statements)
        for key in before:
            with pytest.raises(StoreDenied):
                store.overwrite(key, b"other")
            with pytest.raises(RegistryError):
                store.create(key, b"other")
        for key in [*logs(before), keys.FORMAT_KEY]:
            with pytest.raises(StoreDenied):
                store.delete(key)
    assert objects == before


def test_nobody_reads_or_lists_by_name_what_is_beside_the_registry() -> None:
    for statements in ROLES.values():
        assert allowing(statements, "s3:GetObject", f"{BUCKET}/other/x", {}) is None
        assert allowing(statements, "s3:ListBucket", BUCKET, {"s3:prefix": "other/"}) is None
        assert allowing(statements, "s3:ListBucket", BUCKET, {"s3:prefix": ROOT}) is not None


def test_production_goes_on_when_a_trainer_fills_its_log_with_rubbish() -> None:
    objects = some_versions()
    rogue = Governed(objects, ROLES["trainer"])
    rogue.create(f"models/{NAME}/versions/0000000/0000000999-9999999000.json", b"rubbish")
    ACTS["champion"](as_role("reader", Governed(objects, READER)))
    with pytest.raises(RegistryError, match="verify"):
        register(as_role("trainer", Governed(objects, ROLES["trainer"])), "new")


def test_no_right_is_to_spare() -> None:
    used: set[str] = set()
    for role, acts in (("trainer", BY_TRAINER), ("promoter", BY_PROMOTER), ("keeper", BY_KEEPER)):
        for name, act in acts.items():
            mine = objects_for(name)
            store = Governed(mine, ROLES[role])
            act(as_role(role, store))
            used |= store.used
    rights = {
        resource
        for block in (READER, TRAINER, PROMOTER, KEEPER)
        for statement in block
        for resource in listed(statement["Resource"])
    }
    assert rights <= used


@pytest.mark.parametrize("key", ["s3:prefix", "s3:if-none-match"])
def test_moto_enforces_as_the_page_says(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto, asked to check what users may do: their own policies, on the resources that these name."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3, iam = (boto3.client(service, region_name="us-east-1") for service in ("s3", "iam"))
        s3.create_bucket(Bucket=BUCKET)
        iam.create_user(UserName="trainer")
        for number, block in enumerate((READER, TRAINER)):
            document = json.dumps({"Version": "2012-10-17", "Statement": block})
            iam.put_user_policy(UserName="trainer", PolicyName=f"p{number}", PolicyDocument=document)
        made = iam.create_access_key(UserName="trainer")["AccessKey"]
        trainer = boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
        )

        @set_initial_no_auth_action_count(0)
        def refused(request: Any, **arguments: Any) -> bool:
            try:
                request(Bucket=BUCKET, **arguments)
            except ClientError as error:
                return error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
            return False

        below = f"{ROOT}models/{NAME}/"
        assert refused(trainer.put_object, Key=f"{below}decisions/x", Body=b"", IfNoneMatch="*"), "it checks nothing"
        asked = {
            "s3:prefix": lambda: refused(trainer.list_objects_v2, Prefix="other/"),
            "s3:if-none-match": lambda: refused(trainer.put_object, Key=f"{below}artifacts/x", Body=b""),
        }
        assert asked[key]() == enforced("moto", key)
