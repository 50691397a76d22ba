"""The policies of ``docs/security.md``, read from it and enforced: each role can do its work and nothing beside it."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from registry.errors import RegistryError, StoreDenied
from registry.model.evidence import ScoredNight
from registry.store import Stored
from tests import paths
from tests.registry.actors import a_model, promote, register
from tests.servers.stores import MemoryStore

NAME = "gbpusd_m15_direction"
ROOT = "arn:aws:s3:::models/registry/"
DOCUMENT = paths.ROOT / "docs" / "security.md"
BLOCKS = [json.loads(block)["Statement"] for block in re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)]
READER, TRAINER, PROMOTER, KEEPER = BLOCKS
ROLES = {
    "reader": READER,
    "trainer": READER + TRAINER,
    "promoter": READER + TRAINER + PROMOTER,
    "keeper": READER + KEEPER,
}
WHY = {"author": "ann", "reason": "why"}


Keys = list[str]  # inside a store the name `list` is its method


class Governed(MemoryStore):
    """Enforces the statements of a role; ``used`` holds those that allowed something."""

    def __init__(self, objects: dict[str, bytes], statements: list[dict[str, Any]]) -> None:
        super().__init__()
        self.objects = objects
        self.statements = statements
        self.used: set[str] = set()

    def create(self, key: str, data: bytes) -> None:
        self._ask("s3:PutObject", key)
        super().create(key, data)

    def get(self, key: str) -> bytes:
        self._ask("s3:GetObject", key)
        return super().get(key)

    def delete(self, key: str) -> None:
        self._ask("s3:DeleteObject", key)
        super().delete(key)

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> Keys:
        self._ask_list()
        return super().list(prefix, limit=limit, after=after)

    def folders(self, prefix: str) -> Keys:
        self._ask_list()
        return super().folders(prefix)

    def stat(self, prefix: str) -> Iterator[Stored]:
        self._ask_list()
        return super().stat(prefix)

    def _ask(self, action: str, key: str) -> None:
        for statement in self.statements:
            resources = statement["Resource"]
            for resource in resources if isinstance(resources, list) else [resources]:
                if statement["Action"] == action and fnmatch.fnmatchcase(ROOT + key, resource):
                    self.used.add(resource)
                    return
        raise StoreDenied(f"{action} {key}")

    def _ask_list(self) -> None:
        if not any(statement["Action"] == "s3:ListBucket" for statement in self.statements):
            raise StoreDenied("list")


def as_role(role: str, objects: dict[str, bytes]):
    return a_model(Governed(objects, ROLES[role]), name=NAME, who=len(role))


@pytest.fixture
def objects() -> dict[str, bytes]:
    """v1 was champion, v2 is, v3 waits."""
    store = MemoryStore()
    model = a_model(store, name=NAME)
    for label in "ab":
        promote(model, register(model, label))
    register(model, "c")
    return store.objects


BY_TRAINER = {
    "register": lambda model: register(model, "new"),
    "tag": lambda model: model.tag("best", 1, author="ann"),
    "retire": lambda model: model.retire([3], **WHY),
}
BY_PROMOTER = {
    "score": lambda model: model.score(
        ScoredNight(b"scores", "2024-05-02", "2024-05-02", 90), fold=b"".join, author="night"
    ),
    "promote": lambda model: promote(model, model.version(3)),
    "hold with a large record": lambda model: model.hold(
        expected=model.champion(), author="gate", body={"sentence": "s", "record": {"numbers": [0.1] * 2000}}
    ),
    "force": lambda model: model.force(3, **WHY),
    "rollback": lambda model: model.rollback(**WHY),
    "freeze": lambda model: model.freeze(**WHY),
    "suspend": lambda model: model.suspend(**WHY),
    "set policy": lambda model: model.set_policy({}, **WHY),
}
ALLOWED = {
    "reader": set(),
    "trainer": {*BY_TRAINER},
    "promoter": {*BY_TRAINER, *BY_PROMOTER},
    "keeper": set(),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", [*BY_TRAINER, *BY_PROMOTER])
def test_a_role_does_its_work_and_no_other(role, name, objects):
    act, before = {**BY_TRAINER, **BY_PROMOTER}[name], dict(objects)
    model = as_role(role, objects)
    if name in ALLOWED[role]:
        act(model)
        assert len(objects) > len(before)
    else:
        with pytest.raises(StoreDenied):
            act(model)
        logs = {key: data for key, data in objects.items() if "/versions/" in key or "/decisions/" in key}
        assert logs == {key: data for key, data in before.items() if key in logs}


@pytest.mark.parametrize("role", ROLES)
def test_every_role_reads(role, objects):
    model = as_role(role, objects)
    assert model.champion().version == "v2" and len(model.history()) == 3
    assert model.store.get(model.champion().artifact) == b"archive b"


def test_nobody_deletes_from_a_log_or_overwrites(objects):
    for role, statements in ROLES.items():
        store = Governed(objects, statements)
        for key in [key for key in objects if "/versions/" in key or "/decisions/" in key or key == "format.json"]:
            with pytest.raises(StoreDenied):
                store.delete(key)
            with pytest.raises(RegistryError):
                store.create(key, b"other")
        puts = [statement for statement in statements if statement["Action"] == "s3:PutObject"]
        assert all(statement["Condition"] == {"Null": {"s3:if-none-match": "false"}} for statement in puts), role


def test_production_goes_on_when_a_trainer_fills_its_log_with_rubbish(objects):
    rogue = Governed(objects, ROLES["trainer"])
    rogue.create(f"models/{NAME}/versions/0000000/0000000999-9999999000.json", b"rubbish")
    model = as_role("reader", objects)
    assert model.champion().version == "v2"
    assert model.store.get(model.champion().artifact) == b"archive b"
    with pytest.raises(RegistryError, match="verify"):
        register(as_role("trainer", objects), "new")


def test_no_right_is_to_spare(objects):
    used: set[str] = set()
    for role, acts in (("trainer", BY_TRAINER), ("promoter", BY_PROMOTER)):
        for act in acts.values():
            mine = dict(objects)
            mine.pop("format.json", None)
            store = Governed(mine, ROLES[role])
            act(a_model(store, name=NAME, who=7))
            used |= store.used
    puts = {
        resource for block in (TRAINER, PROMOTER) for statement in block for resource in _listed(statement["Resource"])
    }
    assert puts <= used


def _listed(resources: str | list[str]) -> Keys:
    return resources if isinstance(resources, list) else [resources]
